"""What of a document could not be read although it is ready."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0002_isolation")]

    operations = [
        migrations.AddField("document", "notice", models.TextField(blank=True, default="", editable=False)),
    ]
