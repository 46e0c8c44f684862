"""What bounds a change: limits, a colleague's approval, and the trail that nobody can touch."""

from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError

from chat import carrying_out, confirming
from chat.exchange import Answer
from chat.identity import sign_out
from knowledge import writes
from knowledge.actions import load_action
from knowledge.data_apis import delete_action, delete_data_api, save_action, save_data_api, set_policies
from knowledge.models import Action, Call, CallRecord, Document
from knowledge.writes import NotOpen
from tenants.database import in_database
from tests.chat.changing_api import cancelling, changing_api, talk_of
from tests.chat.test_confirmations import call_of, decided, hurry, proposed, said
from tests.conftest import Business


async def test_limits_and_approval(harbor: Business) -> None:
    async with changing_api() as api:
        talk, action = await talk_of(harbor), await cancelling(harbor, api.site, most_per_day=1, needs_approval=True)
        call = await proposed(talk, action)
        await decided(talk, call)
        assert await said(talk) == [carrying_out.BY_STATE[Call.State.AWAITING]]
        assert api.requests == []
        spec = await in_database(load_action, action.group_id, action.id, scope=harbor.scope)
        again: Answer = await confirming.propose(talk.asker, spec, {"ticket": "T-5"}, (), 0.9)
        assert "once a day" in again.text
        await in_database(writes.approve, call, "Sam", scope=harbor.scope)
        await hurry(talk, call)
        assert (await said(talk))[-1] == "Ticket T-1 is cancelled."
        assert len(api.done) == 1
    with pytest.raises(NotOpen):
        await in_database(writes.approve, call, "Sam", scope=harbor.scope)


async def test_what_comes_of_it_is_not_said_to_whoever_comes_after_the_customer(harbor: Business) -> None:
    async with changing_api() as api:
        talk, action = await talk_of(harbor), await cancelling(harbor, api.site, needs_approval=True)
        call = await proposed(talk, action)
        await decided(talk, call)
        before = await said(talk)
        await in_database(sign_out, harbor.bot.id, talk.conversation, scope=harbor.scope)
        await in_database(writes.approve, call, "Sam", scope=harbor.scope)
        await hurry(talk, call)
        assert (await call_of(talk, call)).state == "done"
        assert await said(talk) == before


async def test_the_amount_is_limited(harbor: Business) -> None:
    amount = [{"name": "amount", "in": "body", "type": "number", "required": True}]
    limits = {"amount_parameter": "amount", "most_amount": 100, "approve_above": 50}
    action = await cancelling(harbor, "http://127.0.0.1:9", parameters=amount, **limits)
    talk = await talk_of(harbor)
    spec = await in_database(load_action, action.group_id, action.id, scope=harbor.scope)
    over = await confirming.propose(talk.asker, spec, {"amount": 100.5}, (), 0.9)
    assert "up to 100.00" in over.text
    for given, state in ((50, "confirmed"), (50.01, "awaiting")):
        call = await proposed(talk, action, amount=given)
        await decided(talk, call)
        assert (await call_of(talk, call)).state == state


@pytest.mark.parametrize("reached", ["proposed", "awaiting", "confirmed"])
@pytest.mark.parametrize("change", ["action", "off", "gone", "api", "api gone", "policy"])
async def test_a_change_of_what_was_to_be_confirmed_takes_it_back(harbor: Business, change: str, reached: str) -> None:
    """Nothing is sent, and the customer is told, once."""
    async with changing_api() as api:
        talk = await talk_of(harbor)
        action = await cancelling(harbor, api.site, keys=True, needs_approval=reached == "awaiting")
        call = await proposed(talk, action)
        if reached != "proposed":
            await decided(talk, call)
        await in_database(_changed, action, change, scope=harbor.scope)
        assert (await call_of(talk, call)).state == "withdrawn"
        await hurry(talk, call)
        await hurry(talk, call)
        told = carrying_out.BY_STATE[Call.State.WITHDRAWN]
        # A customer who has said yes already is answered by the turn that was to carry it out, too.
        assert set(await said(talk)) == {told}
        with pytest.raises(NotOpen):
            await in_database(confirming.decide, harbor.bot.id, talk.conversation, call, yes=True, scope=harbor.scope)
        assert (api.requests, (await call_of(talk, call)).frozen) == ([], "")


async def test_what_may_have_been_done_is_not_sent_again_somewhere_else(harbor: Business) -> None:
    async with changing_api(mood="lost") as api, changing_api() as elsewhere:
        talk, action = await talk_of(harbor), await cancelling(harbor, api.site, keys=True)
        call = await proposed(talk, action)
        await decided(talk, call)
        assert await said(talk) == [carrying_out.FINDING_OUT]
        await in_database(_moved, action, elsewhere.site, scope=harbor.scope)
        await hurry(talk, call)
        assert await said(talk) == [carrying_out.FINDING_OUT, carrying_out.NOT_KNOWN]
        assert (elsewhere.requests, (await in_database(talk.now, scope=None)).waiting_since is None) == ([], False)


def _changed(action: Action, how: str) -> None:
    action = Action.objects.select_related("data_api", "group").get(id=action.id)
    match how:
        case "action":
            action.title = "Cancel all tickets"
            save_action(action)
        case "off":
            action.enabled = False
            save_action(action)
        case "gone":
            delete_action(action)
        case "api":
            _moved(action, "https://elsewhere.example")
        case "api gone":
            delete_data_api(action.data_api)
        case "policy":
            set_policies(action, [Document.objects.create(group=action.group, title="New rules")])


def _moved(action: Action, site: str) -> None:
    api = Action.objects.select_related("data_api").get(id=action.id).data_api
    api.base_url, api.allowed_hosts = site, ["127.0.0.1", "elsewhere.example"]
    save_data_api(api)


async def test_the_trail_has_every_step_and_cannot_be_changed(harbor: Business) -> None:
    async with changing_api() as api:
        talk, action = await talk_of(harbor), await cancelling(harbor, api.site)
        call = await proposed(talk, action)
        await decided(talk, call)
        await said(talk)
    lines = await in_database(_lines_of, call, scope=harbor.scope)
    assert [line.state for line in lines] == ["proposed", "confirmed", "sending", "done"]
    assert {line.customer_subject for line in lines} == {"amara"}
    assert lines[-1].arguments == {"owner": "amara", "ticket": "T-1"}
    assert (lines[-1].status, lines[-1].outcome) == (200, "ok")
    assert "hush" not in repr([vars(line) for line in lines])
    lines[0].pk = uuid4()
    for deed in (
        lambda: CallRecord.objects.filter(call_id=call).update(state="failed"),
        lambda: CallRecord.objects.filter(call_id=call).delete(),
        lambda: lines[0].save(force_insert=True),
    ):
        with pytest.raises(DatabaseError, match="cannot be written, changed or deleted"):
            await in_database(deed, scope=harbor.scope)
    assert len(await in_database(_lines_of, call, scope=harbor.scope)) == 4


def _lines_of(call: UUID) -> list[CallRecord]:
    return list(CallRecord.objects.filter(call_id=call).order_by("at"))


async def test_sensitive_values_are_sent_and_written_down_nowhere(harbor: Business) -> None:
    pin = [{"name": "pin", "in": "body", "required": True, "sensitive": True}]
    async with changing_api() as api:
        talk, action = await talk_of(harbor), await cancelling(harbor, api.site, parameters=pin, answer="Done.")
        call = await proposed(talk, action, pin="9876")
        await decided(talk, call)
        assert await said(talk) == ["Done."]
        assert api.done == [{"pin": "9876"}]
    assert "9876" not in await in_database(_everything_kept, scope=harbor.scope)


def _everything_kept() -> str:
    return repr([vars(each) for model in (Call, CallRecord) for each in model.objects.all()])
