"""Bringing an index up to its object's revision: read, cut, embed what is new, and swap in one transaction."""

import logging
from collections.abc import Sequence
from uuid import UUID

from django.conf import settings

from knowledge import chunking, languages, likeness, outbox, prepared_texts, search_index, spaces, vectors
from knowledge.embedding import Space
from knowledge.models import Action, Chunk, Document, DocumentRevision, Faq, IndexJob, Phrasing
from knowledge.parsing import Limits, ParseError, parse_in_process
from knowledge.prepared_texts import Text
from knowledge.spaces import InUse, SpaceMoved
from knowledge.text_hash import text_hash
from tenants import resolve
from tenants.scope import Scope, within

logger = logging.getLogger(__name__)
MOST_ATTEMPTS = 10


def index(group_id: UUID, kind: str, object_id: UUID) -> None:
    """Catch up with one object. May run twice or at once in two workers: the later revision wins."""
    scope = resolve.group_scope(group_id)
    if scope is None:
        return
    with within(scope):
        attempt = outbox.take(group_id, kind, object_id)
    if not attempt:
        return
    if attempt > MOST_ATTEMPTS and kind == IndexJob.Kind.DOCUMENT:
        with within(scope):
            _give_up(group_id, object_id)
        return
    try:
        with outbox.at_work(scope, group_id, kind, object_id):
            _index(scope, group_id, IndexJob.Kind(kind), object_id)
    except Exception:
        with within(scope):
            outbox.failed(group_id, kind, object_id)
        raise


def _give_up(group_id: UUID, document_id: UUID) -> None:
    """A document that ends every worker that takes it on must not go round for ever."""
    said = f"Preparing this document for search failed {MOST_ATTEMPTS} times in a row, so it was given up. "
    said += "Try again, or split it into smaller files and upload those."
    Document.objects.filter(group_id=group_id, id=document_id).update(state=Document.State.FAILED, error=said)
    outbox.done(group_id, IndexJob.Kind.DOCUMENT, document_id)


def _index(scope: Scope, group_id: UUID, kind: IndexJob.Kind, object_id: UUID) -> None:
    while True:
        with within(scope):
            in_use = spaces.answering([group_id])
        try:
            return _INDEXERS[kind](scope, group_id, object_id, in_use)
        except SpaceMoved:
            logger.info("Bot %s answers from another space now: %s %s is indexed again.", group_id, kind, object_id)


def _index_faq(scope: Scope, group_id: UUID, faq_id: UUID, in_use: InUse) -> None:
    with within(scope):
        faq = Faq.objects.filter(group_id=group_id, id=faq_id).first()
        asked = list(Phrasing.objects.filter(group_id=group_id, faq_id=faq_id).values_list("text", flat=True))
        if faq is None:
            outbox.done(group_id, IndexJob.Kind.FAQ, faq_id)
            return
    _index_prepared(scope, IndexJob.Kind.FAQ, faq, prepared_texts.of_faq(faq, asked), in_use)


def _index_action(scope: Scope, group_id: UUID, action_id: UUID, in_use: InUse) -> None:
    with within(scope):
        action = Action.objects.filter(group_id=group_id, id=action_id).first()
        if action is None:
            outbox.done(group_id, IndexJob.Kind.ACTION, action_id)
            return
    _index_prepared(scope, IndexJob.Kind.ACTION, action, prepared_texts.of_action(action), in_use)


def _index_prepared(
    scope: Scope, kind: IndexJob.Kind, entry: Faq | Action, texts: Sequence[Text], in_use: InUse
) -> None:
    """Embed what customers may ask, and the question read together with its answer."""
    group_id = entry.group_id
    space = _embed(scope, group_id, texts, in_use)
    with within(scope):
        unchanged = type(entry).objects.filter(group_id=group_id, id=entry.id, revision=entry.revision)
        if unchanged.update(indexed_revision=entry.revision):
            outbox.done(group_id, kind, entry.id)
            outbox.bump(group_id)
            spaces.settle_in(group_id, in_use.choice, space)


def _index_document(scope: Scope, group_id: UUID, document_id: UUID, in_use: InUse) -> None:
    with within(scope):
        document = Document.objects.filter(group_id=group_id, id=document_id).first()
        if document is None or document.indexed_revision == document.revision:
            outbox.done(group_id, IndexJob.Kind.DOCUMENT, document_id)
            return
        source = DocumentRevision.objects.get(group_id=group_id, document=document, number=document.revision)
        _set_state(document, Document.State.READING)
    try:
        parsed = parse_in_process(bytes(source.data), source.filename, Limits(seconds=settings.DOCUMENT_SECONDS))
    except ParseError as problem:
        with within(scope):
            if _set_state(document, Document.State.FAILED, str(problem)):
                outbox.done(group_id, IndexJob.Kind.DOCUMENT, document_id)
        return
    title = document.title or parsed.title or source.filename
    drafts = chunking.chunk(parsed)
    with within(scope):
        _set_state(document, Document.State.EMBEDDING)
    passages = [chunking.embedding_text(title, draft) for draft in drafts]
    spoken = languages.of_passages([draft.text for draft in drafts])
    space = _embed(scope, group_id, [Text(text_hash(passage), passage) for passage in passages], in_use)
    with within(scope):
        if _swap(document, drafts, passages, spoken):
            Document.objects.filter(id=document_id).update(
                pages=parsed.pages,
                notice="\n".join(parsed.notes)[:4000],
                title=title,
                dated=document.dated or parsed.meta.date,
                url=document.url or _url(parsed.meta.url),
            )
            outbox.done(group_id, IndexJob.Kind.DOCUMENT, document_id)
            outbox.bump(group_id)
            spaces.settle_in(group_id, in_use.choice, space)


_INDEXERS = {
    IndexJob.Kind.FAQ: _index_faq,
    IndexJob.Kind.ACTION: _index_action,
    IndexJob.Kind.DOCUMENT: _index_document,
}


def _embed(scope: Scope, group_id: UUID, texts: Sequence[Text], in_use: InUse) -> Space:
    """Make sure that every text has a vector; only those without one are embedded, outside of any transaction."""
    embedder = in_use.embedder()
    space = embedder.space
    with within(scope):
        known = vectors.known(group_id, space.key, {text.key for text in texts})
    for as_query, encode in ((True, embedder.encode_queries), (False, embedder.encode_passages)):
        missing = {text.key: text.text for text in texts if text.as_query == as_query and text.key not in known}
        if missing:
            found = dict(zip(missing, encode(list(missing.values())), strict=True))
            with within(scope):
                vectors.store(group_id, space.key, found)
    return space


def _set_state(document: Document, state: Document.State, error: str = "") -> bool:
    """Whether the document is still at the revision that is being indexed."""
    return bool(
        Document.objects.filter(id=document.id, revision=document.revision).update(state=state, error=error[:2000])
    )


def _swap(
    document: Document, drafts: Sequence[chunking.ChunkDraft], passages: Sequence[str], spoken: Sequence[str]
) -> bool:
    """Replace the old revision's chunks by the new ones, unless the document has moved on meanwhile."""
    locked = Document.objects.select_for_update().filter(id=document.id, revision=document.revision).first()
    if locked is None:
        return False
    Chunk.objects.filter(group_id=document.group_id, document=document).delete()
    chunks = Chunk.objects.bulk_create(
        [
            Chunk(
                group_id=document.group_id,
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
            for draft, passage, language in zip(drafts, passages, spoken, strict=True)
        ],
        batch_size=500,
    )
    told = zip(chunks, passages, spoken, strict=True)
    search_index.add(document.group_id, [(chunk.id, passage, language) for chunk, passage, language in told])
    locked.indexed_revision, locked.state, locked.error = document.revision, Document.State.READY, ""
    locked.save(update_fields=["indexed_revision", "state", "error"])
    return True


def _url(value: str | None) -> str:
    return value if value and value.startswith(("http://", "https://")) and len(value) <= 1000 else ""
