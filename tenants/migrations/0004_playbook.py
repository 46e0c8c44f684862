"""A bot's playbook: its goals, its next questions, and its replies to objections."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0003_sign_in")]

    operations = [
        migrations.AddField(
            model_name="bot",
            name="playbook_goals",
            field=models.TextField(
                blank=True,
                default="",
                help_text="What the bot should lead its conversations to, one goal per line.",
                verbose_name="goals",
            ),
        ),
        migrations.AddField(
            model_name="bot",
            name="playbook_next_questions",
            field=models.TextField(
                blank=True,
                default="",
                help_text="What it may ask after an answer, one question per line.",
                verbose_name="next questions",
            ),
        ),
        migrations.AddField(
            model_name="bot",
            name="playbook_objections",
            field=models.TextField(
                blank=True,
                default="",
                help_text="One per line: what a customer objects, a colon, and the reply. “It is too dear: You can "
                "hire it first.”",
                verbose_name="replies to objections",
            ),
        ),
    ]
