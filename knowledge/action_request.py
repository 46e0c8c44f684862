"""From an action's definition and the arguments to the request: each argument in its type and in its place."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from knowledge.action_checks import PLACEHOLDER
from knowledge.action_spec import ActionSpec
from knowledge.bad_value import BadValue
from knowledge.values import Remembered, VerifiedCustomer, checked_value, filled
from tenants.safe_http import OutboundRequest


class Refused(Exception):
    """A call that must not be made; the message is a sentence for the customer."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def checked(
    spec: ActionSpec, words: Mapping[str, Any], customer: VerifiedCustomer | None, remembered: Sequence[Remembered]
) -> dict[str, Any]:
    """All arguments in their types: nothing missing, nothing that the definition does not name. Raises Refused."""
    if spec.needs_customer and customer is None:
        raise Refused("not_verified", "I can only do that for a signed-in customer.")
    arguments = filled(spec.parameters, words, customer, remembered)
    for parameter in spec.parameters:
        label = parameter.name.replace("_", " ")
        if parameter.name not in arguments:
            if parameter.required:
                raise Refused("missing", f"I still need the {label}.")
            continue
        try:
            arguments[parameter.name] = checked_value(parameter, arguments[parameter.name])
        except BadValue as problem:
            raise Refused("invalid", f"The {label} cannot be used. {problem}") from problem
    return arguments


def built(spec: ActionSpec, arguments: Mapping[str, Any], key: str = "", fresh: bool = False) -> OutboundRequest:
    """The request, without credentials. Raises Refused."""
    placed: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "header": {}}
    body: dict[str, Any] = {}
    for parameter in spec.parameters:
        if parameter.name in arguments:
            value = arguments[parameter.name]
            if parameter.location == "body":
                _put(body, parameter.api_name.split("."), value)
            else:
                placed[parameter.location][parameter.api_name] = _text(value)
    headers = {"Accept": "application/json", **placed["header"]}
    if key:
        headers["Idempotency-Key"] = key
    if fresh:
        headers["Cache-Control"] = "no-cache"
    # A DELETE has a body only where one of its parameters stands there: many servers refuse an empty one.
    has_body = spec.method != "GET" and (bool(body) or spec.method != "DELETE")
    return OutboundRequest(
        spec.method,
        spec.base_url + PLACEHOLDER.sub(lambda found: _segment(placed["path"], found.group(1)), spec.path),
        spec.allowed_hosts,
        headers,
        placed["query"],
        body if has_body else None,
        spec.timeout_s,
    )


def _put(body: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """The value at a dotted name: objects within the body are made on the way."""
    *above, last = path
    for name in above:
        inner = body.setdefault(name, {})
        if not isinstance(inner, dict):
            raise Refused("invalid", "This call cannot be made as it is defined.")
        body = inner
    body[last] = value


def _segment(values: Mapping[str, Any], name: str) -> str:
    """A value within one segment of the path. Servers decode %2F before routing, so a slash is refused, not quoted."""
    value = values[name]
    if value in ("", ".", "..") or "/" in value or "\\" in value:
        raise Refused("invalid", f"The {name.replace('_', ' ')} cannot be used.")
    return quote(value, safe="")


def _text(value: Any) -> Any:
    if isinstance(value, list):
        return [_text(each) for each in value]
    return str(value).lower() if isinstance(value, bool) else str(value)
