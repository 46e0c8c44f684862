"""One sheet of cells becomes captions and tables, cut where rows are empty, each table with its own header."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from knowledge.parsing import tables
from knowledge.parsing.blocks import Block
from knowledge.parsing.clean import line

MAX_COLUMNS = 100
LONGEST_CAPTION = 120
PERIOD = re.compile(r"^(?:(?:19|20)\d\d(?:[/–-]\d\d(?:\d\d)?)?|Q[1-4](?: \d{4})?|\d{1,2})$")
Cells = list[str]


def blocks(rows: Iterable[Sequence[str]], page: int | None = None) -> list[Block]:
    """`rows` may be ragged; nothing beyond MAX_COLUMNS is read."""
    found: list[Block] = []
    for region in _regions(rows):
        captions, body = _captions(region)
        header = _header(body)
        if header is None and found and not captions and _continues(body, found[-1]):
            body, header = [list((found[-1].rows or ())[0]), *body], True
        caption = captions[-1] if captions and len(captions[-1]) <= LONGEST_CAPTION else ""
        told = captions[:-1] if caption and len(body) > 1 else captions
        found += [Block("paragraph", text, page=page) for text in told]
        found += tables.blocks(body, page, header, caption)
    return found


def too_wide(what: str) -> str:
    return f"{what} has more than {MAX_COLUMNS} columns; only the first {MAX_COLUMNS} were read."


def _regions(rows: Iterable[Sequence[str]]) -> Iterator[list[Cells]]:
    """Runs of rows that hold something."""
    region: list[Cells] = []
    for row in rows:
        cells = [line(cell) for cell in row[:MAX_COLUMNS]]
        if any(cells):
            region.append(cells)
        elif region:
            yield region
            region = []
    if region:
        yield region


def _captions(region: list[Cells]) -> tuple[list[str], list[Cells]]:
    """The lines above a table that fill one cell only, and the table."""
    filled = [[cell for cell in row if cell] for row in region]
    if max(map(len, filled)) < 2:
        return [], region
    first = next(number for number, cells in enumerate(filled) if len(cells) > 1)
    return [cells[0] for cells in filled[:first]], region[first:]


def _header(rows: list[Cells]) -> bool | None:
    """Whether the first row names the columns; years and quarters may be names too. None: no."""
    if len(rows) < 2:
        return None
    width = max(len(row) for row in rows)
    used = [column for column in range(width) if any(len(row) > column and row[column] for row in rows)]
    first = [rows[0][column] if column < len(rows[0]) else "" for column in used]
    while len(first) > 2 and not first[-1]:
        first.pop()  # a remark beside a few rows
    names = ["period" if PERIOD.match(cell) else cell for cell in first]
    named = len(set(first)) == len(first) and not PERIOD.match(first[0]) and tables.looks_like_header(names)
    return True if named else None


def _continues(rows: list[Cells], last: Block) -> bool:
    """A table that is only interrupted by an empty row goes on under the same header."""
    if last.kind != "table" or not last.rows or not any(last.rows[0]):
        return False
    return max(len([cell for cell in row if cell]) for row in rows) > 1 and _width(rows) == len(last.rows[0])


def _width(rows: list[Cells]) -> int:
    return max((column + 1 for row in rows for column, cell in enumerate(row) if cell), default=0)
