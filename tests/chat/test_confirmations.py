"""What changes something: only after the customer's yes to exactly that, and at most once whatever breaks."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import AsyncClient
from django.utils import timezone

from chat import carrying_out, confirming, turn
from chat.models import Message, Turn
from knowledge import writes
from knowledge.actions import load_action
from knowledge.models import Action, Call
from knowledge.writes import NotOpen
from tenants.database import in_database
from tests.chat.changing_api import Talk, cancelling, changing_api, talk_of
from tests.conftest import Business

REFUSED = "The live data did not accept that. It has been sent already."


async def proposed(talk: Talk, action: Action, **words: Any) -> UUID:
    """What the customer is asked to confirm."""
    spec = await in_database(load_action, action.group_id, action.id, scope=talk.business.scope)
    answer = await confirming.propose(talk.asker, spec, words or {"ticket": "T-1"}, (), 0.9)
    assert answer.confirm is not None, answer.text
    return answer.confirm.id


async def decided(talk: Talk, call: UUID, *, yes: bool = True) -> None:
    """The decision is kept, and nothing more: the turn that carries it out has not begun."""
    kept = await in_database(
        confirming.decide, talk.business.bot.id, talk.conversation, call, yes=yes, scope=talk.business.scope
    )
    assert not isinstance(kept, NotOpen), kept.code


async def said(talk: Talk) -> list[str]:
    """Work off what waits; everything that the bot has said."""
    await turn.work_off(talk.business.bot.id, talk.conversation)
    return await in_database(_bot_texts, talk, scope=talk.business.scope)


def _bot_texts(talk: Talk) -> list[str]:
    messages = Message.objects.filter(conversation_id=talk.conversation, role="bot").order_by("seq")
    return list(messages.values_list("text", flat=True))


async def call_of(talk: Talk, call: UUID) -> Call:
    return await in_database(Call.objects.get, scope=talk.business.scope, id=call)


async def hurry(talk: Talk, call: UUID) -> None:
    """Let the time pass that a lease or a pause lasts, and let the worker look."""
    past = timezone.now() - timedelta(minutes=2)
    waiting = Call.objects.filter(id=call, due_at__isnull=False)
    await in_database(waiting.update, due_at=past, sent_at=past, scope=talk.business.scope)
    group = talk.business.bot.id
    if (group, call, group) in await in_database(carrying_out.due, 10_000, scope=None):
        await carrying_out.look_after(group, call, group)


async def test_nothing_is_sent_before_the_yes_and_once_after_it(harbor: Business) -> None:
    async with changing_api() as api:
        talk, action = await talk_of(harbor), await cancelling(harbor, api.site)
        call = await proposed(talk, action)
        assert api.requests == []
        await decided(talk, call)
        assert await said(talk) == ["Ticket T-1 is cancelled."]
        ((method, path, headers, body),) = api.requests
    assert (method, path, body) == ("POST", "/cancel?owner=amara", {"ticket": "T-1"})
    assert headers["idempotency-key"] == str(call)
    kept = await call_of(talk, call)
    assert (kept.state, kept.frozen, kept.customer_subject) == ("done", "", "amara")


async def test_a_no_changes_nothing(harbor: Business) -> None:
    async with changing_api() as api:
        talk, action = await talk_of(harbor), await cancelling(harbor, api.site)
        call = await proposed(talk, action)
        await decided(talk, call, yes=False)
        assert await said(talk) == ["All right. Nothing was changed."]
        assert api.requests == []


async def test_the_summary_shows_everything_that_is_sent(harbor: Business) -> None:
    talk, action = await talk_of(harbor), await cancelling(harbor, "http://127.0.0.1:9")
    spec = await in_database(load_action, action.group_id, action.id, scope=harbor.scope)
    answer = await confirming.propose(talk.asker, spec, {"ticket": "T-77", "owner": "mallory"}, (), 0.9)
    assert answer.confirm is not None
    assert answer.confirm.summary == "**Cancel a ticket**\n- Ticket: T-77"
    assert answer.confirm.arguments == {"ticket": "T-77"}
    assert answer.confirm.summary in answer.text


async def decide_over_http(talk: Talk, call: UUID, decision: Any = "yes", token: str = "") -> Any:
    address = f"/api/v1/conversations/{talk.conversation}/confirmations/{call}"
    headers = {"Authorization": f"Bearer {token or talk.token}", "X-API-Key": talk.business.api_key}
    return await AsyncClient().post(address, {"decision": decision}, content_type="application/json", headers=headers)


async def test_forged_replayed_altered_and_doubled_confirmations_are_refused(
    harbor: Business, meridian: Business
) -> None:
    async with changing_api() as api:
        action = await cancelling(harbor, api.site)
        talk, other, elsewhere = await talk_of(harbor), await talk_of(harbor, "mallory"), await talk_of(meridian)
        call, theirs = await proposed(talk, action), await proposed(other, action)
        forged = [
            await decide_over_http(talk, uuid4()),
            await decide_over_http(talk, call, token=other.token),
            await decide_over_http(other, call),
            await decide_over_http(elsewhere, call),
            await decide_over_http(talk, theirs),
            await decide_over_http(talk, call, token="x"),
        ]
        assert {answer.status_code for answer in forged} == {404}
        for wrong in ("", "maybe", True, None):
            assert (await decide_over_http(talk, call, wrong)).status_code == 400
        button = {"choice": {"field": confirming.FIELD, "value": str(call)}}
        pressed = await AsyncClient().post(
            f"/api/v1/conversations/{talk.conversation}/messages", button, content_type="application/json",
            headers={"Authorization": f"Bearer {talk.token}", "X-API-Key": harbor.api_key},
        )  # fmt: skip
        assert (pressed.status_code, api.requests) == (400, [])
        right = await decide_over_http(talk, call)
        assert (right.status_code, right.json()["text"]) == (200, "Ticket T-1 is cancelled.")
        for decision in ("yes", "yes", "no"):
            again = await decide_over_http(talk, call, decision)
            assert (again.status_code, again.json()["code"]) == (409, "decided")
        assert api.done == [{"ticket": "T-1"}]


async def test_what_was_frozen_is_sent_whatever_is_changed_since(harbor: Business) -> None:
    async with changing_api() as api:
        talk, action = await talk_of(harbor), await cancelling(harbor, api.site)
        call = await proposed(talk, action)
        rows = Call.objects.filter(id=call)
        await in_database(rows.update, arguments={"ticket": "T-2"}, scope=harbor.scope)
        assert (await decide_over_http(talk, call)).status_code == 200
        assert api.done == [{"ticket": "T-1"}]
        changed = await proposed(talk, action, ticket="T-3")
        await in_database(Action.objects.filter(id=action.id).update, revision=9, scope=harbor.scope)
        refused = await decide_over_http(talk, changed)
        assert (refused.status_code, refused.json()["code"]) == (409, "withdrawn")
        assert len(api.done) == 1


async def test_too_late_replaced_or_somebody_else_by_now(harbor: Business) -> None:
    async with changing_api() as api:
        talk, action = await talk_of(harbor), await cancelling(harbor, api.site)
        first = await proposed(talk, action)
        second = await proposed(talk, action, ticket="T-2")
        assert (await decide_over_http(talk, first)).json()["code"] == "withdrawn"
        rows = Call.objects.filter(id=second)
        await in_database(rows.update, expires_at=timezone.now(), scope=harbor.scope)
        assert (await decide_over_http(talk, second)).json()["code"] == "expired"
        assert (await call_of(talk, second)).state == "expired"
        third = await proposed(talk, action)
        conversation = await in_database(talk.now, scope=None)
        conversation.customer = None
        await in_database(conversation.save, scope=harbor.scope)
        assert (await decide_over_http(talk, third)).json()["code"] == "other_customer"
        assert api.requests == []


@pytest.mark.parametrize(
    ("mood", "keys", "lookup", "texts", "done"),
    [
        # Nobody can say: told so, and a person gets the case.
        ("lost", False, False, [carrying_out.NOT_KNOWN], 1),
        ("late", False, False, [carrying_out.NOT_KNOWN], 1),
        ("cut", False, False, [carrying_out.NOT_KNOWN], 1),
        ("reset", False, False, [carrying_out.NOT_KNOWN], 1),
        ("deaf", False, False, [carrying_out.NOT_KNOWN], 0),
        ("broken", False, False, [carrying_out.NOT_KNOWN], 0),
        ("refusing", False, False, [f"{REFUSED} Nothing was changed."], 0),
        # The API honours the key: asked again until it answers, and done once.
        ("lost", True, False, [carrying_out.FINDING_OUT, "Ticket T-1 is cancelled."], 1),
        ("late", True, False, [carrying_out.FINDING_OUT, "Ticket T-1 is cancelled."], 1),
        ("cut", True, False, [carrying_out.FINDING_OUT, "Ticket T-1 is cancelled."], 1),
        ("reset", True, False, [carrying_out.FINDING_OUT, "Ticket T-1 is cancelled."], 1),
        ("deaf", True, False, [carrying_out.FINDING_OUT, "Ticket T-1 is cancelled."], 1),
        ("broken", True, False, [carrying_out.FINDING_OUT, "Ticket T-1 is cancelled."], 1),
        # A look-up tells: never sent again.
        ("lost", False, True, [carrying_out.FINDING_OUT, "Ticket T-1 is cancelled."], 1),
        ("deaf", False, True, [carrying_out.FINDING_OUT, "I have looked: this was not done. Nothing was changed."], 0),
    ],
)
async def test_the_api_fails_at_each_step(
    harbor: Business, mood: str, keys: bool, lookup: bool, texts: list[str], done: int
) -> None:
    async with changing_api(mood=mood, honours_keys=keys) as api:
        talk, action = await talk_of(harbor), await cancelling(harbor, api.site, keys=keys, lookup=lookup)
        call = await proposed(talk, action)
        await decided(talk, call)
        first = await said(talk)
        assert first == texts[:1]
        api.mood = "well"
        await hurry(talk, call)
        assert await said(talk) == texts
        assert len(api.done) == done
        if not keys:
            assert len(api.sent()) == 1
    waiting = (await in_database(talk.now, scope=None)).waiting_since is not None
    assert waiting == (texts[-1] == carrying_out.NOT_KNOWN)


async def test_an_api_that_is_down_was_not_reached(harbor: Business) -> None:
    talk, action = await talk_of(harbor), await cancelling(harbor, "http://127.0.0.1:9")
    call = await proposed(talk, action)
    await decided(talk, call)
    assert await said(talk) == ["I could not reach the live data just now. Nothing was changed."]
    assert (await call_of(talk, call)).state == "failed"


async def test_the_api_stays_away_until_a_person_gets_the_case(harbor: Business) -> None:
    async with changing_api(mood="lost") as api:
        talk, action = await talk_of(harbor), await cancelling(harbor, api.site, keys=True)
        call = await proposed(talk, action)
        await decided(talk, call)
        await said(talk)
        for _ in range(len(writes.ASK_AGAIN_AFTER) + 2):
            await hurry(talk, call)
        assert await said(talk) == [carrying_out.FINDING_OUT, carrying_out.NOT_KNOWN]
        assert len(api.done) == 1
    kept = await call_of(talk, call)
    assert (kept.state, kept.due_at, kept.frozen) == ("unknown", None, "")


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("keys", [True, False])
@pytest.mark.parametrize("at", ["before begin", "after begin", "after the answer", "after finish"])
async def test_the_process_dies_at_each_step(
    harbor: Business, monkeypatch: pytest.MonkeyPatch, at: str, keys: bool
) -> None:
    places = {
        "before begin": (carrying_out, "carry_out"),
        "after begin": (carrying_out.actions, "send"),
        "after the answer": (carrying_out.writes, "finish"),
        "after finish": (carrying_out, "text_of"),
    }

    def die(*args: Any, **kwargs: Any) -> Any:
        raise Killed

    async with changing_api(honours_keys=keys) as api:
        talk, action = await talk_of(harbor), await cancelling(harbor, api.site, keys=keys)
        call = await proposed(talk, action)
        await decided(talk, call)
        with monkeypatch.context() as patched:
            patched.setattr(*places[at], die)
            with pytest.raises(Killed):
                await turn.work_off(harbor.bot.id, talk.conversation)
        await in_database(_abandon, talk, scope=harbor.scope)
        texts = await said(talk)
        interrupted = at in ("after begin", "after the answer")
        assert texts == [carrying_out.FINDING_OUT if interrupted else "Ticket T-1 is cancelled."]
        await hurry(talk, call)
        told = await said(talk)
        if interrupted and not keys:
            assert told == [carrying_out.FINDING_OUT, carrying_out.NOT_KNOWN]
            assert (await in_database(talk.now, scope=None)).waiting_since
            assert len(api.done) == (at == "after the answer")
        else:
            assert told[-1] == "Ticket T-1 is cancelled."
            assert len(api.done) == 1


def _abandon(talk: Talk) -> None:
    """The dead process's lease ends."""
    Turn.objects.filter(conversation_id=talk.conversation).update(lease_until=timezone.now())


async def test_a_yes_in_words_counts_right_after_the_question_and_not_later(harbor: Business) -> None:
    for text, expected in (("yes please", True), ("Yes, go ahead.", True), ("no thanks", False), ("yes but T-2", None)):
        assert confirming.in_words(text) is expected
    kept = confirming.without_question({confirming.FIELD: "x", "results": []})
    assert kept == {"results": []}
