"""One training from its start to the gate: by a worker or a command, under a lease, gone on with after a kill."""

import asyncio
import logging
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings as django_settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from chat import llm
from chat.models import AdapterVersion, TuningRow, TuningRun
from chat.tuning import asking, conversations, gate, live, publishing, rows, rows_file, training, versions
from chat.tuning.publishing import PublishingError
from chat.tuning.rows_file import Example
from chat.tuning.settings import BadSettings, TuningSettings
from chat.tuning.settings import read as read_settings
from chat.tuning.training import Progress, TrainingFailed
from knowledge.models import Faq
from tenants import enqueue, resolve
from tenants.models import Bot
from tenants.scope import Scope, within

logger = logging.getLogger(__name__)
TASK = "worker.tune"
LEASE, TAKE_UP_AFTER = timedelta(seconds=30), timedelta(seconds=60)
MOST_ATTEMPTS = 4
NO_SERVER = "LLM_ADAPTERS_DIR is not set, so no server would find it."
TRAIN, GENERIC = "company.jsonl", "generic.jsonl"

State = TuningRun.State


class Interrupted(Exception):
    """Somebody has stopped the run, or another process has it."""


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
    return _training_settings(version.settings) if version else TuningSettings()


def stop(run: TuningRun, by: str) -> None:
    """End a run; whoever works on it notices at its next step. Needs the bot's scope."""
    _end(run.group_id, run.id, State.FAILED, error=f"Stopped by {by}.")


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
        run = _claim(group_id, run_id)
    if run is None:
        return
    with _kept(run, scope):
        try:
            _Work(run, scope).do()
        except Interrupted:
            logger.info("Training %s was stopped, or goes on elsewhere.", run_id)
        except (
            TrainingFailed,
            PublishingError,
            llm.LlmError,
            gate.NothingHeldOut,
            rows_file.BadRows,
            OSError,
        ) as problem:
            logger.warning("Training %s failed: %s", run_id, problem)
            with within(scope):
                _end(group_id, run_id, State.FAILED, error=str(problem)[:2000], lease=run.lease)
    _clean_up(run, scope)


class _Work:
    """The run while this process has it. What is done is found again after a kill: files, checkpoints, the version."""

    def __init__(self, run: TuningRun, scope: Scope) -> None:
        self.run, self.scope = run, scope
        self.folder = _folder(run)
        self.chosen = _training_settings(run.settings)
        with within(scope):
            self.bot = Bot.objects.get(id=run.group_id)

    def do(self) -> None:
        if django_settings.LLM_ADAPTERS_DIR and llm.is_configured():
            # Before hours are spent: it must be there at the end, to be asked.
            asyncio.run(llm.served_models())
        self._enter(State.TRAINING)
        files = self._files()
        with within(self.scope):
            held_out = list(self._rows().filter(split=TuningRow.Split.HELD_OUT))
        gate.check(held_out)
        trained = training.train(files, self.run.weights, self.folder / "work", self.chosen, self._tell)
        self._enter(State.EVALUATING)
        version = self._publish(trained.adapter) if django_settings.LLM_ADAPTERS_DIR else None
        asking = self._asking(version, trained.adapter)
        outcome = gate.judge(held_out, self.bot.name, self.bot.playbook, asking, self.chosen.seed)
        took = {**asdict(trained), "adapter": "" if version else str(trained.adapter)}
        with within(self.scope):
            self._must_be_ours()
            if version:
                versions.decide(version, outcome.figures, outcome.better, outcome.verdict)
            published = bool(version) and outcome.better
            verdict = outcome.verdict if version else f"{outcome.verdict} {NO_SERVER}"
            figures = {**outcome.figures, "verdict": verdict, "published": published, "training": took}
            _end(self.run.group_id, self.run.id, State.DONE, figures=figures, lease=self.run.lease)

    def _files(self) -> list[Path]:
        """What is learnt, generic support first; written once, so that a run that goes on learns the same."""
        files = [self.folder / GENERIC, self.folder / TRAIN]
        if not files[-1].exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            generic, own = self._examples()
            if not own:
                raise TrainingFailed("Every row is excluded or held out, so there is nothing to learn.")
            for path, examples in zip(files, (generic, own), strict=True):
                if examples:
                    half = path.with_suffix(".half")
                    rows_file.write(half, examples)
                    half.rename(path)
        return [path for path in files if path.exists()]

    def _examples(self) -> tuple[list[Example], list[Example]]:
        wishes, seed = self.run.settings, self.chosen.seed
        with within(self.scope):
            more = (
                list(conversations.drafts_of(self.bot.id, rows.knowledge_of(self.bot)))
                if wishes["conversations"]
                else []
            )
            rows.remake(self.bot, seed, wishes["rivals"], more)
            found = list(self._rows())
        held_out = {row.prompt.casefold() for row in found if row.split == TuningRow.Split.HELD_OUT and not row.context}
        wanted = [row for row in found if row.split == TuningRow.Split.TRAIN and row.kind not in wishes["without"]]
        learnt = [row for row in wanted if row.prompt.casefold() not in held_out]
        generic = [row for row in learnt if row.kind == TuningRow.Kind.GENERIC]
        own = rows.to_train((row for row in learnt if row.kind != TuningRow.Kind.GENERIC), seed)
        name, playbook = self.bot.name, self.bot.playbook
        return [rows.example(row, name) for row in generic], [rows.example(row, name, playbook) for row in own]

    def _rows(self) -> Any:
        return TuningRow.objects.filter(group_id=self.run.group_id, excluded=False).order_by("digest")

    def _publish(self, adapter: Path) -> AdapterVersion:
        """The candidate of this run, where the server finds it; the base beside it."""
        with within(self.scope):
            self._must_be_ours()
            found = AdapterVersion.objects.filter(group_id=self.run.group_id, run_id=self.run.id).first()
            version = found or versions.add(self.run)
        publishing.publish_base(self.run.weights, self.run.served_model)
        if not publishing.is_published(version.name):
            publishing.publish(version.name, adapter, self.run.served_model)
        return version

    def _asking(self, version: AdapterVersion | None, adapter: Path) -> gate.Ask:
        if version is None or not llm.is_configured():
            return lambda examples: dict(
                zip(
                    (gate.TUNED, gate.BASE),
                    asking.generated(self.run.weights, adapter, examples, self.folder, self._tell),
                    strict=True,
                )
            )
        models = {gate.TUNED: version.name, gate.BASE: live.base()}
        with within(self.scope):
            answering = live.adapters_of([Bot.objects.get(id=self.bot.id)]).get(self.bot.id)
        if answering:
            models[gate.LIVE] = answering
        return lambda examples: dict(
            zip(models, asking.served(list(models.values()), examples, self._tell), strict=True)
        )

    def _enter(self, state: TuningRun.State) -> None:
        self._update(state=state, progress={})

    def _tell(self, progress: Progress) -> None:
        self._update(progress=asdict(progress))

    def _update(self, **fields: Any) -> None:
        with within(self.scope):
            if not _ours(self.run).update(**fields):
                raise Interrupted

    def _must_be_ours(self) -> None:
        if not _ours(self.run).select_for_update().exists():
            raise Interrupted


def _training_settings(kept: dict[str, Any]) -> TuningSettings:
    known = TuningSettings().as_json()
    try:
        return read_settings({name: value for name, value in kept.items() if name in known})
    except BadSettings as problem:
        raise TrainingFailed(f"These settings cannot be used: {problem}") from problem


def _claim(group_id: UUID, run_id: UUID) -> TuningRun | None:
    now = timezone.now()
    run = TuningRun.objects.select_for_update().filter(group_id=group_id, id=run_id).first()
    if run is None or not run.is_unfinished or (run.lease and run.due_at > now):
        return None
    if run.attempts >= MOST_ATTEMPTS:
        _end(
            group_id,
            run_id,
            State.FAILED,
            error=f"It was interrupted {run.attempts} times, the last time without a word.",
        )
        return None
    run.attempts, run.lease, run.due_at = run.attempts + 1, uuid4(), now + LEASE
    run.save(update_fields=["attempts", "lease", "due_at"])
    return run


def _ours(run: TuningRun) -> Any:
    return TuningRun.objects.filter(group_id=run.group_id, id=run.id, lease=run.lease, state__in=TuningRun.UNFINISHED)


def _end(group_id: UUID, run_id: UUID, state: TuningRun.State, lease: UUID | None = None, **fields: Any) -> None:
    run = TuningRun.objects.filter(group_id=group_id, id=run_id, state__in=TuningRun.UNFINISHED)
    if lease:
        run = run.filter(lease=lease)
    if run.update(state=state, lease=None, finished_at=timezone.now(), **fields):
        versions.give_up(group_id, run_id, fields.get("error", ""))


def _clean_up(run: TuningRun, scope: Scope) -> None:
    """Of a run that is over nothing stays on disk but an adapter that no server looks for."""
    with within(scope):
        ended = TuningRun.objects.get(group_id=run.group_id, id=run.id)
    if not ended.is_unfinished and not (ended.figures.get("training") or {}).get("adapter"):
        shutil.rmtree(_folder(run), ignore_errors=True)


def _folder(run: TuningRun) -> Path:
    return Path(django_settings.DATA_DIR) / "tuning" / str(run.id)


@contextmanager
def _kept(run: TuningRun, scope: Scope) -> Iterator[None]:
    """Renews the lease, so that another process takes over only after this one has died."""
    finished = Event()

    def renew() -> None:
        try:
            while not finished.wait(LEASE.total_seconds() / 3):
                with within(scope):
                    _ours(run).update(due_at=timezone.now() + LEASE)
        finally:
            connection.close()

    renewing = Thread(target=renew, daemon=True)
    renewing.start()
    try:
        yield
    finally:
        finished.set()
        renewing.join()
