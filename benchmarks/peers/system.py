"""What every system measured here can do, ours and the others alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Text:
    """A document to be found: a short FAQ, a paragraph or a whole manual."""

    id: str
    title: str
    body: str

    @property
    def whole(self) -> str:
        return f"{self.title}\n{self.body}"


class Retriever(Protocol):
    """A system that finds texts. `modes` are the ways to search that its own documentation describes."""

    modes: tuple[str, ...]

    def ingest(self, collection: str, texts: Sequence[Text]) -> None:
        """Store the texts in a new collection; return once all can be found."""

    def search(self, collection: str, question: str, k: int, mode: str) -> list[str]:
        """The ids of the texts that the k best passages come from, best first. Called from several threads at once."""


class Chooser(Protocol):
    """A system that chooses the intent of a question, or none."""

    def learn(self, phrasings: Sequence[tuple[str, str]]) -> None:
        """Pairs of a phrasing and its intent; whoever needs examples to set a threshold takes them from these."""

    def choose(self, question: str) -> str:
        """The intent, '' for none."""


@dataclass(frozen=True)
class Setting:
    """Where a system finds what all share. `database` is the owner's connection string of a database of its own."""

    database: str
    model: str
