"""What search reads, laid out for it: each chunk's vector beside those of its bot, and an index that holds the weights.

Search runs index-only over the postings and needs the visibility map for that, so both tables are vacuumed early: when
a fiftieth has changed, not a fifth.
"""

import django.db.models.deletion
import pgvector.django
from django.db import migrations, models

from tenants.isolation import Isolate, Reference, to_group

# The owner reads the rows of all bots only while it says so.
FILL = """
SELECT set_config('switchboard.resolving', 'on', true);
INSERT INTO knowledge_chunkvector (group_id, chunk_id, space, embedding)
SELECT c.group_id, c.id, v.space, v.embedding::halfvec
FROM knowledge_chunk c JOIN knowledge_vector v ON v.group_id = c.group_id AND v.content_hash = c.content_hash;
SELECT set_config('switchboard.resolving', 'off', true);
"""
POSTINGS = """
ALTER TABLE knowledge_posting
    ALTER COLUMN weight TYPE real, DROP CONSTRAINT knowledge_posting_pkey,
    ADD PRIMARY KEY (group_id, term, chunk_id) INCLUDE (weight)
"""
VACUUM = """
ALTER TABLE {table} SET (
    autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_insert_threshold = 1000, autovacuum_vacuum_insert_scale_factor = 0.02,
    autovacuum_analyze_threshold = 1000, autovacuum_analyze_scale_factor = 0.05
)
"""


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0004_space_moves")]

    operations = [
        migrations.CreateModel(
            "ChunkVector",
            [
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "group_id", "chunk_id", "space", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("space", models.CharField(max_length=200)),
                ("embedding", pgvector.django.HalfVectorField()),
                (
                    "chunk",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="vectors",
                        to="knowledge.chunk",
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
                    ),
                ),
            ],
        ),
        migrations.RemoveIndex("posting", "posting_by_chunk"),
        migrations.AddIndex("posting", models.Index(fields=["chunk", "group"], name="posting_by_chunk")),
        migrations.AddIndex("chunkvector", models.Index(fields=["group", "space"], name="chunk_vector_by_space")),
        migrations.RunSQL(["ALTER TABLE knowledge_chunkvector ALTER COLUMN embedding SET STORAGE PLAIN", FILL]),
        Isolate(
            "ChunkVector",
            to_group(),
            Reference(("group_id", "chunk_id"), "knowledge_chunk"),
            key=("group_id", "chunk_id", "space"),
        ),
        migrations.RunSQL(
            [POSTINGS, *(VACUUM.format(table=f"knowledge_{name}") for name in ("posting", "chunkvector"))]
        ),
    ]
