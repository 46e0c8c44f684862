"""Moving a bot to another embedding space: what it is built from, how far it is, and which bots are left behind."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from tenants.isolation import Isolate, resolver, to_group

# Moves that are due, and bots (with those that they front) that answer from another model than they should. Moves that
# are being worked on count against `most`.
LAGGING = resolver(
    "lagging_spaces",
    "wanted_model text, wanted_revision text, most integer",
    "root uuid",
    "SELECT found.bot FROM ("
    "  SELECT m.group_id AS bot, m.due_at FROM knowledge_spacemove m WHERE m.due_at <= now() "
    "  UNION ALL SELECT coalesce(b.fronted_by_id, b.group_id), min(b.created_at) FROM tenants_bot b "
    "    JOIN knowledge_embeddingspace a ON a.group_id = b.group_id AND a.active "
    "    LEFT JOIN knowledge_embeddingspace c "
    "      ON c.group_id = coalesce(b.fronted_by_id, b.group_id) AND c.chosen "
    "  WHERE (a.model, a.revision) <> (coalesce(c.model, wanted_model), coalesce(c.revision, wanted_revision)) "
    "    AND NOT EXISTS (SELECT FROM knowledge_spacemove m WHERE m.group_id = coalesce(b.fronted_by_id, b.group_id)) "
    "  GROUP BY 1"
    ") found ORDER BY found.due_at LIMIT greatest(0, most - ("
    "  SELECT count(*)::integer FROM knowledge_spacemove m WHERE m.due_at > now() AND m.error = ''))",
)
# For the operator: figures, and nothing that is a tenant's.
PROGRESS = resolver(
    "space_progress",
    "",
    "key text, answering bigint, moving bigint, failing bigint, done bigint, total bigint",
    "SELECT coalesce(s.key, m.key)::text, coalesce(s.answering, 0), coalesce(m.moving, 0), coalesce(m.failing, 0), "
    "  coalesce(m.done, 0), coalesce(m.total, 0) FROM ("
    "  SELECT e.key, count(*) FILTER (WHERE e.active) AS answering FROM knowledge_embeddingspace e GROUP BY e.key"
    ") s FULL JOIN ("
    "  SELECT v.key, count(*) AS moving, count(*) FILTER (WHERE v.error <> '') AS failing, "
    "    sum(v.done)::bigint AS done, sum(v.total)::bigint AS total FROM knowledge_spacemove v GROUP BY v.key"
    ") m ON m.key = s.key ORDER BY 1",
)
IN_USE = resolver(
    "spaces_in_use",
    "",
    "source jsonb, model text, revision text, dimension integer",
    "SELECT DISTINCT e.source, e.model::text, e.revision::text, e.dimension FROM knowledge_embeddingspace e "
    "WHERE e.active",
)


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0003_document_notice")]

    operations = [
        migrations.AlterModelOptions("embeddingspace", {"ordering": ["-active", "-created_at"]}),
        migrations.AddField("embeddingspace", "source", models.JSONField(default=dict)),
        migrations.AddField("embeddingspace", "chosen", models.BooleanField(default=False)),
        migrations.AddField("embeddingspace", "activated_at", models.DateTimeField(null=True)),
        migrations.AddConstraint(
            "embeddingspace",
            models.UniqueConstraint(fields=["group"], condition=models.Q(chosen=True), name="one_chosen_space"),
        ),
        migrations.CreateModel(
            "SpaceMove",
            [
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
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
                ("source", models.JSONField(default=dict)),
                ("chosen", models.BooleanField(default=False)),
                ("key", models.CharField(blank=True, max_length=200)),
                ("done", models.PositiveIntegerField(default=0)),
                ("total", models.PositiveIntegerField(default=0)),
                ("error", models.TextField(blank=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("due_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.AddConstraint("spacemove", models.UniqueConstraint(fields=["group"], name="one_move")),
        Isolate("SpaceMove", to_group()),
        migrations.RunSQL([LAGGING, PROGRESS, IN_USE]),
    ]
