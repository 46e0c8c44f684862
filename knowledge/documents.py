"""Saving and deleting documents; each change of content is a revision, indexed by a worker."""

import hashlib
from datetime import date
from uuid import UUID

from django.core.exceptions import ValidationError

from knowledge import outbox
from knowledge.models import Document, DocumentRevision, IndexJob
from knowledge.parsing import Limits
from tenants.text import check_text

MAX_BYTES = Limits().max_bytes


def save_document(
    group_id: UUID,
    *,
    filename: str,
    data: bytes,
    title: str = "",
    url: str = "",
    external_id: str = "",
    dated: date | None = None,
    document: Document | None = None,
) -> Document:
    """A new document, or a new revision of `document` (or of the one with this external_id).

    The same content changes nothing but the details. The old revision answers until the new one is indexed.
    """
    if not data:
        raise ValidationError({"file": f"{filename or 'The file'} is empty."})
    if len(data) > MAX_BYTES:
        raise ValidationError({"file": f"{filename} has {len(data):,} bytes; the limit is {MAX_BYTES:,}."})
    check_text(filename=filename, title=title, url=url, external_id=external_id)
    if document is None and external_id:
        document = Document.objects.filter(group_id=group_id, external_id=external_id).first()
    document = document or Document(group_id=group_id)
    old_title = document.title
    document.external_id = external_id or document.external_id
    document.title = title.strip() or document.title
    document.url, document.dated = url or document.url, dated or document.dated
    document.clean_fields(exclude=["group"] if document.title else ["group", "title"])
    content_hash = hashlib.sha256(data).hexdigest()
    newest = None if document._state.adding else document.revisions.filter(group_id=group_id).first()
    changed = newest is None or newest.content_hash != content_hash or newest.filename != filename
    if changed:
        document.revision += 1
        document.state, document.error = Document.State.QUEUED, ""
    document.save()
    if changed:
        DocumentRevision.objects.create(
            group_id=group_id,
            document=document,
            number=document.revision,
            filename=filename[:300],
            data=data,
            content_hash=content_hash,
        )
        outbox.put(group_id, IndexJob.Kind.DOCUMENT, document.id, new=document.revision == 1)
    elif document.title != old_title:
        retry_document(document)
    outbox.bump(group_id)
    return document


def update_details(document: Document) -> Document:
    """Store a changed title, address, date or ID. A new title is part of what is searched, so the index is rebuilt."""
    check_text(title=document.title, url=document.url, external_id=document.external_id)
    document.clean_fields(exclude=["group"])
    others = Document.objects.filter(group_id=document.group_id, external_id=document.external_id)
    if document.external_id and others.exclude(id=document.id).exists():
        raise ValidationError({"external_id": f"Another document of this bot has the ID “{document.external_id}”."})
    before = Document.objects.get(group_id=document.group_id, id=document.id)
    document.save(update_fields=["title", "url", "dated", "external_id", "updated_at"])
    if before.title != document.title:
        retry_document(document)
    outbox.bump(document.group_id)
    return document


def delete_document(document: Document) -> None:
    """Forget a document at once, with its chunks and revisions."""
    group_id, document_id = document.group_id, document.id
    Document.objects.select_for_update().filter(group_id=group_id, id=document_id).first()
    document.delete()
    outbox.done(group_id, IndexJob.Kind.DOCUMENT, document_id)
    outbox.bump(group_id)


def retry_document(document: Document) -> None:
    """Index the newest revision again."""
    Document.objects.filter(group_id=document.group_id, id=document.id).update(
        state=Document.State.QUEUED, error="", indexed_revision=0
    )
    document.refresh_from_db()
    outbox.put(document.group_id, IndexJob.Kind.DOCUMENT, document.id)
