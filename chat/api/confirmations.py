"""The customer's answer to a `confirm`: yes or no, once, to exactly what was shown."""

from functools import partial
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase

from chat import confirming, stream, turn
from chat.api.answers import answered
from chat.api.requests import Refused, body, conversation, endpoint, limit
from knowledge.writes import NotOpen
from tenants import limits
from tenants.database import in_database

YES_OR_NO = "Send “yes” or “no”."


@endpoint("POST")
async def confirmation(request: HttpRequest, conversation_id: UUID, confirmation_id: UUID) -> HttpResponseBase:
    """Decide, and get what comes of it as the answer to a message does."""
    found = await conversation(request, conversation_id)
    decision = body(request, decision=str, client_id=str).get("decision")
    if decision not in ("yes", "no"):
        raise Refused(400, "invalid", f"decision: {YES_OR_NO}", {"decision": YES_OR_NO})
    await limit(request, found.group_id, limits.MESSAGES_PER_VISITOR)
    try:
        decided = await in_database(
            confirming.decide,
            found.group_id,
            conversation_id,
            confirmation_id,
            yes=decision == "yes",
            scope=found.scope,
        )
    except NotOpen as problem:
        raise Refused(404 if problem.code == "not_found" else 409, problem.code, problem.message) from problem
    if isinstance(decided, NotOpen):
        raise Refused(409, decided.code, decided.message)
    where = (found.group_id, conversation_id, found.scope)
    return await answered(request, await stream.begun(*where, decided.message_id, partial(turn.start, *where)))
