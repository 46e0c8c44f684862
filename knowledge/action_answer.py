"""What an API's answer means: data, or why there is none in words for the customer, and whether a change was made."""

import json
import re
from typing import Any

from tenants.safe_http import OutboundResponse

MAX_SAID = 200
UNREACHED = "I could not reach the live data just now."
# After this, as after 5xx, the API may have acted before it gave up, or may still do so.
UNCERTAIN = frozenset({408})

Read = tuple[int, Any, str, str, bool]


def read(response: OutboundResponse) -> Read:
    """Status, data, error code, the sentence for the customer, and whether that is certain."""
    status, data = response.status, _json(response.content)
    if 200 <= status < 300:
        if isinstance(data, dict | list):
            return status, data, "", "", True
        return status, None, "not_json", "The live data came back in a form that I cannot read.", True
    code, message = _problem(status, data)
    return status, None, code, message, True


def read_write(response: OutboundResponse) -> Read:
    """The same for a call that changes something: every 2xx means that it is done, whatever the body holds."""
    status, data = response.status, _json(response.content)
    if 200 <= status < 300:
        return status, data if isinstance(data, dict | list) else {}, "", "", True
    code, message = _problem(status, data)
    return status, None, code, message, status not in UNCERTAIN and status < 500


def _problem(status: int, data: Any) -> tuple[str, str]:
    if status == 404:
        return "not_found", f"I looked, but could not find that. {_said(data)}".strip()
    if status in (400, 409, 422):
        return "invalid", f"The live data did not accept that. {_said(data)}".strip()
    if status in (401, 403):
        return "unauthorized", "I am not allowed to look that up."
    if status == 429:
        return "busy", "The live data is too busy just now."
    return "failed", UNREACHED


def _json(content: bytes) -> Any:
    try:
        return json.loads(content, parse_constant=_no_constant) if content else None
    except (ValueError, RecursionError):
        return None


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
