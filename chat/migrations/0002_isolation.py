"""Composite keys and row-level security of the conversation tables, and the functions that look across them."""

from django.db import migrations

from tenants.isolation import SCOPE_OF_BOT, Isolate, Reference, resolver, to_group

CONVERSATION = Reference(("group_id", "conversation_id"), "chat_conversation")
PART_OF_CONVERSATION = Reference(("conversation_group_id", "conversation_id"), "chat_conversation")
RESOLVERS = [
    resolver(
        "resolve_conversation",
        "wanted uuid, token text",
        "group_id uuid, tenant_id uuid, groups uuid[]",
        f"SELECT {SCOPE_OF_BOT} FROM chat_conversation c JOIN tenants_bot b ON b.group_id = c.group_id "
        "WHERE c.token_hash = token AND c.id = wanted",
    ),
    resolver(
        "resolve_message",
        "wanted uuid, token text",
        "conversation_id uuid, group_id uuid, tenant_id uuid, groups uuid[]",
        f"SELECT c.id, {SCOPE_OF_BOT} FROM chat_conversation c JOIN tenants_bot b ON b.group_id = c.group_id "
        "WHERE c.token_hash = token AND EXISTS (SELECT FROM chat_message m "
        "WHERE m.conversation_group_id = c.group_id AND m.conversation_id = c.id AND m.id = wanted)",
    ),
    resolver(
        "unfinished_turns",
        "most integer",
        "group_id uuid, conversation_id uuid",
        "SELECT DISTINCT t.group_id, t.conversation_id FROM chat_turn t WHERE t.state <> 'done' "
        "AND coalesce(t.lease_until, t.created_at + interval '5 seconds') < now() LIMIT most",
    ),
]


class Migration(migrations.Migration):
    dependencies = [("chat", "0001_initial"), ("tenants", "0002_isolation")]

    operations = [
        Isolate(
            "Conversation",
            Reference(("tenant_id", "group_id"), "tenants_bot", ("tenant_id", "group_id")),
            Reference(("group_id", "customer_id"), "tenants_customer", on_delete="SET NULL"),
            Reference(("tenant_id", "assignee_id"), "tenants_member", ("tenant_id", "id"), "SET NULL"),
        ),
        Isolate("Message", to_group(), PART_OF_CONVERSATION),
        Isolate("Event", CONVERSATION),
        Isolate("Turn", CONVERSATION),
        Isolate("Interaction", to_group(), PART_OF_CONVERSATION),
        migrations.RunSQL(RESOLVERS),
    ]
