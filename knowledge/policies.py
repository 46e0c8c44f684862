"""The rules of a business that govern an action: the texts of the linked documents, and what is to the point."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from knowledge import lexical
from knowledge.models import ActionPolicy, Chunk
from knowledge.sentences import sentences as split_sentences

LONGEST = 20_000
QUOTED = 3


@dataclass(frozen=True)
class PolicyText:
    """A linked document in full, as far as it has been read; `quotes` are its sentences that speak of the action."""

    document_id: UUID
    title: str
    url: str
    text: str
    quotes: tuple[str, ...]


def texts_of(group_id: UUID, action_id: UUID, about: str) -> tuple[PolicyText, ...]:
    """What governs an action, for whoever checks or approves a call of it; `about` is what the call says of itself.

    Needs the bot's scope.
    """
    rows = ActionPolicy.objects.filter(group_id=group_id, action_id=action_id).select_related("document")
    found = []
    for row in rows.order_by("document__title"):
        chunks = Chunk.objects.filter(group_id=group_id, document_id=row.document_id).order_by("position")
        text = "\n\n".join(chunks.values_list("text", flat=True))[:LONGEST]
        document = row.document
        found.append(PolicyText(document.id, document.title, document.url, text, _to_the_point(text, about)))
    return tuple(found)


def _to_the_point(text: str, about: str) -> tuple[str, ...]:
    """The sentences that share the most words with it, in the order of the document."""
    wanted = frozenset(lexical.terms(about))
    sentences: Sequence[str] = [sentence.strip() for sentence in split_sentences(text) if sentence.strip()]
    shared = [len(wanted & frozenset(lexical.terms(sentence))) for sentence in sentences]
    best = sorted((at for at in range(len(sentences)) if shared[at]), key=lambda at: (-shared[at], at))[:QUOTED]
    return tuple(sentences[at] for at in sorted(best))
