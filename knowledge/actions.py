"""Running an action: the arguments from where each may come, one call of the data API, and what it said."""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from knowledge import action_request, api_auth, results
from knowledge.action_answer import UNREACHED, read, read_write
from knowledge.action_request import Refused
from knowledge.action_spec import ActionResult, ActionSpec, load_action, load_action_named
from knowledge.api_auth import CustomerToken, NotSignedIn
from knowledge.models import Call
from knowledge.values import Remembered, VerifiedCustomer, masked
from tenants import safe_http
from tenants.safe_http import OutboundError, OutboundRequest, OutboundResponse

__all__ = [
    "ActionResult", "ActionSpec", "Refused", "load_action", "load_action_named", "prepare", "record_call", "run",
    "send",
]  # fmt: skip

logger = logging.getLogger(__name__)

RETRY_AFTER_S = 0.2


def prepare(
    spec: ActionSpec,
    words: Mapping[str, Any],
    customer: VerifiedCustomer | None,
    remembered: Sequence[Remembered] = (),
) -> dict[str, Any]:
    """The arguments of a call, complete and in their types; claims come from the verified customer alone.

    Raises Refused, whose message is a sentence for the customer.
    """
    return action_request.checked(spec, words, customer, remembered)


async def run(
    spec: ActionSpec,
    words: Mapping[str, Any],
    customer: VerifiedCustomer | None,
    *,
    token: CustomerToken | None = None,
    remembered: Sequence[Remembered] = (),
) -> ActionResult:
    """Call an API that is only read, with the customer's words. Never raises for a failure.

    Hold no scope or transaction around it. What changes something has no way through here: see knowledge.writes.
    """
    try:
        if spec.writes:
            raise Refused("unconfirmed", "I can only do that once you have confirmed it.")
        arguments = prepare(spec, words, customer, remembered)
    except Refused as refusal:
        return ActionResult(False, None, None, 0.0, refusal.code, refusal.message)
    return await send(spec, arguments, token=token, subject=customer.subject if customer else "")


async def send(
    spec: ActionSpec,
    arguments: Mapping[str, Any],
    *,
    token: CustomerToken | None = None,
    subject: str = "",
    key: str = "",
    fresh: bool = False,
) -> ActionResult:
    """One call with these arguments; `key` is its Idempotency-Key, `fresh` wants no kept answer. Never raises."""
    started = time.perf_counter()
    certain = True
    try:
        response = await _exchange(spec, action_request.built(spec, arguments, key, fresh), token, subject)
        status, data, code, message, certain = (read_write if spec.writes else read)(response)
    except Refused as refusal:
        status, data, code, message = None, None, refusal.code, refusal.message
    except NotSignedIn:
        status, data, code, message = None, None, "not_verified", "I can only do that for a signed-in customer."
    except OutboundError as problem:
        logger.warning("action %s of %s: %s: %s", spec.name, spec.group_id, problem.code, problem.message)
        status, data, code, message, certain = None, None, problem.code, UNREACHED, not (spec.writes and problem.sent)
    duration = (time.perf_counter() - started) * 1000
    values = results.extract(spec.results, data) if not code else {}
    return ActionResult(not code, status, data, duration, code, message, dict(arguments), values, certain)


def record_call(
    spec: ActionSpec,
    result: ActionResult,
    *,
    conversation_id: UUID | None,
    customer_subject: str = "",
    made_by: str = "",
) -> Call:
    """Write down a read as it was made. Needs the bot's scope."""
    return Call.objects.create(
        group_id=spec.group_id,
        action_id=spec.id,
        action_name=spec.name,
        action_revision=spec.revision,
        method=spec.method,
        state=Call.State.DONE if result.ok else Call.State.FAILED,
        conversation_id=conversation_id,
        customer_subject=customer_subject,
        made_by=made_by,
        arguments=masked(spec.parameters, result.arguments),
        outcome=result.outcome,
        status=result.status,
        duration_ms=result.duration_ms,
    )


async def _exchange(
    spec: ActionSpec, request: OutboundRequest, token: CustomerToken | None, subject: str
) -> OutboundResponse:
    """With credentials; once more with new ones where the API refuses those that were kept."""
    owner = str(spec.group_id)
    request = replace(request, owner=owner, customer=subject)
    response = await _fetch(spec, await _signed(request, spec, owner, token))
    if response.status == 401 and spec.auth.uses_tokens:
        response = await _fetch(spec, await _signed(request, spec, owner, token, renew=True))
    return response


async def _signed(
    request: OutboundRequest, spec: ActionSpec, owner: str, token: CustomerToken | None, renew: bool = False
) -> OutboundRequest:
    try:
        headers = await api_auth.headers(spec.auth, owner, token, renew)
    except OutboundError as problem:
        # It is the token endpoint that was asked, not the API.
        logger.warning("action %s of %s: %s: %s", spec.name, spec.group_id, problem.code, problem.message)
        raise Refused("unreachable", UNREACHED) from problem
    return replace(request, headers={**request.headers, **headers})


async def _fetch(spec: ActionSpec, request: OutboundRequest) -> OutboundResponse:
    """One call; a read whose connection failed gets a second one."""
    try:
        return await safe_http.fetch(request)
    except OutboundError as problem:
        if problem.code != "unreachable" or spec.method != "GET":
            raise
    await asyncio.sleep(RETRY_AFTER_S)
    return await safe_http.fetch(request)
