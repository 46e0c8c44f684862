"""Letters on a PDF page become words, lines and columns in reading order."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

from pdfplumber.page import Page
from pdfplumber.utils.text import extract_words

BOLD = re.compile(r"bold|black|heavy|semib|demi", re.IGNORECASE)
HAIR = 0.7
COLUMN_LINES = 4
# A letter without a name, alone: a list's bullet in a font of signs.
NAMELESS = re.compile(r"^\(cid:\d+\)$")
MOST_CROSSING = 0.35
COLUMN_FILL = 0.62


@dataclass(frozen=True)
class Word:
    text: str
    x0: float
    x1: float
    top: float
    bottom: float
    size: float
    bold: bool


@dataclass(frozen=True)
class Line:
    words: tuple[Word, ...]
    text: str
    x0: float
    x1: float
    top: float
    bottom: float
    size: float
    bold: bool
    page: int
    column: int = 0


@dataclass(frozen=True)
class TableRegion:
    rows: tuple[tuple[str, ...], ...]
    x0: float
    top: float
    x1: float
    bottom: float

    def holds(self, word: Word) -> bool:
        x, y = (word.x0 + word.x1) / 2, (word.top + word.bottom) / 2
        return self.x0 - 1 <= x <= self.x1 + 1 and self.top - 1 <= y <= self.bottom + 1


@dataclass(frozen=True)
class PageText:
    """`picture` says whether there is something to see besides the text."""

    number: int
    height: float
    lines: tuple[Line, ...]
    tables: tuple[TableRegion, ...]
    picture: bool = False


def words(page: Page) -> list[Word]:
    found = extract_words(
        _once(page.chars),
        x_tolerance_ratio=0.18,
        y_tolerance=2,
        extra_attrs=["fontname", "size"],
        keep_blank_chars=False,
    )
    return [
        Word(
            NAMELESS.sub("•", word["text"]),
            word["x0"],
            word["x1"],
            word["top"],
            word["bottom"],
            word["size"],
            bool(BOLD.search(word["fontname"])),
        )
        for word in found
    ]


def _once(chars: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Upright letters, each once: fake bold is the same letter printed twice, a hair apart."""
    kept: list[dict[str, Any]] = []
    places: dict[tuple[str, int, int], tuple[float, float]] = {}
    for char in chars:
        if not char["upright"] or char["size"] < 2:
            continue
        text, x, y = char["text"], char["x0"], char["top"]
        near = {(text, int(x + dx), int(y + dy)) for dx in (-HAIR, 0, HAIR) for dy in (-HAIR, 0, HAIR)}
        twins = (places[key] for key in near if key in places)
        if not text.isspace() and any(abs(x - twin[0]) < HAIR and abs(y - twin[1]) < HAIR for twin in twins):
            continue
        places[text, int(x), int(y)] = (x, y)
        kept.append(char)
    return kept


def lines(found: list[Word], page: int, width: float) -> list[Line]:
    rows = _rows(found)
    gutter = _gutter(rows, width)
    if gutter is None:
        return [line_of(row, page) for row in rows]
    ordered: list[Line] = []
    left: list[Line] = []
    right: list[Line] = []
    for row in rows:
        if any(word.x0 < gutter < word.x1 for word in row) or _bridges(row, gutter):
            ordered += left + right
            left, right = [], []
            ordered.append(line_of(row, page))
            continue
        if before := [word for word in row if word.x1 <= gutter]:
            left.append(line_of(before, page, 1))
        if after := [word for word in row if word.x0 >= gutter]:
            right.append(line_of(after, page, 2))
    return ordered + left + right


def line_of(row: list[Word], page: int, column: int = 0) -> Line:
    weights: Counter[tuple[float, bool]] = Counter()
    for word in row:
        weights[round(word.size, 1), word.bold] += len(word.text)
    size = max(sorted({size for size, _ in weights}), key=lambda size: weights[size, True] + weights[size, False])
    bold = all(word.bold for word in row if any(letter.isalnum() for letter in word.text))
    return Line(
        words=tuple(row),
        text=_numbered(row) or spaced(row),
        x0=row[0].x0,
        x1=max(word.x1 for word in row),
        top=min(word.top for word in row),
        bottom=max(word.bottom for word in row),
        size=size,
        bold=bold and any(word.bold for word in row),
        page=page,
        column=column,
    )


def spaced(row: list[Word]) -> str:
    """Words apart get a space; pieces of one word in two fonts do not."""
    text = row[0].text
    for before, word in pairwise(row):
        touching = word.x0 - before.x1 < 0.12 * min(word.size, before.size)
        text += word.text if touching else f" {word.text}"
    return text


def _numbered(row: list[Word]) -> str:
    """A lone number set apart from its line counts a list or a section."""
    if len(row) > 1 and re.fullmatch(r"\d{1,2}", row[0].text) and row[1].x0 - row[0].x1 > 0.7 * row[0].size:
        return f"{row[0].text}. {spaced(row[1:])}"
    return ""


def _rows(found: list[Word]) -> list[list[Word]]:
    rows: list[list[Word]] = []
    for word in sorted(found, key=lambda word: (word.top + word.bottom) / 2):
        home = next((row for row in reversed(rows[-3:]) if _level(row[-1], word)), None)
        if home is None:
            rows.append([word])
        else:
            home.append(word)
    return [sorted(row, key=lambda word: word.x0) for row in rows]


def _level(one: Word, other: Word) -> bool:
    overlap = min(one.bottom, other.bottom) - max(one.top, other.top)
    return overlap > 0.5 * min(one.bottom - one.top, other.bottom - other.top)


def _gutter(rows: list[list[Word]], width: float) -> float | None:
    """Where the empty strip between two columns of prose runs, if there is one."""
    best: tuple[float, float] | None = None
    for step in range(30, 71, 2):
        x = width * step / 100
        free = [row for row in rows if not _bridges(row, x) and not any(word.x0 < x < word.x1 for word in row)]
        both = [row for row in free if row[0].x1 <= x and row[-1].x0 >= x]
        if len(both) < COLUMN_LINES or len(free) < len(rows) * (1 - MOST_CROSSING):
            continue
        score = len(free) - abs(step - 50) / 100
        if (best is None or score > best[0]) and _is_prose(both, x):
            best = (score, x)
    return best[1] if best else None


def _bridges(row: list[Word], x: float) -> bool:
    """A line that runs on across x with no more than a word's space there."""
    before = [word for word in row if word.x1 <= x]
    after = [word for word in row if word.x0 >= x]
    return bool(before and after) and after[0].x0 - before[-1].x1 < 0.9 * after[0].size


def _is_prose(rows: list[list[Word]], x: float) -> bool:
    """Columns of prose are filled to their edge; columns of a table hold a few words each."""
    left = [[word for word in row if word.x1 <= x] for row in rows]
    right = [[word for word in row if word.x0 >= x] for row in rows]
    for side in (left, right):
        starts, ends = min(row[0].x0 for row in side), max(row[-1].x1 for row in side)
        fill = median(row[-1].x1 - row[0].x0 for row in side)
        if fill < COLUMN_FILL * (ends - starts) or median(len(row) for row in side) < 3:
            return False
    return True
