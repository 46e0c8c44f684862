"""Whether a statement is supported by a source: its facts, names, promises and sense, looked for in one place."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chat.grounding import phrases
from chat.grounding.clauses import Clause, clauses
from chat.grounding.facts import Fact, beside, facts
from chat.grounding.names import folded_words, unknown_names
from knowledge.embedding import Embedder
from knowledge.sentences import sentences

# A statement may draw together this many sentences that stand side by side.
WIDEST = 3
WINDOWS_TRIED = 6
EMBEDDED_BEFOREHAND = 6
COVERED_FROM, SUPPORTED_FROM = 0.4, 0.58
# Where a statement's facts are all there, it may use more words of its own.
COVERED_WITH_FACTS, SUPPORTED_WITH_FACTS = 0.3, 0.48
MOST_SENTENCES = 150


@dataclass(frozen=True)
class Source:
    """A text that may be relied on; `title` says what it is about. `number` is how the prompt calls it."""

    number: int
    text: str
    title: str = ""


@dataclass(frozen=True)
class Verdict:
    """`reason` says what is missing; `source` is the number of the one that supports it, `quote` its words."""

    supported: bool
    reason: str = ""
    source: int = 0
    quote: str = ""


class Evidence:
    """The sources of an answer, taken apart once. `allowed` are names that need none: the company, the customer."""

    def __init__(self, sources: Iterable[Source], embedder: Embedder, allowed: Iterable[str] = ()) -> None:
        self._embedder = embedder
        self._allowed = frozenset(word for name in allowed for word in folded_words(name))
        self._windows = [window for source in sources for window in _windows(source)]
        self._vectors: dict[str, NDArray[np.float32]] = {}

    def prepare(self) -> "Evidence":
        """Do beforehand, while the model still thinks, what the first statement would have to wait for."""
        for window in self._windows:
            window.read()
        for window in self._windows[:EMBEDDED_BEFOREHAND]:
            self._vector(window.text)
        return self

    def add(self, source: Source) -> None:
        """One more, found out while the answer was being given."""
        self._windows += _windows(source)

    def verdict(self, statement: str, named: Collection[int] = ()) -> Verdict:
        """The first that supports it of the stretches which share most with it, those of the sources `named` before
        others; else why the nearest does not."""
        said = _Statement(phrases.plain(statement))
        ranked = sorted(self._windows, key=lambda window: _rank(said, window, named))
        nearest = Verdict(False, "there is nothing to support it with")
        for place, window in enumerate(ranked[:WINDOWS_TRIED]):
            problem = self._problem(said, window)
            if not problem:
                return Verdict(True, "", window.source.number, window.quote)
            if place == 0:
                nearest = Verdict(False, problem, window.source.number, window.quote)
        return nearest

    def _problem(self, said: "_Statement", window: "_Window") -> str:
        if names := unknown_names(said.bare, window.whole, self._allowed):
            return f"the source does not name {', '.join(names)}"
        if missing := said.missing_in(window):
            return f"the source does not say “{said.text[missing[0].start : missing[0].end]}”"
        if unheld := phrases.promises(said.text) - phrases.promises(window.text):
            return f"the source does not promise it ({', '.join(sorted(unheld))})"
        covered = said.covered_by(window)
        if covered < (COVERED_WITH_FACTS if said.facts else COVERED_FROM):
            return "the source speaks of something else"
        if misplaced := _misplaced(said, window):
            return f"the source says “{misplaced}” of something else"
        if any(denies not in window.stances_on(said.content_of(part)) for part, denies in said.stances):
            return "the source says the opposite"
        likeness = float(self._vector(said.text) @ self._vector(window.text))
        if 0.5 * covered + 0.5 * likeness < (SUPPORTED_WITH_FACTS if said.facts else SUPPORTED_FROM):
            return f"too far from the source ({covered:.2f} of its words, likeness {likeness:.2f})"
        return ""

    def _vector(self, text: str) -> NDArray[np.float32]:
        if text not in self._vectors:
            self._vectors[text] = self._embedder.embed_passages([text])[0]
        return self._vectors[text]


@dataclass(frozen=True)
class _Statement:
    text: str

    @cached_property
    def bare(self) -> str:
        return beside(self.text, self.facts)

    @cached_property
    def terms(self) -> frozenset[str]:
        return phrases.content(self.bare)

    @cached_property
    def facts(self) -> list[Fact]:
        return facts(self.text)

    @cached_property
    def clauses(self) -> list[Clause]:
        return clauses(self.text)

    @cached_property
    def stances(self) -> list[tuple[str, bool]]:
        return phrases.stances(self.text)

    def content_of(self, part: str) -> frozenset[str]:
        return phrases.content(part) & self.terms

    def missing_in(self, window: "_Window") -> list[Fact]:
        return [fact for fact in self.facts if not any(fact.is_held_by(other) for other in window.facts)]

    def covered_by(self, window: "_Window") -> float:
        """The share of its words that the window has, in whatever form."""
        return len(self.terms & window.terms) / len(self.terms) if self.terms else 1.0


@dataclass(frozen=True)
class _Window:
    """Sentences side by side in one source."""

    source: Source
    sentences: tuple["_Sentence", ...]

    @cached_property
    def text(self) -> str:
        return " ".join(sentence.text for sentence in self.sentences)

    def read(self) -> None:
        _ = self.terms, self.facts, self.stances, self.whole, [sentence.clauses for sentence in self.sentences]

    @property
    def quote(self) -> str:
        return " ".join(sentence.original for sentence in self.sentences)

    @cached_property
    def whole(self) -> str:
        return f"{self.source.title}\n{self.source.text}"

    @cached_property
    def terms(self) -> frozenset[str]:
        return frozenset().union(*(sentence.terms for sentence in self.sentences), phrases.content(self.source.title))

    @cached_property
    def facts(self) -> list[Fact]:
        return [fact for sentence in self.sentences for fact in sentence.facts] + facts(self.source.title)

    @cached_property
    def stances(self) -> list[tuple[str, bool]]:
        return phrases.stances(self.text)

    def stances_on(self, terms: frozenset[str]) -> set[bool]:
        """Whether it is denied, where most of these words stand. "Only" grants one what it denies others."""
        parts = [(len(terms & phrases.content(part)), part, denies) for part, denies in self.stances]
        most = max(shared for shared, _, _ in parts)
        nearest = [(part, denies) for shared, part, denies in parts if shared == most]
        if any(phrases.ONLY.search(part) for part, _ in nearest):
            return {True, False}
        return {denies for _, denies in nearest}


@dataclass(frozen=True)
class _Sentence:
    original: str

    @cached_property
    def text(self) -> str:
        return phrases.plain(self.original)

    @cached_property
    def bare(self) -> str:
        return beside(self.text, self.facts)

    @cached_property
    def terms(self) -> frozenset[str]:
        return phrases.content(self.bare)

    @cached_property
    def facts(self) -> list[Fact]:
        return facts(self.text)

    @cached_property
    def clauses(self) -> list[Clause]:
        return clauses(self.text)


def _rank(said: _Statement, window: _Window, named: Collection[int]) -> tuple[int, float, bool, int]:
    missing, covered = len(said.missing_in(window)), said.covered_by(window)
    return missing, -covered, window.source.number not in named, len(window.text)


def _windows(source: Source) -> list[_Window]:
    parts = [_Sentence(text) for text in sentences(source.text)[:MOST_SENTENCES]]
    return [
        _Window(source, tuple(parts[start : start + width]))
        for width in range(1, WIDEST + 1)
        for start in range(max(len(parts) - width, 0) + 1)
        if len(parts) >= width
    ]


def _misplaced(said: _Statement, window: _Window) -> str:
    """A fact that the source states of something else, while what the statement speaks of has another one there."""
    stated = [clause for sentence in window.sentences for clause in sentence.clauses]
    for claim in said.clauses:
        same_kind = [clause for clause in stated if clause.fact.kind == claim.fact.kind]
        holders = [clause for clause in same_kind if claim.fact.is_held_by(clause.fact)]
        rivals = [clause for clause in same_kind if not claim.fact.is_held_by(clause.fact)]
        if holders and not any(_is_at_home(claim, holder, rivals) for holder in holders):
            return said.text[claim.fact.start : claim.fact.end]
    return ""


def _is_at_home(claim: Clause, holder: Clause, rivals: Sequence[Clause]) -> bool:
    said = claim.terms - phrases.SAID_OF_ANYTHING
    return not any(said & (rival.terms - holder.terms) and not said & (holder.terms - rival.terms) for rival in rivals)
