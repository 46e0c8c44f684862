"""Composite keys, row-level security and the resolver functions of the tenants' tables."""

from django.db import migrations

from tenants.isolation import BOTS_OF_TENANT, SCOPE_OF_BOT, TENANTS, Isolate, resolver, to_group, to_tenant

BOT_SCOPE = "group_id uuid, tenant_id uuid, groups uuid[]"
RESOLVERS = [
    resolver(
        "resolve_group", "wanted uuid", BOT_SCOPE, f"SELECT {SCOPE_OF_BOT} FROM tenants_bot b WHERE b.group_id = wanted"
    ),
    resolver("resolve_bot", "wanted text", BOT_SCOPE, f"SELECT {SCOPE_OF_BOT} FROM tenants_bot b WHERE b.key = wanted"),
    resolver(
        "resolve_api_key",
        "wanted text",
        "id uuid, tenant_id uuid, groups uuid[]",
        f"SELECT t.id, t.tenant_id, {BOTS_OF_TENANT} FROM tenants_apikey t "
        "WHERE t.key_hash = wanted AND t.revoked_at IS NULL",
    ),
    resolver(
        "resolve_member",
        "wanted bigint",
        "id uuid, tenant_id uuid, role text, groups uuid[]",
        f"SELECT t.id, t.tenant_id, t.role::text, {BOTS_OF_TENANT} FROM tenants_member t WHERE t.user_id = wanted",
    ),
]


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]

    operations = [
        Isolate("Tenant", key=("id",), visible=f"id = ANY ({TENANTS})"),
        Isolate("Member", to_tenant(), key=("tenant_id", "id")),
        Isolate("ApiKey", to_tenant(), key=("tenant_id", "id")),
        migrations.RunSQL("ALTER TABLE tenants_bot ADD CONSTRAINT bot_group_once UNIQUE (group_id)"),
        Isolate(
            "Bot",
            to_tenant(),
            key=("tenant_id", "group_id"),
        ),
        migrations.RunSQL(
            "ALTER TABLE tenants_bot ADD CONSTRAINT bot_fronted_within_tenant FOREIGN KEY (tenant_id, fronted_by_id) "
            "REFERENCES tenants_bot (tenant_id, group_id) ON DELETE SET NULL (fronted_by_id) "
            "DEFERRABLE INITIALLY DEFERRED"
        ),
        Isolate("Customer", to_group()),
        migrations.RunSQL(RESOLVERS),
    ]
