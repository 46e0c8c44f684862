"""Lines of all pages become headings, paragraphs, lists and tables, without what only runs along the margins."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterator

from knowledge.parsing import pdf_tables, tables
from knowledge.parsing.blocks import Block
from knowledge.parsing.pdf_joining import Joiner
from knowledge.parsing.pdf_lines import Line, PageText, TableRegion

MARGIN = 0.13
PAGE_NUMBER = re.compile(
    r"^\W*(?:(?:page|seite|p\.)\s*)?(?:\d{1,4}|[ivxlc]{1,6})(?:\s*(?:of|/|von|\|)\s*\d{1,4})?\W*$", re.IGNORECASE
)
BULLET = re.compile(r"^(?:[•‣◦▪●○∙·\uf0b7\uf0a7\u25a0\u2013\u2014*]|-(?=\s)|\(cid:\d+\)(?=\s)|o(?=\s+[A-Z]))\s*(?=\S)")
NUMBER = re.compile(r"^\(?(?:\d{1,3}|[a-z]|[ivx]{1,4})[.)]\s+(?=\S)")
SECTION_NUMBER = re.compile(r"^(\d{1,2}(?:\.\d{1,2}){0,3})\.?\s+[A-Z]")
LONGEST_HEADING = 130
LARGER = 1.12
HEADING_LEVELS = 4

Item = Line | TableRegion


def blocks(pages: list[PageText]) -> list[Block]:
    running = _running(pages)
    pages = [_without_margins(page, running) for page in pages]
    every = [line for page in pages for line in page.lines]
    style = Style(every)
    joiner = Joiner(every)
    found: list[Block] = []
    header: tuple[str, ...] | None = None
    for page in pages:
        for index, block in enumerate(_page_blocks(page, style, joiner)):
            if block.kind == "table" and block.rows:
                block = _continued(block, header) if index == 0 else block
                header = block.rows[0] if block.rows else None
            elif index == 0 and found and joiner.continues(found[-1], block):
                block = dataclasses.replace(found[-1], text=joiner.join(found[-1].text, block.text))
                found.pop()
            found.append(block)
        if found and found[-1].kind != "table":
            header = None
    return found


class Style:
    """What is normal in this document, and so what stands out as a heading."""

    def __init__(self, lines: list[Line]) -> None:
        sizes: Counter[float] = Counter()
        for line in lines:
            sizes[round(line.size * 2) / 2] += len(line.text)
        self.body = max(sorted(sizes), key=lambda size: sizes[size]) if sizes else 10.0
        larger = [size for size in sizes if size >= self.body * LARGER]
        self.ranks = {size: min(rank, HEADING_LEVELS) for rank, size in enumerate(sorted(larger, reverse=True), 1)}
        bold = sum(len(line.text) for line in lines if line.bold)
        self.bold_stands_out = bold < 0.4 * sum(sizes.values())

    def heading_level(self, line: Line) -> int | None:
        if len(line.text) > LONGEST_HEADING or not any(letter.isalpha() for letter in line.text):
            return None
        rank = self.ranks.get(round(line.size * 2) / 2)
        if rank is not None:
            return rank if len(line.text) > 1 else None
        if self.bold_stands_out and line.bold and line.size >= self.body * 0.98 and line.text[-1] not in ".,;:":
            depth = SECTION_NUMBER.match(line.text)
            return min(len(set(self.ranks.values())) + 1 + (depth.group(1).count(".") if depth else 0), 6)
        return None


def _running(pages: list[PageText]) -> set[tuple[str, bool]]:
    """What is printed at the top or bottom of many pages, numbers aside."""
    seen: Counter[tuple[str, bool]] = Counter()
    for page in pages:
        seen.update({_running_key(line, page) for line in page.lines if _in_margin(line, page)})
    least = max(2, 0.4 * len(pages))
    return {key for key, count in seen.items() if count >= least}


def _without_margins(page: PageText, running: set[tuple[str, bool]]) -> PageText:
    return dataclasses.replace(page, lines=tuple(line for line in page.lines if not _is_margin(line, page, running)))


def _running_key(line: Line, page: PageText) -> tuple[str, bool]:
    # "Chapter 1" and "Chapter 2" in large letters are headings, not one running header.
    text = line.text if line.size >= 13 else re.sub(r"\d+", "#", line.text)
    return text, line.top < page.height / 2


def _in_margin(line: Line, page: PageText) -> bool:
    return line.bottom < page.height * MARGIN or line.top > page.height * (1 - MARGIN)


def _is_margin(line: Line, page: PageText, running: set[tuple[str, bool]]) -> bool:
    return _in_margin(line, page) and (_running_key(line, page) in running or bool(PAGE_NUMBER.match(line.text)))


def _page_blocks(page: PageText, style: Style, joiner: Joiner) -> Iterator[Block]:
    pending: list[Line] = []
    for item in _items(page):
        if isinstance(item, TableRegion):
            yield from _text_blocks(pending, style, joiner)
            pending = []
            yield from tables.blocks(item.rows, page.number)
        else:
            pending.append(item)
    yield from _text_blocks(pending, style, joiner)


def _items(page: PageText) -> Iterator[Item]:
    """Lines in their order, each table before the first line that is below it."""
    waiting = sorted(page.tables, key=lambda table: table.top)
    lines = list(page.lines)
    index = 0
    while index < len(lines):
        line = lines[index]
        while waiting and waiting[0].top < line.top:
            yield waiting.pop(0)
        found = pdf_tables.aligned(lines, index) if not line.column else None
        if found:
            yield found[0]
            index = found[1]
        else:
            yield line
            index += 1
    yield from waiting


def _text_blocks(lines: list[Line], style: Style, joiner: Joiner) -> Iterator[Block]:
    edges = _right_edges(lines)
    group: list[Line] = []
    for line in lines:
        if group and not _belongs(group, line, style, edges[line.column]):
            yield _block(group, style, joiner)
            group = []
        group.append(line)
    if group:
        yield _block(group, style, joiner)


def _right_edges(lines: list[Line]) -> dict[int, float]:
    edges: dict[int, float] = {}
    for line in lines:
        edges[line.column] = max(edges.get(line.column, 0.0), line.x1)
    return edges


def _belongs(group: list[Line], line: Line, style: Style, edge: float) -> bool:
    """Whether a line goes on with the block that `group` holds so far."""
    last = group[-1]
    level, level_before = style.heading_level(line), style.heading_level(group[0])
    gap = line.top - last.bottom
    if level or level_before:
        alike = level == level_before and line.size == last.size and line.bold == last.bold
        near = -2 * line.size < gap < 0.6 * line.size and len(group) < 3
        return alike and near and not SECTION_NUMBER.match(line.text)
    if line.column != last.column:
        return last.column == 1 and line.column == 2 and not _marker(line.text) and _runs_on(last.text, line.text)
    if _marker(line.text):
        return False
    usual = group[1].top - group[0].bottom if len(group) > 1 else 0.75 * line.size
    if gap > max(usual, 0.3 * line.size) + 0.3 * line.size or abs(line.size - last.size) > 0.15 * last.size:
        return False
    if _marker(group[0].text):
        return line.x0 > group[0].x0 + 1 or _runs_on(last.text, line.text)
    indented = line.x0 > last.x0 + 0.8 * line.size and len(group) > 1
    ended_early = last.text[-1] in ".!?:" and last.x1 < edge - 0.25 * (edge - last.x0)
    return not ended_early and not (indented and last.text[-1] in ".!?:")


def _marker(text: str) -> re.Match[str] | None:
    return BULLET.match(text) or NUMBER.match(text)


def _runs_on(text: str, following: str) -> bool:
    return text[-1] not in ".!?:" and following[:1].islower()


def _block(group: list[Line], style: Style, joiner: Joiner) -> Block:
    text = group[0].text
    for line in group[1:]:
        text = joiner.join(text, line.text)
    level = style.heading_level(group[0])
    if level:
        return Block("heading", text, level=level, page=group[0].page)
    bullet, number = BULLET.match(text), NUMBER.match(text)
    if bullet or number:
        return Block("list_item", text[bullet.end() :] if bullet else text, level=1, page=group[0].page)
    return Block("paragraph", text, page=group[0].page)


def _continued(block: Block, header: tuple[str, ...] | None) -> Block:
    """A table that goes on at the top of a page has the header of the page before."""
    rows = block.rows or ()
    if header is None or not any(header) or len(header) != len(rows[0]) or rows[0] == header:
        return block
    return tables.table((header, *(row for row in rows if any(row))), block.page)
