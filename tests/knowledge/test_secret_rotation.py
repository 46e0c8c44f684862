"""A new key for secrets at rest: every tenant's are encrypted with it, and the old one can go."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings

from chat import store
from knowledge.models import Call, DataApi
from tenants import encryption
from tenants.models import Bot, Customer, SignIn
from tenants.scope import within
from tests.conftest import Business

OLD, NEW = "A" * 43 + "=", "B" * 43 + "="
SECRETS = {
    "knowledge_dataapi": "auth_secret", "tenants_bot": "identity_secret", "knowledge_call": "frozen",
    "tenants_signin": "access_token",
}  # fmt: skip


@contextmanager
def keys(*chosen: str) -> Iterator[None]:
    with override_settings(FIELD_ENCRYPTION_KEYS=list(chosen)):
        encryption._cipher.cache_clear()
        try:
            yield
        finally:
            encryption._cipher.cache_clear()


def present() -> list[str]:
    """The keys that the other tests' secrets are encrypted with."""
    return list(settings.FIELD_ENCRYPTION_KEYS) or [encryption._key_from(settings.SECRET_KEY)]


def stored(business: Business) -> dict[str, list[str]]:
    """The ciphertexts of a business, by table."""
    found = {}
    with within(business.scope), connection.cursor() as cursor:
        for table, column in SECRETS.items():
            cursor.execute(f"SELECT {column} FROM {table} WHERE {column} <> ''")
            found[table] = [row[0] for row in cursor.fetchall()]
    return found


def fill(business: Business) -> None:
    with within(business.scope):
        bot = Bot.objects.get(id=business.bot.id)
        bot.identity_secret = "a-secret-of-at-least-32-characters"
        bot.save()
        DataApi.objects.create(group=bot, name="Shop", base_url="https://shop.example", auth_secret="hush")
        customer = Customer.objects.create(group=bot, issuer="", subject="amara")
        conversation, _ = store.open_conversation(bot, customer=customer)
        SignIn.objects.create(
            group=bot, customer=customer, conversation_id=conversation.id,
            access_token="access", refresh_token="refresh",
        )  # fmt: skip
        Call.objects.create(group=bot, action_name="x", action_id=None, frozen='{"pin": 1}', id=uuid4())


def rotated() -> dict[str, int]:
    out = io.StringIO()
    call_command("rotate_secrets", stdout=out, stderr=io.StringIO())
    counts: dict[str, int] = json.loads(out.getvalue())
    return counts


def test_every_secret_goes_to_the_newest_key_and_the_old_one_can_go(harbor: Business, meridian: Business) -> None:
    first = present()
    with keys(OLD, *first):
        for business in (harbor, meridian):
            fill(business)
        assert all(stored(harbor).values())
    with keys(NEW, OLD, *first):
        before = stored(meridian)
        counts = rotated()
        # Two tenants, each with a bot's secret, an API's, two tokens and frozen arguments; and whatever else there is.
        assert counts["renewed"] >= 10
        assert counts["unreadable"] == 0
        again = rotated()
        assert (again["renewed"], again["unreadable"]) == (0, 0)
        assert again["current"] >= counts["renewed"]
        assert stored(meridian) != before
    with keys(NEW):
        for business in (harbor, meridian):
            values = {table: [encryption.decrypt(each) for each in rows] for table, rows in stored(business).items()}
            assert values["knowledge_dataapi"] == ["hush"]
            assert values["tenants_signin"] == ["access"]
            assert values["tenants_bot"] == ["a-secret-of-at-least-32-characters"]
            assert values["knowledge_call"] == ['{"pin": 1}']
    with keys(*first, NEW):
        assert rotated()["unreadable"] == 0


def test_what_fits_no_key_is_named_and_left_as_it_is(harbor: Business) -> None:
    first = present()
    with keys(OLD, *first):
        fill(harbor)
    before = stored(harbor)
    err = io.StringIO()
    with keys(NEW, *first), pytest.raises(CommandError, match="could not be read"):
        call_command("rotate_secrets", stdout=io.StringIO(), stderr=err)
    assert "knowledge_dataapi.auth_secret of" in err.getvalue()
    assert stored(harbor) == before
    with keys(*first, OLD, NEW):
        assert rotated()["unreadable"] == 0
