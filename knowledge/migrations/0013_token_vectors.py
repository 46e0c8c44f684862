"""Texts keep a vector for each of their tokens, and search hands them out."""

from pathlib import Path

from django.db import migrations, models

STATEMENT = (Path(__file__).parents[1] / "search_passages.sql").read_text("utf-8")


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0012_no_index_led_by_the_bot")]

    operations = [
        migrations.AddField("vector", "tokens", models.BinaryField(default=b"", db_default=b"")),
        # They do not compress, and trying takes longer than writing them.
        migrations.RunSQL("ALTER TABLE knowledge_vector ALTER COLUMN tokens SET STORAGE EXTERNAL"),
        migrations.RunSQL(
            "DROP FUNCTION IF EXISTS search_passages(uuid[], text, halfvec, text[], float8, integer, integer)"
        ),
        migrations.RunSQL(["SELECT '[1]'::vector", STATEMENT]),
    ]
