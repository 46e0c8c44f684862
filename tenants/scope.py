"""The one way in: which tenants and groups the current transaction may see.

Row-level security reads two transaction-local settings. Without them there are no rows.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

import psycopg
from django.db import connection, transaction
from psycopg.pq import ExecStatus


class ScopeError(Exception):
    """An attempt to see more than the surrounding scope allows."""


@dataclass(frozen=True)
class Scope:
    """The tenants and groups (bots) that may be seen."""

    tenants: frozenset[UUID] = frozenset()
    groups: frozenset[UUID] = frozenset()

    def contains(self, other: "Scope") -> bool:
        return other.tenants <= self.tenants and other.groups <= self.groups


_current: ContextVar[Scope | None] = ContextVar("scope", default=None)


@contextmanager
def within(scope: Scope) -> Iterator[None]:
    """Run database work inside a transaction that sees `scope` only; leaving restores what was visible before.

    Raises ScopeError when it would widen a scope around it. Never hold it across a yield, a model call or HTTP.
    """
    outer = _current.get()
    if outer is not None and not outer.contains(scope):
        raise ScopeError("A scope cannot be widened inside another one.")
    begins_with_it = not connection.in_atomic_block
    with transaction.atomic():
        _begin(scope) if begins_with_it else _show(scope)
        token = _current.set(scope)
        try:
            yield
        finally:
            _current.reset(token)
        # Not where the transaction ends here: the setting is forgotten with it.
        # Nor after an error: then the transaction (or savepoint) is rolled back, and the setting with it.
        if not begins_with_it:
            _show(outer or Scope())


def current() -> Scope | None:
    return _current.get()


def widen_by_new(*, tenants: frozenset[UUID] = frozenset(), groups: frozenset[UUID] = frozenset()) -> None:
    """Let the current scope see rows that it has just created itself (a tenant, or a bot)."""
    scope = _current.get()
    if scope is None:
        raise ScopeError("There is no scope to add to.")
    wider = Scope(scope.tenants | tenants, scope.groups | groups)
    _current.set(wider)
    _show(wider)


def _show(scope: Scope) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_settings(scope)}")


def _begin(scope: Scope) -> None:
    """What `_show` does, together with BEGIN, in one round trip instead of two: every question passes here often."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        server = connection.connection.pgconn
        begun = server.exec_(f"BEGIN; SELECT {_settings(scope)}".encode())
        if begun.status != ExecStatus.TUPLES_OK:
            raise psycopg.errors.error_from_result(begun)


def _settings(scope: Scope) -> str:
    """Only UUIDs go in, so there is nothing to quote."""
    groups, tenants = (",".join(str(UUID(str(each))) for each in sorted(ids)) for ids in (scope.groups, scope.tenants))
    return f"set_config('switchboard.groups', '{groups}', true), set_config('switchboard.tenants', '{tenants}', true)"
