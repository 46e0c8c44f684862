"""What a tenant's identity provider publishes: JSON over HTTPS, fetched by the one way out."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tenants import safe_http
from tenants.safe_http import OutboundError, OutboundRequest, OutboundResponse, is_exempt

LARGEST = 300_000
PATIENCE_S = 8.0


class OutsideError(Exception):
    """Nothing of use came back; the message says why, and holds no secret."""


async def get_json(url: str, *, owner: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The JSON object at an address. Raises OutsideError."""
    response = await send("GET", url, owner=owner, headers=headers)
    if response.status != 200:
        raise OutsideError(f"{urlsplit(url).hostname} answered with status {response.status}.")
    return json_of(response, url)


async def send(
    method: str,
    url: str,
    *,
    owner: str,
    headers: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
) -> OutboundResponse:
    """One call to the host that the address names. Raises OutsideError."""
    try:
        check_address(url)
        return await safe_http.fetch(
            OutboundRequest(
                method,
                url,
                (urlsplit(url).netloc,),
                {"Accept": "application/json", **(headers or {})},
                form=form,
                timeout_s=PATIENCE_S,
                max_bytes=LARGEST,
                owner=owner,
                retries=1,
            )
        )
    except OutboundError as problem:
        raise OutsideError(problem.message) from problem


def check_address(url: str) -> None:
    """Only https, except for hosts that the operator has exempted. Raises OutboundError."""
    checked = safe_http.checked_url(url)
    if checked.scheme != "https" and not is_exempt(checked.host, checked.port or 80):
        raise OutboundError("bad_url", "The address must begin with https://.")


def json_of(response: OutboundResponse, url: str) -> dict[str, Any]:
    try:
        content = json.loads(response.content)
    except (ValueError, RecursionError) as problem:
        raise OutsideError(f"{urlsplit(url).hostname} does not answer with JSON.") from problem
    if not isinstance(content, dict):
        raise OutsideError(f"{urlsplit(url).hostname} does not answer with a JSON object.")
    return content
