"""Decides one question against one bot: which line takes it, how sure that is, and why."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from chat.exchange import Decision
from chat.router import evidence, reasons
from chat.router.asked import Asked, read
from chat.router.calibration import answered_from, confidence, is_sure
from chat.router.candidates import Candidate, gather, judged
from chat.router.learned import Learned, learn
from chat.router.matching import Match
from knowledge import lexical
from knowledge.embedding import Embedder
from knowledge.search import Passage
from knowledge.snapshot import Snapshot

VERBATIM_CONFIDENCE = 0.97
# See `confidence`.
ANSWERED = 0.5
# A vetted answer goes before what is written somewhere, unless this is twice as likely.
VETTED_FIRST = 0.5
# Another passage is quoted after the first when it is this likely compared with it, and so is a passage after a vetted
# answer.
NEARLY, NEARLY_BESIDE_A_FAQ = 0.2, 0.1
QUOTED = 3
# A passage is quoted beside live data from this likelihood on, if it alone covers this share of the question's
# rarity: it then speaks of something asked that the data does not.
BESIDE_FROM, TELLS_FROM = 0.1, 0.2
# What is written about a thing never tells how it stands today: a passage has to be so much likelier.
BEFORE_WHAT_IS_WRITTEN = 0.4
OFFERED = 3
OFFERED_FROM = 0.35
RIVALS = 6


def decide(
    snapshot: Snapshot, text: str, vector: NDArray[np.float32], passages: Sequence[Passage], embedder: Embedder
) -> Decision:
    """The line for one question; `passages` are those of this bot, best first."""
    learned = learn(snapshot, embedder)
    asked = read(learned, text, embedder.token_vectors(text), embedder.token_words(text))
    candidates = judged(gather(learned, asked, vector, passages))
    threshold = answered_from(learned, embedder)
    decision = _decided(learned, asked, candidates, threshold)
    if any(each.match and each.match.verbatim for each in candidates):
        return decision
    if is_sure(sum(each.probability for each in candidates), threshold):
        return decision
    return replace(decision, rivals=_rivals(learned, asked, decision, candidates))


def _decided(learned: Learned, asked: Asked, candidates: list[Candidate], threshold: float) -> Decision:
    entries = _likeliest_first([each for each in candidates if each.match])
    passages = _likeliest_first([each for each in candidates if each.passage])
    entry = entries[0] if entries else None
    live = _is_action(learned, entry, passages)
    answered = confidence(sum(each.probability for each in candidates), threshold)
    if entry and entry.match and entry.match.verbatim:
        answered = max(answered, VERBATIM_CONFIDENCE)
    elif answered < ANSWERED:
        return _unknown(learned, asked, entries, passages, 1 - answered)
    written = _from_passages(learned, asked, passages, answered) if passages else None
    if entry is None or not entry.match:
        assert written is not None  # something is likely to answer
        return written
    likelier = passages[0].probability if passages else 0.0
    if VETTED_FIRST * likelier > entry.probability and not entry.match.verbatim and not live:
        return written or _from_entry(learned, asked, entry.match, answered)
    prepared = _from_entry(learned, asked, entry.match, answered)
    if prepared.action:
        # What is written about a thing never tells how it stands today: live data goes first.
        beside = likelier >= BESIDE_FROM and _tells(learned, asked, entry.match, passages[0])
    else:
        beside = likelier >= NEARLY_BESIDE_A_FAQ * entry.probability
    return replace(prepared, also=written) if beside else prepared


def _rivals(learned: Learned, asked: Asked, decision: Decision, candidates: list[Candidate]) -> tuple[Decision, ...]:
    """The likeliest candidates, each as the decision that it would be, and the one that was taken as it is."""
    found = [decision] if decision.route != "unknown" else []
    taken = {decision.faq, decision.action, *decision.passages[:1]}
    for candidate in _likeliest_first(candidates)[:RIVALS]:
        if candidate.match:
            rival = _from_entry(learned, asked, candidate.match, candidate.probability)
        else:
            rival = _from_passages(learned, asked, [candidate], candidate.probability)
        if taken.isdisjoint({rival.faq, rival.action, *rival.passages[:1]} - {None}):
            found.append(rival)
    return tuple(found[:RIVALS])


def _is_action(learned: Learned, entry: Candidate | None, passages: list[Candidate]) -> bool:
    if entry is None or entry.match is None or entry.match.entry < len(learned.snapshot.faqs):
        return False
    return not passages or entry.probability >= BEFORE_WHAT_IS_WRITTEN * passages[0].probability


def _likeliest_first(candidates: list[Candidate]) -> list[Candidate]:
    return sorted(candidates, key=lambda each: -each.probability)


def _tells(learned: Learned, asked: Asked, found: Match, candidate: Candidate) -> bool:
    """Whether a passage speaks of what the customer asks beside the live data ("waterproof" in "waterproof jackets in
    stock")."""
    passage = candidate.passage
    if passage is None or not asked.terms:
        return False
    missing = asked.terms - learned.entry_terms[found.entry]
    there = missing & frozenset(lexical.terms(f"{passage.title} {passage.text}"))
    return evidence.share(learned, there, asked.terms) >= TELLS_FROM


def _from_entry(learned: Learned, asked: Asked, found: Match, confidence: float) -> Decision:
    snapshot = learned.snapshot
    reason = reasons.of_entry(learned, asked, found)
    if found.entry < len(snapshot.faqs):
        return Decision("faq", confidence, reason, snapshot.group_id, faq=snapshot.faqs[found.entry])
    action = snapshot.actions[found.entry - len(snapshot.faqs)]
    return Decision("dynamic", confidence, reason, snapshot.group_id, action=action)


def _from_passages(learned: Learned, asked: Asked, candidates: list[Candidate], confidence: float) -> Decision:
    """A decision to quote the likeliest passage and what is nearly as likely: a table often stands apart."""
    least = NEARLY * candidates[0].probability
    quoted = [each.passage for each in candidates[:QUOTED] if each.passage and each.probability >= least]
    reason = reasons.of_passage(asked, quoted[0])
    return Decision("document", confidence, reason, learned.snapshot.group_id, passages=tuple(quoted))


def _unknown(
    learned: Learned, asked: Asked, entries: list[Candidate], passages: list[Candidate], confidence: float
) -> Decision:
    matches = [each.match for each in entries if each.match]
    read_in = [each.passage for each in passages if each.passage]
    reason = reasons.of_unknown(learned, asked, matches, read_in)
    return Decision("unknown", confidence, reason, learned.snapshot.group_id, nearest=_offers(learned, matches))


def _offers(learned: Learned, matches: list[Match]) -> tuple[str, ...]:
    """Prepared questions to offer instead, where they are near enough not to seem absurd."""
    snapshot = learned.snapshot
    titles = [faq.question for faq in snapshot.faqs] + [action.title for action in snapshot.actions]
    return tuple(titles[found.entry] for found in matches if found.score >= OFFERED_FROM)[:OFFERED]
