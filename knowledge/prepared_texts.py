"""All texts of a bot that need a vector, which of them have none in a space yet, and how they get one."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from knowledge import vectors
from knowledge.chunking import ChunkDraft, embedding_text
from knowledge.embedding import Embedder, Space
from knowledge.models import Action, Chunk, Faq, Phrasing, Vector
from knowledge.snapshot import reading
from knowledge.text_hash import text_hash
from tenants.scope import Scope, within


@dataclass(frozen=True)
class Text:
    """`key` is the hash that its vector is kept by. What customers ask is a query, all else a passage."""

    key: str
    text: str
    as_query: bool = False


def of_faq(faq: Faq, phrasings: Iterable[str]) -> list[Text]:
    return _of_entry([faq.question, *phrasings], reading(faq.question, faq.answer))


def of_action(action: Action) -> list[Text]:
    return _of_entry([action.title, *action.examples], reading(action.title, action.description))


def embed(scope: Scope, group_id: UUID, texts: Sequence[Text], embedder: Embedder) -> Space:
    """Make sure that every text has a vector; only those without one are embedded, outside of any transaction."""
    space = embedder.space
    with within(scope):
        known = vectors.known(group_id, space.key, {text.key for text in texts})
    for as_query, encode in ((True, embedder.encode_queries), (False, embedder.encode_passages)):
        lacking = {text.key: text.text for text in texts if text.as_query == as_query and text.key not in known}
        if lacking:
            found = dict(zip(lacking, encode(list(lacking.values())), strict=True))
            with within(scope):
                vectors.store(group_id, space.key, found)
    return space


def missing(group_id: UUID, space: str, most: int) -> list[Text]:
    """Texts of the bot without a vector in the space. Needs its scope."""
    prepared = {text.key: text for text in _of_entries(group_id)}
    found = [prepared[key] for key in prepared.keys() - vectors.known(group_id, space, prepared.keys())]
    return found[:most] + [_of_chunk(chunk) for chunk in _chunks_without(group_id, space)[: max(0, most - len(found))]]


def count(group_id: UUID, space: str) -> tuple[int, int]:
    """How many of the bot's texts have a vector in the space, and how many texts there are. Needs its scope."""
    prepared = {text.key for text in _of_entries(group_id)}
    chunks = Chunk.objects.filter(group_id=group_id).values("content_hash").distinct().count()
    lacking = _chunks_without(group_id, space).order_by().values("content_hash").distinct().count()
    return len(vectors.known(group_id, space, prepared)) + chunks - lacking, len(prepared) + chunks


def _of_entry(asked: Iterable[str], read: str) -> list[Text]:
    return [*(Text(text_hash(text), text, as_query=True) for text in asked), Text(text_hash(read), read)]


def _of_entries(group_id: UUID) -> Iterator[Text]:
    phrasings: defaultdict[UUID, list[str]] = defaultdict(list)
    for faq_id, text in Phrasing.objects.filter(group_id=group_id).values_list("faq_id", "text"):
        phrasings[faq_id].append(text)
    for faq in Faq.objects.filter(group_id=group_id):
        yield from of_faq(faq, phrasings[faq.id])
    for action in Action.objects.filter(group_id=group_id):
        yield from of_action(action)


def _chunks_without(group_id: UUID, space: str) -> QuerySet[Chunk]:
    stored = Vector.objects.filter(group_id=OuterRef("group_id"), space=space, content_hash=OuterRef("content_hash"))
    return Chunk.objects.filter(~Exists(stored), group_id=group_id).select_related("document").order_by("id")


def _of_chunk(chunk: Chunk) -> Text:
    """The passage as indexing has made it; after a change of title, as it will be made."""
    kind: Any = chunk.kind
    draft = ChunkDraft(chunk.text, tuple(chunk.heading_path), chunk.page, chunk.position, kind)
    return Text(chunk.content_hash, embedding_text(chunk.document.title, draft))
