"""The web process is killed while an API works on what was confirmed: done once, and the customer is told."""

import asyncio
import contextlib
import time
from datetime import timedelta
from uuid import UUID

import httpx
from django.utils import timezone

from chat import carrying_out, confirming
from chat.models import Message
from knowledge.actions import load_action
from knowledge.models import Call
from knowledge.writes import BEYOND_TIMEOUT
from tenants.database import in_database
from tests.chat.changing_api import API_TIMEOUT_S, Talk, cancelling, changing_api, talk_of
from tests.conftest import Business
from tests.platform_processes import Platform

PATIENCE_S = 120.0


async def confirmed(platform: Platform, talk: Talk, call: UUID) -> None:
    """Say yes over HTTP; whoever hangs up on that is no concern here."""
    headers = {"Authorization": f"Bearer {talk.token}", "X-API-Key": talk.business.api_key}
    address = f"{platform.url}/api/v1/conversations/{talk.conversation}/confirmations/{call}"
    async with httpx.AsyncClient(timeout=60) as http:
        with contextlib.suppress(httpx.HTTPError):
            await http.post(address, json={"decision": "yes"}, headers=headers)


async def told(talk: Talk, text: str) -> list[str]:
    """All that the bot has said, once it has said this."""
    deadline = time.monotonic() + PATIENCE_S
    while text not in (said := await in_database(_said, talk, scope=talk.business.scope)):
        assert time.monotonic() < deadline, f"The customer was told only {said}."
        await asyncio.sleep(0.2)
    return said


def _said(talk: Talk) -> list[str]:
    messages = Message.objects.filter(conversation_id=talk.conversation, role="bot").order_by("seq")
    return list(messages.values_list("text", flat=True))


def _end_the_leases() -> None:
    """Whoever was killed keeps others from the call, but not for ever; that time is not waited for here."""
    interrupted, now = Call.objects.filter(state=Call.State.SENDING), timezone.now()
    longest = now + timedelta(seconds=2 * API_TIMEOUT_S) + BEYOND_TIMEOUT
    assert all(call.due_at is not None and call.due_at <= longest for call in interrupted)
    interrupted.update(due_at=now)


async def test_killed_while_the_api_works(platform: Platform, harbor: Business) -> None:
    async with changing_api(mood="late") as knowing, changing_api(mood="late", honours_keys=False) as forgetful:
        talks, asked = [], []
        for api in (knowing, forgetful):
            talk = await talk_of(harbor, f"customer-{len(talks)}")
            action = await cancelling(harbor, api.site, keys=api.honours_keys)
            spec = await in_database(load_action, harbor.bot.id, action.id, scope=harbor.scope)
            answer = await confirming.propose(talk.asker, spec, {"ticket": "T-1"}, (), 0.9)
            assert answer.confirm is not None
            talks.append(talk)
            asked.append(asyncio.create_task(confirmed(platform, talk, answer.confirm.id)))
        await asyncio.wait_for(asyncio.gather(knowing.acted.wait(), forgetful.acted.wait()), PATIENCE_S)
        platform.kill("web")
        await asyncio.gather(*asked)
        knowing.mood = forgetful.mood = "well"
        await in_database(_end_the_leases, scope=harbor.scope)
        assert (await told(talks[0], "Ticket T-1 is cancelled."))[-1] == "Ticket T-1 is cancelled."
        assert (await told(talks[1], carrying_out.NOT_KNOWN))[-1] == carrying_out.NOT_KNOWN
        assert (len(knowing.done), len(forgetful.done), len(forgetful.sent())) == (1, 1, 1)
        assert (await in_database(talks[1].now, scope=None)).waiting_since is not None
    platform.wait_until_ready()
