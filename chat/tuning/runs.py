"""One training from its start to the gate: by a worker or a command, under a lease, gone on with after a kill."""

import logging
import shutil
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings as django_settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from chat import llm
from chat.models import AdapterVersion, TuningRow, TuningRun
from chat.tuning import gate, leases, rows_file
from chat.tuning.publishing import PublishingError
from chat.tuning.settings import TuningSettings
from chat.tuning.training import TrainingFailed
from chat.tuning.work import Work, folder_of, settings_of
from knowledge.models import Faq
from tenants import enqueue, resolve
from tenants.models import Bot
from tenants.scope import Scope, within

logger = logging.getLogger(__name__)
TASK = "worker.tune"
TAKE_UP_AFTER = timedelta(seconds=60)
FAILURES = (TrainingFailed, PublishingError, llm.LlmError, gate.NothingHeldOut, rows_file.BadRows, OSError)


def start(
    bot: Bot,
    chosen: TuningSettings,
    *,
    rivals: Sequence[str] = (),
    with_conversations: bool = False,
    without: Sequence[str] = (),
    started_by: str = "",
    enqueued: bool = True,
) -> TuningRun:
    """A new run, handed to the workers or worked off by the caller. Raises ValidationError. Needs the bot's scope.

    `rivals` are names that the bot is not to be compared with; `without` are kinds of rows that are not learnt.
    """
    weights = django_settings.LLM_BASE_MODEL_PATH
    if not weights:
        raise ValidationError("There is no model to tune: set LLM_MODEL (and LLM_BASE_MODEL_PATH to its weights).")
    if django_settings.LLM_ADAPTERS_DIR and chosen.rank > django_settings.LLM_MAX_LORA_RANK:
        raise ValidationError({"rank": f"The server takes ranks up to {django_settings.LLM_MAX_LORA_RANK}."})
    if unknown := [kind for kind in without if kind not in TuningRow.Kind.values]:
        raise ValidationError({"without": f"There are no rows of the kind {', '.join(unknown)}."})
    own = TuningRow.objects.filter(group_id=bot.id, kind=TuningRow.Kind.FILE, split=TuningRow.Split.TRAIN)
    if not Faq.objects.filter(group_id=bot.id, enabled=True).exists() and not own.exists():
        raise ValidationError(f"{bot.name} has nothing to learn: add FAQs, or a file with prompts and completions.")
    run = TuningRun(
        group=bot,
        settings={
            **chosen.as_json(),
            "rivals": list(rivals),
            "conversations": with_conversations,
            "without": list(without),
        },
        served_model=django_settings.LLM_MODEL,
        weights=weights,
        due_at=timezone.now() + TAKE_UP_AFTER,
        started_by=started_by,
    )
    try:
        with transaction.atomic():
            run.save(force_insert=True)
    except IntegrityError as problem:
        raise ValidationError(f"{bot.name} is being trained already.") from problem
    if enqueued:
        enqueue.on_commit(TASK, group_id=str(bot.id), run_id=str(run.id))
    return run


def settings_for(bot: Bot) -> TuningSettings:
    """Those of the version that answers now, else the published defaults. Needs the bot's scope."""
    version = AdapterVersion.objects.filter(group_id=bot.id, state=AdapterVersion.State.LIVE).first()
    return settings_of(version.settings) if version else TuningSettings()


def stop(run: TuningRun, by: str) -> None:
    """End a run; whoever works on it notices at its next step. Needs the bot's scope."""
    leases.end(run, TuningRun.State.FAILED, error=f"Stopped by {by}.")


def take_up_again() -> None:
    """Hand to the workers what was never begun, or whose worker has died."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT group_id, id FROM overdue_tuning(100)")
        overdue = cursor.fetchall()
    for group_id, run_id in overdue:
        scope = resolve.group_scope(group_id)
        if scope is None:
            continue
        with within(scope):
            run = TuningRun.objects.filter(group_id=group_id, id=run_id, due_at__lt=timezone.now())
            taken = run.update(lease=None, due_at=timezone.now() + TAKE_UP_AFTER)
        if taken:
            enqueue.now(TASK, group_id=str(group_id), run_id=str(run_id))


def work_off(group_id: UUID, run_id: UUID) -> None:
    """Train, ask, decide. Nothing happens where the run is over or another process has it."""
    scope = resolve.group_scope(group_id)
    if scope is None:
        return
    with within(scope):
        run = leases.claim(group_id, run_id)
    if run is None:
        return
    with leases.kept(run, scope):
        try:
            Work(run, scope).do()
        except leases.Interrupted:
            logger.info("Training %s was stopped, or goes on elsewhere.", run_id)
        except FAILURES as problem:
            logger.warning("Training %s failed: %s", run_id, problem)
            with within(scope):
                leases.end(run, TuningRun.State.FAILED, whosever=False, error=str(problem)[:2000])
    _clean_up(run, scope)


def _clean_up(run: TuningRun, scope: Scope) -> None:
    """Of a run that is over nothing stays on disk but an adapter that no server looks for."""
    with within(scope):
        ended = TuningRun.objects.get(group_id=run.group_id, id=run.id)
    if not ended.is_unfinished and not (ended.figures.get("training") or {}).get("adapter"):
        shutil.rmtree(folder_of(run), ignore_errors=True)
