"""The work of one training, from a bot's rows to the gate. What is done is found again after a kill."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings as django_settings

from chat import llm
from chat.models import AdapterVersion, TuningRow, TuningRun
from chat.tuning import (
    asking,
    conversations,
    gate,
    leases,
    live,
    publishing,
    rows,
    rows_file,
    training,
    versions,
)
from chat.tuning.rows_file import Example
from chat.tuning.settings import BadSettings, TuningSettings
from chat.tuning.settings import read as read_settings
from chat.tuning.training import Progress, TrainingFailed
from tenants.models import Bot
from tenants.scope import Scope, within

NO_SERVER = "LLM_ADAPTERS_DIR is not set, so no server would find it."
TRAIN, GENERIC = "company.jsonl", "generic.jsonl"

State = TuningRun.State


class Work:
    """The run while this process has it. What is done is found again after a kill: files, checkpoints, the version."""

    def __init__(self, run: TuningRun, scope: Scope) -> None:
        self.run, self.scope = run, scope
        self.folder = folder_of(run)
        self.chosen = settings_of(run.settings)
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
        ask = self._asking(version, trained.adapter)
        outcome = gate.judge(held_out, self.bot.name, self.bot.playbook, ask, self.chosen.seed)
        took = {**asdict(trained), "adapter": "" if version else str(trained.adapter)}
        with within(self.scope):
            self._must_be_ours()
            if version:
                versions.decide(version, outcome.figures, outcome.better, outcome.verdict)
            published = bool(version) and outcome.better
            verdict = outcome.verdict if version else f"{outcome.verdict} {NO_SERVER}"
            figures = {**outcome.figures, "verdict": verdict, "published": published, "training": took}
            leases.end(self.run, State.DONE, whosever=False, figures=figures)

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
            if not leases.ours(self.run).update(**fields):
                raise leases.Interrupted

    def _must_be_ours(self) -> None:
        if not leases.ours(self.run).select_for_update().exists():
            raise leases.Interrupted


def folder_of(run: TuningRun) -> Path:
    return Path(django_settings.DATA_DIR) / "tuning" / str(run.id)


def settings_of(kept: dict[str, Any]) -> TuningSettings:
    """Those that a run or a version keeps. Raises TrainingFailed."""
    known = TuningSettings().as_json()
    try:
        return read_settings({name: value for name, value in kept.items() if name in known})
    except BadSettings as problem:
        raise TrainingFailed(f"These settings cannot be used: {problem}") from problem
