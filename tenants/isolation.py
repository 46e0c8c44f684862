"""Migration operations that keep groups and tenants apart in the database itself.

`Isolate` gives a table its composite key, row-level security (enabled and forced) and composite foreign keys, since a
plain foreign key is checked without row-level security and could point into another tenant's rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.db import models
from django.db.migrations.operations.base import Operation

GROUPS = "(SELECT string_to_array(nullif(current_setting('switchboard.groups', true), ''), ',')::uuid[])::uuid[]"
TENANTS = "(SELECT string_to_array(nullif(current_setting('switchboard.tenants', true), ''), ',')::uuid[])::uuid[]"


@dataclass(frozen=True)
class Reference:
    """A foreign key over several columns; SET NULL clears the last of them."""

    columns: tuple[str, ...]
    table: str
    target: tuple[str, ...] = ("group_id", "id")
    on_delete: Literal["CASCADE", "SET NULL"] = "CASCADE"


def to_group(column: str = "group_id") -> Reference:
    return Reference((column,), "tenants_bot", ("group_id",))


def to_tenant() -> Reference:
    return Reference(("tenant_id",), "tenants_tenant", ("id",))


class Isolate(Operation):
    """Isolate the table of one model: its primary key, its policy (every column that names a group or a tenant must be
    in scope, unless `visible` says otherwise), and its references."""

    reversible = True

    def __init__(
        self,
        model: str,
        *references: Reference,
        key: Sequence[str] = ("group_id", "id"),
        visible: str | None = None,
    ) -> None:
        self.model, self.references, self.key, self.visible = model, references, tuple(key), visible

    def state_forwards(self, app_label: str, state: Any) -> None:
        pass

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.model)
        for statement in self.statements(model):
            schema_editor.execute(statement, params=None)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Nothing to undo: the table itself goes when its CreateModel is reversed."""

    def describe(self) -> str:
        return f"Isolate {self.model}"

    def statements(self, model: type[models.Model]) -> list[str]:
        table = model._meta.db_table
        visible = self.visible or _all_in_scope(model)
        statements = [
            f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey, ADD PRIMARY KEY ({', '.join(self.key)})",
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY scope ON {table} USING ({visible}) WITH CHECK ({visible})",
            # Only inside the resolver functions, which run as the owner, is anything visible without a scope.
            f"CREATE POLICY resolve ON {table} FOR SELECT TO CURRENT_USER "
            "USING (current_setting('switchboard.resolving', true) = 'on')",
        ]
        for reference in self.references:
            action = reference.on_delete
            if action == "SET NULL":
                action += f" ({reference.columns[-1]})"  # type: ignore[assignment]
            statements.append(
                f"ALTER TABLE {table} ADD CONSTRAINT {table}_{reference.columns[-1]}_fk "
                f"FOREIGN KEY ({', '.join(reference.columns)}) "
                f"REFERENCES {reference.table} ({', '.join(reference.target)}) ON DELETE {action} "
                "DEFERRABLE INITIALLY DEFERRED"
            )
        return statements


def _all_in_scope(model: type[models.Model]) -> str:
    columns = [str(field.column) for field in model._meta.concrete_fields]
    return " AND ".join(
        f"{column} = ANY ({TENANTS if column == 'tenant_id' else GROUPS})"
        for column in columns
        if column.endswith("group_id") or column == "tenant_id"
    )


# The bot of row `b` with all bots that its scope covers: itself and those that it fronts.
SCOPE_OF_BOT = (
    "b.group_id, b.tenant_id, array_append(ARRAY(SELECT f.group_id FROM tenants_bot f "
    "WHERE f.tenant_id = b.tenant_id AND f.fronted_by_id = b.group_id), b.group_id)"
)
# Every bot of the tenant of row `t`.
BOTS_OF_TENANT = "ARRAY(SELECT b.group_id FROM tenants_bot b WHERE b.tenant_id = t.tenant_id)"


def resolver(name: str, arguments: str, returns: str, query: str) -> str:
    """SQL for a function that may look across all scopes, for its query alone.

    (A `SET` clause would be simpler, but only superusers may store a setting of their own in a function.)
    """
    return (
        f"CREATE FUNCTION {name}({arguments}) RETURNS TABLE ({returns}) "
        "LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$ BEGIN "
        "PERFORM set_config('switchboard.resolving', 'on', true); "
        f"RETURN QUERY {query}; "
        "PERFORM set_config('switchboard.resolving', 'off', true); END $$"
    )
