"""The rows of a bot's adapter in the database: made from what it knows, added from files, given to the trainer."""

import random
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import transaction

from chat.models import TuningRow
from chat.pipelines import prompts
from chat.tuning.drafts import Draft, Knowledge, KnownFaq, as_sources, made_from
from chat.tuning.rows_file import Example, Role
from knowledge.models import Chunk, Faq, Phrasing
from tenants.models import Bot
from tenants.playbook import Playbook

# Made anew before each run; the others stay until a person deletes them.
MADE = ("faq", "rephrased", "combined", "passage", "absent", "competitor", "playbook", "conversation")
UNANSWERABLE_SHARE = 0.25
MOST_CHUNKS = 400
GENERIC_COMPANY = "the company"


def remake(bot: Bot, seed: int, rivals: Sequence[str] = (), more: Iterable[Draft] = ()) -> None:
    """Bring the bot's rows up to what it knows now. What a person has labelled or excluded stays so."""
    drafts = [*made_from(knowledge_of(bot, rivals), seed), *more]
    with transaction.atomic():
        save(bot.id, drafts)
        wanted = {draft.digest for draft in drafts}
        made = TuningRow.objects.filter(group_id=bot.id, kind__in=MADE)
        gone = [id for id, digest in made.values_list("id", "digest") if digest not in wanted]
        TuningRow.objects.filter(group_id=bot.id, id__in=gone).delete()


def save(group_id: UUID, drafts: Iterable[Draft]) -> None:
    """Add rows, or bring those that are known up to date."""
    by_digest = {draft.digest: draft for draft in drafts}
    reviewed = set(TuningRow.objects.filter(group_id=group_id, reviewed=True).values_list("digest", flat=True))
    follows = ["completion", "split", "source"]
    for known, fields in ((True, follows), (False, [*follows, "label", "excluded"])):
        TuningRow.objects.bulk_create(
            [_row(group_id, draft) for digest, draft in by_digest.items() if (digest in reviewed) == known],
            batch_size=500,
            update_conflicts=True,
            unique_fields=["group", "digest"],
            update_fields=fields,
        )


def knowledge_of(bot: Bot, rivals: Sequence[str] = ()) -> Knowledge:
    """What the bot's own tables hold that an adapter can learn."""
    phrasings: dict[UUID, list[str]] = {}
    for faq_id, text in Phrasing.objects.filter(group_id=bot.id).order_by("text").values_list("faq_id", "text"):
        phrasings.setdefault(faq_id, []).append(text)
    faqs = tuple(
        KnownFaq(
            faq.external_id or faq.question[:100],
            faq.question,
            faq.answer,
            faq.category,
            tuple(phrasings.get(faq.id, ())),
        )
        for faq in Faq.objects.filter(group_id=bot.id, enabled=True).order_by("created_at", "id")
    )
    chunks = Chunk.objects.filter(group_id=bot.id, kind="text").select_related("document")
    passages = tuple(
        (" › ".join([chunk.document.title, *chunk.heading_path]), chunk.text)
        for chunk in chunks.order_by("document__title", "position")[:MOST_CHUNKS]
    )
    return Knowledge(bot.name, faqs, passages, bot.playbook.objections, tuple(rivals))


def example(row: TuningRow, company: str, playbook: Playbook = prompts.NO_PLAYBOOK) -> Example:
    """What the model is given and what it is to write, in the words in which it will be asked."""
    history = [(asked, answered) for asked, answered in row.context.get("exchanges", ())]
    sources = as_sources(row.context)
    if row.kind == TuningRow.Kind.GENERIC:
        company, playbook = GENERIC_COMPANY, prompts.NO_PLAYBOOK
    if sources:
        prompt = prompts.answering("", company, sources, row.prompt, history, playbook=playbook)
    else:
        prompt = prompts.from_memory("", company, row.prompt, history, playbook)
    completion = wanted_answer(row)
    if not sources and completion != prompts.REFUSAL:
        completion = prompts.of_company(company, completion)
    said: tuple[tuple[Role, str], ...] = (("system", prompt.system), *prompt.turns)
    return Example(said, completion)


def wanted_answer(row: TuningRow) -> str:
    """As it is heard, without the company before it; a refusal where there is none."""
    answerable = row.label == TuningRow.Label.ANSWERABLE and row.completion
    return row.completion if answerable else prompts.REFUSAL


def to_train(rows: Iterable[TuningRow], seed: int) -> list[TuningRow]:
    """The rows as they are learnt: a quarter of them unanswerable, some of these twice where there are few."""
    chance = random.Random(seed)
    answerable: list[TuningRow] = []
    unanswerable: list[TuningRow] = []
    for row in rows:
        (answerable if wanted_answer(row) != prompts.REFUSAL else unanswerable).append(row)
    wanted = round(len(answerable) * UNANSWERABLE_SHARE / (1 - UNANSWERABLE_SHARE))
    chosen: list[TuningRow] = []
    while unanswerable and len(chosen) < wanted:
        chosen += chance.sample(unanswerable, min(len(unanswerable), wanted - len(chosen)))
    mixed = answerable + chosen
    chance.shuffle(mixed)
    return mixed


def _row(group_id: UUID, draft: Draft) -> TuningRow:
    return TuningRow(
        group_id=group_id,
        kind=draft.kind,
        prompt=draft.prompt,
        completion=draft.completion,
        context=draft.context,
        label=draft.label,
        excluded=draft.excluded,
        split=draft.split,
        source=draft.source[:500],
        digest=draft.digest,
    )
