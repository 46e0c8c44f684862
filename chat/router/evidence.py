"""What speaks for and against answering a question from a candidate, as numbers that mean the same for every bot."""

import math
from collections.abc import Collection, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from chat.router.asked import Asked
from chat.router.learned import Learned
from chat.router.matching import Match
from chat.router.salience import missing
from knowledge import lexical
from knowledge.embedding import TokenVectors
from knowledge.embedding.late_interaction import best_in_windows, unpack
from knowledge.search import Passage
from knowledge.sentences import sentences


def share(learned: Learned, part: Collection[str], whole: Collection[str]) -> float:
    """How much of the rarity of a question's words lies in some of them; one where it has no words."""
    mass = sum(learned.rarity(term) for term in whole)
    return sum(learned.rarity(term) for term in part) / mass if mass else 1.0


# Of the words of questions that are asked in vain, a bot has not heard this share, however much it was told.
UNHEARD_IN_VAIN = 0.25
# What may only speak for an answer (1), only against it (-1), or either way (0).
ENTRY_SIGNS = (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, -1)
PASSAGE_SIGNS = (1, 1, 1, 1, 1, 1, -1, -1, -1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 1, -1)
# So many of them, the last, come from token vectors.
OF_TOKENS = 6
FARTHEST_AHEAD = 0.3
# The fewer entries or passages a bot has, the likelier it is that the nearest one is meant; below so many hardly.
SMALLEST = 5
# A sentence that holds this share of a question's rarity all but repeats it.
NEARLY_SAID = 0.9
# How like by late interaction an answer is to a question that it has little to do with.
USUAL_LATE = 0.5


def of_entry(
    learned: Learned, asked: Asked, match: Match, others: Sequence[Match], *, alone: bool
) -> NDArray[np.float64]:
    """The numbers that `answerability` weighs for a FAQ or an action; `others` are the further ones that were found;
    `alone` says that there are no passages beside them."""
    novel_terms, novel_names = asked.novel, asked.novel_names
    is_action = match.entry >= len(learned.snapshot.faqs)
    if is_action:
        # Questions to an action name things that only its API knows.
        novel_terms, novel_names = novel_terms - novel_names, frozenset()
    novel = share(learned, novel_terms, asked.terms) if asked else 0.0
    runner_up = max((other.score for other in others if other is not match), default=learned.nearness.other)
    return np.array([
        match.cosine,
        match.closeness,
        match.answer,
        max(np.log(match.probability + 1e-9), -6),
        math.sqrt(match.probability) * match.cosine,
        float(np.clip(match.score - runner_up, -FARTHEST_AHEAD, FARTHEST_AHEAD)),
        float(np.clip(learned.nearness.place(match.cosine), -2, 3)),
        share(learned, asked.terms & learned.entry_terms[match.entry], asked.terms),
        match.likeness,
        match.verbatim,
        novel,
        novel * match.cosine,
        min(len(novel_terms), 3),
        min(len(novel_names), 2),
        1 / (1 + len(asked.terms)),
        len(asked.terms) <= 1,
        is_action,
        alone,
        1 / (SMALLEST + learned.entries),
        match.late.phrased,
        match.late.read,
        _ahead(match.late.best, [other.late.best for other in others if other is not match]),
        match.late.salient,
        match.late.salient_of_all,
        missing(asked.needs_of_actions if is_action else asked.needs, match.late.by_token[1]),
    ])  # fmt: skip


def surprise(learned: Learned, asked: Asked, *, of_action: bool = False) -> float:
    """How much likelier it makes it that a question is asked in vain that the bot has not heard some of its words.

    The logarithm of how much likelier one such word is there than among the bot's own texts, times the words' share of
    the question's rarity. To an action names that only its API knows are no surprise.
    """
    novel = asked.novel - asked.novel_names if of_action else asked.novel
    if not novel:
        return 0.0
    return share(learned, novel, asked.terms) * max(math.log(UNHEARD_IN_VAIN / learned.unheard), 0.0)


def of_passage(
    learned: Learned, asked: Asked, passage: Passage, found: Sequence[Passage], *, alone: bool
) -> NDArray[np.float64]:
    """The same for one of the passages that were found; how far it stands out among them is the surest sign. `alone`
    says that the bot has no FAQs or actions."""
    told = _sentences(passage.text)
    words = frozenset(lexical.terms(" ".join([passage.title, *passage.heading_path]))).union(*told)
    coverage = share(learned, asked.terms & words, asked.terms)
    said = max((share(learned, asked.terms & words, asked.terms) for words in told), default=0.0)
    others = [other.score for other in found if other is not passage]
    late = _late(passage)
    salient, salient_in_one_place, lacking = _salient(asked, unpack(passage.tokens))
    others_late = [_late(other) for other in found if other is not passage]
    ahead = passage.score - max(others, default=passage.score)
    apart = passage.score - float(np.median(others)) if others else 0.0
    return np.array([
        passage.cosine,
        min(passage.lexical, 4),
        coverage,
        coverage * passage.cosine,
        float(np.clip(apart, -FARTHEST_AHEAD, FARTHEST_AHEAD)),
        float(np.clip(ahead, -FARTHEST_AHEAD, FARTHEST_AHEAD)),
        share(learned, asked.novel, asked.terms) if asked else 0.0,
        min(len(asked.novel), 3),
        min(len(asked.novel_names), 2),
        1 / (1 + len(asked.terms)),
        said,
        said >= NEARLY_SAID,
        alone,
        1 / (SMALLEST + learned.snapshot.chunks),
        late,
        _ahead(late, others_late),
        _ahead(late, [float(np.median(others_late))] if others_late else []),
        salient,
        salient_in_one_place,
        lacking,
    ])  # fmt: skip


def _salient(asked: Asked, tokens: TokenVectors) -> tuple[float, float, float]:
    """How like a text is to what matters in the question, all over it and in the best of its windows; and what of it is
    missing there."""
    if not len(tokens) or not len(asked.tokens):
        return math.nan, math.nan, math.nan
    places = best_in_windows(asked.tokens, tokens)
    best = places.max(axis=0)
    return float(best @ asked.weights), float((places @ asked.weights).max()), missing(asked.needs, best)


def _late(passage: Passage) -> float:
    return math.nan if passage.late is None else passage.late


def _ahead(late: float, others: Sequence[float]) -> float:
    """How much liker a candidate is than the best of the others; USUAL_LATE stands for these where there are none."""
    return float(np.clip(late - max(others, default=USUAL_LATE), -FARTHEST_AHEAD, FARTHEST_AHEAD))


@lru_cache(maxsize=2_000)
def _sentences(text: str) -> tuple[frozenset[str], ...]:
    """The words of each sentence or row of a passage."""
    pieces = [piece for line in text.split("\n") for piece in sentences(line)]
    return tuple(frozenset(lexical.terms(piece)) for piece in pieces)
