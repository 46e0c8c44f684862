"""Passages are looked up by their key, whatever index is taken; the statement that searches, again."""

from pathlib import Path

from django.db import migrations, models

STATEMENT = (Path(__file__).parents[1] / "search_passages.sql").read_text("utf-8")
BANDS = ("band_1", "band_2", "band_3")


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0010_every_bot")]

    operations = [
        *(migrations.RemoveIndex("chunk", f"chunk_by_{band}") for band in BANDS),
        *(
            migrations.AddIndex("chunk", models.Index(fields=[band, "group"], name=f"chunk_of_{band}"))
            for band in BANDS
        ),
        migrations.RemoveIndex("chunkvector", "chunk_vector_by_space"),
        migrations.AddIndex(
            "chunkvector", models.Index(fields=["group", "space", "chunk"], name="chunk_vector_in_space")
        ),
        migrations.RunSQL(["SELECT '[1]'::vector", STATEMENT]),
    ]
