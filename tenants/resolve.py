"""From a secret or a public name to a scope: each by one SECURITY DEFINER function of the database."""

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from tenants.scope import Scope
from tenants.text import storable


@dataclass(frozen=True)
class ResolvedBot:
    group_id: UUID
    scope: Scope


@dataclass(frozen=True)
class ResolvedConversation:
    conversation_id: UUID
    group_id: UUID
    scope: Scope


@dataclass(frozen=True)
class ResolvedKey:
    """An API key: its tenant, and the scope over all the tenant's bots."""

    key_id: UUID
    tenant_id: UUID
    scope: Scope


@dataclass(frozen=True)
class Membership:
    member_id: UUID
    tenant_id: UUID
    role: str
    groups: frozenset[UUID]


def bot(key: str) -> ResolvedBot | None:
    """A bot by its public key; its scope covers the bots that it fronts."""
    row = _one("SELECT group_id, tenant_id, groups FROM resolve_bot(%s)", [key]) if storable(key) == key else None
    return ResolvedBot(row[0], _scope(row[1], row[2])) if row else None


def conversation(conversation_id: UUID, token: str) -> ResolvedConversation | None:
    row = _one("SELECT group_id, tenant_id, groups FROM resolve_conversation(%s, %s)", [conversation_id, digest(token)])
    return ResolvedConversation(conversation_id, row[0], _scope(row[1], row[2])) if row else None


def message(message_id: UUID, token: str) -> ResolvedConversation | None:
    """The conversation that a message belongs to, if the token opens it."""
    row = _one(
        "SELECT conversation_id, group_id, tenant_id, groups FROM resolve_message(%s, %s)", [message_id, digest(token)]
    )
    return ResolvedConversation(row[0], row[1], _scope(row[2], row[3])) if row else None


def api_key(secret: str) -> ResolvedKey | None:
    row = _one("SELECT id, tenant_id, groups FROM resolve_api_key(%s)", [digest(secret)])
    return ResolvedKey(row[0], row[1], _scope(row[1], row[2])) if row else None


def memberships(user_id: int) -> list[Membership]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, tenant_id, role, groups FROM resolve_member(%s)", [user_id])
        return [Membership(row[0], row[1], row[2], frozenset(row[3])) for row in cursor.fetchall()]


def group_scope(group_id: UUID) -> Scope | None:
    """The scope of one bot by its group ID, for a task that was given it."""
    row = _one("SELECT group_id, tenant_id, groups FROM resolve_group(%s)", [group_id])
    return _scope(row[1], row[2]) if row else None


def digest(secret: str) -> str:
    """What is stored of a random secret: SHA-256, hexadecimal."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _scope(tenant_id: UUID, groups: list[UUID]) -> Scope:
    return Scope(frozenset([tenant_id]), frozenset(groups))


def _one(statement: str, values: list[Any]) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row
