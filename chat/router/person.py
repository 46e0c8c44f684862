"""Recognises that a customer asks for a person, in whatever words and however hurriedly typed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chat.router.person_examples import (
    ASKING,
    BETWEEN,
    NOT_ASKING,
    PERSONS,
    STRONG_PERSONS,
    STRONG_VERBS,
    VERBS,
)
from chat.router.separator import Separator, separate
from chat.router.spelling import SHORTEST_FOR_TWO, slips
from knowledge import lexical
from knowledge.embedding import Embedder
from knowledge.sentences import sentences

_BOT = re.compile(r"\b(?:chat)?(?:ro)?bots?\b|\bmachine\b|\bhelpful\b|\bunderstand (?:me|you)\b")
_PUT_THROUGH = re.compile(
    r"\b(?:connect|transfer|forward|put|pass|hand|switch|escalate|redirect)\b.{0,30}?\b(?:to|through|over)\b.{0,30}?"
    r"\b(?:support|service|care|helpdesk|desk|team|department|office)\b"
)
# "Could a person take a look at it?", "can someone call me back": a person is to do what only a person does. Somebody
# who is to look at a boiler is a technician.
_TO_ACT = re.compile(
    r"\b(?:can|could|would|will|may|might|let|have|get)\s+(?:you\s+)?(?:(?:have|get|let)\s+)?"
    r"(?:an?\s+)?(?:real\s+|actual\s+|live\s+)?"
    r"(?:person|human(?:\s+being)?|someone|somebody|agent|advis[eo]r|colleague|one of you|one of your \w+)\s+(?!else\b)"
    r"(?:please\s+|to\s+)?(?:take\s+over|look\s+into|get\s+(?:back|in touch)|"
    r"(?:(?:have|take)\s+a\s+(?:\w+\s+)?look|look)(?:\s+at\s+(?:it|this|that|them|these|what|(?:my|our)\s+(?:\w+\s+)?"
    r"(?:case|account|order|problem|issue|claim|complaint|application|ticket|bill|message|booking|payment|refund))\b|"
    r"\s*(?:[.?!]|$|for me|please))|"
    r"(?:call|ring|phone|contact|message|text|e?-?mail)\s+me)\b"
)
_SOMETHING_ELSE = re.compile(
    r"^(?:so |and )?(?:are you|is this a|am i|is it a|do i (?:have|need) to|must i|will i (?:have|need) to)\b"
    r"|\b(?:if|whether|that|when|know) (?:you are|you're|i am|i'm)\b"
    r"|\b(?:talk|speak)ing (?:to me|with you)\b|\bap+oint?ments?\b|\bin person\b"
)
WORDED_FROM, LIKE_FROM, AHEAD = 0.50, 0.72, 0.08
PLAINLY_WORDED_FROM = 0.30
WORDS_READ, SENTENCES_READ = 60, 5
PHRASED_ALIKE = 0.75
LEARNED_FROM = 0.75
SPELT_LIKE_FROM, SPELT_MEANING_FROM = 0.62, 0.40
SHORTEST_CORRECTED = 4
# With them, an ordinary word that lies near one of theirs.
_ASKED_BY = sorted(word for word in PERSONS | STRONG_VERBS | {"assistance"} if len(word) >= SHORTEST_CORRECTED)


def _letters(text: str) -> frozenset[str]:
    """Three neighbouring letters each, without spaces: a slip changes few of them."""
    joined = re.sub(r"[^a-z]", "", text.lower())
    return frozenset(joined[place : place + 3] for place in range(len(joined) - 2))


_CORES = [
    _letters(f"{verb} {preposition} {person}")
    for verb in ("talk", "talking", "speak", "speaking", "chat", "chatting", "contact", "contacting")
    for preposition in (("",) if verb.startswith("contact") else ("to", "with"))
    for person in (
        "a person",
        "someone",
        "somebody",
        "a human",
        "a human agent",
        "an agent",
        "a live agent",
        "an operator",
        "an assistant",
        "a representative",
        "an adviser",
    )
]


@dataclass(frozen=True)
class PersonWish:
    """`plain` where it is said in so many words, and not only sounds like those who want a person."""

    confidence: float
    example: str
    plain: bool = True


def prepare(embedder: Embedder) -> None:
    ASKING.vectors(embedder)
    NOT_ASKING.vectors(embedder)


def learn(texts: NDArray[np.float32], embedder: Embedder) -> Separator:
    """What tells asking for a person from everything else that this bot's customers ask: `texts`, its own phrasings."""
    asking, not_asking = ASKING.vectors(embedder), NOT_ASKING.vectors(embedder)
    if not len(texts):
        return separate([asking], [not_asking])
    # A bot may have phrasings by which customers ask for a person: they are no counter-examples.
    others = texts[(texts @ asking.T).max(axis=1) < PHRASED_ALIKE]
    return separate([asking], [not_asking, others])


def wish(
    text: str, vector: NDArray[np.float32], embedder: Embedder, separators: Sequence[Separator]
) -> PersonWish | None:
    """What makes it clear that a person is wanted; nothing where it is not. `separators`: one of each bot.

    Of several sentences, one is enough: "Is this a robot? I want a person."
    """
    if not lexical.words(text):
        return None
    found = _wish(text, vector, embedder, separators)
    if found:
        return found
    parts = sentences(text)[:SENTENCES_READ]
    if len(parts) > 1:
        for part, of_part in zip(parts, embedder.embed_queries(parts), strict=True):
            found = found or _wish(part, of_part, embedder, separators)
    return found


def _wish(
    text: str, vector: NDArray[np.float32], embedder: Embedder, separators: Sequence[Separator]
) -> PersonWish | None:
    if _SOMETHING_ELSE.search(text.lower()):
        return None
    written = lexical.words(text)[:WORDS_READ]
    words = [_known_form(word, embedder) for word in written]
    plainly = _PUT_THROUGH.search(text.lower()[:400]) or _TO_ACT.search(text.lower()[:400])
    worded = max(_names_a_person(words), 2 if plainly else 0)
    if worded and words != written:
        vector = embedder.embed_queries([" ".join(words)])[0]
    asking, example = ASKING.nearest(vector, embedder)
    other, _ = NOT_ASKING.nearest(vector, embedder)
    spelt = spelling_share(text)
    if (
        (worded == 2 and asking >= PLAINLY_WORDED_FROM)
        or (worded == 1 and asking >= WORDED_FROM and asking > other - 0.05)
        or (spelt >= SPELT_LIKE_FROM and asking >= SPELT_MEANING_FROM and asking > other - 0.03)
        or (asking >= LIKE_FROM and asking - other >= AHEAD)
    ):
        return PersonWish(float(np.clip(0.5 + 0.25 * worded + asking / 4, 0.7, 0.99)), example)
    likely = min((separator.probability(vector) for separator in separators), default=0.0)
    return PersonWish(likely, example, plain=False) if likely >= LEARNED_FROM else None


def _names_a_person(words: list[str]) -> int:
    """2 where one is asked for in so many words ("speak to an agent"), 1 where it may be meant, else 0."""
    best = 0
    for place, word in enumerate(words):
        if word not in PERSONS:
            continue
        before = place - 1
        while before >= 0 and (words[before] in BETWEEN or _small_slip(words[before])):
            before -= 1
        verb = words[before] if before >= 0 else ""
        if verb in STRONG_VERBS:
            return 2
        if verb in VERBS or len(words) <= 3 or word in STRONG_PERSONS or _BOT.search(" ".join(words)):
            best = 1
    return best


def _small_slip(word: str) -> bool:
    """ "ot" or "en": of its own it means nothing."""
    return len(word) <= 2 and word not in lexical.STOP_WORDS


def _known_form(word: str, embedder: Embedder) -> str:
    """The word that asks for a person and was meant, by one slip or, in a long word, two."""
    if word in PERSONS or word in VERBS or word in BETWEEN or len(word) < SHORTEST_CORRECTED:
        return word
    if word.removesuffix("s") in _ASKED_BY:
        return word.removesuffix("s")
    # "stuff" is no slip for "staff": the embedding model's own list of words stands in for a dictionary.
    if embedder.count_tokens(word) == 1:
        return word
    allowed = 2 if len(word) >= SHORTEST_FOR_TWO else 1
    # A slip changes two letters at most; counting them is quicker than aligning.
    near = [(slips(word, known), known) for known in _ASKED_BY if len(set(word) ^ set(known)) <= 2 * allowed]
    fewest, known = min(near, default=(allowed + 1, word))
    return known if fewest <= allowed else word


def spelling_share(text: str) -> float:
    """The largest share of "speak to a person", in any of its wordings, whose letters the text holds."""
    letters = _letters(text[:400])
    return max(len(core & letters) / len(core) for core in _CORES)
