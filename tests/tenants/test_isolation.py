"""No row of one tenant in another's hands: every table, in the database itself."""

import uuid
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.conf import settings
from django.db import IntegrityError, connection, models, transaction
from django.db.utils import ProgrammingError

from knowledge.faqs import save_faq
from knowledge.models import Chunk, Document, Faq, Phrasing
from tenants import resolve
from tenants.models import Bot, GroupModel, Tenant
from tenants.scope import Scope, ScopeError, within
from tests.conftest import Business

# Tables that belong to no tenant, and why nothing of a tenant's is in them.
GLOBAL_TABLES = {
    "tenants_user": "people; what they may see follows from memberships",
    "tenants_user_groups": "Django's groups are not used",
    "tenants_user_user_permissions": "Django's permissions are not used",
    "auth_group": "not used",
    "auth_group_permissions": "not used",
    "auth_permission": "names of permissions",
    "django_content_type": "names of models",
    "django_migrations": "names of migrations",
    "django_session": "sessions, opened by their secret key",
    "django_admin_log": "never written",
    "account_emailaddress": "addresses of users",
    "account_emailconfirmation": "addresses of users",
    "socialaccount_socialapp": "never written: a bot's provider is a setting of the bot",
    "socialaccount_socialaccount": "never written: customers are no users",
    "socialaccount_socialtoken": "never written: customers' tokens are in tenants_signin",
}


def rows(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def isolated_tables() -> list[str]:
    tables = {row[0] for row in rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}
    return sorted(tables - set(GLOBAL_TABLES))


def test_every_table_is_isolated_or_named_as_global() -> None:
    found = {
        row[0]: row[1:]
        for row in rows(
            "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, "
            "EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'scope') "
            "FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
        )
    }
    tables = isolated_tables()
    assert "knowledge_chunk" in tables
    assert "chat_message" in tables
    for table in tables:
        assert found[table] == (True, True, True), f"{table} lacks row-level security, forced, or its policy"


def test_every_key_of_an_isolated_table_begins_with_its_owner() -> None:
    keys = dict(
        rows(
            "SELECT conrelid::regclass::text, (SELECT attname FROM pg_attribute WHERE attrelid = conrelid "
            "AND attnum = conkey[1]) FROM pg_constraint WHERE contype = 'p' AND connamespace = 'public'::regnamespace"
        )
    )
    for table in isolated_tables():
        if table != "tenants_tenant":
            assert keys[table] in ("group_id", "tenant_id"), f"{table}'s primary key begins with {keys[table]}"


def test_every_reference_between_isolated_tables_goes_through_the_owner() -> None:
    """A foreign key is checked without row-level security: one by `id` alone could point into another tenant."""
    tables = set(isolated_tables())
    for table, target, columns in rows(
        "SELECT conrelid::regclass::text, confrelid::regclass::text, ARRAY(SELECT attname::text FROM pg_attribute "
        "WHERE attrelid = conrelid AND attnum = ANY (conkey)) FROM pg_constraint "
        "WHERE contype = 'f' AND connamespace = 'public'::regnamespace"
    ):
        if table in tables and target in tables:
            assert any(column.endswith(("group_id", "tenant_id")) for column in columns), f"{table} -> {target}"


def test_every_relation_of_the_models_is_a_foreign_key_in_the_database() -> None:
    made = {
        (table, column)
        for table, columns in rows(
            "SELECT conrelid::regclass::text, ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = conrelid "
            "AND attnum = ANY (conkey)) FROM pg_constraint WHERE contype = 'f'"
        )
        for column in columns
    }
    for model in apps.get_models():
        if model._meta.app_label in ("tenants", "knowledge", "chat"):
            for field in model._meta.concrete_fields:
                if isinstance(field, models.ForeignKey):
                    assert (model._meta.db_table, field.column) in made, f"{model.__name__}.{field.name}"


def test_the_application_connects_as_an_unprivileged_role() -> None:
    assert rows("SELECT rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = current_user") == [
        (False, False, False)
    ]
    owners = {row[0] for row in rows("SELECT tableowner FROM pg_tables WHERE schemaname = 'public'")}
    assert rows("SELECT current_user::text") != [(owner,) for owner in owners]


def test_without_a_scope_no_table_has_rows(meridian: Business) -> None:
    for table in isolated_tables():
        assert rows(f"SELECT count(*) FROM {table}") == [(0,)], table


def test_the_owner_sees_no_rows_without_a_scope_either(meridian: Business) -> None:
    with psycopg.connect(_owner_url()) as owner:
        for table in isolated_tables():
            row = owner.execute(f"SELECT count(*) FROM {table}").fetchone()  # type: ignore[arg-type]
            assert row == (0,), table


def test_the_application_cannot_switch_on_what_resolvers_see(meridian: Business) -> None:
    with transaction.atomic():
        rows("SELECT set_config('switchboard.resolving', 'on', true)")
        assert rows("SELECT count(*) FROM tenants_bot") == [(0,)]


def test_each_sees_only_its_own(meridian: Business, harbor: Business) -> None:
    for business, other in ((meridian, harbor), (harbor, meridian)):
        with within(business.scope):
            save_faq(Faq(group=business.bot, question=f"{business.bot.key}?", answer="Yes."), ["Is it so?"])
            assert list(Tenant.objects.values_list("id", flat=True)) == [business.tenant.id]
            assert not Bot.objects.filter(id=other.bot.id).exists()
    for model in apps.get_models():
        if issubclass(model, GroupModel):
            with within(meridian.scope):
                assert not model.objects.exclude(group_id=meridian.bot.id).exists(), model.__name__


def test_no_row_can_be_written_into_another_group(meridian: Business, harbor: Business) -> None:
    with pytest.raises(ProgrammingError, match="row-level security"), within(meridian.scope):
        Faq.objects.create(group=harbor.bot, question="?", answer="!")


def test_no_row_can_be_moved_into_another_group(meridian: Business, harbor: Business) -> None:
    with within(meridian.scope):
        faq = save_faq(Faq(group=meridian.bot, question="?", answer="!"), [])
    with pytest.raises(ProgrammingError, match="row-level security"), within(meridian.scope):
        Faq.objects.filter(id=faq.id).update(group=harbor.bot)


def test_no_row_can_point_into_another_group(meridian: Business, harbor: Business) -> None:
    with within(harbor.scope):
        faq = save_faq(Faq(group=harbor.bot, question="?", answer="!"), [])
        document = Document.objects.create(group=harbor.bot, title="Prices")
    with pytest.raises(IntegrityError), within(meridian.scope):
        Phrasing.objects.create(group=meridian.bot, faq_id=faq.id, text="Whose?")
    with pytest.raises(IntegrityError), within(meridian.scope):
        Chunk.objects.create(
            group=meridian.bot, document_id=document.id, revision=1, position=0, text="x", content_hash="x"
        )


def test_a_scope_is_never_widened_and_is_restored(meridian: Business, harbor: Business) -> None:
    both = Scope(meridian.scope.tenants | harbor.scope.tenants, meridian.scope.groups | harbor.scope.groups)
    with within(both):
        assert Bot.objects.count() == 2
        with within(meridian.scope):
            assert Bot.objects.count() == 1
            with pytest.raises(ScopeError), within(harbor.scope):
                pass
        assert Bot.objects.count() == 2
    assert Bot.objects.count() == 0


def test_a_scope_is_restored_after_an_error_inside(meridian: Business, harbor: Business) -> None:
    both = Scope(meridian.scope.tenants | harbor.scope.tenants, meridian.scope.groups | harbor.scope.groups)
    with within(both):
        with pytest.raises(ValueError, match="inside"), within(meridian.scope):
            raise ValueError("inside")
        assert Bot.objects.count() == 2


def test_secrets_resolve_to_their_own_tenant_only(meridian: Business, harbor: Business) -> None:
    key = resolve.api_key(meridian.api_key)
    assert key is not None
    assert key.scope == meridian.scope
    assert resolve.api_key(meridian.api_key + "x") is None
    bot = resolve.bot(harbor.bot.key)
    assert bot is not None
    assert bot.scope == harbor.scope
    assert resolve.group_scope(uuid.uuid4()) is None
    assert {each.tenant_id for each in resolve.memberships(meridian.members["agent"].user_id)} == {meridian.tenant.id}


def _owner_url() -> str:
    owner = settings.DATABASES["owner"]
    return f"postgresql://{owner['USER']}:{owner['PASSWORD']}@{owner['HOST']}:{owner['PORT']}/{owner['NAME']}"
