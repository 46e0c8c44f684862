"""After a new key: every secret at rest is encrypted with the newest of FIELD_ENCRYPTION_KEYS.

Old keys can then be taken out. It may be run again at any time, also while everything is running.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, models

from tenants import encryption
from tenants.encryption import EncryptedTextField
from tenants.scope import Scope, within

BATCH = 200
NO_ID = UUID(int=0)


@dataclass
class Rotated:
    """How many secrets were encrypted anew, were so already, and fit no key; those are left as they are, and named."""

    renewed: int = 0
    current: int = 0
    lost: list[str] = field(default_factory=list)


def rotate() -> Rotated:
    """Of all tenants. Hold no scope around it."""
    total = Rotated()
    for group_id, tenant_id in _bots():
        scope = Scope(frozenset([tenant_id]), frozenset([group_id]))
        for model, column in _columns():
            _rotate_column(scope, group_id, model, column, total)
    return total


def _bots() -> Iterator[tuple[UUID, UUID]]:
    after = NO_ID
    while True:
        with connection.cursor() as cursor:
            cursor.execute("SELECT group_id, tenant_id FROM every_bot(%s, %s)", [after, BATCH])
            rows = cursor.fetchall()
        yield from rows
        if len(rows) < BATCH:
            return
        after = rows[-1][0]


def _columns() -> list[tuple[type[models.Model], str]]:
    """Every column that holds secrets."""
    found = [(model, field) for model in apps.get_models() for field in model._meta.concrete_fields]
    return [(model, str(field.column)) for model, field in found if isinstance(field, EncryptedTextField)]


def _rotate_column(scope: Scope, group_id: UUID, model: type[models.Model], column: str, total: Rotated) -> None:
    """One short transaction for each batch; a value that changes meanwhile is already under the newest key."""
    table, key = model._meta.db_table, str(model._meta.pk.column if model._meta.pk else "id")
    group = "group_id"
    read = f'SELECT "{key}", "{column}" FROM "{table}" WHERE "{group}" = %s AND "{column}" <> %s AND "{key}" > %s '
    write = f'UPDATE "{table}" SET "{column}" = %s WHERE "{group}" = %s AND "{key}" = %s AND "{column}" = %s'
    after = NO_ID
    while True:
        with within(scope), connection.cursor() as cursor:
            cursor.execute(f'{read} ORDER BY "{key}" LIMIT %s', [group_id, "", after, BATCH])
            rows = cursor.fetchall()
            for row_id, stored in rows:
                if encryption.is_current(stored):
                    total.current += 1
                    continue
                try:
                    renewed = encryption.encrypt(encryption.decrypt(stored))
                except ImproperlyConfigured:
                    total.lost.append(f"{table}.{column} of {row_id}")
                    continue
                cursor.execute(write, [renewed, group_id, row_id, stored])
                total.renewed += cursor.rowcount
        if len(rows) < BATCH:
            return
        after = rows[-1][0]
