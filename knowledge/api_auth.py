"""How calls prove to a data API who they are: a secret of the business, or a token that is asked for when needed."""

import base64
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from knowledge import api_tokens
from knowledge.models import DataApi

CustomerToken = Callable[[], Awaitable[str | None]]


class NotSignedIn(Exception):
    """The API wants the customer's own token, and there is none."""


@dataclass(frozen=True)
class ApiAuth:
    """A data API's way to authenticate. Secrets are not shown."""

    type: str = "none"
    name: str = ""
    secret: str = field(default="", repr=False)
    token_url: str = ""
    client_id: str = ""
    scope: str = ""
    audience: str = ""

    @classmethod
    def of(cls, api: DataApi) -> "ApiAuth":
        return cls(
            api.auth_type,
            api.auth_name,
            api.auth_secret,
            api.token_url,
            api.client_id,
            api.token_scope,
            api.token_audience,
        )

    @property
    def needs_customer(self) -> bool:
        return self.type in ("customer", "exchange")

    @property
    def uses_tokens(self) -> bool:
        """Whether a fresh token may help after a refusal."""
        return self.type in ("client_credentials", "exchange")


async def headers(
    auth: ApiAuth, owner: str, customer_token: CustomerToken | None, renew: bool = False
) -> dict[str, str]:
    """The headers of one call; `renew`: with a new token. Raises NotSignedIn and OutboundError."""
    if auth.type == "header":
        return {auth.name: auth.secret}
    if auth.type == "bearer":
        return _bearer(auth.secret)
    if auth.type == "basic":
        return {"Authorization": f"Basic {base64.b64encode(auth.secret.encode()).decode()}"}
    if auth.type == "client_credentials":
        form = {"grant_type": "client_credentials"}
        return _bearer(await _token(auth, owner, form, renew))
    if not auth.needs_customer:
        return {}
    own = await customer_token() if customer_token else None
    if not own:
        raise NotSignedIn
    if auth.type == "customer":
        return _bearer(own)
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": own,
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
    }
    return _bearer(await _token(auth, owner, form, renew))


async def _token(auth: ApiAuth, owner: str, form: dict[str, str], renew: bool) -> str:
    for name, value in (("scope", auth.scope), ("audience", auth.audience)):
        if value:
            form[name] = value
    parts = (owner, auth.token_url, auth.client_id, auth.secret, *sorted(form.values()))
    key = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    asked = api_tokens.Asked(key, auth.token_url, auth.client_id, auth.secret, form, owner)
    return await api_tokens.token(asked, renew=renew)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
