"""Finds tables on a PDF page: by their ruling lines, or by columns that line up where nothing is ruled."""

from __future__ import annotations

import re
from itertools import pairwise
from statistics import median

from pdfplumber.page import Page

from knowledge.parsing.pdf_lines import Line, TableRegion, Word, line_of, spaced

MOST_RULES = 3000
FEWEST_ROWS = 3
COLUMN_GAP = 1.1
PROSE_WORDS = 5
LIST_MARK = re.compile(r"^(?:[•‣◦▪●○∙·–—*\uf0b7\uf0a7\u25a0-]|\(cid:\d+\)|\(?\w{1,3}[.)]|\d{1,2})$")


def ruled(page: Page, words: list[Word]) -> list[TableRegion]:
    rules = len(page.lines) + len(page.rects) + len(page.curves)
    if not 2 <= rules <= MOST_RULES:
        return []
    regions = []
    for table in page.find_tables({"snap_tolerance": 3, "join_tolerance": 3, "intersection_tolerance": 3}):
        cells = [row.cells for row in table.rows]
        if len(cells) < 2 or max(sum(cell is not None for cell in row) for row in cells) < 2:
            continue
        x0, top, x1, bottom = table.bbox
        inside = [word for word in words if TableRegion((), x0, top, x1, bottom).holds(word)]
        rows = tuple(tuple(_cell_text(cell, inside) for cell in row) for row in cells)
        filled = sum(bool(cell) for row in rows for cell in row)
        if filled >= 3 and sum(1 for row in rows if sum(map(bool, row)) >= 2) >= 2:
            regions.append(TableRegion(rows, x0, top, x1, bottom))
    return [one for one in regions if not any(one is not other and _within(one, other) for other in regions)]


def aligned(lines: list[Line], start: int) -> tuple[TableRegion, int] | None:
    """The table without rules that begins at `lines[start]`, and the index of the line after it."""
    count = len(segments(lines[start]))
    if count < 2:
        return None
    rows: list[list[list[Word]]] = []
    end = start
    while end < len(lines):
        line = lines[end]
        if line.page != lines[start].page or (rows and line.top - lines[end - 1].bottom > 1.8 * line.size):
            break
        parts = segments(line)
        if len(parts) == count and (not rows or _lines_up(rows[-1], parts)):
            rows.append(parts)
        elif not rows or not _continue_cells(rows[-1], parts, line, lines[end - 1]):
            break
        end += 1
    # A table may have left a row or two at the end of a page, or begin with them.
    at_edge = start == 0 or end == len(lines)
    if len(rows) < FEWEST_ROWS - at_edge or _is_list(rows):
        return None
    cells = tuple(tuple(_stacked(part) for part in row) for row in rows)
    if all(median(len(cell.split()) for cell in column) > PROSE_WORDS for column in zip(*cells, strict=True)):
        return None
    region = lines[start:end]
    box = min(line.x0 for line in region), region[0].top, max(line.x1 for line in region), region[-1].bottom
    return TableRegion(cells, *box), end


def segments(line: Line) -> list[list[Word]]:
    parts = [[line.words[0]]]
    for before, word in pairwise(line.words):
        if word.x0 - before.x1 > COLUMN_GAP * line.size:
            parts.append([word])
        else:
            parts[-1].append(word)
    return parts


def _cell_text(box: tuple[float, float, float, float] | None, words: list[Word]) -> str:
    if box is None:
        return ""
    cell = TableRegion((), *box)
    return _stacked([word for word in words if cell.x0 <= (word.x0 + word.x1) / 2 < cell.x1 and cell.holds(word)])


def _stacked(words: list[Word]) -> str:
    rows: list[list[Word]] = []
    for word in sorted(words, key=lambda word: (word.top + word.bottom) / 2):
        if rows and abs((rows[-1][0].top + rows[-1][0].bottom - word.top - word.bottom) / 2) < 0.5 * word.size:
            rows[-1].append(word)
        else:
            rows.append([word])
    return " ".join(spaced(sorted(row, key=lambda word: word.x0)) for row in rows)


def _within(one: TableRegion, other: TableRegion) -> bool:
    return other.x0 <= one.x0 and one.x1 <= other.x1 and other.top <= one.top and one.bottom <= other.bottom


def _lines_up(above: list[list[Word]], parts: list[list[Word]]) -> bool:
    """Every column starts, ends or is centred where it did in the row above."""
    return all(_same_column(one, other) for one, other in zip(above, parts, strict=True))


def _same_column(above: list[Word], part: list[Word]) -> bool:
    slack = 0.5 * part[0].size
    first = above[0].x0, max(word.x1 for word in above)
    second = part[0].x0, part[-1].x1
    middle = abs(sum(first) - sum(second)) / 2
    return min(abs(first[0] - second[0]), abs(first[1] - second[1]), middle) <= slack


def _continue_cells(row: list[list[Word]], parts: list[list[Word]], line: Line, before: Line) -> bool:
    """A line with fewer pieces that sits close under the row holds the second lines of its cells."""
    if len(parts) >= len(row) or line.top - before.bottom > 0.45 * line.size:
        return False
    homes = [next((cell for cell in row if abs(cell[0].x0 - part[0].x0) <= 0.5 * line.size), None) for part in parts]
    if any(home is None for home in homes) or (homes == [row[0]] and line.x1 > row[1][0].x0):
        return False
    for home, part in zip(homes, parts, strict=True):
        if home is not None:
            home.extend(part)
    return True


def _is_list(rows: list[list[list[Word]]]) -> bool:
    firsts = [line_of(row[0], 0).text for row in rows]
    return len(rows[0]) == 2 and all(LIST_MARK.match(text) for text in firsts)
