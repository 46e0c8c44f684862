"""Actions that change something, the policies that govern them, and the trail of calls."""

import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import tenants.encryption


class Migration(migrations.Migration):
    dependencies = [
        ("knowledge", "0007_languages_and_likeness"),
        ("tenants", "0002_isolation"),
    ]

    operations = [
        migrations.CreateModel(
            name="ActionPolicy",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
            ],
            options={
                "verbose_name": "policy",
                "verbose_name_plural": "policies",
            },
        ),
        migrations.CreateModel(
            name="CallRecord",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="time")),
                ("call_id", models.UUIDField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("proposed", "Waits for the customer's yes"),
                            ("awaiting", "Waits for approval"),
                            ("confirmed", "Confirmed"),
                            ("sending", "Under way"),
                            ("done", "Done"),
                            ("failed", "Not done"),
                            ("unknown", "Not known"),
                            ("declined", "The customer said no"),
                            ("refused", "Refused by a colleague"),
                            ("expired", "Expired"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        max_length=10,
                    ),
                ),
                ("action_name", models.CharField(max_length=100, verbose_name="action")),
                ("method", models.CharField(max_length=6)),
                ("conversation_id", models.UUIDField(null=True)),
                ("customer_subject", models.CharField(blank=True, max_length=255, verbose_name="customer")),
                ("made_by", models.CharField(blank=True, max_length=200)),
                ("arguments", models.JSONField(default=dict)),
                ("outcome", models.CharField(blank=True, max_length=20)),
                ("status", models.PositiveIntegerField(null=True, verbose_name="HTTP status")),
                ("duration_ms", models.FloatField(default=0, verbose_name="milliseconds")),
                ("approved_by", models.CharField(blank=True, max_length=200)),
            ],
            options={
                "verbose_name": "call",
                "verbose_name_plural": "trail of calls",
                "ordering": ["-at"],
            },
        ),
        migrations.AddField(
            model_name="action",
            name="amount_parameter",
            field=models.CharField(
                blank=True, help_text="Its parameter's name.", max_length=63, verbose_name="the amount"
            ),
        ),
        migrations.AddField(
            model_name="action",
            name="approve_above",
            field=models.DecimalField(
                blank=True, decimal_places=2, max_digits=16, null=True, verbose_name="a colleague must approve above"
            ),
        ),
        migrations.AddField(
            model_name="action",
            name="confirmation",
            field=models.TextField(
                blank=True,
                help_text="What the customer confirms. Jinja2 over `arguments`.",
                verbose_name="confirmation template",
            ),
        ),
        migrations.AddField(
            model_name="action",
            name="most_amount",
            field=models.DecimalField(
                blank=True, decimal_places=2, max_digits=16, null=True, verbose_name="highest amount"
            ),
        ),
        migrations.AddField(
            model_name="action",
            name="most_per_day",
            field=models.PositiveIntegerField(blank=True, null=True, verbose_name="times a day for each customer"),
        ),
        migrations.AddField(
            model_name="action",
            name="needs_approval",
            field=models.BooleanField(default=False, verbose_name="a colleague must approve"),
        ),
        migrations.AddField(
            model_name="action",
            name="only_reads",
            field=models.BooleanField(
                default=False, help_text="A POST that changes nothing, such as a search or a calculation."
            ),
        ),
        migrations.AddField(
            model_name="action",
            name="results",
            field=models.JSONField(
                blank=True, default=dict, help_text="Names for values of the response, each with its JSON path."
            ),
        ),
        migrations.AddField(
            model_name="action",
            name="status_action",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="knowledge.action",
            ),
        ),
        migrations.AddField(
            model_name="action",
            name="status_answer",
            field=models.TextField(
                blank=True,
                help_text="Jinja2 over the look-up’s `response`: says yes, no, or anything else for “not known”.",
                verbose_name="done?",
            ),
        ),
        migrations.AddField(
            model_name="call",
            name="action_revision",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="call",
            name="approved_by",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name="call",
            name="attempts",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="call",
            name="conversation_group_id",
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name="call",
            name="customer_id",
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name="call",
            name="decided_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="call",
            name="due_at",
            field=models.DateTimeField(help_text="When somebody must look after it, if nobody has by then.", null=True),
        ),
        migrations.AddField(
            model_name="call",
            name="expires_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="call",
            name="frozen",
            field=tenants.encryption.EncryptedTextField(
                blank=True, default="", help_text="The arguments as they will be sent."
            ),
        ),
        migrations.AddField(
            model_name="call",
            name="made_by",
            field=models.CharField(blank=True, help_text="Who tried it, where it was no customer.", max_length=200),
        ),
        migrations.AddField(
            model_name="call",
            name="method",
            field=models.CharField(default="GET", max_length=6),
        ),
        migrations.AddField(
            model_name="call",
            name="said",
            field=models.TextField(blank=True, help_text="What the customer was told of the outcome."),
        ),
        migrations.AddField(
            model_name="call",
            name="sent_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="call",
            name="state",
            field=models.CharField(
                choices=[
                    ("proposed", "Waits for the customer's yes"),
                    ("awaiting", "Waits for approval"),
                    ("confirmed", "Confirmed"),
                    ("sending", "Under way"),
                    ("done", "Done"),
                    ("failed", "Not done"),
                    ("unknown", "Not known"),
                    ("declined", "The customer said no"),
                    ("refused", "Refused by a colleague"),
                    ("expired", "Expired"),
                    ("withdrawn", "Withdrawn"),
                ],
                default="done",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="call",
            name="summary",
            field=models.TextField(blank=True, help_text="What the customer was asked to confirm."),
        ),
        migrations.AddField(
            model_name="dataapi",
            name="client_id",
            field=models.CharField(blank=True, max_length=200, verbose_name="client ID"),
        ),
        migrations.AddField(
            model_name="dataapi",
            name="honours_keys",
            field=models.BooleanField(
                default=False,
                help_text="Two calls with the same Idempotency-Key have the effect of one: a call whose answer was "
                "lost is then safely sent again.",
                verbose_name="honours Idempotency-Key",
            ),
        ),
        migrations.AddField(
            model_name="dataapi",
            name="token_audience",
            field=models.CharField(
                blank=True, help_text="Whom the token is for.", max_length=500, verbose_name="audience"
            ),
        ),
        migrations.AddField(
            model_name="dataapi",
            name="token_scope",
            field=models.CharField(
                blank=True, help_text="What the token is asked for.", max_length=500, verbose_name="scope"
            ),
        ),
        migrations.AddField(
            model_name="dataapi",
            name="token_url",
            field=models.URLField(
                blank=True, help_text="Where tokens are asked for.", max_length=500, verbose_name="token endpoint"
            ),
        ),
        migrations.AlterField(
            model_name="action",
            name="answer",
            field=models.TextField(
                help_text="Jinja2 over `response`, `results` and `arguments`.", verbose_name="answer template"
            ),
        ),
        migrations.AlterField(
            model_name="action",
            name="description",
            field=models.TextField(blank=True, help_text="What it tells or does, in a sentence."),
        ),
        migrations.AlterField(
            model_name="action",
            name="method",
            field=models.CharField(
                choices=[("GET", "GET"), ("POST", "POST"), ("PUT", "PUT"), ("PATCH", "PATCH"), ("DELETE", "DELETE")],
                default="GET",
                max_length=6,
            ),
        ),
        migrations.AlterField(
            model_name="call",
            name="outcome",
            field=models.CharField(blank=True, max_length=20),
        ),
        migrations.AlterField(
            model_name="dataapi",
            name="auth_type",
            field=models.CharField(
                choices=[
                    ("none", "None"),
                    ("header", "Header"),
                    ("bearer", "Bearer token"),
                    ("basic", "Basic (user:password)"),
                    ("client_credentials", "OAuth client credentials"),
                    ("customer", "The customer's own token"),
                    ("exchange", "The customer's own token, exchanged (RFC 8693)"),
                ],
                default="none",
                max_length=20,
                verbose_name="authentication",
            ),
        ),
        migrations.AddIndex(
            model_name="call",
            index=models.Index(fields=["group", "conversation_id"], name="call_by_conversation"),
        ),
        migrations.AddIndex(
            model_name="call",
            index=models.Index(condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="call_due"),
        ),
        migrations.AddField(
            model_name="actionpolicy",
            name="action",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="policies",
                to="knowledge.action",
            ),
        ),
        migrations.AddField(
            model_name="actionpolicy",
            name="document",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="knowledge.document",
            ),
        ),
        migrations.AddField(
            model_name="actionpolicy",
            name="group",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="tenants.bot",
                verbose_name="bot",
            ),
        ),
        migrations.AddField(
            model_name="callrecord",
            name="group",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="tenants.bot",
                verbose_name="bot",
            ),
        ),
        migrations.AddConstraint(
            model_name="actionpolicy",
            constraint=models.UniqueConstraint(fields=("group", "action", "document"), name="policy_once"),
        ),
        migrations.AddIndex(
            model_name="callrecord",
            index=models.Index(fields=["group", "-at"], name="call_record_recent"),
        ),
        migrations.AddIndex(
            model_name="callrecord",
            index=models.Index(fields=["group", "call_id"], name="call_record_of_call"),
        ),
    ]
