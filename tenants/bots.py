"""Making tenants, bots, members and API keys."""

import secrets
from typing import Any
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from tenants import playbook
from tenants.models import ApiKey, Bot, Member, Tenant, User
from tenants.outside import check_address
from tenants.resolve import digest
from tenants.safe_http import OutboundError
from tenants.scope import Scope, current, widen_by_new, within

KEY_PREFIX = "sb_"
LEAST_SECRET = 32


def create_tenant(name: str) -> Tenant:
    """A new tenant. Opens a scope of its own, since no existing scope can contain it."""
    tenant = Tenant(name=name.strip())
    tenant.full_clean()
    with within(Scope(frozenset([tenant.id]))):
        tenant.save(force_insert=True)
    return tenant


def create_bot(tenant_id: UUID, key: str, name: str = "", **fields: Any) -> Bot:
    """A new bot in the current scope, which then contains it. ValidationError when the key is taken, by anybody."""
    bot = Bot(tenant_id=tenant_id, key=key, name=name or key.replace("-", " ").title(), **fields)
    return save_bot(bot)


def save_bot(bot: Bot) -> Bot:
    """Check and store a bot, new or changed."""
    bot.clean_fields()
    _check_settings(bot)
    scope = current()
    if bot._state.adding and scope is not None and bot.id not in scope.groups:
        widen_by_new(groups=frozenset([bot.id]))
    if bot.fronted_by_id:
        front = Bot.objects.filter(id=bot.fronted_by_id, tenant_id=bot.tenant_id).first()
        if front is None or front.id == bot.id or front.fronted_by_id:
            raise ValidationError({"fronted_by": "Choose another bot of this tenant, not itself behind a front."})
        if Bot.objects.filter(fronted_by=bot).exists():
            raise ValidationError({"fronted_by": "This bot fronts others, so it cannot be put behind a front itself."})
    try:
        with transaction.atomic():
            bot.save()
    except IntegrityError as problem:
        raise ValidationError({"key": f"The key “{bot.key}” is already taken."}) from problem
    return bot


def create_api_key(tenant_id: UUID, name: str) -> tuple[ApiKey, str]:
    """A new API key and its secret, which is shown this once: only its hash is kept."""
    secret = KEY_PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(tenant_id=tenant_id, name=name.strip() or "API key", prefix=secret[:9], key_hash=digest(secret))
    key.full_clean(exclude=["tenant"])
    key.save(force_insert=True)
    return key, secret


def add_member(tenant_id: UUID, email: str, name: str, role: str, password: str | None = None) -> Member:
    """A person as a member of a tenant; the account is made when there is none for the address yet.

    An existing account keeps its password and name: a tenant must not change another tenant's colleague.
    """
    user = User.objects.filter(email=email.strip().lower()).first()
    if user is None:
        if password:
            validate_password(password)
        user = User(email=email.strip().lower(), name=name, is_staff=True)
        user.set_password(password)
        user.full_clean(exclude=["password"])
        user.save()
    member = Member(tenant_id=tenant_id, user=user, role=role)
    member.clean_fields(exclude=["tenant"])
    if Member.objects.filter(tenant_id=tenant_id, user=user).exists():
        raise ValidationError({"email": f"{user.email} is a member already."})
    member.save(force_insert=True)
    return member


def _check_settings(bot: Bot) -> None:
    problems: dict[str, str] = {}
    for name in ("suggestions", "languages", "allowed_origins"):
        value = getattr(bot, name)
        if not isinstance(value, list) or not all(isinstance(item, str) and len(item) <= 500 for item in value):
            problems[name] = "Give a list of texts."
    if not isinstance(bot.theme, dict) or not all(isinstance(value, str) for value in bot.theme.values()):
        problems["theme"] = 'Give an object such as {"color": "#0b5fff"}.'
    problems |= playbook.problems(bot.playbook_goals, bot.playbook_next_questions, bot.playbook_objections)
    problems |= _sign_in_problems(bot)
    if problems:
        raise ValidationError(problems)


def _sign_in_problems(bot: Bot) -> dict[str, str]:
    problems: dict[str, str] = {}
    if bot.identity_secret and len(bot.identity_secret) < LEAST_SECRET:
        problems["identity_secret"] = f"Use at least {LEAST_SECRET} characters (RFC 7518, 3.2)."
    for name in ("identity_jwks_url", "openid_issuer"):
        try:
            if getattr(bot, name):
                check_address(getattr(bot, name))
        except OutboundError as problem:
            problems[name] = problem.message
    if bot.openid_issuer and not bot.openid_client_id:
        problems["openid_client_id"] = "The client ID under which the provider knows this bot is needed."
    if bot.openid_client_id and not bot.openid_issuer:
        problems["openid_issuer"] = (
            "The provider's issuer is needed: the address under which it publishes its configuration."
        )
    if bot.identity_required and not bot.sign_in_methods:
        problems["identity_required"] = "Customers have no way to sign in yet: set a secret, keys or a provider first."
    return problems
