"""Running an action: loads its definition, builds the request, calls the data API, and records the call."""

import asyncio
import base64
import json
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

from knowledge.models import Action, Call, DataApi
from knowledge.parameters import PLACEHOLDER, parse_parameters
from knowledge.values import BadValue, Parameter, VerifiedCustomer, checked_value, filled
from tenants import safe_http
from tenants.safe_http import OutboundError, OutboundRequest, OutboundResponse

logger = logging.getLogger(__name__)

LONGEST_S = 30.0
RETRY_AFTER_S = 0.2
MAX_SAID = 200


@dataclass(frozen=True)
class ActionSpec:
    """Everything that a call and its answer need, read once. Secrets are not shown."""

    id: UUID
    group_id: UUID
    name: str
    title: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    answer: str
    requires_verified: bool
    base_url: str
    allowed_hosts: tuple[str, ...]
    timeout_s: float
    auth_headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def needs_customer(self) -> bool:
        return self.requires_verified or any(parameter.source for parameter in self.parameters)


@dataclass(frozen=True)
class ActionResult:
    """What came of a call. `message` is a sentence for the customer where it failed; `arguments` are those sent."""

    ok: bool
    status: int | None
    data: Any
    duration_ms: float
    error_code: str = ""
    message: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def outcome(self) -> str:
        return "ok" if self.ok else self.error_code


def load_action(group_id: UUID, action_id: UUID) -> ActionSpec:
    """The enabled action with its data API. Needs the bot's scope; raises Action.DoesNotExist."""
    action = Action.objects.select_related("data_api").get(group_id=group_id, id=action_id, enabled=True)
    api = action.data_api
    return ActionSpec(
        action.id,
        action.group_id,
        action.name,
        action.title,
        action.method,
        action.path,
        parse_parameters(action.parameters),
        action.answer,
        action.requires_verified,
        api.base_url.rstrip("/"),
        tuple(api.allowed_hosts) or (urlsplit(api.base_url).hostname or "",),
        min(max(api.timeout_s, 0.1), LONGEST_S),
        _auth_headers(api),
    )


async def run(spec: ActionSpec, arguments: Mapping[str, Any], customer: VerifiedCustomer | None) -> ActionResult:
    """Call the API with the customer's words; claims come from the verified customer alone. Never raises for a failure.

    Hold no scope or transaction around it.
    """
    started = time.perf_counter()
    sent: dict[str, Any] = {}
    try:
        sent = _checked(spec, arguments, customer)
        response = await _send(spec, _request(spec, sent))
        status, data, code, message = _read(response)
    except _Refused as refusal:
        status, data, code, message = None, None, refusal.code, refusal.message
    except OutboundError as problem:
        logger.warning("action %s of %s: %s: %s", spec.name, spec.group_id, problem.code, problem.message)
        status, data, code, message = None, None, problem.code, _UNREACHED
    duration = (time.perf_counter() - started) * 1000
    return ActionResult(not code, status, data, duration, code, message, sent)


def record_call(
    spec: ActionSpec, result: ActionResult, *, conversation_id: UUID | None, customer_subject: str = ""
) -> Call:
    """Write down a call as it was made. Needs the bot's scope."""
    return Call.objects.create(
        group_id=spec.group_id,
        action_id=spec.id,
        action_name=spec.name,
        conversation_id=conversation_id,
        customer_subject=customer_subject,
        arguments=dict(result.arguments),
        outcome=result.outcome,
        status=result.status,
        duration_ms=result.duration_ms,
    )


_UNREACHED = "I could not reach the live data just now."


class _Refused(Exception):
    """A call that must not be made."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def _checked(spec: ActionSpec, words: Mapping[str, Any], customer: VerifiedCustomer | None) -> dict[str, Any]:
    """All arguments in their types: nothing missing, nothing that the definition does not name."""
    if spec.needs_customer and customer is None:
        raise _Refused("not_verified", "I can only look that up for a signed-in customer.")
    arguments = filled(spec.parameters, words, customer)
    for parameter in spec.parameters:
        label = parameter.name.replace("_", " ")
        if parameter.name not in arguments:
            if parameter.required:
                raise _Refused("missing", f"I still need the {label}.")
            continue
        try:
            arguments[parameter.name] = checked_value(parameter, arguments[parameter.name])
        except BadValue as problem:
            raise _Refused("invalid", f"The {label} cannot be used. {problem}") from problem
    return arguments


def _request(spec: ActionSpec, arguments: Mapping[str, Any]) -> OutboundRequest:
    placed: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "header": {}, "body": {}}
    for parameter in spec.parameters:
        if parameter.name in arguments:
            value = arguments[parameter.name]
            placed[parameter.location][parameter.name] = value if parameter.location == "body" else _text(value)
    headers = {"Accept": "application/json", **placed["header"], **spec.auth_headers}
    return OutboundRequest(
        spec.method,
        spec.base_url + PLACEHOLDER.sub(lambda found: _segment(placed["path"], found.group(1)), spec.path),
        spec.allowed_hosts,
        headers,
        placed["query"],
        placed["body"] if spec.method != "GET" else None,
        spec.timeout_s,
    )


def _segment(values: Mapping[str, Any], name: str) -> str:
    """A value within one segment of the path. Servers decode %2F before routing, so a slash is refused, not quoted."""
    value = values[name]
    if value in (".", "..") or "/" in value or "\\" in value:
        raise _Refused("invalid", f"The {name.replace('_', ' ')} cannot be used.")
    return quote(value, safe="")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


async def _send(spec: ActionSpec, request: OutboundRequest) -> OutboundResponse:
    """One call; a read whose connection failed gets a second one."""
    try:
        return await safe_http.fetch(request)
    except OutboundError as problem:
        if problem.code != "unreachable" or spec.method != "GET":
            raise
    await asyncio.sleep(RETRY_AFTER_S)
    return await safe_http.fetch(request)


def _read(response: OutboundResponse) -> tuple[int, Any, str, str]:
    """Status, data, error code and the sentence for the customer."""
    status = response.status
    try:
        data = json.loads(response.content, parse_constant=_no_constant) if response.content else None
    except (ValueError, RecursionError):
        data = None
    if 200 <= status < 300:
        if isinstance(data, dict | list):
            return status, data, "", ""
        return status, None, "not_json", "The live data came back in a form that I cannot read."
    if status == 404:
        return status, None, "not_found", f"I looked, but could not find that. {_said(data)}".strip()
    if status in (400, 409, 422):
        return status, None, "invalid", f"The live data did not accept that. {_said(data)}".strip()
    if status in (401, 403):
        return status, None, "unauthorized", "I am not allowed to look that up."
    if status == 429:
        return status, None, "busy", "The live data is too busy just now."
    return status, None, "failed", _UNREACHED


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON.")


def _said(data: Any) -> str:
    """The API's own message, if it is one plain sentence."""
    if not isinstance(data, dict):
        return ""
    message = next((data[key] for key in ("message", "detail", "error") if data.get(key)), "")
    if not isinstance(message, str) or len(message) > MAX_SAID or re.search(r"[<>{}\[\]\\]|https?:|Traceback", message):
        return ""
    plain = " ".join(message.split())
    return plain if not plain or plain.endswith((".", "!", "?")) else f"{plain}."


def _auth_headers(api: DataApi) -> dict[str, str]:
    secret = api.auth_secret
    if api.auth_type == DataApi.Auth.HEADER:
        return {api.auth_name: secret}
    if api.auth_type == DataApi.Auth.BEARER:
        return {"Authorization": f"Bearer {secret}"}
    if api.auth_type == DataApi.Auth.BASIC:
        return {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}
    return {}
