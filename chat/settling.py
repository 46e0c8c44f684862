"""The turn in which the customer has said yes or no: carries out what was confirmed, and says what came of it."""

from uuid import UUID

from chat import carrying_out, confirming, remembering, suspending
from chat.announcing import as_recorded, cited
from chat.context import TurnContext
from chat.exchange import Answer
from knowledge.models import Call
from knowledge.writes import NotOpen
from tenants.database import in_database


async def settle(context: TurnContext, call_id: UUID) -> Answer:
    """Do what the kept decision asks for. If an earlier attempt at this turn has begun it, it is not begun again."""
    asker = context.asker
    call = await in_database(_read, call_id, asker.conversation_id, scope=asker.scope)
    if call is None:
        return Answer("There is nothing to confirm.", "dynamic", 1.0)
    carried = await carrying_out.carry_out(call_id, asker.group_id, asker.conversation_id, asker.scope)
    call = carried.call if carried else call
    text, handoff = carrying_out.text_of(call), carrying_out.wants_person(call)
    dialogue = {key: value for key, value in context.dialogue.items() if key == remembering.KEY}
    if carried:
        dialogue |= remembering.with_result(dialogue, call.action_name, carried.values)
    if waiting := suspending.waiting(context.dialogue, ""):
        dialogue = suspending.suspended({**dialogue, **waiting[0]}, waiting[1:])
    return Answer(
        text,
        "dynamic",
        1.0,
        (cited(call, text),) if call.state == Call.State.DONE else (),
        handoff=handoff,
        calls=(as_recorded(call),),
        dialogue=dialogue,
        settles=True,
    )


async def in_words(context: TurnContext, text: str) -> Answer | None:
    """The same for a customer who has typed the yes or no right after being asked; None for any other text."""
    asked, yes = context.dialogue.get(confirming.FIELD), confirming.in_words(text)
    if asked is None or yes is None:
        return None
    call_id = UUID(asked)
    try:
        call = await in_database(
            confirming.decide_in_words,
            context.asker,
            call_id,
            context.turn.message_id,
            yes=yes,
            scope=context.asker.scope,
        )
    except NotOpen as problem:
        return Answer(problem.message, "dynamic", 1.0)
    return await settle(context, call.id)


def _read(call_id: UUID, conversation_id: UUID) -> Call | None:
    return Call.objects.filter(id=call_id, conversation_id=conversation_id).first()
