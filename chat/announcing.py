"""Saying in a conversation what came of something after its turn has ended: approved, refused, found out."""

from uuid import uuid4

from chat import events, store
from chat.exchange import Answer, Citation
from chat.models import Interaction, Message
from knowledge.models import Call


def announce(call: Call, text: str, *, handoff: bool = False) -> None:
    """The bot says it whoever owns the conversation, for it is about what was done; but to its own customer only.

    Needs the conversation's scope.
    """
    assert call.conversation_group_id is not None
    assert call.conversation_id is not None
    conversation = store.locked(call.conversation_group_id, call.conversation_id)
    citations = (cited(call, text),) if call.state == Call.State.DONE else ()
    answer = Answer(text, "dynamic", 1.0, citations, handoff=handoff)
    interaction = Interaction(
        group_id=call.group_id,
        conversation_group_id=conversation.group_id,
        conversation=conversation,
        question=call.summary,
        question_id=uuid4(),
        answer=text,
        route=answer.route,
        confidence=answer.confidence,
        reason=f"What came of “{call.action_name}”, which the customer had asked for: {call.get_state_display()}.",
        calls=[as_recorded(call)],
        handoff=handoff,
    )
    if handoff:
        store.mark_waiting(conversation)
    if conversation.customer_id != call.customer_id:
        # They have signed out, and somebody else may be reading: it is kept for the business alone.
        interaction.reason += " The customer had signed out, so nothing was said."
        interaction.save(force_insert=True)
        return
    message = store.add_message(conversation, Message.Role.BOT, text, group_id=call.group_id)
    message.answer = answer.as_event(message.id, interaction.id)
    message.save(update_fields=["answer"])
    interaction.answer_id = message.id
    interaction.save(force_insert=True)
    events.emit(conversation, "answer", message.answer)


def cited(call: Call, text: str) -> Citation:
    return Citation("action", str(call.action_id or call.id), call.action_name, call.action_name, "", text)


def as_recorded(call: Call) -> dict[str, object]:
    """The call as an Interaction keeps it."""
    return {
        "action": call.action_name,
        "arguments": call.arguments,
        "outcome": call.outcome or call.state,
        "state": call.state,
        "status": call.status,
        "duration_ms": round(call.duration_ms, 1),
        "approved_by": call.approved_by,
    }
