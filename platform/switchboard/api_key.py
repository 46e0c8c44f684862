"""Who calls the management API: the holder of a tenant's API key."""

from dataclasses import dataclass
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from tenants import resolve
from tenants.resolve import ResolvedKey

LONGEST_KEY = 200


@dataclass(frozen=True)
class KeyHolder:
    """Stands in for a user: a program, not a person."""

    is_authenticated: bool = True
    is_active: bool = True


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer KEY`; `request.auth` is then the resolved key with its scope."""

    def authenticate(self, request: Request) -> tuple[KeyHolder, ResolvedKey] | None:
        header = get_authorization_header(request).decode("latin-1").split()
        if not header:
            return None
        if len(header) != 2 or header[0].lower() != "bearer":
            raise AuthenticationFailed("The Authorization header must read “Bearer KEY”, with your API key.")
        key = resolve.api_key(header[1]) if len(header[1]) <= LONGEST_KEY else None
        if key is None:
            raise AuthenticationFailed("This API key is unknown, or it has been revoked.")
        return KeyHolder(), key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Switchboard API"'


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the API's description tells of the key."""

    target_class = ApiKeyAuthentication
    name = "ApiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API key of your tenant. It opens all its bots."}
