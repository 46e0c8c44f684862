"""Bringing an index up to its objects' revisions: what is new is embedded, and swapped in within one transaction.

Small things of one bot that wait are indexed together: most of what one of them costs is the way there and back.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from django.db.models import F, Sum
from django.db.models.functions import Length

from knowledge import outbox, prepared_texts, spaces
from knowledge.document_index import index_documents
from knowledge.models import Action, Document, DocumentRevision, Faq, IndexJob, Phrasing
from knowledge.prepared_texts import Text
from knowledge.spaces import InUse, SpaceMoved
from tenants import resolve
from tenants.scope import Scope, within

logger = logging.getLogger(__name__)
MOST_ATTEMPTS = 10
# So many objects, and so many bytes of text in all, are some 0.4 s of work on a slow processor: others wait for that
# long at most, and the work of an import is shared among the workers. A phrasing, short as it is, takes as long as
# SHORTEST bytes of a passage.
MOST_TOGETHER, BYTES_TOGETHER, SHORTEST = 16, 8_000, 100
_Kind = IndexJob.Kind


def index(group_id: UUID, kind: str, object_id: UUID) -> None:
    """Catch up with one object. May run twice or at once in two workers: the later revision wins."""
    scope = resolve.group_scope(group_id)
    if scope is None:
        return
    with within(scope):
        job = outbox.take(group_id, kind, object_id)
        if job is None:
            return
        if job.attempt > MOST_ATTEMPTS and kind == _Kind.DOCUMENT:
            return _give_up(group_id, object_id)
        # What has failed before is tried alone, so that it holds up nothing else.
        taken = [object_id, *(_beside(group_id, _Kind(kind), object_id, job) if job.attempt == 1 else ())]
    try:
        with outbox.at_work(scope, group_id, kind, taken):
            _index(scope, group_id, _Kind(kind), taken)
    except Exception:
        with within(scope):
            outbox.failed(group_id, kind, taken)
        raise


def _give_up(group_id: UUID, document_id: UUID) -> None:
    """A document that ends every worker that takes it on must not go round for ever."""
    said = f"Preparing this document for search failed {MOST_ATTEMPTS} times in a row, so it was given up. "
    said += "Try again, or split it into smaller files and upload those."
    Document.objects.filter(group_id=group_id, id=document_id).update(state=Document.State.FAILED, error=said)
    outbox.done(group_id, _Kind.DOCUMENT, document_id)


def _beside(group_id: UUID, kind: _Kind, object_id: UUID, job: outbox.Taken) -> list[UUID]:
    """Take on others of the kind that wait, as many as are soon done together with this one."""
    others = outbox.waiting(group_id, kind, job, MOST_TOGETHER - 1)
    if not others:
        return []
    sizes = _sizes(group_id, kind, [object_id, *others])
    left = BYTES_TOGETHER - sizes.get(object_id, 0)
    chosen: list[UUID] = []
    for each in others:
        left -= sizes.get(each, 0)
        if left < 0:
            break
        chosen.append(each)
    return outbox.take_also(group_id, kind, chosen) if chosen else []


def _sizes(group_id: UUID, kind: _Kind, object_ids: Collection[UUID]) -> Mapping[UUID, int]:
    """How long what is to be embedded is about, where it may be long."""
    if kind == _Kind.DOCUMENT:
        newest = DocumentRevision.objects.filter(
            group_id=group_id, document_id__in=object_ids, number=F("document__revision")
        )
        return dict(newest.order_by().values_list("document_id", Length("data")))
    if kind == _Kind.FAQ:
        asked = Phrasing.objects.filter(group_id=group_id, faq_id__in=object_ids).order_by()
        sizes = asked.values("faq_id").annotate(size=Sum(Length("text") + SHORTEST))
        return dict(sizes.values_list("faq_id", "size"))
    return {}


def _index(scope: Scope, group_id: UUID, kind: _Kind, object_ids: Sequence[UUID]) -> None:
    while True:
        with within(scope):
            in_use = spaces.answering([group_id])
        try:
            return _INDEXERS[kind](scope, group_id, object_ids, in_use)
        except SpaceMoved:
            logger.info("Bot %s answers from another space now: %s are indexed again.", group_id, kind)


def _index_faqs(scope: Scope, group_id: UUID, faq_ids: Sequence[UUID], in_use: InUse) -> None:
    with within(scope):
        faqs = list(Faq.objects.filter(group_id=group_id, id__in=faq_ids))
        asked: dict[UUID, list[str]] = {faq.id: [] for faq in faqs}
        for faq_id, text in Phrasing.objects.filter(group_id=group_id, faq_id__in=asked).values_list("faq_id", "text"):
            asked[faq_id].append(text)
        outbox.nothing_to_do(group_id, _Kind.FAQ, set(faq_ids) - set(asked))
    texts = [text for faq in faqs for text in prepared_texts.of_faq(faq, asked[faq.id])]
    _index_prepared(scope, group_id, _Kind.FAQ, faqs, texts, in_use)


def _index_actions(scope: Scope, group_id: UUID, action_ids: Sequence[UUID], in_use: InUse) -> None:
    with within(scope):
        actions = list(Action.objects.filter(group_id=group_id, id__in=action_ids))
        outbox.nothing_to_do(group_id, _Kind.ACTION, set(action_ids) - {action.id for action in actions})
    texts = [text for action in actions for text in prepared_texts.of_action(action)]
    _index_prepared(scope, group_id, _Kind.ACTION, actions, texts, in_use)


def _index_prepared(
    scope: Scope, group_id: UUID, kind: _Kind, entries: Sequence[Faq | Action], texts: Sequence[Text], in_use: InUse
) -> None:
    """Embed what customers may ask, and each question read together with its answer."""
    if not entries:
        return
    space = prepared_texts.embed(scope, group_id, texts, in_use.embedder())
    left = {entry.id: entry.revision for entry in entries}
    with within(scope):
        rows = type(entries[0]).objects.filter(group_id=group_id, id__in=list(left))
        # Whoever saves several may hold one of these and wait for another: of several none is waited for.
        found = rows.select_for_update(skip_locked=len(left) > 1).values_list("id", "revision")
        unchanged = [id for id, revision in found if left.pop(id) == revision]
        if unchanged:
            rows.filter(id__in=unchanged).update(indexed_revision=F("revision"))
            outbox.done(group_id, kind, *unchanged)
            outbox.bump(group_id)
            spaces.settle_in(group_id, in_use.choice, space)
    if len(entries) > 1:
        for entry in entries:
            if entry.id in left:
                _index_prepared(scope, group_id, kind, [entry], [], in_use)


_INDEXERS = {_Kind.FAQ: _index_faqs, _Kind.ACTION: _index_actions, _Kind.DOCUMENT: index_documents}
