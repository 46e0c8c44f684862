"""What each fact of a sentence is said of: the words around it, up to the next fact of its kind."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from chat.grounding import phrases
from chat.grounding.facts import Fact, beside, facts

_BORDER = re.compile(r"\s*(?:[,;:()–]|\band\b|\bbut\b|\bwhile\b|\bor\b)\s*")


@dataclass(frozen=True)
class Clause:
    fact: Fact
    terms: frozenset[str]


def clauses(text: str) -> list[Clause]:
    """One for each fact. "£58 for dogs and £55 for cats": what stands before the first is said of both."""
    found = facts(text)
    parts = list(_parts(text, found))
    bare = beside(text, found)
    result: list[Clause] = []
    for kind in {fact.kind for fact in found}:
        shared: frozenset[str] = frozenset()
        own: dict[Fact, Clause] = {}
        last: list[Fact] = []
        loose: frozenset[str] = frozenset()
        for start, end in parts:
            here = [fact for fact in found if fact.kind == kind and start <= fact.start < end]
            terms = phrases.content(bare[start:end])
            if not here:
                # What stands before the first fact belongs to it, what follows a fact to the one before.
                if not last:
                    loose |= terms
                for each in last:
                    own[each] = Clause(own[each].fact, own[each].terms | terms)
                continue
            before = phrases.content(bare[start : here[0].start])
            if phrases.POINTS_BACK.search(text[start:end]) and last:
                terms |= own[last[-1]].terms
            shared = before | loose if before or not last else shared
            own |= {fact: Clause(fact, terms | shared) for fact in here}
            last = here
            loose = frozenset()
        result += own.values()
    return result


def _parts(text: str, found: list[Fact]) -> Iterator[tuple[int, int]]:
    """Where the text is cut; never within a fact."""
    start = 0
    for border in _BORDER.finditer(text):
        if any(fact.start < border.end() and border.start() < fact.end for fact in found):
            continue
        if border.start() > start:
            yield start, border.start()
        start = border.end()
    if start < len(text):
        yield start, len(text)
