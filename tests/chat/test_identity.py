"""Who a conversation belongs to, also after its customer has signed out."""

import time

import jwt
import pytest

from chat import identity, store
from knowledge.models import Call
from tenants.identity import IdentityError
from tenants.models import Bot
from tenants.scope import within
from tests.conftest import Business


def token(bot: Bot, subject: str) -> str:
    claims = {"sub": subject, "aud": bot.key, "iat": int(time.time()), "exp": int(time.time()) + 60}
    return jwt.encode(claims, bot.identity_secret, algorithm="HS256")


def test_after_signing_out_what_was_fetched_for_one_is_not_passed_to_another(harbor: Business) -> None:
    with within(harbor.scope):
        conversation, _ = store.open_conversation(harbor.bot)
        identity.sign_in(harbor.bot.id, conversation.id, token(harbor.bot, "mary"))
        Call.objects.create(
            group=harbor.bot,
            action_name="my_orders",
            conversation_id=conversation.id,
            customer_subject="mary",
            outcome="ok",
        )
        identity.sign_out(harbor.bot.id, conversation.id)
        with pytest.raises(IdentityError, match="another customer"):
            identity.sign_in(harbor.bot.id, conversation.id, token(harbor.bot, "sean"))
        assert identity.sign_in(harbor.bot.id, conversation.id, token(harbor.bot, "mary")).subject == "mary"


def test_an_anonymous_conversation_becomes_anybodys_who_signs_in_first(harbor: Business) -> None:
    with within(harbor.scope):
        conversation, _ = store.open_conversation(harbor.bot)
        assert identity.sign_in(harbor.bot.id, conversation.id, token(harbor.bot, "sean")).subject == "sean"
        with pytest.raises(IdentityError, match="another customer"):
            identity.sign_in(harbor.bot.id, conversation.id, token(harbor.bot, "mary"))
