"""Cuts a parsed document into passages that make sense alone: within one section, whole sentences, whole rows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from knowledge.parsing.blocks import Block, ParsedDocument
from knowledge.sentences import sentences
from knowledge.table_text import row_texts
from knowledge.tokens import tokens, words

__all__ = ["ChunkDraft", "chunk", "embedding_text", "sentences"]

WINDOW = 256
MARGIN = 12
TARGET_WORDS = 120
PREFIX_TOKENS = 64
TINY_WORDS = 30
LEAST_TEXT_HEADING = 4
SEPARATOR = " > "


@dataclass(frozen=True)
class ChunkDraft:
    text: str
    heading_path: tuple[str, ...]
    page: int | None
    position: int
    kind: Literal["text", "table"]


@dataclass(frozen=True)
class Unit:
    """What is never divided: a sentence, a list item, a row. `lead` is said again where a chunk starts after it."""

    text: str
    page: int | None
    starts_line: bool
    lead: str = ""
    kind: Literal["text", "table"] = "text"
    group: int = 0


@dataclass
class Section:
    path: tuple[str, ...]
    blocks: list[Block] = field(default_factory=list)
    page: int | None = None


def chunk(document: ParsedDocument, target: int = TARGET_WORDS) -> tuple[ChunkDraft, ...]:
    drafts: list[ChunkDraft] = []
    for section in _merged(_sections(document), document.title):
        room = WINDOW - MARGIN - min(tokens(_prefix(document.title, section.path)) + 2, PREFIX_TOKENS)
        for text, page, kind in _packed(_units(section, room), target, room):
            drafts.append(ChunkDraft(text, section.path, page, len(drafts), kind))
    return tuple(drafts)


def embedding_text(title: str, draft: ChunkDraft) -> str:
    """The passage as the embedder reads it: where it stands, then what it says."""
    prefix = _prefix(title, draft.heading_path)
    return f"{prefix}\n{draft.text}" if prefix else draft.text


def _prefix(title: str, path: tuple[str, ...]) -> str:
    names = [name for name in (title, *path) if name]
    distinct = list({name.casefold(): name for name in names}.values())
    # The innermost headings say most, so the outer ones go first where there are too many.
    while len(distinct) > 1 and tokens(SEPARATOR.join(distinct)) > PREFIX_TOKENS - 2:
        distinct.pop(0 if len(distinct) < 3 else 1)
    return _shortened(SEPARATOR.join(distinct), PREFIX_TOKENS - 2)


def _shortened(text: str, most: int) -> str:
    kept: list[str] = []
    for word in text.split():
        most -= tokens(word)
        if most < 0:
            break
        kept.append(word)
    return " ".join(kept)


def _sections(document: ParsedDocument) -> list[Section]:
    stack: list[tuple[int, str]] = []
    sections = [Section(())]
    for block in document.blocks:
        if block.kind != "heading":
            sections[-1].blocks.append(block)
            continue
        level = block.level or 1
        stack = [*((rank, text) for rank, text in stack if rank < level), (level, block.text)]
        sections.append(Section(tuple(text for _, text in stack), page=block.page))
    return [
        section
        for index, section in enumerate(sections)
        if _says_something(section, sections[index + 1 :], document.title)
    ]


def _says_something(section: Section, later: list[Section], title: str) -> bool:
    if section.blocks or not section.path:
        return bool(section.blocks)
    is_parent = bool(later) and later[0].path[: len(section.path)] == section.path
    text = section.path[-1]
    if later and (is_parent or text == title or len(text.split()) < LEAST_TEXT_HEADING):
        return False
    # A long "heading" with nothing under it is a sentence that was set in large letters.
    section.blocks.append(Block("paragraph", text, page=section.page))
    return True


def _merged(sections: list[Section], title: str) -> list[Section]:
    """Tiny neighbours under the same heading become one, below the level that changes the subject."""
    roots = {section.path[0] for section in sections if section.path}
    subject_depth = 2 if len(roots) == 1 else 1
    merged: list[Section] = []
    sizes: list[int] = []
    for section in sections:
        size = _size(section)
        parent = section.path[:-1]
        if merged and len(section.path) > subject_depth and size < TINY_WORDS and not section.path[-1].endswith("?"):
            last = merged[-1]
            alike = last.path == parent or (last.path[:-1] == parent and not last.path[-1].endswith("?"))
            if alike and sizes[-1] < 2 * TINY_WORDS and not _has_table(last) and not _has_table(section):
                if last.path != parent:
                    last = Section(parent, _titled(last), last.page)
                merged[-1] = Section(parent, [*last.blocks, *_titled(section)], last.page)
                sizes[-1] += size
                continue
        merged.append(section)
        sizes.append(size)
    return merged


def _titled(section: Section) -> list[Block]:
    if section.blocks[0].text == section.path[-1]:
        return section.blocks
    return [Block("paragraph", f"{section.path[-1].rstrip(':')}:", page=section.page), *section.blocks]


def _size(section: Section) -> int:
    return sum(words(block.text) for block in section.blocks)


def _has_table(section: Section) -> bool:
    return any(block.kind == "table" for block in section.blocks)


def _units(section: Section, room: int) -> list[Unit]:
    units: list[Unit] = []
    lead = ""
    for group, block in enumerate(section.blocks):
        if block.kind == "table":
            units += _table_units(block, group, room)
            lead = ""
        elif block.kind == "list_item":
            indent = "  " * min((block.level or 1) - 1, 4)
            mark = "" if re.match(r"\(?\w{1,4}[.)]\s", block.text) else "- "
            units += _pieces(f"{indent}{mark}{block.text}".replace("\n", " "), block.page, lead, room)
        elif block.kind == "code":
            units += [unit for text in block.text.split("\n") for unit in _pieces(text, block.page, "", room)]
        else:
            found = _sentence_units(block, room)
            units += found
            lead = found[-1].text if found and _leads(found[-1].text, section.blocks[group + 1 : group + 2]) else ""
    return units


def _leads(sentence: str, following: Sequence[Block]) -> bool:
    return bool(following) and following[0].kind == "list_item" and words(sentence) <= 40


def _sentence_units(block: Block, room: int) -> list[Unit]:
    units: list[Unit] = []
    for line in block.text.split("\n"):
        pieces = [piece for sentence in sentences(line) for piece in _split(sentence, room)]
        units += [Unit(piece, block.page, starts_line=index == 0) for index, piece in enumerate(pieces)]
    return units


def _pieces(text: str, page: int | None, lead: str, room: int) -> list[Unit]:
    least = room - min(tokens(lead), room // 2)
    return [Unit(piece, page, starts_line=True, lead=lead) for piece in _split(text, least)]


def _table_units(block: Block, group: int, room: int) -> list[Unit]:
    rows = block.rows or ()
    head = _shortened(" | ".join(cell for cell in rows[0] if cell), room // 3) if rows else ""
    least = room - tokens(head)
    return [
        Unit(piece, block.page, starts_line=True, lead=head, kind="table", group=group + 1)
        for text in row_texts(rows)
        for piece in _split(text, least)
    ]


def _split(text: str, room: int) -> list[str]:
    """A sentence too long for the model's window is cut at a clause, else at a word, else anywhere."""
    if tokens(text) <= room:
        return [text] if text.strip() else []
    for pattern in (r"(?<=[;:])\s+", r"(?<=,)\s+", r"\s+"):
        parts = re.split(pattern, text)
        if len(parts) > 1:
            return [piece for part in _filled(parts, room) for piece in _split(part, room)]
    middle = len(text) // 2
    return _split(text[:middle], room) + _split(text[middle:], room)


def _filled(parts: list[str], room: int) -> list[str]:
    filled: list[str] = []
    for part in parts:
        if filled and tokens(filled[-1]) + tokens(part) <= room:
            filled[-1] += f" {part}"
        else:
            filled.append(part)
    return filled


Packed = tuple[str, int | None, Literal["text", "table"]]


def _packed(units: list[Unit], target: int, room: int) -> list[Packed]:
    """Chunks of about even length; a table's rows never share one with prose."""
    packed: list[Packed] = []
    for run in _runs(units):
        total = sum(words(unit.text) for unit in run)
        aim = total / max(1, round(total / target)) if total > target * 1.4 else total
        current: list[Unit] = []
        for unit in run:
            if current and not _fits(current, unit, aim, room):
                packed.append(_draft(current))
                current = []
            current.append(unit)
        packed.append(_draft(current))
    return packed


def _runs(units: list[Unit]) -> list[list[Unit]]:
    runs: list[list[Unit]] = []
    for unit in units:
        if runs and runs[-1][-1].kind == unit.kind and runs[-1][-1].group == unit.group:
            runs[-1].append(unit)
        else:
            runs.append([unit])
    return runs


def _fits(current: list[Unit], unit: Unit, aim: float, room: int) -> bool:
    if tokens(_joined([*current, unit])) > room:
        return False
    size, grown = (sum(words(one.text) for one in ones) for ones in (current, [*current, unit]))
    if unit.page != current[-1].page and size >= aim / 2:
        return False
    if current[-1].text.endswith(":") or unit.lead == current[-1].text:
        return True
    if unit.starts_line and not unit.lead and size >= aim * 0.8:
        return False
    return grown <= aim * 1.1 or size < aim - words(unit.text) / 2


def _draft(units: list[Unit]) -> Packed:
    return _joined(units), units[0].page, units[0].kind


def _joined(units: list[Unit]) -> str:
    """With the lead-in sentence, or the table's header, where the chunk does not have it already."""
    text = units[0].text
    if units[0].lead:
        text = f"{units[0].lead}\n{text}"
    for unit in units[1:]:
        text += f"\n{unit.text}" if unit.starts_line else f" {unit.text}"
    return text
