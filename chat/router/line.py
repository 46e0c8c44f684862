"""Decides one question against one bot: which line takes it, how sure that is, and why."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from chat.exchange import Decision
from chat.router import answerability, evidence, reasons
from chat.router.evidence import Asked
from chat.router.learned import Learned, learn
from chat.router.matching import Match, match
from knowledge import lexical
from knowledge.embedding import Embedder
from knowledge.search import Passage
from knowledge.snapshot import Snapshot

ANSWERED_FROM = 0.5
# A vetted answer is preferred to a passage that is only a little likelier to answer.
VETTED_AHEAD = 0.1
VERBATIM_CONFIDENCE = 0.97
# Closer than this, the vetted answer is given and the passage after it.
EQUALLY_LIKELY = 0.2
# A passage is quoted beside another answer from this likelihood on, if it alone covers this share of the question's
# rarity: it then speaks of something asked that the other answer does not.
BESIDE_FROM, TELLS_FROM = 0.35, 0.2
OFFERED = 3
OFFERED_FROM = 0.35


def decide(
    snapshot: Snapshot, text: str, vector: NDArray[np.float32], passages: Sequence[Passage], embedder: Embedder
) -> Decision:
    """The line for one question; `passages` are those of this bot, best first."""
    learned = learn(snapshot, embedder)
    asked = evidence.read(learned, text)
    found = match(learned, vector, asked.terms)
    entry = _likely(learned, asked, found) if found else 0.0
    passage = answerability.probability("passage", evidence.of_passages(learned, asked, passages)) if passages else 0.0
    prepared = _from_entry(learned, asked, found, entry) if found and entry >= ANSWERED_FROM else None
    written = _from_passages(snapshot, asked, passages, passage) if passage >= BESIDE_FROM else None
    if prepared and found and (prepared.action or entry + VETTED_AHEAD >= passage):
        # What is written about a thing never tells how it stands today: live data goes first.
        missing = asked.terms - learned.entry_terms[found.entry]
        beside = written is not None and _tells(learned, missing, asked, passages[0])
        equal = not prepared.action and passage >= ANSWERED_FROM and abs(entry - passage) < EQUALLY_LIKELY
        return replace(prepared, also=written) if beside or equal else prepared
    if written and passage >= ANSWERED_FROM:
        return written
    return Decision(
        "unknown",
        1 - max(entry, passage),
        reasons.of_unknown(learned, asked, found, passages),
        snapshot.group_id,
        passages=tuple(passages),
        nearest=_offers(learned, found) if found else (),
    )


def _tells(learned: Learned, missing: frozenset[str], asked: Asked, passage: Passage) -> bool:
    """Whether a passage speaks of what the customer asks beside the live data ("waterproof" in "waterproof jackets in
    stock")."""
    there = missing & frozenset(lexical.terms(f"{passage.title} {passage.text}"))
    return evidence.share(learned, there, asked.terms) >= TELLS_FROM if asked.terms else False


def _likely(learned: Learned, asked: Asked, found: Match) -> float:
    likely = answerability.probability("entry", evidence.of_entry(learned, asked, found))
    return max(likely, VERBATIM_CONFIDENCE) if found.verbatim else likely


def _from_entry(learned: Learned, asked: Asked, found: Match, probability: float) -> Decision:
    snapshot = learned.snapshot
    reason = reasons.of_entry(learned, asked, found)
    if found.entry < len(snapshot.faqs):
        return Decision("faq", probability, reason, snapshot.group_id, faq=snapshot.faqs[found.entry])
    action = snapshot.actions[found.entry - len(snapshot.faqs)]
    return Decision("dynamic", probability, reason, snapshot.group_id, action=action)


def _from_passages(snapshot: Snapshot, asked: Asked, passages: Sequence[Passage], probability: float) -> Decision:
    reason = reasons.of_passage(asked, passages[0])
    return Decision("document", probability, reason, snapshot.group_id, passages=tuple(passages))


def _offers(learned: Learned, found: Match) -> tuple[str, ...]:
    """Prepared questions to offer instead, where they are near enough not to seem absurd."""
    snapshot = learned.snapshot
    titles = [faq.question for faq in snapshot.faqs] + [action.title for action in snapshot.actions]
    near = zip(found.ranking, found.scores, strict=True)
    return tuple(titles[number] for number, score in near if score >= OFFERED_FROM)[:OFFERED]
