"""Makes rows of cells, found by any reader, into one tidy table block, or into paragraphs where it was only layout."""

from __future__ import annotations

import re
from collections.abc import Sequence

from knowledge.parsing import clean
from knowledge.parsing.blocks import Block, Rows

MAX_COLUMNS = 100
LONGEST_HEADER = 80
VALUE = re.compile(
    r"^[\s(~<>≤≥±+\-–—]*[£$€¥#]?\s*\d|^(?:yes|no|n/a|none|free|unlimited)\b|https?://|@|:$|[.;]$", re.IGNORECASE
)


def blocks(
    rows: Sequence[Sequence[str]], page: int | None = None, header: bool | None = None, caption: str = ""
) -> list[Block]:
    """`header` says whether the first row is one; None: judge by its look."""
    cells = _without_empty([[clean.line(cell) for cell in row[:MAX_COLUMNS]] for row in rows])
    if not cells:
        return []
    told = [Block("paragraph", caption, page=page)] if caption else []
    if len(cells[0]) == 1:
        return [*told, *(Block("paragraph", row[0], page=page) for row in cells)]
    if len(cells) == 1:
        return [*told, Block("paragraph", " ".join(filter(None, cells[0])), page=page)]
    return [table(_with_header(cells, header), page, caption)]


def table(rows: Rows, page: int | None = None, caption: str = "") -> Block:
    text = "\n".join(" | ".join(row) for row in rows if any(row))
    return Block("table", text, page=page, rows=rows, caption=caption)


def looks_like_header(row: Sequence[str]) -> bool:
    named = [cell for cell in row if cell]
    return (
        len(named) >= len(row) - 1
        and all(row[1:])
        and not any(len(cell) > LONGEST_HEADER or VALUE.search(cell) for cell in named)
    )


def _without_empty(rows: list[list[str]]) -> list[list[str]]:
    width = max((len(row) for row in rows), default=0)
    padded = [row + [""] * (width - len(row)) for row in rows]
    used = [column for column in range(width) if any(row[column] for row in padded)]
    return [[row[column] for column in used] for row in padded if any(row)]


def _with_header(cells: list[list[str]], header: bool | None) -> Rows:
    found = looks_like_header(cells[0]) if header is None else header
    rows = tuple(tuple(row) for row in cells)
    return rows if found else (("",) * len(rows[0]), *rows)
