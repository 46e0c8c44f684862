"""Sign-ins at a bot's provider: handed over by a code; their tokens encrypted, refreshed when due, and dropped."""

import asyncio
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from tenants.database import in_database
from tenants.identity import IdentityError, VerifiedIdentity, customer_for
from tenants.models import Bot, Customer, SignIn
from tenants.openid import provider as openid
from tenants.openid.provider import Client, Tokens
from tenants.outside import OutsideError
from tenants.resolve import digest
from tenants.scope import Scope

CODE_LIVES = timedelta(minutes=2)
REFRESH_BEFORE = timedelta(seconds=60)
REFRESHING = timedelta(seconds=20)
LOOK_AGAIN_S = 0.2


def keep(group_id: UUID, conversation_id: UUID, identity: VerifiedIdentity, tokens: Tokens) -> str:
    """Keep a sign-in until the conversation that began it takes it over; the code for that. Needs the bot's scope."""
    SignIn.objects.filter(group_id=group_id, created_at__lt=timezone.now() - CODE_LIVES).exclude(code_hash="").delete()
    code = secrets.token_urlsafe(32)
    SignIn.objects.create(
        group_id=group_id,
        customer=customer_for(group_id, identity),
        conversation_id=conversation_id,
        code_hash=digest(code),
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        expires_at=tokens.expires_at,
    )
    return code


def take(group_id: UUID, conversation_id: UUID, code: str) -> Customer:
    """The customer of a code, for the conversation that began the sign-in, and once. Raises IdentityError."""
    made = SignIn.objects.select_for_update(of=("self",)).select_related("customer")
    since = timezone.now() - CODE_LIVES
    here = {"group_id": group_id, "conversation_id": conversation_id}
    sign_in = made.filter(**here, code_hash=digest(code), created_at__gt=since).first()
    if sign_in is None:
        raise IdentityError("This sign-in was not begun in this conversation, or has been used, or is too old.")
    SignIn.objects.filter(**here, code_hash="").delete()
    sign_in.code_hash = ""
    sign_in.save(update_fields=["code_hash"])
    return sign_in.customer


def move(group_id: UUID, conversation_id: UUID, to: UUID) -> None:
    """The customer goes on in another conversation."""
    SignIn.objects.filter(group_id=group_id, conversation_id=conversation_id, code_hash="").update(conversation_id=to)


def drop(group_id: UUID, conversation_id: UUID) -> None:
    """The customer has signed out: nothing of the sign-in is left, whether taken over or not."""
    SignIn.objects.filter(group_id=group_id, conversation_id=conversation_id).delete()


async def access_token(group_id: UUID, conversation_id: UUID, scope: Scope) -> str | None:
    """The customer's own access token, refreshed where it is due; None where there is none (any more).

    Hold no scope around it. Of several callers one refreshes: a refresh token may count only once.
    """
    while True:
        found = await in_database(_claim, group_id, conversation_id, scope=scope)
        if found is None or not found.due:
            return found.access_token or None if found else None
        if found.lease is not None:
            return await _refresh(group_id, found, scope)
        await asyncio.sleep(LOOK_AGAIN_S)


@dataclass(frozen=True)
class _Claimed:
    """A sign-in as it is; with a lease, the caller is the one to refresh it."""

    id: UUID
    access_token: str
    refresh_token: str
    due: bool
    lease: datetime | None = None
    client: Client | None = None
    expired: bool = False


def _claim(group_id: UUID, conversation_id: UUID) -> _Claimed | None:
    now = timezone.now()
    here = SignIn.objects.filter(group_id=group_id, conversation_id=conversation_id, code_hash="")
    sign_in = here.order_by("-created_at").first()
    if sign_in is None:
        return None
    expired = sign_in.expires_at is not None and sign_in.expires_at <= now
    plain = (sign_in.id, sign_in.access_token, sign_in.refresh_token)
    if sign_in.expires_at is None or sign_in.expires_at - REFRESH_BEFORE > now:
        return _Claimed(*plain, due=False)
    if not sign_in.refresh_token:
        return None if expired else _Claimed(*plain, due=False)
    lease = now + REFRESHING
    free = SignIn.objects.filter(
        Q(refreshing_until=None) | Q(refreshing_until__lt=now), group_id=group_id, id=sign_in.id
    )
    if not free.update(refreshing_until=lease):
        return _Claimed(*plain, due=True)
    client = Client.of(Bot.objects.get(id=group_id))
    return _Claimed(*plain, due=True, lease=lease, client=client, expired=expired)


async def _refresh(group_id: UUID, old: _Claimed, scope: Scope) -> str | None:
    """New tokens for old. A provider that is away leaves things as they are; one that refuses ends the sign-in."""
    still_good = None if old.expired else old.access_token
    if old.client is None:
        return still_good
    try:
        provider = await openid.discover(old.client)
        form = {"grant_type": "refresh_token", "refresh_token": old.refresh_token}
        tokens = await openid.ask_for_tokens(old.client, provider, form)
    except OutsideError:
        await in_database(_release, group_id, old, scope=scope)
        return still_good
    except IdentityError:
        await in_database(_end, group_id, old, scope=scope)
        return None
    await in_database(_renew, group_id, old, tokens, scope=scope)
    return tokens.access_token


def _renew(group_id: UUID, old: _Claimed, tokens: Tokens) -> None:
    sign_in = SignIn.objects.filter(group_id=group_id, id=old.id, refreshing_until=old.lease).first()
    if sign_in is not None:
        sign_in.access_token = tokens.access_token
        sign_in.refresh_token = tokens.refresh_token or old.refresh_token
        sign_in.expires_at, sign_in.refreshing_until = tokens.expires_at, None
        sign_in.save(update_fields=["access_token", "refresh_token", "expires_at", "refreshing_until"])


def _release(group_id: UUID, old: _Claimed) -> None:
    SignIn.objects.filter(group_id=group_id, id=old.id, refreshing_until=old.lease).update(refreshing_until=None)


def _end(group_id: UUID, old: _Claimed) -> None:
    SignIn.objects.filter(group_id=group_id, id=old.id, refreshing_until=old.lease).delete()
