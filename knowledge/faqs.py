"""Saving and deleting FAQs with their phrasings."""

from collections.abc import Sequence

from django.core.exceptions import ValidationError

from knowledge import outbox
from knowledge.models import Faq, IndexJob, Phrasing
from tenants.text import check_text

MAX_PHRASINGS = 1000


def save_faq(faq: Faq, phrasings: Sequence[str]) -> Faq:
    """Store an FAQ, new or changed, with exactly these phrasings besides its question.

    The new answer is said from the commit on; new phrasings count once a worker has embedded them.
    """
    faq.question, faq.answer = faq.question.strip(), faq.answer.strip()
    texts = _distinct(phrasings, faq.question)
    check_text(question=faq.question, answer=faq.answer, category=faq.category, external_id=faq.external_id)
    faq.clean_fields(exclude=["group"])
    _check_external_id(faq)
    faq.revision = faq.revision if faq._state.adding else faq.revision + 1
    faq.save()
    kept = Phrasing.objects.filter(group_id=faq.group_id, faq=faq)
    known = set(kept.values_list("text", flat=True))
    kept.exclude(text__in=texts).delete()
    Phrasing.objects.bulk_create(
        [Phrasing(group_id=faq.group_id, faq=faq, text=text) for text in texts if text not in known], batch_size=500
    )
    outbox.put(faq.group_id, IndexJob.Kind.FAQ, faq.id, new=faq.revision == 1)
    outbox.bump(faq.group_id)
    return faq


def delete_faq(faq: Faq) -> None:
    """Forget an FAQ at once."""
    group_id, faq_id = faq.group_id, faq.id
    Faq.objects.select_for_update().filter(group_id=group_id, id=faq_id).first()
    faq.delete()
    outbox.done(group_id, IndexJob.Kind.FAQ, faq_id)
    outbox.bump(group_id)


def _distinct(phrasings: Sequence[str], question: str) -> list[str]:
    texts = list(dict.fromkeys(text.strip() for text in phrasings if text.strip()))
    if len(texts) > MAX_PHRASINGS:
        raise ValidationError({"alternates": f"At most {MAX_PHRASINGS} phrasings; these are {len(texts)}."})
    for text in texts:
        check_text(alternates=text)
        if len(text) > 1000:
            raise ValidationError({"alternates": f"At most 1,000 characters each: “{text[:60]}…” has {len(text)}."})
    return [text for text in texts if text != question]


def _check_external_id(faq: Faq) -> None:
    others = Faq.objects.filter(group_id=faq.group_id, external_id=faq.external_id).exclude(id=faq.id)
    if faq.external_id and others.exists():
        raise ValidationError({"external_id": f"Another FAQ of this bot has the ID “{faq.external_id}”."})
