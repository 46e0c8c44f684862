"""What the models took for an answer, beside the rest that explains it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("chat", "0003_signed_out")]
    operations = [
        migrations.AddField(
            "interaction",
            "generations",
            models.JSONField(default=list, help_text="What each model that was asked took, and what came of it."),
        )
    ]
