"""For the operator: which bots there are, of all tenants, as IDs only."""

from django.db import migrations

from tenants.isolation import resolver

EVERY_BOT = resolver(
    "every_bot",
    "after uuid, most integer",
    "group_id uuid, tenant_id uuid",
    "SELECT b.group_id, b.tenant_id FROM tenants_bot b WHERE b.group_id > after ORDER BY b.group_id LIMIT most",
)


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0009_live_isolation")]

    operations = [migrations.RunSQL([EVERY_BOT], ["DROP FUNCTION every_bot(uuid, integer)"])]
