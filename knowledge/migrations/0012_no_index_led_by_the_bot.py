"""Chunks have no index led by their bot but the key: search would read all of a large bot by it for each passage."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0011_looked_up_by_the_key")]

    operations = [
        migrations.RemoveIndex("chunk", "chunk_by_document"),
        migrations.RemoveIndex("chunk", "chunk_by_content"),
        migrations.AddIndex("chunk", models.Index(fields=["document", "group", "position"], name="chunk_of_document")),
        migrations.AddIndex("chunk", models.Index(fields=["content_hash", "group"], name="chunk_of_content")),
    ]
