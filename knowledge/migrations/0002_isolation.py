"""Composite keys and row-level security of the knowledge tables, and the sweeper's view of the outbox."""

from django.db import migrations

from tenants.isolation import Isolate, Reference, resolver, to_group

LAGGING = resolver(
    "lagging_index_jobs",
    "most integer",
    "group_id uuid, kind text, object_id uuid",
    "SELECT j.group_id, j.kind::text, j.object_id FROM knowledge_indexjob j WHERE j.due_at < now() "
    "ORDER BY j.due_at LIMIT most",
)

# The key of a text's vector; knowledge.indexing.text_hash computes the same.
TEXT_HASH = """
CREATE FUNCTION text_hash(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT encode(sha256(convert_to($1, 'UTF8')), 'hex') $$
"""


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0001_initial"), ("tenants", "0002_isolation")]

    operations = [
        Isolate("Faq", to_group()),
        Isolate("Phrasing", to_group(), Reference(("group_id", "faq_id"), "knowledge_faq")),
        Isolate("Document", to_group()),
        Isolate("DocumentRevision", to_group(), Reference(("group_id", "document_id"), "knowledge_document")),
        Isolate("Chunk", to_group(), Reference(("group_id", "document_id"), "knowledge_document")),
        Isolate("EmbeddingSpace", to_group()),
        Isolate("Vector", to_group(), key=("group_id", "space", "content_hash")),
        Isolate(
            "Posting",
            to_group(),
            Reference(("group_id", "chunk_id"), "knowledge_chunk"),
            key=("group_id", "term", "chunk_id"),
        ),
        Isolate("DataApi", to_group()),
        Isolate("Action", to_group(), Reference(("group_id", "data_api_id"), "knowledge_dataapi")),
        Isolate("Call", to_group(), Reference(("group_id", "action_id"), "knowledge_action", on_delete="SET NULL")),
        Isolate("IndexJob", to_group()),
        migrations.RunSQL([LAGGING, TEXT_HASH]),
    ]
