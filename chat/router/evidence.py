"""What speaks for and against answering a question from a candidate, as numbers that mean the same for every bot."""

import re
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chat.router.learned import Learned
from chat.router.matching import Match
from knowledge import lexical
from knowledge.search import Passage

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


@dataclass(frozen=True)
class Asked:
    """A question's terms (stems of its content words), and which of them the bot has never heard.

    `novel_names` are unheard words that look like names: capitalised inside a sentence, or with digits.
    """

    terms: frozenset[str]
    novel: frozenset[str]
    novel_names: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.terms)


def read(learned: Learned, text: str) -> Asked:
    """The words of a question as this bot knows them."""
    terms = frozenset(lexical.terms(text))
    novel = terms - learned.known
    return Asked(terms, novel, frozenset(_names(text)) & novel)


def _names(text: str) -> set[str]:
    words = [(match.start(), match.group()) for match in _WORD.finditer(text)]
    shouted = sum(word.isupper() for _, word in words) > len(words) / 2
    found = set()
    for number, (start, word) in enumerate(words):
        inside = number > 0 and text[:start].rstrip()[-1:] not in {".", "!", "?", ":", "-"}
        if (inside and not shouted and word[0].isupper()) or any(letter.isdigit() for letter in word):
            found.update(lexical.terms(word))
    return found


def share(learned: Learned, part: Collection[str], whole: Collection[str]) -> float:
    """How much of the rarity of a question's words lies in some of them; one where it has no words."""
    mass = sum(learned.rarity(term) for term in whole)
    return sum(learned.rarity(term) for term in part) / mass if mass else 1.0


def of_entry(learned: Learned, asked: Asked, match: Match) -> NDArray[np.float64]:
    """The numbers that `answerability` weighs for a FAQ or an action."""
    covered = asked.terms & learned.entry_terms[match.entry]
    place = float(np.clip(learned.nearness.place(match.cosine), -2, 3))
    novel = share(learned, asked.novel, asked.terms) if asked else 0.0
    coverage = share(learned, covered, asked.terms)
    return np.array([
        match.cosine,
        match.closeness,
        match.answer,
        max(np.log(match.probability + 1e-9), -6),
        min(match.margin, 0.3),
        place,
        coverage,
        coverage**2,
        novel,
        novel * match.cosine,
        min(len(asked.novel), 3),
        min(len(asked.novel_names), 2),
        match.likeness,
        len(asked.terms) <= 1,
        1 / (1 + len(asked.terms)),
        match.cosine**2,
        *match.votes,
        float(np.clip(match.answer_margin, -0.3, 0.3)),
        np.log(1 + learned.entries),
        np.log(1 + len(learned.texts.owners) / learned.entries),
    ])  # fmt: skip


def of_passage(learned: Learned, asked: Asked, passages: Collection[Passage]) -> NDArray[np.float64]:
    """The same for the best of the passages that were found; the others say how much it stands out."""
    best, *others = passages
    words = frozenset(lexical.terms(" ".join([best.text, best.title, *best.heading_path])))
    covered = asked.terms & words
    novel = share(learned, asked.novel, asked.terms) if asked else 0.0
    coverage = share(learned, covered, asked.terms)
    runner_up = max((other.score for other in others if other.chunk_id != best.chunk_id), default=0.0)
    return np.array([
        best.cosine,
        best.cosine**2,
        min(best.lexical, 4),
        min(best.score - runner_up, 0.3),
        coverage,
        coverage**2,
        novel,
        novel * best.cosine,
        min(len(asked.novel), 3),
        min(len(asked.novel_names), 2),
        len(asked.terms) <= 1,
        1 / (1 + len(asked.terms)),
    ])  # fmt: skip
