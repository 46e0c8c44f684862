"""The statement that searches; indexes that large bots have of their own, and which bots are large or have vectors."""

import uuid
from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

from tenants.isolation import Isolate, resolver, to_group

STATEMENT = (Path(__file__).parents[1] / "search_passages.sql").read_text("utf-8")
LARGE = resolver(
    "large_bots",
    "at_least integer",
    "group_id uuid, space text, dimension integer, chunks bigint",
    "SELECT s.group_id, s.key::text, s.dimension, v.chunks FROM knowledge_embeddingspace s JOIN ("
    "SELECT c.group_id, c.space, count(*) AS chunks FROM knowledge_chunkvector c GROUP BY c.group_id, c.space"
    ") v ON v.group_id = s.group_id AND v.space = s.key WHERE s.active AND v.chunks >= at_least",
)
WITH_VECTORS = resolver(
    "groups_with_vectors", "", "group_id uuid", "SELECT DISTINCT v.group_id FROM knowledge_vector v"
)


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0005_search")]

    operations = [
        migrations.CreateModel(
            "OwnIndex",
            [
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("space", models.CharField(max_length=200)),
                ("chunks", models.PositiveIntegerField()),
                ("breadth", models.PositiveIntegerField()),
                ("recall", models.FloatField()),
                ("usable", models.BooleanField()),
                ("checked_at", models.DateTimeField(auto_now=True)),
                (
                    "group",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.bot",
                        verbose_name="bot",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint("ownindex", models.UniqueConstraint(fields=["group", "space"], name="own_index_once")),
        Isolate("OwnIndex", to_group()),
        migrations.RunSQL(
            [
                # The settings of an extension are known once something of it has been used.
                "SELECT '[1]'::vector",
                STATEMENT,
                LARGE,
                WITH_VECTORS,
            ]
        ),
    ]
