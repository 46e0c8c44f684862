"""Who can sign in, and who may ask them to: the bank's customers, and the bot of its website."""

import os

from allauth.account.models import EmailAddress
from allauth.idp.oidc.adapter import DefaultOIDCAdapter
from allauth.idp.oidc.models import Client
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import User

from deploy.demo.meridian import accounts
from deploy.demo.meridian.sign_in.client import BOT, CLIENT_ID, CLIENT_SECRET


class Adapter(DefaultOIDCAdapter):
    """A customer is known to others by the number under which the bank keeps them."""

    def get_user_sub(self, client: Client, user: AbstractBaseUser) -> str:
        return user.get_username()

    def get_user_by_sub(self, client: Client, sub: str) -> AbstractBaseUser | None:
        return User.objects.filter(username=sub, is_active=True).first()


def fill_in() -> None:
    """The customers and the one client; running it again changes nothing."""
    for customer in accounts.customers():
        first, _, last = customer.name.partition(" ")
        fields = {"first_name": first, "last_name": last, "email": customer.email}
        user, _ = User.objects.update_or_create(username=customer.id, defaults=fields)
        EmailAddress.objects.update_or_create(
            user=user, email=customer.email, defaults={"primary": True, "verified": True}
        )
    client = Client.objects.filter(id=CLIENT_ID).first() or Client(id=CLIENT_ID)
    client.name, client.skip_consent = "Meridian's chat", True
    client.set_scopes(["openid", "profile", "email"])
    client.set_grant_types([Client.GrantType.AUTHORIZATION_CODE, Client.GrantType.REFRESH_TOKEN])
    switchboard = os.environ.get("SWITCHBOARD_URL", "http://127.0.0.1:8000").rstrip("/")
    client.set_redirect_uris([f"{switchboard}/api/v1/bots/{BOT}/sign-in/callback"])
    if client._state.adding or not client.check_secret(CLIENT_SECRET):
        client.set_secret(CLIENT_SECRET)
    client.save()
