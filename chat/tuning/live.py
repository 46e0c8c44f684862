"""Which adapter answers for a bot: known without a query as long as nothing about the bot has changed."""

from collections import OrderedDict
from collections.abc import Iterable
from threading import Lock
from uuid import UUID

from django.conf import settings

from chat.models import AdapterVersion
from chat.tuning import publishing
from tenants.models import Bot

KEPT_BOTS = 2000
_kept: OrderedDict[UUID, tuple[tuple[int, str], str]] = OrderedDict()
_lock = Lock()


def adapters_of(bots: Iterable[Bot]) -> dict[UUID, str]:
    """The live adapters of bots whose rows have just been read in this transaction, by their groups."""
    if not (settings.LLM_ADAPTERS_DIR and settings.LLM_BASE_URL):
        return {}
    found = {bot.id: _name(bot) for bot in bots}
    return {group_id: name for group_id, name in found.items() if name}


def base() -> str:
    """What the base is asked for as. Beside adapters that is one that changes nothing: a plain request in a batch with
    others has been seen to be answered wrongly."""
    name = publishing.base_name(settings.LLM_MODEL)
    return name if settings.LLM_ADAPTERS_DIR and publishing.is_published(name) else str(settings.LLM_MODEL)


def _name(bot: Bot) -> str:
    # Going live bumps the knowledge version, so that every process looks again.
    seen = (bot.knowledge_version, settings.LLM_MODEL)
    with _lock:
        kept = _kept.get(bot.id)
    if kept and kept[0] == seen:
        return kept[1]
    version = AdapterVersion.objects.filter(
        group_id=bot.id, state=AdapterVersion.State.LIVE, base=settings.LLM_MODEL
    ).first()
    name = version.name if version else ""
    with _lock:
        _kept[bot.id] = (seen, name)
        _kept.move_to_end(bot.id)
        while len(_kept) > KEPT_BOTS:
            _kept.popitem(last=False)
    return name
