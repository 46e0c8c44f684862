"""A bot's FAQs and actions with their vectors, in memory: what the router learns from, kept by knowledge version."""

from collections import Counter, OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from uuid import UUID

import numpy as np
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Count
from numpy.typing import NDArray

from knowledge import lexical
from knowledge.models import Action, Chunk, Faq, Vector
from knowledge.parameters import parse_parameters
from knowledge.text_hash import text_hash
from knowledge.tool_schema import schema_of
from tenants.models import Bot

KEPT_BOTS = 200


@dataclass(frozen=True)
class FaqEntry:
    id: UUID
    group_id: UUID
    external_id: str
    question: str
    answer: str
    category: str
    revision: int


@dataclass(frozen=True)
class ActionEntry:
    """`speaks_of` are the words of its parameters: their descriptions and the labels of their choices. `takes` are the
    names of those that a customer gives, `schema` the same as a JSON Schema; `reads` says that the action changes
    nothing."""

    id: UUID
    group_id: UUID
    name: str
    title: str
    description: str
    requires_verified: bool
    speaks_of: str = ""
    takes: str = ""
    reads: bool = True
    schema: Mapping[str, Any] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Texts:
    """Texts with their vectors, and for each the number of the entry that it belongs to."""

    texts: tuple[str, ...]
    owners: NDArray[np.int64]
    vectors: NDArray[np.float32]


@dataclass(frozen=True)
class Snapshot:
    """One bot's routing knowledge. `faq_texts` are questions and phrasings; `action_texts` examples and titles.

    `readings` are the vectors of questions read together with their answers, by `reading()`; `tokens` the packed
    token vectors of these and of all other texts, where the space's model has any. `vocabulary` maps each
    term of the bot's documents to the number of chunks that hold it, all stemmed as English; `languages` are those that
    the chunks were stemmed by for search.
    """

    group_id: UUID
    key: str
    name: str
    description: str
    version: int
    space: str
    faqs: tuple[FaqEntry, ...]
    faq_texts: Texts
    actions: tuple[ActionEntry, ...]
    action_texts: Texts
    vocabulary: dict[str, int]
    chunks: int
    languages: tuple[str, ...] = ("en",)
    readings: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    tokens: Mapping[str, bytes] = field(default_factory=dict)


READ_CHARACTERS = 400


def reading(question: str, answer: str) -> str:
    """A question together with its answer, as one text to embed: customers often use the answer's words."""
    return f"{question} {answer}"[:READ_CHARACTERS]


_kept: OrderedDict[tuple[UUID, str], Snapshot] = OrderedDict()
_lock = Lock()


def load(group_id: UUID, space: str) -> Snapshot:
    """The bot's snapshot at its present knowledge version. Needs its scope."""
    return of(Bot.objects.get(id=group_id), space)


def of(bot: Bot, space: str) -> Snapshot:
    """The snapshot of a bot whose row has just been read in this transaction."""
    with _lock:
        snapshot = _kept.get((bot.id, space))
        if snapshot and snapshot.version == bot.knowledge_version:
            _kept.move_to_end((bot.id, space))
            return snapshot
    snapshot = _read(bot, space)
    with _lock:
        _kept[bot.id, space] = snapshot
        while len(_kept) > KEPT_BOTS:
            _kept.popitem(last=False)
    return snapshot


def _read(bot: Bot, space: str) -> Snapshot:
    faqs = tuple(
        FaqEntry(faq.id, faq.group_id, faq.external_id, faq.question, faq.answer, faq.category, faq.revision)
        for faq in Faq.objects.filter(group=bot, enabled=True).order_by("created_at", "id")
    )
    actions = tuple(
        ActionEntry(
            action.id,
            action.group_id,
            action.name,
            action.title,
            action.description,
            action.requires_verified,
            _speaks_of(action.parameters),
            _takes(action.parameters),
            action.method == "GET",
            _schema(action.parameters),
        )
        for action in Action.objects.filter(group=bot, enabled=True).order_by("name")
    )
    told = [reading(faq.question, faq.answer) for faq in faqs]
    told += [reading(action.title, action.description) for action in actions]
    asked, examples = _rows(_FAQ_TEXTS, bot.id), _rows(_ACTION_TEXTS, bot.id)
    vectors, tokens = _vectors(bot.id, space, {*told, *(text for _, text in (*asked, *examples))})
    spoken = _languages(bot.id)
    return Snapshot(
        bot.id,
        bot.key,
        bot.name,
        bot.description,
        bot.knowledge_version,
        space,
        faqs,
        _texts(asked, [faq.id for faq in faqs], vectors),
        actions,
        _texts(examples, [action.id for action in actions], vectors),
        _vocabulary(bot.id, spoken),
        sum(spoken.values()),
        tuple(spoken) or ("en",),
        {text: vectors[text] for text in told if text in vectors},
        tokens,
    )


def _speaks_of(parameters: list[dict[str, Any]]) -> str:
    described = [str(parameter.get("description", "")) for parameter in parameters]
    labels = [str(choice.get("label", "")) for parameter in parameters for choice in parameter.get("choices") or ()]
    return " ".join(described + labels)


def _takes(parameters: list[dict[str, Any]]) -> str:
    given = [row for row in parameters if not row.get("source") and "value" not in row]
    return ", ".join(f'{row.get("name")}="…"' for row in given)


def _schema(parameters: list[dict[str, Any]]) -> dict[str, Any]:
    try:
        return schema_of(parse_parameters(parameters))
    except ValidationError:
        # Such an action cannot be called at all; loading it says why.
        return schema_of(())


_FAQ_TEXTS = """
SELECT id AS owner, question AS text FROM knowledge_faq WHERE group_id = %(group)s AND enabled
UNION ALL SELECT faq_id, text FROM knowledge_phrasing WHERE group_id = %(group)s
ORDER BY owner, text
"""
_ACTION_TEXTS = """
SELECT id AS owner, title AS text FROM knowledge_action WHERE group_id = %(group)s AND enabled
UNION ALL SELECT id, jsonb_array_elements_text(examples) FROM knowledge_action WHERE group_id = %(group)s AND enabled
ORDER BY owner, text
"""
Rows = Sequence[tuple[UUID, str]]


def _rows(statement: str, group_id: UUID) -> Rows:
    """(owner, text)"""
    with connection.cursor() as cursor:
        cursor.execute(statement, {"group": group_id})
        return cursor.fetchall()


def _vectors(
    group_id: UUID, space: str, texts: Collection[str]
) -> tuple[dict[str, NDArray[np.float32]], dict[str, bytes]]:
    """Vectors and token vectors by text, for those that have been embedded.

    Looked up by their keys, not joined: of tables that have just been filled the planner knows nothing yet, and hashed
    every text again for every vector (13 s for 2,500).
    """
    keys = {text: text_hash(text) for text in texts}
    stored = Vector.objects.filter(group_id=group_id, space=space, content_hash__in=list(set(keys.values())))
    found = {key: (vector, tokens) for key, vector, tokens in stored.values_list("content_hash", "embedding", "tokens")}
    there = {text: found[key] for text, key in keys.items() if key in found}
    vectors = {text: vector for text, (vector, _) in there.items()}
    return vectors, {text: bytes(tokens) for text, (_, tokens) in there.items() if tokens}


def _texts(rows: Rows, owners: Sequence[UUID], vectors: Mapping[str, NDArray[np.float32]]) -> Texts:
    """Those of the owners that are known and whose vectors are."""
    number = {owner: i for i, owner in enumerate(owners)}
    ready = [(number[owner], text) for owner, text in rows if owner in number and text in vectors]
    return Texts(
        tuple(text for _, text in ready),
        np.array([owner for owner, _ in ready], dtype=np.int64),
        np.array([vectors[text] for _, text in ready], np.float32) if ready else np.zeros((0, 0), np.float32),
    )


def languages_of(groups: Sequence[UUID]) -> tuple[str, ...]:
    """The languages of the groups' passages, the commonest first. Needs a scope that contains them."""
    spoken: Counter[str] = Counter()
    for group_id in groups:
        spoken.update(_languages(group_id))
    return tuple(language for language, _ in spoken.most_common()) or ("en",)


def _languages(group_id: UUID) -> dict[str, int]:
    """How many passages are in each language, the commonest first."""
    counted = Chunk.objects.filter(group_id=group_id).order_by().values_list("language").annotate(count=Count("*"))
    return dict(sorted(counted, key=lambda row: (-row[1], row[0])))


def _vocabulary(group_id: UUID, spoken: Collection[str]) -> dict[str, int]:
    with connection.cursor() as cursor:
        if set(spoken) <= {"en"}:
            cursor.execute("SELECT term, count(*) FROM knowledge_posting WHERE group_id = %s GROUP BY term", [group_id])
            return dict(cursor.fetchall())
        cursor.execute(_ENGLISH_TERMS, [group_id])
        vocabulary = Counter(dict(cursor.fetchall()))
    # The other languages' postings hold their own stems, and the router asks for English ones.
    others = Chunk.objects.filter(group_id=group_id).exclude(language="en").order_by()
    for title, path, text in others.values_list("document__title", "heading_path", "text").iterator():
        vocabulary.update(set(lexical.terms(" ".join((title, *path, text)))))
    return vocabulary


_ENGLISH_TERMS = """
SELECT p.term, count(*) FROM knowledge_posting p JOIN knowledge_chunk c ON c.group_id = p.group_id AND c.id = p.chunk_id
WHERE p.group_id = %s AND c.language = 'en' GROUP BY p.term
"""
