"""Of each passage the language, whose rules its words were stemmed by, and hashes that like passages have in common."""

from django.db import migrations, models

BANDS = ("band_1", "band_2", "band_3")


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0006_own_indexes")]

    operations = [
        migrations.AddField("chunk", "language", models.CharField(default="en", editable=False, max_length=10)),
        *(migrations.AddField("chunk", band, models.BigIntegerField(editable=False, null=True)) for band in BANDS),
        *(
            migrations.AddIndex("chunk", models.Index(fields=["group", band], name=f"chunk_by_{band}"))
            for band in BANDS
        ),
    ]
