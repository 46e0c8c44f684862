"""Whose a conversation was before its customer signed out; sign-ins go with their conversation."""

import django.db.models.deletion
from django.db import migrations, models


def reference(table: str, column: str, target: str, on_delete: str) -> str:
    return (
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_{column}_fk FOREIGN KEY (group_id, {column}) "
        f"REFERENCES {target} (group_id, id) ON DELETE {on_delete} DEFERRABLE INITIALLY DEFERRED"
    )


class Migration(migrations.Migration):
    dependencies = [("chat", "0002_isolation"), ("tenants", "0003_sign_in")]

    operations = [
        migrations.AddField(
            model_name="conversation",
            name="former_customer",
            field=models.ForeignKey(
                db_constraint=False,
                help_text="Who has signed out of it: what was said is theirs, and nobody else may sign in to it.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="tenants.customer",
            ),
        ),
        migrations.AddField(
            model_name="conversation",
            name="shown_from",
            field=models.PositiveBigIntegerField(default=0, help_text="What has a lower number is not shown any more."),
        ),
        migrations.RunSQL(
            [
                reference(
                    "chat_conversation",
                    "former_customer_id",
                    "tenants_customer",
                    "SET NULL (former_customer_id)",
                ),
                reference("tenants_signin", "conversation_id", "chat_conversation", "CASCADE"),
            ]
        ),
    ]
