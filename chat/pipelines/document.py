"""The document line: the best sentences of the best passages, quoted and cited with their date; where a model speaks,
an answer from the passages alone, each of its sentences cited."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from django.conf import settings

from chat import llm
from chat.context import TurnContext
from chat.exchange import Answer, Citation, Decision, Question
from chat.grounding.support import Source
from chat.pipelines import spoken, unknown
from knowledge import lexical
from knowledge.chunking import sentences
from knowledge.embedding import Embedder
from knowledge.embedding.late_interaction import likeness
from knowledge.search import LATE_SHARE, LEXICAL_SHARE, Passage

LONGEST_QUOTE, LONGEST_FURTHER_QUOTE = 600, 360
PIECES_READ = 24


async def answer(context: TurnContext, question: Question, decision: Decision) -> Answer:
    if not llm.is_configured():
        return await quoted(context, question, decision)
    sources = [
        Source(number, passage.text, " › ".join([passage.title, *passage.heading_path]))
        for number, passage in enumerate(decision.passages, 1)
    ]
    told = await spoken.from_sources(context, question, decision, sources, revisions=settings.LLM_REVISIONS)
    record = (told.record,)
    if told.spoken and told.spoken.outcome == "no answer":
        return replace(await unknown.answer(context, question, decision), generations=record)
    if told.spoken is None or not told.answered:
        # A model that could not be held to its sources, often enough: the sources themselves, and a person.
        offered = unknown.OFFERED_PERSON if told.spoken and not context.waiting else None
        return replace(await quoted(context, question, decision), generations=record, choices=offered)
    citations = tuple(
        _citation(decision.passages[number - 1], "…".join(quotes))
        for number, quotes in told.spoken.quotes.items()
        if number <= len(sources)
    )
    cited = Answer("", "document", decision.confidence, citations=citations)
    return replace(spoken.said(told.spoken, cited), generations=record)


async def quoted(context: TurnContext, question: Question, decision: Decision) -> Answer:
    """The answer without a model: nothing but quotes."""
    chosen: Sequence[Passage] = decision.passages
    embedder = context.space.embedder()
    longest = [LONGEST_QUOTE] + [LONGEST_FURTHER_QUOTE] * (len(chosen) - 1)
    quotes = await asyncio.to_thread(
        lambda: [quote(question, passage, most, embedder) for passage, most in zip(chosen, longest, strict=True)]
    )
    asked = set(lexical.terms(question.understood)) - lexical.STOP_WORDS
    # Which passage is likeliest to answer is one thing, in which the answer meets the eye another.
    order = sorted(range(len(chosen)), key=lambda number: not _says_all(asked, quotes[number]))
    chosen, quotes = [chosen[number] for number in order], [quotes[number] for number in order]
    citations = tuple(_citation(passage, quoted) for passage, quoted in zip(chosen, quotes, strict=True))
    return Answer(_text(chosen, quotes), "document", decision.confidence, citations=citations)


def _says_all(asked: set[str], quoted: str) -> bool:
    """Whether one sentence or row speaks of everything that is asked."""
    pieces = (piece for line in quoted.split("\n") for piece in sentences(line))
    return any(asked.issubset(lexical.terms(piece)) for piece in pieces)


def quote(question: Question, passage: Passage, longest: int, embedder: Embedder) -> str:
    """The passage itself when it is short; else its sentences that fit the question best, in order. Of a table, the
    rows that are asked about."""
    if passage.kind == "table":
        pieces, kept = _rows(question, passage.text, embedder)
    elif len(passage.text) <= longest:
        return passage.text.strip()
    else:
        lines = [line for line in passage.text.split("\n") if line.strip()]
        pieces = [sentence for line in lines for sentence in sentences(line)]
        kept = list(range(len(pieces)))
    if sum(len(pieces[index]) for index in kept) > longest:
        kept = _best(question, pieces, kept[:PIECES_READ], longest, embedder)
    return _with_gaps(pieces, kept, "\n" if passage.kind == "table" else " ")


def _rows(question: Question, text: str, embedder: Embedder) -> tuple[list[str], list[int]]:
    """The rows of a table, and which of them are asked about: those that hold most of those words of the question that
    not every row holds, and those that lie as near to the question as any of these."""
    rows = [line for line in text.split("\n") if line.strip()]
    if len(rows) > 1 and any(f"{name.rstrip(':')}: " in rows[1] for name in rows[0].split(" | ")):
        # Every row names its columns, so the header adds nothing.
        rows = rows[1:]
    asked = set(lexical.terms(question.understood))
    held = [asked.intersection(lexical.terms(row)) for row in rows]
    everywhere = held[0].intersection(*held)
    own = np.array([len(words - everywhere) for words in held])
    if own.min() == own.max():
        return rows, list(range(len(rows)))
    worded = own == own.max()
    nearness = _nearness(question, rows, embedder)
    return rows, np.flatnonzero(worded | (nearness >= nearness[worded].max())).tolist()


def _best(
    question: Question, pieces: Sequence[str], among: Sequence[int], longest: int, embedder: Embedder
) -> list[int]:
    order = np.argsort(-_scores(question, [pieces[index] for index in among], embedder))
    kept: set[int] = set()
    length = 0
    for place in order:
        index = among[place]
        if kept and length + len(pieces[index]) > longest:
            break
        kept.add(index)
        length += len(pieces[index])
    return sorted(kept)


def _scores(question: Question, pieces: Sequence[str], embedder: Embedder) -> np.ndarray:
    asked = set(lexical.terms(question.understood))
    shared = np.array([len(asked & set(lexical.terms(piece))) / max(len(asked), 1) for piece in pieces])
    scores: np.ndarray = _nearness(question, pieces, embedder) + 2 * LEXICAL_SHARE * shared
    return scores


def _nearness(question: Question, pieces: Sequence[str], embedder: Embedder) -> np.ndarray:
    """As search sees it, without the words."""
    encoded = embedder.encode_passages(pieces)
    cosines: np.ndarray = np.array([each.vector for each in encoded]) @ question.vector
    tokens = [each.tokens for each in encoded]
    late = likeness(question.tokens, np.concatenate(tokens), [len(each) for each in tokens])
    return cosines if np.isnan(late).any() else (cosines + LATE_SHARE * late) / (1 + LATE_SHARE)


def _with_gaps(pieces: Sequence[str], kept: Sequence[int], separator: str) -> str:
    parts: list[str] = []
    for position, index in enumerate(kept):
        if position and index != kept[position - 1] + 1:
            parts.append("…")
        parts.append(pieces[index])
    return separator.join(parts)


def _text(passages: Sequence[Passage], quotes: Sequence[str]) -> str:
    """The quotes, each place that they come from named once."""
    parts: list[str] = []
    place = ""
    for passage, quoted in zip(passages, quotes, strict=True):
        lead = _lead(passage)
        parts.append(quoted if lead == place else f"{lead}\n{quoted}")
        place = lead
    return "\n\n".join(parts)


def _lead(passage: Passage) -> str:
    page = f", page {passage.page}" if passage.page else ""
    dated = f" ({passage.dated:%-d %B %Y})" if passage.dated else ""
    return f"From “{passage.title}”{dated}{page}:"


def _citation(passage: Passage, quoted: str) -> Citation:
    return Citation(
        "document",
        str(passage.document_id),
        passage.external_id,
        passage.title,
        passage.url,
        quoted,
        passage.page,
        passage.dated.isoformat() if passage.dated else None,
    )
