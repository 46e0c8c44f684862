"""Reads OpenDocument files, of which text, spreadsheet and presentation share their elements."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from knowledge.parsing import sheet, tables
from knowledge.parsing.blocks import Block, ParsedDocument
from knowledge.parsing.errors import Limits, ParseError
from knowledge.parsing.package import UNREADABLE, Package

SPACE = "{urn:oasis:names:tc:opendocument:xmlns:%s:1.0}"
OFFICE, TEXT, TABLE, DRAW = (SPACE % name for name in ("office", "text", "table", "drawing"))
PRESENTATION = SPACE % "presentation"
NOT_SHOWN = {f"{TEXT}tracked-changes", f"{OFFICE}annotation", f"{PRESENTATION}notes", f"{OFFICE}forms", f"{TEXT}note"}
CELLS = {f"{TABLE}table-cell", f"{TABLE}covered-table-cell"}
DEEPEST = 40
LONGEST_REPEAT = 1000


def read(data: bytes, limits: Limits) -> ParsedDocument:
    try:
        package = Package(data, limits)
        body = package.xml("content.xml").find(f"{OFFICE}body")
        meta = package.xml("meta.xml") if "meta.xml" in package.names else None
    except (etree.XMLSyntaxError, KeyError, *UNREADABLE) as error:
        raise ParseError("broken") from error
    if body is None or not len(body):
        raise ParseError("empty")
    title = (meta.findtext(".//{http://purl.org/dc/elements/1.1/}title") or "").strip() if meta is not None else ""
    reading = _Reading()
    blocks = tuple(reading.blocks(body[0], 0, 0))
    return ParsedDocument(title, blocks, pages=reading.page or None, notes=tuple(reading.notes))


class _Reading:
    """Slides are counted through the whole document, so their number is kept here."""

    def __init__(self) -> None:
        self.page = 0
        self.notes: list[str] = []

    def blocks(self, parent: etree._Element, depth: int, listed: int) -> Iterator[Block]:
        """`listed` is the depth of the lists around."""
        for element in parent if depth < DEEPEST else ():
            if not isinstance(element.tag, str) or element.tag in NOT_SHOWN:
                continue
            if element.tag == f"{DRAW}page":
                self.page += 1
                yield from self.blocks(element, depth + 1, 0)
            elif element.tag == f"{TABLE}table":
                yield from self._table(element, sheet_of_book=parent.tag == f"{OFFICE}spreadsheet")
            elif element.tag in (f"{TEXT}h", f"{TEXT}p"):
                yield from self._paragraph(element, depth, listed)
            else:
                inside = element.tag == f"{TEXT}list"
                title = element.get(f"{PRESENTATION}class") == "title"
                for block in self.blocks(element, depth + 1, listed + inside):
                    yield Block("heading", block.text, level=2, page=block.page) if title else block

    def _paragraph(self, element: etree._Element, depth: int, listed: int) -> Iterator[Block]:
        text = _text(element)
        page = self.page or None
        if element.tag == f"{TEXT}h" and text.strip():
            level = element.get(f"{TEXT}outline-level") or "1"
            yield Block("heading", text, level=min(int(level), 6) if level.isdecimal() else 1, page=page)
        elif text.strip():
            yield Block("list_item", text, level=listed, page=page) if listed else Block("paragraph", text, page=page)
        for frame in element.iter(f"{DRAW}text-box"):
            yield from self.blocks(frame, depth + 1, 0)

    def _table(self, element: etree._Element, sheet_of_book: bool) -> Iterator[Block]:
        rows = list(_rows(element, sheet.MAX_COLUMNS + 1))
        name = element.get(f"{TABLE}name") or ""
        if not sheet_of_book:
            marked = element.find(f"{TABLE}table-header-rows") is not None
            yield from tables.blocks(rows, self.page or None, marked or None)
            return
        found = sheet.blocks(rows)
        if found and name and len(element.getparent().findall(f"{TABLE}table")) > 1:
            yield Block("heading", name, level=1)
        yield from found
        if any(any(row[sheet.MAX_COLUMNS :]) for row in rows):
            self.notes.append(sheet.too_wide(f"The sheet “{name}”"))


def _rows(table: etree._Element, most: int) -> Iterator[list[str]]:
    """A repeated empty row is one gap, however often it is said to be repeated."""
    for row in table.iter(f"{TABLE}table-row"):
        if row.get(f"{TABLE}visibility", "visible") != "visible":
            continue
        cells: list[str] = []
        for cell in row:
            if cell.tag in CELLS and len(cells) < most:
                paragraphs = [_text(paragraph) for paragraph in cell.iter(f"{TEXT}p")]
                text = " ".join(filter(None, paragraphs))
                cells += [text] * min(_times(cell, f"{TABLE}number-columns-repeated"), most - len(cells))
        times = min(_times(row, f"{TABLE}number-rows-repeated"), LONGEST_REPEAT) if any(cells) else 1
        for _ in range(times):
            yield cells


def _times(element: etree._Element, name: str) -> int:
    value = element.get(name) or "1"
    return max(1, int(value)) if value.isdecimal() and len(value) < 10 else 1


def _text(element: etree._Element) -> str:
    pieces = [element.text or ""]
    for node in element:
        if node.tag == f"{TEXT}line-break":
            pieces.append("\n")
        elif node.tag in (f"{TEXT}s", f"{TEXT}tab"):
            pieces.append(" ")
        elif isinstance(node.tag, str) and node.tag not in NOT_SHOWN and not node.tag.startswith(DRAW):
            pieces.append(_text(node))
        pieces.append(node.tail or "")
    return "".join(pieces)
