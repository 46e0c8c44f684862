"""The versions of a bot's adapter: made, put live, taken back, and deleted once nobody needs them.

Going live is one transaction: the next question of every process is answered by the new version, and those that are
being answered end with the one that they began with.
"""

import asyncio
import logging
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Max
from django.utils import timezone

from chat import llm
from chat.models import AdapterVersion, TuningRun
from chat.tuning import publishing
from knowledge import outbox
from tenants import resolve
from tenants.models import Bot
from tenants.scope import within

logger = logging.getLogger(__name__)
KEPT = timedelta(days=30)

State = AdapterVersion.State


def add(run: TuningRun) -> AdapterVersion:
    """A candidate with the bot's next number. Needs the bot's scope, like all but `collect`."""
    _lock(run.group_id)
    highest = AdapterVersion.objects.filter(group_id=run.group_id).aggregate(highest=Max("number"))["highest"]
    return AdapterVersion.objects.create(
        group_id=run.group_id, run=run, number=(highest or 0) + 1, base=run.served_model, settings=run.settings
    )


def decide(version: AdapterVersion, figures: dict[str, Any], better: bool, verdict: str) -> None:
    """Put a candidate live if it is better; else it is rejected. Either is kept with its figures."""
    version.figures, version.verdict = figures, verdict
    version.save(update_fields=["figures", "verdict"])
    if better:
        _go_live(version)
    else:
        _enter(version, State.REJECTED)


def give_up(group_id: UUID, run_id: UUID, reason: str) -> None:
    """What a run has left undecided when it ended is never asked."""
    left = AdapterVersion.objects.filter(group_id=group_id, run_id=run_id, state=State.CANDIDATE)
    left.update(state=State.REJECTED, verdict=reason, changed_at=timezone.now())


def roll_back(group_id: UUID, version_id: UUID) -> AdapterVersion:
    """Let a version that was live before answer again. Raises ValidationError where it cannot."""
    _lock(group_id)
    version = AdapterVersion.objects.get(group_id=group_id, id=version_id)
    if version.state != State.RETIRED:
        raise ValidationError(f"{version} is {version.get_state_display().lower()}; only a retired one can come back.")
    if version.base != settings.LLM_MODEL:
        raise ValidationError(f"{version} belongs to {version.base}, and the model that answers now is another.")
    if not (settings.LLM_ADAPTERS_DIR and publishing.is_published(version.name)):
        raise ValidationError(f"The files of {version} are not in the folder of adapters any more.")
    _go_live(version)
    return version


def retire(group_id: UUID) -> None:
    """Let the base answer for the bot, without an adapter."""
    _lock(group_id)
    for version in AdapterVersion.objects.filter(group_id=group_id, state=State.LIVE):
        _enter(version, State.RETIRED)
    outbox.bump(group_id)


def collect() -> int:
    """Delete the files of versions that nobody has been answered by for long, and that no server knows; how many.

    A server that has loaded an adapter lists it until it is started again, and dies if the files are gone by then.
    """
    if not (settings.LLM_ADAPTERS_DIR and llm.is_configured()):
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT group_id, id FROM unused_adapters(%s, 500)", [timezone.now() - KEPT])
        unused = cursor.fetchall()
    if not unused:
        return 0
    try:
        known = {model.name for model in asyncio.run(llm.served_models())}
    except llm.LlmError as problem:
        logger.warning("Whether a server still knows old adapters cannot be found out, so they stay: %s", problem)
        return 0
    return sum(_discard(group_id, version_id, known) for group_id, version_id in unused)


def _discard(group_id: UUID, version_id: UUID, known: set[str]) -> bool:
    scope = resolve.group_scope(group_id)
    if scope is None:
        return False
    with within(scope):
        _lock(group_id)
        version = AdapterVersion.objects.get(group_id=group_id, id=version_id)
        if version.state == State.LIVE or version.name in known:
            return False
        publishing.remove(version.name)
        _enter(version, State.DISCARDED)
    return True


def _go_live(version: AdapterVersion) -> None:
    _lock(version.group_id)
    for other in AdapterVersion.objects.filter(group_id=version.group_id, state=State.LIVE):
        _enter(other, State.RETIRED)
    _enter(version, State.LIVE)
    outbox.bump(version.group_id)


def _enter(version: AdapterVersion, state: AdapterVersion.State) -> None:
    version.state, version.changed_at = state, timezone.now()
    version.save(update_fields=["state", "changed_at"])


def _lock(group_id: UUID) -> None:
    """One at a time for a bot, until the transaction ends."""
    Bot.objects.select_for_update().get(id=group_id)
