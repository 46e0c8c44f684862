"""Trying an action as its author: one real call, with everything that went out and came back but the secrets."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from knowledge import action_request, actions, rendering
from knowledge.action_spec import ActionResult, ActionSpec
from knowledge.confirmation import summary_of
from knowledge.values import MASK, masked

MOST_SHOWN = 20_000


@dataclass(frozen=True)
class PretendedCustomer:
    """Whoever the author wants to be for a test; the API's own answer is what it would give that customer."""

    subject: str
    name: str = ""
    email: str = ""
    claims: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Trial:
    """What was sent, what came back, how long it took, and what a customer would be told."""

    request: str
    response: str
    milliseconds: float
    said: str
    summary: str
    result: ActionResult


async def attempt(spec: ActionSpec, words: Mapping[str, Any], subject: str) -> Trial:
    """Make the call. What needs a customer's own token cannot be tried so. Hold no scope around it."""
    customer = PretendedCustomer(subject) if subject else None
    try:
        arguments = actions.prepare(spec, words, customer)
    except actions.Refused as refusal:
        return _not_sent(ActionResult(False, None, None, 0.0, refusal.code, refusal.message))
    result = await actions.send(spec, arguments, subject=subject)
    summary = summary_of(spec, arguments) if spec.writes else ""
    return Trial(_request(spec, arguments), _response(result), result.duration_ms, _said(spec, result), summary, result)


def _not_sent(result: ActionResult) -> Trial:
    return Trial("Nothing was sent.", "", 0.0, result.message, "", result)


def _request(spec: ActionSpec, arguments: Mapping[str, Any]) -> str:
    try:
        built = action_request.built(spec, {**arguments, **masked(spec.parameters, arguments)})
    except actions.Refused as refusal:
        return refusal.message
    query = "&".join(f"{name}={value}" for name, value in built.params.items())
    headers = {**built.headers, **({"Authorization": MASK} if spec.auth.type != "none" else {})}
    if spec.auth.type == "header":
        headers = {**built.headers, spec.auth.name: MASK}
    lines = [f"{built.method} {built.url}{'?' if query else ''}{query}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if built.json is not None:
        lines += ["", json.dumps(built.json, indent=2, ensure_ascii=False)]
    return "\n".join(lines)


def _response(result: ActionResult) -> str:
    status = f"HTTP {result.status}" if result.status else f"No answer ({result.error_code})"
    if result.data is None:
        return f"{status}\n{result.message}".strip()
    return f"{status}\n{json.dumps(result.data, indent=2, ensure_ascii=False)[:MOST_SHOWN]}"


def _said(spec: ActionSpec, result: ActionResult) -> str:
    if not result.ok:
        return result.message
    try:
        return rendering.render(
            spec.answer, response=result.data, arguments=result.arguments, results=dict(result.values)
        )
    except rendering.RenderError as problem:
        return f"The answer template fails: {problem}"
