"""The one door to chunks for answering: hybrid search in a bot's own groups, in one statement.

A passage's score is its cosine plus LEXICAL_SHARE times its BM25 sum over the root of the question's idf mass: no list
statistics, so a score means the same for every question.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import numpy as np
from django.db import connection
from numpy.typing import NDArray
from pgvector import Vector as BinaryVector

from knowledge import lexical

LEXICAL_SHARE = 0.12


@dataclass(frozen=True)
class Passage:
    """A chunk as it was when it was found, with the document that it is cited by."""

    group_id: UUID
    chunk_id: UUID
    document_id: UUID
    external_id: str
    title: str
    url: str
    dated: date | None
    revision: int
    page: int | None
    heading_path: tuple[str, ...]
    kind: str
    text: str
    score: float
    cosine: float
    lexical: float


def search(question: str, vector: NDArray[np.float32], groups: Sequence[UUID], space: str, k: int = 8) -> list[Passage]:
    """The k best passages of the groups, best first. Needs a scope that contains them."""
    wanted = sorted(set(lexical.terms(question)))
    with connection.cursor() as cursor:
        cursor.execute(
            _STATEMENT,
            {
                "vector": BinaryVector(vector).to_text(),
                "groups": list(groups),
                "space": space,
                "terms": wanted,
                "share": LEXICAL_SHARE,
                "k": k,
            },
        )
        return [_passage(row) for row in cursor.fetchall()]


_STATEMENT = """
WITH total AS (
    SELECT count(*)::float AS n FROM knowledge_chunk WHERE group_id = ANY (%(groups)s)
), frequency AS (
    SELECT term, count(*)::float AS df FROM knowledge_posting
    WHERE group_id = ANY (%(groups)s) AND term = ANY (%(terms)s) GROUP BY term
), weight AS MATERIALIZED (
    SELECT asked.term, ln(1 + (n - coalesce(df, 0) + 0.5) / (coalesce(df, 0) + 0.5)) AS idf
    FROM unnest(%(terms)s::text[]) AS asked (term) CROSS JOIN total LEFT JOIN frequency USING (term)
), worded AS MATERIALIZED (
    SELECT chunk_id, sum(p.weight * idf) / sqrt((SELECT greatest(sum(idf), 1e-6) FROM weight)) AS lexical
    FROM knowledge_posting p JOIN weight USING (term)
    WHERE p.group_id = ANY (%(groups)s) AND p.term = ANY (%(terms)s) GROUP BY chunk_id
), scored AS (
    SELECT c.id, 1 - (v.embedding <=> %(vector)s::vector) AS cosine, coalesce(lexical, 0) AS lexical
    FROM knowledge_chunk c
    JOIN knowledge_vector v ON v.group_id = c.group_id AND v.space = %(space)s AND v.content_hash = c.content_hash
    LEFT JOIN worded ON worded.chunk_id = c.id
    WHERE c.group_id = ANY (%(groups)s)
), best AS MATERIALIZED (
    SELECT *, cosine + %(share)s * lexical AS score FROM scored ORDER BY score DESC LIMIT %(k)s
)
SELECT c.group_id, c.id, d.id, d.external_id, d.title, d.url, d.dated, c.revision, c.page, c.heading_path, c.kind,
    c.text, best.score, best.cosine, best.lexical
FROM best JOIN knowledge_chunk c ON c.id = best.id AND c.group_id = ANY (%(groups)s)
JOIN knowledge_document d ON d.group_id = c.group_id AND d.id = c.document_id
ORDER BY best.score DESC, c.id
"""


def _passage(row: tuple) -> Passage:
    path = row[9] if isinstance(row[9], list) else json.loads(row[9])
    return Passage(*row[:9], tuple(path), *row[10:])  # type: ignore[call-arg]  # the statement selects the fields in order
