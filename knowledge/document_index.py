"""Documents on their way into the index: read, cut, embedded, and swapped in for what was there before."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection

from knowledge import chunking, languages, likeness, outbox, prepared_texts, search_index, spaces
from knowledge.embedding import ModelChoice, Space
from knowledge.models import Chunk, Document, DocumentRevision, IndexJob
from knowledge.parsing import Limits, ParsedDocument, ParseError, parse_in_process
from knowledge.prepared_texts import Text
from knowledge.spaces import InUse
from knowledge.text_hash import text_hash
from tenants.scope import Scope, within

_State = Document.State


@dataclass(frozen=True)
class _Read:
    """A document as it was when it was taken on, and what it says; `passages` are the drafts' texts to be embedded."""

    document: Document
    parsed: ParsedDocument
    title: str
    drafts: Sequence[chunking.ChunkDraft]
    passages: Sequence[str]
    languages: Sequence[str]


def index_documents(scope: Scope, group_id: UUID, document_ids: Sequence[UUID], in_use: InUse) -> None:
    """Bring the index of these documents up to their revisions."""
    with within(scope):
        found = Document.objects.filter(group_id=group_id, id__in=document_ids)
        documents = [document for document in found if document.indexed_revision != document.revision]
        outbox.nothing_to_do(group_id, IndexJob.Kind.DOCUMENT, set(document_ids) - {each.id for each in documents})
        sources = _sources(group_id, documents)
        _enter(group_id, documents, _State.READING)
    read = [each for document in documents if (each := _read(scope, document, sources[document.id])) is not None]
    if not read:
        return
    with within(scope):
        _enter(group_id, [each.document for each in read], _State.EMBEDDING)
    texts = [Text(text_hash(passage), passage) for each in read for passage in each.passages]
    space = prepared_texts.embed(scope, group_id, texts, in_use.embedder())
    with within(scope):
        left = _swap_in(group_id, read, in_use.choice, space)
    for each in left:
        with within(scope):
            _swap_in(group_id, [each], in_use.choice, space)


def _sources(group_id: UUID, documents: Sequence[Document]) -> dict[UUID, DocumentRevision]:
    revisions = DocumentRevision.objects.none()
    for document in documents:
        revisions |= DocumentRevision.objects.filter(group_id=group_id, document=document, number=document.revision)
    return {source.document_id: source for source in revisions}


def _enter(group_id: UUID, documents: Sequence[Document], state: Document.State) -> None:
    """For people who look on. What somebody is saving at this moment is passed over, for its state changes anyhow."""
    rows = Document.objects.filter(group_id=group_id, id__in=[document.id for document in documents])
    free = rows.select_for_update(skip_locked=True).values_list("id", "revision")
    revisions = {document.id: document.revision for document in documents}
    rows.filter(id__in=[id for id, revision in free if revision == revisions[id]]).update(state=state, error="")


def _read(scope: Scope, document: Document, source: DocumentRevision) -> _Read | None:
    """None where it cannot be read; the document then says why."""
    try:
        parsed = parse_in_process(bytes(source.data), source.filename, Limits(seconds=settings.DOCUMENT_SECONDS))
    except ParseError as problem:
        with within(scope):
            same = Document.objects.filter(id=document.id, revision=document.revision)
            if same.update(state=_State.FAILED, error=str(problem)[:2000]):
                outbox.done(document.group_id, IndexJob.Kind.DOCUMENT, document.id)
        return None
    title = document.title or parsed.title or source.filename
    drafts = chunking.chunk(parsed)
    passages = [chunking.embedding_text(title, draft) for draft in drafts]
    return _Read(document, parsed, title, drafts, passages, languages.of_passages([draft.text for draft in drafts]))


def _swap_in(group_id: UUID, read: Sequence[_Read], choice: ModelChoice, space: Space) -> list[_Read]:
    """Replace the chunks of old revisions by the new ones; what is left to be done, one by one.

    A document that has moved on meanwhile is left to its next job. Of several none is waited for: whoever saves several
    may hold one of them and wait for another.
    """
    rows = Document.objects.filter(group_id=group_id, id__in=[each.document.id for each in read])
    locked = {row.id: row for row in rows.select_for_update(skip_locked=len(read) > 1)}
    same = [each for each in read if each.document.id in locked and _is_same(each.document, locked[each.document.id])]
    if same:
        Chunk.objects.filter(group_id=group_id, document__in=[each.document for each in same]).delete()
        _add_chunks(group_id, same)
        _keep([_indexed(locked[each.document.id], each) for each in same])
        outbox.done(group_id, IndexJob.Kind.DOCUMENT, *(each.document.id for each in same))
        outbox.bump(group_id)
        spaces.settle_in(group_id, choice, space)
    return [each for each in read if each.document.id not in locked] if len(read) > 1 else []


def _is_same(before: Document, now: Document) -> bool:
    """The title is part of each passage."""
    return (before.revision, before.title) == (now.revision, now.title)


def _add_chunks(group_id: UUID, read: Sequence[_Read]) -> None:
    told = [
        (each.document, *parts)
        for each in read
        for parts in zip(each.drafts, each.passages, each.languages, strict=True)
    ]
    chunks = Chunk.objects.bulk_create(
        [
            Chunk(
                group_id=group_id,
                document=document,
                revision=document.revision,
                position=draft.position,
                text=draft.text,
                heading_path=list(draft.heading_path),
                page=draft.page,
                kind=draft.kind,
                language=language,
                content_hash=text_hash(passage),
                **likeness.bands(draft.text),
            )
            for document, draft, passage, language in told
        ],
        batch_size=500,
    )
    rows = zip(chunks, told, strict=True)
    search_index.add(group_id, [(chunk.id, passage, language) for chunk, (_, _, passage, language) in rows])


def _indexed(document: Document, read: _Read) -> Document:
    """The document as it is kept from now on; what its file says of itself fills what nobody has filled in."""
    meta = read.parsed.meta
    document.indexed_revision, document.state, document.error = document.revision, _State.READY, ""
    document.pages, document.notice, document.title = read.parsed.pages, "\n".join(read.parsed.notes)[:4000], read.title
    document.dated, document.url = document.dated or meta.date, document.url or _url(meta.url)
    return document


def _keep(documents: Sequence[Document]) -> None:
    """In one statement, whose text is always the same: Django's bulk_update takes ten times as long."""
    columns = [[getattr(document, name) for document in documents] for name in _KEPT]
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, [*columns, documents[0].group_id])


_KEPT = ("id", "indexed_revision", "state", "error", "pages", "notice", "title", "dated", "url")
_KEEP = """
UPDATE knowledge_document d
SET indexed_revision = n.indexed_revision, state = n.state, error = n.error, pages = n.pages, notice = n.notice,
    title = n.title, dated = n.dated, url = n.url
FROM unnest(%s::uuid[], %s::int[], %s::text[], %s::text[], %s::int[], %s::text[], %s::text[], %s::date[], %s::text[])
    AS n (id, indexed_revision, state, error, pages, notice, title, dated, url)
WHERE d.group_id = %s AND d.id = n.id
"""


def _url(value: str | None) -> str:
    return value if value and value.startswith(("http://", "https://")) and len(value) <= 1000 else ""
