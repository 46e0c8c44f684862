"""Vectors outlive their texts, so that an edit undone embeds nothing; in the end what no text needs is thrown away."""

from uuid import UUID

from django.db import connection

from knowledge import outbox
from tenants import resolve
from tenants.scope import within

BATCH = 2000


def collect() -> int:
    """Delete the vectors that no text of their bot has, of all bots; how many. Needs no scope."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT group_id FROM groups_with_vectors()")
        groups = [row[0] for row in cursor.fetchall()]
    return sum(_collect(group_id) for group_id in groups)


def _collect(group_id: UUID) -> int:
    scope = resolve.group_scope(group_id)
    if scope is None:
        return 0
    deleted = 0
    while True:
        with within(scope):
            # What is being indexed has vectors before it has chunks, and then a job too. Nobody can add one now.
            outbox.lock(group_id)
            if outbox.pending(group_id):
                return deleted
            batch = _delete(group_id)
        deleted += batch
        if batch < BATCH:
            return deleted


def _delete(group_id: UUID) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_UNUSED, {"group": group_id, "most": BATCH})
        return int(cursor.rowcount)


# The texts are those that knowledge.indexing embeds.
_UNUSED = """
WITH used (content_hash) AS MATERIALIZED (
    SELECT content_hash FROM knowledge_chunk WHERE group_id = %(group)s
    UNION ALL SELECT text_hash(question) FROM knowledge_faq WHERE group_id = %(group)s
    UNION ALL SELECT text_hash(left(question || ' ' || answer, 400)) FROM knowledge_faq WHERE group_id = %(group)s
    UNION ALL SELECT text_hash(text) FROM knowledge_phrasing WHERE group_id = %(group)s
    UNION ALL SELECT text_hash(title) FROM knowledge_action WHERE group_id = %(group)s
    UNION ALL SELECT text_hash(left(title || ' ' || description, 400)) FROM knowledge_action WHERE group_id = %(group)s
    UNION ALL SELECT text_hash(jsonb_array_elements_text(examples)) FROM knowledge_action WHERE group_id = %(group)s
), unused AS (
    SELECT content_hash FROM knowledge_vector WHERE group_id = %(group)s
    EXCEPT SELECT content_hash FROM used LIMIT %(most)s
)
DELETE FROM knowledge_vector v USING unused u WHERE v.group_id = %(group)s AND v.content_hash = u.content_hash
"""
