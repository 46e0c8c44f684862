"""django-allauth's OpenID Connect flow, led past its users: it ends with an identity, before anybody is logged in.

allauth makes the authorization request (PKCE, state), receives the answer and holds the two together. What it would do
over HTTP goes the one way out, what it would believe is verified (allauth sends no nonce, and does not check the ID
token's signature), and what it would do with Django's users never happens: the flow leaves it in `complete_login`.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialToken
from allauth.socialaccount.providers.base.constants import AuthError, AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Client
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from asgiref.sync import async_to_sync
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from tenants.identity import IdentityError, VerifiedIdentity
from tenants.openid import provider as openid
from tenants.openid.provider import Client, Provider, Tokens

COOKIE = "sign_in"
LONGEST_S = 600


class SignInFailed(Exception):
    """A sign-in that did not come to its end; the message is for the customer. `cancelled`: by themselves."""

    def __init__(self, message: str, cancelled: bool = False) -> None:
        super().__init__(message)
        self.cancelled = cancelled


@dataclass(frozen=True)
class SignedIn:
    """`data` is what `begin` was given."""

    identity: VerifiedIdentity
    tokens: Tokens
    data: dict[str, Any]


@dataclass(frozen=True)
class Begun:
    """The address at the provider to send the browser to, and the cookie by which this browser alone can come back."""

    address: str
    cookie: str = field(repr=False)


def begin(
    request: HttpRequest, client: Client, callback_url: str, data: dict[str, Any], *, again: bool = False
) -> Begun:
    """`again` has the provider ask who it is, although it may know the browser. Raises OutsideError."""
    provider = _BotProvider(request, client, callback_url)
    nonce = secrets.token_urlsafe(24)
    # OpenID Connect Core, 11: without consent there is no refresh token for later.
    prompts = [*(["login"] if again else []), *(["consent"] if "offline_access" in client.scope else [])]
    asked = {"nonce": nonce, **({"prompt": " ".join(prompts)} if prompts else {})}
    with _own_session(request, ""):
        response = provider.redirect(request, AuthProcess.LOGIN, data={**data, "nonce": nonce}, auth_params=asked)
        return Begun(str(response["Location"]), str(request.session.session_key))


def complete(request: HttpRequest, client: Client, callback_url: str) -> SignedIn:
    """What the provider's answer amounts to. Raises SignInFailed, IdentityError and OutsideError."""
    provider = _BotProvider(request, client, callback_url)
    with _own_session(request, request.COOKIES.get(COOKIE, "")):
        _Callback.adapter_view(provider.flow)(request)
    if provider.failure is not None:
        raise provider.failure
    if provider.flow.signed_in is None:
        raise SignInFailed("The sign-in could not be completed. Please try again.")
    return provider.flow.signed_in


@contextmanager
def _own_session(request: HttpRequest, cookie: str) -> Iterator[None]:
    """A session for the sign-in alone: a customer has no part in the sessions of members."""
    members = request.session
    request.session = SessionStore(cookie)
    try:
        yield
    finally:
        request.session = members


class CustomersOnly(DefaultSocialAccountAdapter):
    """Nobody becomes, or is logged in as, one of Django's users by a social account."""

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        if error == AuthError.CANCELLED:
            provider.failure = SignInFailed("You have not signed in.", cancelled=True)
        else:
            provider.failure = SignInFailed("This sign-in was begun elsewhere, or too long ago. Please try again.")
        raise ImmediateHttpResponse(HttpResponse())

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        raise PermissionDenied

    def get_requests_session(self) -> Any:
        raise PermissionDenied("Only tenants.safe_http goes out.")


class _BotProvider(OpenIDConnectProvider):
    """allauth's provider entry of one bot; its app is never stored."""

    def __init__(self, request: HttpRequest, client: Client, callback_url: str) -> None:
        app = SocialApp(
            provider=self.id,
            provider_id=client.bot_key,
            name=client.bot_name[:40],
            client_id=client.client_id,
            settings={"server_url": client.issuer, "oauth_pkce_enabled": True, "scope": list(client.scope)},
        )
        super().__init__(request, app=app)
        self.client = client
        self.failure: SignInFailed | None = None
        self.flow = _BotFlow(request, self, callback_url)

    def get_oauth2_adapter(self, request: HttpRequest) -> "_BotFlow":
        return self.flow


class _SafeClient(OAuth2Client):
    """allauth's client, which asks for tokens by the one way out."""

    flow: "_BotFlow"

    def get_redirect_url(self, authorization_url: str, scope: list[str], extra_params: dict[str, str]) -> str:
        address: str = super().get_redirect_url(authorization_url, scope, extra_params)
        joined = "&" if "?" in authorization_url else "?"
        return authorization_url + joined + address.removeprefix(authorization_url + "?")

    def get_access_token(
        self, code: str, pkce_code_verifier: str | None = None, extra_data: dict[str, str] | None = None
    ) -> dict[str, str]:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.callback_url}
        form["code_verifier"] = pkce_code_verifier or ""
        flow = self.flow
        flow.tokens = async_to_sync(openid.ask_for_tokens)(flow.provider.client, flow.found, form)
        return {"access_token": flow.tokens.access_token, "id_token": flow.tokens.id_token}


class _BotFlow(OpenIDConnectOAuth2Adapter):
    """allauth's flow for one bot."""

    client_class = _SafeClient

    def __init__(self, request: HttpRequest, provider: _BotProvider, callback_url: str) -> None:
        super().__init__(request, provider.client.bot_key)
        self.provider, self.callback_url = provider, callback_url
        self.state: dict[str, Any] = {}
        self.tokens: Tokens | None = None
        self.signed_in: SignedIn | None = None
        self._found: Provider | None = None

    @property
    def found(self) -> Provider:
        if self._found is None:
            self._found = async_to_sync(openid.discover)(self.provider.client)
        return self._found

    @property
    def openid_config(self) -> dict[str, Any]:
        return {
            "authorization_endpoint": self.found.authorization_endpoint,
            "token_endpoint": self.found.token_endpoint,
        }

    def get_provider(self) -> _BotProvider:
        return self.provider

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        return self.callback_url

    def get_client(self, request: HttpRequest, app: SocialApp) -> _SafeClient:
        client: _SafeClient = super().get_client(request, app)
        client.flow = self
        return client

    def complete_login(self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any) -> Any:
        """Where allauth would turn to its users, the flow ends."""
        assert self.tokens is not None  # just asked for
        data = self.state.get("data") or {}
        named = request.GET.get("iss")
        if (named or self.found.names_itself) and named != self.found.issuer:
            raise IdentityError("The answer comes from another provider.")
        identity = async_to_sync(openid.identify)(self.provider.client, self.found, self.tokens, data.get("nonce", ""))
        self.signed_in = SignedIn(identity, self.tokens, data)
        raise ImmediateHttpResponse(HttpResponse())


class _Callback(OAuth2CallbackView):
    adapter: _BotFlow

    def _get_state(self, request: HttpRequest, provider: _BotProvider) -> Any:
        state, response = super()._get_state(request, provider)
        self.adapter.state = state or {}
        return state, response
