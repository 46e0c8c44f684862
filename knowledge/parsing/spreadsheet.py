"""Reads an Excel workbook: each sheet that is shown, with its numbers as they are shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from knowledge.parsing import number_format, sheet
from knowledge.parsing.blocks import Block, ParsedDocument
from knowledge.parsing.errors import Limits, ParseError
from knowledge.parsing.package import RELATED, UNREADABLE, Package

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
STRICT = "{http://purl.oclc.org/ooxml/spreadsheetml/main}"
REFERENCE = re.compile(r"^([A-Z]{1,3})(\d{1,7})$")
USUAL_NAME = re.compile(r"^(?:sheet|tabelle|feuil|hoja|foglio|blad)\s*\d*$", re.IGNORECASE)
MAX_SHEETS = 200
LONGEST_MERGE = 500


@dataclass
class Sheet:
    """The cells of one sheet by row and column, from 0; `cut` where it goes on beyond the last column that is read."""

    rows: dict[int, dict[int, str]] = field(default_factory=dict)
    hidden_columns: set[int] = field(default_factory=set)
    merges: list[str] = field(default_factory=list)
    cut: bool = False


def read(data: bytes, limits: Limits) -> ParsedDocument:
    try:
        package = Package(data, limits)
        book = _Book(package, limits)
        blocks: list[Block] = []
        notes: list[str] = []
        shown = [(name, part) for name, part in book.sheets() if part in package.names]
        for name, part in shown[:MAX_SHEETS]:
            found = book.sheet(part)
            cells = sheet.blocks(_grid(found))
            if cells and not (len(shown) == 1 and USUAL_NAME.match(name)):
                blocks.append(Block("heading", name, level=1))
            blocks += cells
            if found.cut:
                notes.append(sheet.too_wide(f"The sheet “{name}”"))
    except (etree.XMLSyntaxError, KeyError, *UNREADABLE) as error:
        raise ParseError("broken") from error
    if len(shown) > MAX_SHEETS:
        notes.append(f"Only the first {MAX_SHEETS} of {len(shown):,} sheets were read.")
    return ParsedDocument(package.title(), tuple(blocks), notes=tuple(notes))


class _Book:
    """What all sheets share: strings, number formats, and where the days are counted from."""

    def __init__(self, package: Package, limits: Limits) -> None:
        self.package = package
        self.part = package.main_part() or "xl/workbook.xml"
        self.root = package.xml(self.part)
        self.namespace = STRICT if self.root.tag.startswith(STRICT) else MAIN
        self.relations = package.relations(self.part)
        parts = dict(self.relations.values())
        self.strings = self._strings(parts.get("sharedStrings", ""), limits.max_characters)
        self.codes = self._codes(parts.get("styles", ""))
        settings = self.root.find(f"{self.namespace}workbookPr")
        self.since_1904 = settings is not None and settings.get("date1904") in ("1", "true")
        self.room = limits.max_characters

    def sheets(self) -> list[tuple[str, str]]:
        """The names and parts of the sheets that are shown, in their order."""
        listed = self.root.iter(f"{self.namespace}sheet")
        shown = [entry for entry in listed if entry.get("state", "visible") == "visible"]
        related = RELATED if self.namespace == MAIN else "{http://purl.oclc.org/ooxml/officeDocument/relationships}"
        ids = [entry.get(f"{related}id") or "" for entry in shown]
        return [
            (entry.get("name") or "", self.relations.get(id_, ("", ""))[1])
            for entry, id_ in zip(shown, ids, strict=True)
        ]

    def sheet(self, part: str) -> Sheet:
        found = Sheet()
        cells: dict[int, str] = {}
        next_row = 0
        names = [f"{self.namespace}{name}" for name in ("c", "row", "col", "mergeCell")]
        for element in self.package.walk(part, tuple(names)):
            if element.tag == names[0]:
                self._take(element, cells, found)
            elif element.tag == names[1]:
                number = _whole(element.get("r"), next_row + 1) - 1
                next_row = number + 1
                if cells and element.get("hidden") not in ("1", "true"):
                    found.rows[number] = cells
                cells = {}
            elif element.tag == names[2] and element.get("hidden") in ("1", "true"):
                last = min(_whole(element.get("max"), 0), sheet.MAX_COLUMNS)
                found.hidden_columns.update(range(_whole(element.get("min"), 1) - 1, last))
            elif element.tag == names[3]:
                found.merges.append(element.get("ref") or "")
        return found

    def _take(self, cell: etree._Element, cells: dict[int, str], found: Sheet) -> None:
        place = REFERENCE.match(cell.get("r") or "")
        column = _column(place.group(1)) if place else max(cells, default=-1) + 1
        text = self._text(cell)
        if column >= sheet.MAX_COLUMNS:
            found.cut = found.cut or bool(text)
        elif text:
            cells[column] = text
            self.room -= len(text)
            if self.room < 0:
                raise ParseError("too_much_text")

    def _text(self, cell: etree._Element) -> str:
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return "".join(node.text or "" for node in cell.iter(f"{self.namespace}t"))
        value = cell.findtext(f"{self.namespace}v") or ""
        if kind == "s":
            index = _whole(value, -1)
            return self.strings[index] if 0 <= index < len(self.strings) else ""
        if kind == "b":
            return "Yes" if value.strip() == "1" else "No"
        if kind != "n" or not value:
            return "" if kind == "e" else value
        style = _whole(cell.get("s"), 0)
        try:
            return number_format.shown(float(value), self.codes.get(style, ""), self.since_1904)
        except (ValueError, OverflowError):
            return value

    def _strings(self, part: str, room: int) -> list[str]:
        strings: list[str] = []
        phonetic = f"{self.namespace}rPh"
        for item in self.package.walk(part, (f"{self.namespace}si",)) if part else ():
            texts = item.iter(f"{self.namespace}t")
            strings.append("".join(t.text or "" for t in texts if t.getparent().tag != phonetic))
            room -= len(strings[-1])
            if room < 0:
                raise ParseError("too_much_text")
        return strings

    def _codes(self, part: str) -> dict[int, str]:
        """Each cell style's number format."""
        if not part:
            return {}
        root = self.package.xml(part)
        own = {
            _whole(form.get("numFmtId"), -1): form.get("formatCode") or ""
            for form in root.iter(f"{self.namespace}numFmt")
        }
        formats = root.find(f"{self.namespace}cellXfs")
        used = [_whole(style.get("numFmtId"), 0) for style in (formats if formats is not None else ())]
        return {number: own.get(id_, number_format.BUILT_IN.get(id_, "")) for number, id_ in enumerate(used)}


def _grid(found: Sheet) -> Iterator[list[str]]:
    """The rows in order, one empty row for any gap between them, and what is merged repeated where it is read."""
    _spread(found)
    columns = [
        column
        for column in range(max((max(cells) for cells in found.rows.values()), default=-1) + 1)
        if column not in found.hidden_columns
    ]
    last = None
    for number in sorted(found.rows):
        if last is not None and number > last + 1:
            yield []
        yield [found.rows[number].get(column, "") for column in columns]
        last = number


def _spread(found: Sheet) -> None:
    """A cell merged over several rows stands for each of them."""
    for reference in found.merges:
        ends = [REFERENCE.match(end) for end in reference.split(":")]
        if len(ends) != 2 or not ends[0] or not ends[1]:
            continue
        column, top, bottom = _column(ends[0].group(1)), int(ends[0].group(2)) - 1, int(ends[1].group(2)) - 1
        text = found.rows.get(top, {}).get(column, "")
        for row in range(top + 1, min(bottom, top + LONGEST_MERGE) + 1) if text else ():
            if row in found.rows:
                found.rows[row].setdefault(column, text)


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _whole(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 9 else otherwise
