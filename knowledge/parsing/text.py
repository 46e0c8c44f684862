"""Reads plain and pasted text: paragraphs, lists, tabbed tables, and headings only where they are plain to see."""

from __future__ import annotations

import re

from knowledge.parsing import front_matter, tables
from knowledge.parsing.blocks import Block, ParsedDocument
from knowledge.parsing.clean import characters
from knowledge.parsing.encoding import decode
from knowledge.parsing.errors import Limits

BULLET = re.compile(r"^(\s*)(?:[-*+•‣◦▪●○·–—]\s+|(\(?(?:\d{1,3}|[a-zA-Z])[.)])\s+)(?=\S)")
UNDERLINE = re.compile(r"^\s*(=|-|~|\*){3,}\s*$")
NUMBERED = re.compile(r"^(\d{1,2}(?:\.\d{1,2}){0,3})\.?\s+(?=[^\W\d_])")
SECTION_WORD = re.compile(r"^(?:chapter|section|part|article|appendix|annex|schedule)\s+[\divxlc]+\b", re.IGNORECASE)
LONGEST_HEADING = 80
SHORT_LINE = 45


def read(data: bytes, limits: Limits) -> ParsedDocument:
    meta, text = front_matter.split(characters(decode(data)))
    return ParsedDocument("", tuple(blocks_of(text)), meta=meta)


def blocks_of(text: str) -> list[Block]:
    groups = [group.split("\n") for group in re.split(r"\n[^\S\n]*(?:\n[^\S\n]*)+", text.strip("\n")) if group.strip()]
    blocks: list[Block] = []
    for index, lines in enumerate(groups):
        follower = groups[index + 1] if index + 1 < len(groups) else None
        blocks += _group(lines, follower, first=index == 0)
    return blocks


def _group(lines: list[str], follower: list[str] | None, first: bool) -> list[Block]:
    """One run of lines between empty lines."""
    lines = [line for line in lines if line.strip()]
    if len(lines) >= 2 and UNDERLINE.match(lines[1]) and len(lines[0].strip()) <= LONGEST_HEADING:
        heading = Block("heading", lines[0], level=1 if lines[1].strip()[0] == "=" else 2)
        return [heading, *(_group(lines[2:], follower, first=False) if lines[2:] else [])]
    lines = [line for line in lines if not UNDERLINE.match(line)]
    if not lines:
        return []
    if _is_tabbed(lines):
        return tables.blocks([line.split("\t") for line in lines])
    if len(lines) == 1 and follower and (level := _heading_level(lines[0], follower[0], first)):
        return [Block("heading", lines[0], level=level)]
    return _paragraphs_and_items(lines)


def _is_tabbed(lines: list[str]) -> bool:
    counts = {line.strip("\n").count("\t") for line in lines}
    return (
        len(lines) >= 2 and len(counts) == 1 and counts.pop() >= 1 and not any(line.startswith("\t") for line in lines)
    )


def _heading_level(line: str, next_line: str, first: bool) -> int | None:
    text = line.strip()
    letters = [letter for letter in text if letter.isalpha()]
    if len(text) > LONGEST_HEADING or len(letters) < 3 or text[-1] in ".,;:!" or line.startswith((" " * 4, "\t")):
        return None
    if number := NUMBERED.match(text):
        # "1. Wash your hands" between its like is a list; a heading is followed by something else.
        return None if NUMBERED.match(next_line.strip()) else 2 + number.group(1).count(".")
    if BULLET.match(line):
        return None
    if SECTION_WORD.match(text) or all(letter.isupper() for letter in letters):
        return 1 if first else 2
    starts_well = text[0].isupper() or not text[0].isalpha()
    tells_more = len(next_line.strip()) > max(len(text), 30) or bool(BULLET.match(next_line))
    if starts_well and (first or tells_more) and len(text.split()) <= (14 if text[-1] == "?" else 8):
        return 1 if first else 2
    return None


def _paragraphs_and_items(lines: list[str]) -> list[Block]:
    blocks: list[Block] = []
    paragraph: list[str] = []
    for line in lines:
        marker = BULLET.match(line)
        if marker and (paragraph == [] or not _continues(paragraph[-1], marker)):
            blocks += _paragraph(paragraph)
            paragraph = []
            number = f"{marker.group(2)} " if marker.group(2) else ""
            level = 1 + min(len(marker.group(1).expandtabs(4)) // 2, 5)
            blocks.append(Block("list_item", number + line[marker.end() :], level=level))
        elif blocks and blocks[-1].kind == "list_item" and not paragraph and (line[0].isspace() or line[0].islower()):
            last = blocks.pop()
            blocks.append(Block("list_item", f"{last.text} {line.strip()}", level=last.level))
        else:
            paragraph.append(line)
    return blocks + _paragraph(paragraph)


def _continues(previous: str, marker: re.Match[str]) -> bool:
    """A wrapped line may begin with a dash or with "5. " by chance: in the middle of a long sentence."""
    return len(previous.strip()) > 60 and previous.rstrip()[-1].isalpha() and not marker.group(1)


def _paragraph(lines: list[str]) -> list[Block]:
    if not lines:
        return []
    # Short lines were broken on purpose (an address, opening hours); long ones were wrapped.
    wrapped = max(len(line) for line in lines) > SHORT_LINE
    return [Block("paragraph", (" " if wrapped else "\n").join(line.strip() for line in lines))]
