"""Reads a Word document in its own order: headings by style, lists, tables, text boxes left out."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

import docx
from docx.document import Document
from docx.oxml.ns import qn
from docx.table import Table, _Cell

from knowledge.parsing import tables
from knowledge.parsing.blocks import Block, ParsedDocument
from knowledge.parsing.clean import line
from knowledge.parsing.errors import Limits, ParseError

HEADING_STYLE = re.compile(r"^(?:heading|überschrift|titre|título|titolo|kop)\s*(\d)$", re.IGNORECASE)
LIST_STYLE = re.compile(r"^list\b", re.IGNORECASE)
TYPED_BULLET = re.compile(r"^[•‣◦▪●○·\uf0b7\uf0a7]\s*")
JUNK_TITLE = re.compile(r"^(?:word document|document\d*|untitled|microsoft word.*|.*\.docx?)$", re.IGNORECASE)
LONGEST_BOLD_HEADING = 80
DEEPEST_TABLE = 5
NOT_SHOWN = {qn(f"w:{name}") for name in ("del", "drawing", "pict", "object", "instrText", "moveFrom", "rPr", "pPr")}


def read(data: bytes, limits: Limits) -> ParsedDocument:
    try:
        document = docx.Document(io.BytesIO(data))
    except (KeyError, ValueError) as error:
        raise ParseError("broken") from error
    reading = _Reading(document)
    blocks = tuple(reading.blocks(document.element.body, document, 0))
    return ParsedDocument(reading.title or _core_title(document), blocks)


def _core_title(document: Document) -> str:
    # Writing a default part is python-docx's answer to a missing one; a broken one is no reason to refuse the text.
    try:
        title = line(document.core_properties.title or "")
    except Exception:
        return ""
    return "" if JUNK_TITLE.match(title) else title


class _Reading:
    """The numbering of lists runs through the whole document, so it is kept here."""

    def __init__(self, document: Document) -> None:
        self.styles = _style_names(document)
        self.ordered = _ordered_lists(document)
        self.counts: dict[tuple[str, int], int] = {}
        self.title = ""

    def blocks(self, container: Any, parent: Any, depth: int) -> Iterator[Block]:
        caption = ""
        for element in container.iterchildren():
            if element.tag == qn("w:tbl"):
                yield from self._table(element, parent, depth, caption)
                caption = ""
                continue
            if caption:
                yield Block("paragraph", caption)
                caption = ""
            if element.tag == qn("w:p") and self.styles.get(_style_id(element), "").lower() == "caption":
                caption = line(_text(element))
            elif element.tag == qn("w:p"):
                yield from self._paragraph(element, parent)
            elif element.tag in (qn("w:sdt"), qn("w:sdtContent"), qn("w:ins"), qn("w:customXml"), qn("w:smartTag")):
                yield from self.blocks(element, parent, depth)
        if caption:
            yield Block("paragraph", caption)

    def _paragraph(self, element: Any, parent: Any) -> Iterator[Block]:
        text = _text(element)
        if not text.strip():
            return
        name = self.styles.get(_style_id(element), "")
        if name.lower() == "title":
            self.title = self.title or line(text)
            yield Block("heading", text, level=1)
        elif level := self._heading_level(element, name, text):
            yield Block("heading", text, level=level)
        elif item := self._list_item(element, name, text):
            yield item
        else:
            yield Block("code" if name.lower() in {"code", "html preformatted"} else "paragraph", text)

    def _heading_level(self, element: Any, name: str, text: str) -> int | None:
        found = HEADING_STYLE.match(name)
        if found:
            return max(1, min(int(found.group(1)), 6)) + (1 if self.title else 0)
        outline = element.find(f"{qn('w:pPr')}/{qn('w:outlineLvl')}")
        if outline is not None and (outline.get(qn("w:val")) or "9") in "012345":
            return int(outline.get(qn("w:val"))) + 1
        plain = line(text)
        plain_style = not LIST_STYLE.match(name) and _numbering(element) is None
        short = len(plain) <= LONGEST_BOLD_HEADING and plain[-1] not in ".,;:" and "\n" not in text
        return 4 if short and plain_style and _all_bold(element) else None

    def _list_item(self, element: Any, name: str, text: str) -> Block | None:
        numbering = _numbering(element)
        bullet = TYPED_BULLET.match(text)
        if numbering is None and bullet:
            return Block("list_item", text[bullet.end() :], level=1)
        if numbering is None and not LIST_STYLE.match(name):
            return None
        number_id, depth = numbering or (name, 0)
        named_level = re.search(r"(\d)$", name)
        level = depth + 1 if depth or not named_level else int(named_level.group(1))
        if number_id in self.ordered or name.lower().startswith("list number"):
            key = (number_id, depth)
            self.counts[key] = self.counts.get(key, 0) + 1
            for deeper in [other for other in self.counts if other[0] == number_id and other[1] > depth]:
                del self.counts[deeper]
            text = f"{self.counts[key]}. {text}"
        return Block("list_item", text, level=level)

    def _table(self, element: Any, parent: Any, depth: int, caption: str) -> Iterator[Block]:
        if depth >= DEEPEST_TABLE:
            return
        table = Table(element, parent)
        if len(element.findall(f"{qn('w:tr')}/{qn('w:tc')}")) == 1:
            if caption:
                yield Block("paragraph", caption)
            yield from self.blocks(element.find(f"{qn('w:tr')}/{qn('w:tc')}"), parent, depth + 1)
            return
        rows = _rows(table)
        yield from tables.blocks(rows, header=_has_header(element, rows), caption=caption)


def _style_names(document: Document) -> dict[str, str]:
    names = {}
    for style in document.styles.element.findall(qn("w:style")):
        name = style.find(qn("w:name"))
        if name is not None:
            names[style.get(qn("w:styleId")) or ""] = name.get(qn("w:val")) or ""
    return names


def _ordered_lists(document: Document) -> set[str]:
    """The ids of the lists whose first level is counted, not bulleted."""
    try:
        numbering = document.part.numbering_part.element
    except (KeyError, NotImplementedError):
        return set()
    counted = {
        abstract.get(qn("w:abstractNumId"))
        for abstract in numbering.findall(qn("w:abstractNum"))
        if (form := abstract.find(f"{qn('w:lvl')}/{qn('w:numFmt')}")) is not None
        and form.get(qn("w:val")) not in ("bullet", "none")
    }
    return {
        num.get(qn("w:numId"))
        for num in numbering.findall(qn("w:num"))
        if (link := num.find(qn("w:abstractNumId"))) is not None and link.get(qn("w:val")) in counted
    }


def _style_id(element: Any) -> str:
    style = element.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
    return (style.get(qn("w:val")) or "") if style is not None else ""


def _numbering(element: Any) -> tuple[str, int] | None:
    properties = element.find(f"{qn('w:pPr')}/{qn('w:numPr')}")
    number = properties.find(qn("w:numId")) if properties is not None else None
    if number is None or (number.get(qn("w:val")) or "0") == "0":
        return None
    level = properties.find(qn("w:ilvl"))
    depth = level.get(qn("w:val")) or "0" if level is not None else "0"
    return number.get(qn("w:val")), int(depth) if depth.isdecimal() else 0


def _text(element: Any) -> str:
    """Everything that Word shows in a paragraph: links and insertions too, deletions and text boxes not."""
    pieces: list[str] = []
    stack = list(reversed(element))
    while stack:
        node = stack.pop()
        if node.tag in NOT_SHOWN:
            continue
        if node.tag == qn("w:t"):
            pieces.append(node.text or "")
        elif node.tag == qn("w:tab"):
            pieces.append(" ")
        elif node.tag in (qn("w:br"), qn("w:cr")):
            pieces.append("\n")
        elif node.tag == qn("w:noBreakHyphen"):
            pieces.append("-")
        else:
            stack.extend(reversed(node))
    return "".join(pieces).strip()


def _all_bold(element: Any) -> bool:
    runs = [run for run in element.iter(qn("w:r")) if "".join(t.text or "" for t in run.findall(qn("w:t"))).strip()]
    marks = [run.find(f"{qn('w:rPr')}/{qn('w:b')}") for run in runs]
    return bool(marks) and all(mark is not None and mark.get(qn("w:val")) not in ("0", "false") for mark in marks)


def _rows(table: Table) -> list[list[str]]:
    rows: list[list[str]] = []
    for row in table.rows:
        cells: list[str] = [""] * row.grid_cols_before
        seen: Any = None
        for cell in row.cells:
            # A cell that spans columns is listed once for each of them.
            cells.append(_cell_text(cell) if cell._tc is not seen or not rows else "")
            seen = cell._tc
        rows.append(cells)
    return rows


def _cell_text(cell: _Cell) -> str:
    return " ".join(text for paragraph in cell._tc.iter(qn("w:p")) if (text := _text(paragraph)))


def _has_header(element: Any, rows: list[list[str]]) -> bool | None:
    first = element.find(qn("w:tr"))
    if first is not None and first.find(f"{qn('w:trPr')}/{qn('w:tblHeader')}") is not None:
        return True
    paragraphs = first.iter(qn("w:p")) if first is not None else ()
    bold = [_all_bold(paragraph) for paragraph in paragraphs if _text(paragraph)]
    return True if bold and all(bold) and len(rows) > 1 else None
