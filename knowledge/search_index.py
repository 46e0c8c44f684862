"""What search reads, derived from chunks: the words of each and its vectors, kept beside those of the same bot.

Whoever writes chunks, or vectors of texts that chunks may hold, calls this in the same transaction. Needs the scope.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from django.db import connection

from knowledge import lexical


def add(group_id: UUID, passages: Sequence[tuple[UUID, str, str]]) -> None:
    """Make chunks findable: (chunk, text as it is embedded, language). Their vectors must have been stored before."""
    rows = [(chunk, *each) for chunk, text, language in passages for each in lexical.weights(text, language).items()]
    with connection.cursor() as cursor:
        if rows:
            chunks, terms, weights = (list(column) for column in zip(*rows, strict=True))
            cursor.execute(_POSTINGS, {"group": group_id, "chunks": chunks, "terms": terms, "weights": weights})
        cursor.execute(_VECTORS_OF_CHUNKS, {"group": group_id, "chunks": [chunk for chunk, _, _ in passages]})


def add_vectors(group_id: UUID, space: str, hashes: Collection[str]) -> None:
    """Vectors have been stored for these texts: give them to the chunks that hold one of them."""
    with connection.cursor() as cursor:
        cursor.execute(_VECTORS_OF_TEXTS, {"group": group_id, "space": space, "hashes": list(hashes)})


def complete(group_id: UUID, space: str) -> None:
    """Before a bot answers from another space: chunk and vector may have come at once, neither seeing the other."""
    with connection.cursor() as cursor:
        cursor.execute(_VECTORS_OF_SPACE, {"group": group_id, "space": space})


# The rows are read by term, so they are written in that order: those of one bot and term lie together.
_POSTINGS = """
INSERT INTO knowledge_posting (group_id, term, chunk_id, weight)
SELECT %(group)s, term, chunk, weight
FROM unnest(%(chunks)s::uuid[], %(terms)s::text[], %(weights)s::real[]) AS row (chunk, term, weight)
ORDER BY term, chunk
"""
_VECTORS = """
INSERT INTO knowledge_chunkvector (group_id, chunk_id, space, embedding)
SELECT c.group_id, c.id, v.space, v.embedding::halfvec
FROM knowledge_chunk c JOIN knowledge_vector v ON v.group_id = c.group_id AND v.content_hash = c.content_hash
WHERE c.group_id = %(group)s AND {which}
ON CONFLICT DO NOTHING
"""
_VECTORS_OF_CHUNKS = _VECTORS.format(which="c.id = ANY (%(chunks)s)")
_VECTORS_OF_TEXTS = _VECTORS.format(which="v.space = %(space)s AND c.content_hash = ANY (%(hashes)s)")
_VECTORS_OF_SPACE = _VECTORS.format(
    which="""v.space = %(space)s AND NOT EXISTS (
    SELECT FROM knowledge_chunkvector p WHERE p.group_id = c.group_id AND p.chunk_id = c.id AND p.space = v.space)"""
)
