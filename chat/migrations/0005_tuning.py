"""What adapters are trained on, the runs that train them, and their versions; what the workers look for among them."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from tenants.isolation import Isolate, Reference, resolver, to_group

RESOLVERS = [
    resolver(
        "overdue_tuning",
        "most integer",
        "group_id uuid, id uuid",
        "SELECT r.group_id, r.id FROM chat_tuningrun r WHERE r.state NOT IN ('done', 'failed') AND r.due_at < now() "
        "ORDER BY r.due_at LIMIT most",
    ),
    # Adapters that nobody is answered by any more, and since when.
    resolver(
        "unused_adapters",
        "unused_since timestamptz, most integer",
        "group_id uuid, id uuid",
        "SELECT v.group_id, v.id FROM chat_adapterversion v WHERE v.state IN ('retired', 'rejected', 'candidate') "
        "AND v.changed_at < unused_since ORDER BY v.changed_at LIMIT most",
    ),
]


class Migration(migrations.Migration):
    dependencies = [("chat", "0004_generations"), ("tenants", "0003_sign_in")]

    operations = [
        migrations.CreateModel(
            name="TuningRun",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Waiting"),
                            ("training", "Training"),
                            ("evaluating", "Evaluating"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                        ],
                        default="queued",
                        max_length=12,
                    ),
                ),
                ("settings", models.JSONField(default=dict)),
                (
                    "served_model",
                    models.CharField(blank=True, help_text="The base as the endpoint calls it.", max_length=500),
                ),
                (
                    "weights",
                    models.CharField(
                        help_text="Where its weights are: a folder, or a name in the cache.", max_length=500
                    ),
                ),
                ("progress", models.JSONField(default=dict)),
                ("figures", models.JSONField(default=dict)),
                ("error", models.TextField(blank=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("lease", models.UUIDField(null=True)),
                ("due_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("started_by", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("finished_at", models.DateTimeField(null=True)),
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
            options={
                "ordering": ["-created_at"],
                "verbose_name": "training",
                "constraints": [
                    models.UniqueConstraint(
                        fields=["group"], condition=~models.Q(state__in=["done", "failed"]), name="one_tuning_at_a_time"
                    )
                ],
                "indexes": [
                    models.Index(
                        fields=["due_at"], condition=~models.Q(state__in=["done", "failed"]), name="tuning_unfinished"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AdapterVersion",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("number", models.PositiveIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("candidate", "Candidate"),
                            ("live", "Live"),
                            ("retired", "Retired"),
                            ("rejected", "Rejected"),
                            ("discarded", "Deleted"),
                        ],
                        default="candidate",
                        max_length=10,
                    ),
                ),
                ("base", models.CharField(max_length=500)),
                ("settings", models.JSONField(default=dict)),
                ("figures", models.JSONField(default=dict)),
                ("verdict", models.TextField(blank=True, help_text="Why it was published, or not.")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("changed_at", models.DateTimeField(default=django.utils.timezone.now)),
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
                (
                    "run",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="versions",
                        to="chat.tuningrun",
                    ),
                ),
            ],
            options={
                "ordering": ["-number"],
                "constraints": [
                    models.UniqueConstraint(fields=["group", "number"], name="adapter_version_once"),
                    models.UniqueConstraint(
                        fields=["group"], condition=models.Q(state="live"), name="one_live_adapter"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TuningRow",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("faq", "FAQ"),
                            ("rephrased", "Rephrased question"),
                            ("combined", "Several FAQs"),
                            ("passage", "From given sources"),
                            ("absent", "Not in what it knows"),
                            ("competitor", "Comparison with others"),
                            ("playbook", "Playbook"),
                            ("conversation", "Conversation"),
                            ("file", "File"),
                            ("generic", "Generic support"),
                        ],
                        max_length=20,
                    ),
                ),
                ("prompt", models.TextField(verbose_name="question")),
                ("completion", models.TextField(blank=True, verbose_name="answer")),
                ("context", models.JSONField(default=dict)),
                (
                    "label",
                    models.CharField(
                        choices=[("answerable", "Answerable"), ("unanswerable", "Unanswerable")],
                        default="answerable",
                        max_length=12,
                    ),
                ),
                ("excluded", models.BooleanField(default=False)),
                (
                    "reviewed",
                    models.BooleanField(default=False, help_text="Whether a person has decided on label or exclusion."),
                ),
                (
                    "split",
                    models.CharField(
                        choices=[("train", "Training"), ("held_out", "Held out")], default="train", max_length=10
                    ),
                ),
                ("source", models.CharField(blank=True, help_text="What it was made from.", max_length=500)),
                ("digest", models.CharField(editable=False, max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
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
            options={
                "ordering": ["kind", "source", "prompt"],
                "verbose_name": "training row",
                "indexes": [models.Index(fields=["group", "kind"], name="tuning_row_by_kind")],
                "constraints": [models.UniqueConstraint(fields=("group", "digest"), name="tuning_row_once")],
            },
        ),
        Isolate("TuningRun", to_group()),
        Isolate("TuningRow", to_group()),
        Isolate(
            "AdapterVersion",
            to_group(),
            Reference(("group_id", "run_id"), "chat_tuningrun", on_delete="SET NULL"),
        ),
        migrations.RunSQL(RESOLVERS),
    ]
