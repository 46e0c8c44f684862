"""The one door to chunks for answering: hybrid search in a bot's own groups, in one statement.

A passage's score is its cosine plus LEXICAL_SHARE times its BM25 sum over the root of the question's idf mass: no list
statistics, so a score means the same for every question. The statement is in search_passages.sql. Where passages have
token vectors, the best of them are compared with the question token by token as well, and ranked anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from uuid import UUID

import numpy as np
import psycopg
from django.db import connection
from numpy.typing import NDArray
from pgvector import HalfVector
from pgvector.psycopg.halfvec import HalfVectorBinaryDumper

from knowledge import lexical
from knowledge.embedding import NO_TOKENS, TokenVectors
from knowledge.embedding.late_interaction import likeness, unpack_all
from knowledge.likeness import distinct

LEXICAL_SHARE = 0.12
# Of a bot with an index of its own, so many of the nearest and of the best worded passages are scored.
LISTED = 200
# So many more than are wanted are compared token by token, and what that counts beside the cosine.
COMPARED_FURTHER = 8
LATE_SHARE = 2.0
DEEPER = 4  # how much further to look when repeated texts took places


@dataclass(frozen=True)
class Passage:
    """A chunk as it was when it was found, with the document that it is cited by.

    `tokens` are its token vectors, packed, where the question's are compared with them; `late` is then its likeness to
    the question by late interaction.
    """

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
    tokens: bytes = field(default=b"", repr=False, compare=False)
    late: float | None = None


def search(
    question: str,
    vector: NDArray[np.float32],
    groups: Sequence[UUID],
    space: str,
    k: int = 8,
    languages: Sequence[str] = ("en",),
    tokens: TokenVectors = NO_TOKENS,
) -> list[Passage]:
    """The k best passages of the groups, best first, none of which repeats another. Needs a scope that contains them.

    `languages` are those of the groups' passages, `tokens` the question's token vectors.
    """
    wanted = _wanted(question, groups, languages)
    most = k + COMPARED_FURTHER if len(tokens) else k
    found = _found(wanted, vector, tokens, groups, space, most)
    told = distinct(found)
    if len(told) < k and len(found) == most:
        told = distinct(_found(wanted, vector, tokens, groups, space, k * DEEPER))
    return told[:k]


def _found(
    wanted: Sequence[str],
    vector: NDArray[np.float32],
    tokens: TokenVectors,
    groups: Sequence[UUID],
    space: str,
    k: int,
) -> list[Passage]:
    values = [list(groups), space, HalfVector(vector), list(wanted), LEXICAL_SHARE, k, LISTED, len(tokens) > 0]
    # Django's own cursors send every value as text, which for a vector costs more than finding its neighbours does.
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.adapters.register_dumper(HalfVector, HalfVectorBinaryDumper)
        cursor.execute(_STATEMENT, values, binary=True)
        rows = list(cursor)
    # The statement selects the fields in order.
    found = [Passage(*row[:9], tuple(row[9]), *row[10:]) for row in rows]  # type: ignore[call-arg]
    return compared(found, tokens) if len(tokens) else found


def compared(passages: Sequence[Passage], question: TokenVectors) -> list[Passage]:
    """The passages ranked by late interaction as well; as they are where one of them has no token vectors."""
    # One by one: the token vectors of all, unpacked, would not fit into the processor's cache.
    late = [float(likeness(question, *unpack_all([passage.tokens]))[0]) for passage in passages]
    if np.isnan(late).any():
        return list(passages)
    told = [
        replace(passage, late=value, score=(passage.score + LATE_SHARE * value) / (1 + LATE_SHARE))
        for passage, value in zip(passages, late, strict=True)
    ]
    return sorted(told, key=lambda passage: -passage.score)


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
_STATEMENT = "SELECT * FROM search_passages(%s::uuid[], %s::text, %s::halfvec, %s::text[], %s::float8, %s, %s, %s)"
