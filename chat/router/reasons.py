"""Says in one sentence why a question was routed as it was, for the record and for the people who read it."""

from collections.abc import Sequence

from chat.router.evidence import Asked
from chat.router.learned import Learned
from chat.router.matching import Match
from knowledge import lexical
from knowledge.search import Passage


def of_entry(learned: Learned, asked: Asked, found: Match) -> str:
    """Why a FAQ or an action was chosen."""
    covered = _covered(asked, learned.entry_terms[found.entry])
    return f"Closest to {_named(learned, found.entry)} ({found.score:.2f}); {covered}."


def of_passage(asked: Asked, best: Passage) -> str:
    """Why the documents were chosen."""
    words = frozenset(lexical.terms(" ".join([best.text, best.title, *best.heading_path])))
    place = f", “{best.heading_path[-1]}”" if best.heading_path else ""
    return f"Closest to a passage of “{best.title}”{place} ({best.score:.2f}); {_covered(asked, words)}."


def of_unknown(learned: Learned, asked: Asked, matches: Sequence[Match], passages: Sequence[Passage]) -> str:
    """Why nothing was good enough."""
    if not matches and not passages:
        return "This bot has no knowledge to answer from."
    nearest = []
    if matches:
        nearest.append(f"{_named(learned, matches[0].entry)} ({matches[0].score:.2f})")
    if passages:
        nearest.append(f"a passage of “{passages[0].title}” ({passages[0].score:.2f})")
    unheard = f", and nothing here mentions {_listed(asked.novel)}" if asked.novel else ""
    return f"The nearest are {' and '.join(nearest)}: not near enough{unheard}."


def _named(learned: Learned, entry: int) -> str:
    faqs = learned.snapshot.faqs
    if entry < len(faqs):
        return f"the FAQ “{faqs[entry].question}”"
    return f"the action “{learned.snapshot.actions[entry - len(faqs)].title}”"


def _covered(asked: Asked, words: frozenset[str]) -> str:
    missing = asked.terms - words
    if not asked.terms:
        return "the question has no words of its own"
    if not missing:
        return "every word of the question is covered"
    return f"not covered: {_listed(missing)}"


def _listed(terms: frozenset[str]) -> str:
    return ", ".join(f"“{term}”" for term in sorted(terms)[:4])
