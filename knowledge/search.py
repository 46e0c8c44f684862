"""The one door to chunks for answering: hybrid search in a bot's own groups, in one statement.

A passage's score is its cosine plus LEXICAL_SHARE times its BM25 sum over the root of the question's idf mass: no list
statistics, so a score means the same for every question. The statement is in search_passages.sql.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import numpy as np
import psycopg
from django.db import connection
from numpy.typing import NDArray
from pgvector import HalfVector
from pgvector.psycopg.halfvec import HalfVectorBinaryDumper

from knowledge import lexical
from knowledge.likeness import distinct

LEXICAL_SHARE = 0.12
# Of a bot with an index of its own, so many of the nearest and of the best worded passages are scored.
LISTED = 200
DEEPER = 4  # how much further to look when repeated texts took places


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


def search(
    question: str,
    vector: NDArray[np.float32],
    groups: Sequence[UUID],
    space: str,
    k: int = 8,
    languages: Sequence[str] = ("en",),
) -> list[Passage]:
    """The k best passages of the groups, best first, none of which repeats another. Needs a scope that contains them.

    `languages` are those of the groups' passages.
    """
    wanted = _wanted(question, groups, languages)
    found = _found(wanted, vector, groups, space, k)
    told = distinct(found)
    if len(told) < k == len(found):
        told = distinct(_found(wanted, vector, groups, space, k * DEEPER))[:k]
    return told


def _found(
    wanted: Sequence[str], vector: NDArray[np.float32], groups: Sequence[UUID], space: str, k: int
) -> list[Passage]:
    values = [list(groups), space, HalfVector(vector), list(wanted), LEXICAL_SHARE, k, LISTED]
    # Django's own cursors send every value as text, which for a vector costs more than finding its neighbours does.
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.adapters.register_dumper(HalfVector, HalfVectorBinaryDumper)
        cursor.execute(_STATEMENT, values, binary=True)
        # The statement selects the fields in order.
        return [Passage(*row[:9], tuple(row[9]), *row[10:]) for row in cursor]  # type: ignore[call-arg]


def _wanted(question: str, groups: Sequence[UUID], languages: Sequence[str]) -> list[str]:
    """The terms to look for. Where passages are in several languages, a word's stems that none has are left out, so
    that they weigh nothing; a word that is nowhere still counts once."""
    if len(languages) < 2:
        return sorted(set(lexical.terms(question, *languages)))
    words = lexical.asked_terms(question, languages)
    with connection.cursor() as cursor:
        cursor.execute(_HEARD, {"groups": list(groups), "terms": sorted({stem for stems in words for stem in stems})})
        heard = {row[0] for row in cursor.fetchall()}
    return sorted({stem for stems in words for stem in (heard.intersection(stems) or stems[:1])})


_HEARD = """
SELECT term FROM unnest(%(terms)s::text[]) AS asked (term) WHERE EXISTS (
    SELECT FROM knowledge_posting p WHERE p.group_id = ANY (%(groups)s) AND p.term = asked.term
)
"""
_STATEMENT = "SELECT * FROM search_passages(%s::uuid[], %s::text, %s::halfvec, %s::text[], %s::float8, %s, %s)"
