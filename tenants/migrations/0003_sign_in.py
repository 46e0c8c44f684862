"""Ways to sign in: published keys, an OpenID provider for each bot, tokens that count once, and sign-ins."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

import tenants.encryption
from tenants.isolation import Isolate, Reference, to_group


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0002_isolation"),
    ]

    operations = [
        migrations.AddField(
            model_name="bot",
            name="identity_jwks_url",
            field=models.URLField(
                blank=True,
                help_text="Where your server publishes its keys (JWKS) for tokens signed with RS256 or ES256.",
                max_length=500,
                verbose_name="identity keys",
            ),
        ),
        migrations.AddField(
            model_name="bot",
            name="identity_required",
            field=models.BooleanField(
                default=False,
                help_text="Whether customers must sign in before the bot answers.",
                verbose_name="signed-in customers only",
            ),
        ),
        migrations.AddField(
            model_name="bot",
            name="openid_client_id",
            field=models.CharField(blank=True, max_length=255, verbose_name="client ID"),
        ),
        migrations.AddField(
            model_name="bot",
            name="openid_client_secret",
            field=tenants.encryption.EncryptedTextField(blank=True, default="", verbose_name="client secret"),
        ),
        migrations.AddField(
            model_name="bot",
            name="openid_issuer",
            field=models.URLField(
                blank=True,
                help_text="Your OpenID provider, where customers sign in from the chat.",
                max_length=500,
                verbose_name="issuer",
            ),
        ),
        migrations.AddField(
            model_name="bot",
            name="openid_scope",
            field=models.CharField(
                blank=True,
                default="openid profile email",
                help_text="What is asked of the provider, separated by blanks; openid is always among it.",
                max_length=200,
                verbose_name="scope",
            ),
        ),
        migrations.CreateModel(
            name="SignIn",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("conversation_id", models.UUIDField()),
                ("code_hash", models.CharField(blank=True, max_length=64)),
                ("access_token", tenants.encryption.EncryptedTextField(blank=True, default="")),
                ("refresh_token", tenants.encryption.EncryptedTextField(blank=True, default="")),
                ("expires_at", models.DateTimeField(null=True)),
                ("refreshing_until", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "customer",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sign_ins",
                        to="tenants.customer",
                    ),
                ),
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
                "indexes": [models.Index(fields=["group", "conversation_id"], name="sign_in_of_conversation")],
            },
        ),
        migrations.CreateModel(
            name="UsedToken",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("digest", models.CharField(max_length=64)),
                ("conversation_id", models.UUIDField()),
                ("expires_at", models.DateTimeField()),
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
                "indexes": [models.Index(fields=["group", "expires_at"], name="used_token_by_expiry")],
                "constraints": [models.UniqueConstraint(fields=("group", "digest"), name="token_once")],
            },
        ),
        Isolate("UsedToken", to_group()),
        Isolate("SignIn", to_group(), Reference(("group_id", "customer_id"), "tenants_customer")),
    ]
