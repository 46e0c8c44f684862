"""Reads a PowerPoint presentation: each slide that is shown, its title first; speaker notes are not for customers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from knowledge.parsing import notes, tables
from knowledge.parsing.blocks import Block, ParsedDocument
from knowledge.parsing.clean import line
from knowledge.parsing.errors import Limits, ParseError
from knowledge.parsing.package import RELATED, UNREADABLE, Package

DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
SLIDES = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
TITLES = {"title", "ctrTitle"}
MARGINAL = {"ftr", "hdr", "sldNum", "dt"}
LISTED = {"body", "obj", ""}
DEEPEST_ITEM = 6


@dataclass(frozen=True)
class Slide:
    blocks: tuple[Block, ...]
    pictures: int


def read(data: bytes, limits: Limits) -> ParsedDocument:
    try:
        package = Package(data, limits)
        slides = [_slide(root, number) for number, root in _shown(package, limits)]
    except (etree.XMLSyntaxError, KeyError, *UNREADABLE) as error:
        raise ParseError("broken") from error
    if not slides:
        raise ParseError("empty", "This presentation has no slides that are shown.")
    pictures = [number for number, slide in enumerate(slides, 1) if slide.pictures and not slide.blocks]
    if len(pictures) == len(slides):
        raise ParseError("scanned", "The slides of this presentation are pictures without text. Upload one with text.")
    blocks = tuple(block for slide in slides for block in slide.blocks)
    return ParsedDocument(package.title(), blocks, pages=len(slides), notes=notes.pictures(pictures, "slide"))


def _shown(package: Package, limits: Limits) -> Iterator[tuple[int, etree._Element]]:
    """The roots of the slides in their order, counted as a viewer counts them."""
    main = package.main_part() or "ppt/presentation.xml"
    relations = package.relations(main)
    entries = package.xml(main).iter(f"{SLIDES}sldId")
    listed = [relations.get(entry.get(f"{RELATED}id") or "", ("", ""))[1] for entry in entries]
    if len(listed) > limits.max_pages:
        raise ParseError(
            "too_many_pages",
            f"This presentation has {len(listed):,} slides; the most that can be read is {limits.max_pages:,}. "
            "Split it into smaller files and upload those.",
        )
    number = 0
    for part in listed:
        root = package.xml(part) if part else None
        if root is not None and root.get("show") not in ("0", "false"):
            number += 1
            yield number, root


def _slide(root: etree._Element, number: int) -> Slide:
    titles: list[Block] = []
    body: list[Block] = []
    for shape in root.iter(f"{SLIDES}sp", f"{SLIDES}graphicFrame"):
        if shape.tag == f"{SLIDES}graphicFrame":
            body += _tables(shape, number)
            continue
        holder = shape.find(f"{SLIDES}nvSpPr/{SLIDES}nvPr/{SLIDES}ph")
        kind = (holder.get("type") or "") if holder is not None else None
        if kind in TITLES:
            text = line(" ".join(text for _, text in _paragraphs(shape)))
            titles += [Block("heading", text, level=2, page=number)] if text else []
        elif kind not in MARGINAL:
            body += _body(shape, number, listed=kind in LISTED)
    return Slide((*titles, *body), sum(1 for _ in root.iter(f"{SLIDES}pic")))


def _body(shape: etree._Element, number: int, listed: bool) -> Iterator[Block]:
    paragraphs = [(level, text) for level, text in _paragraphs(shape) if text.strip()]
    for level, text in paragraphs:
        if listed and len(paragraphs) > 1:
            yield Block("list_item", text, level=min(level + 1, DEEPEST_ITEM), page=number)
        else:
            yield Block("paragraph", text, page=number)


def _paragraphs(shape: etree._Element) -> Iterator[tuple[int, str]]:
    for paragraph in shape.iter(f"{DRAWING}p"):
        properties = paragraph.find(f"{DRAWING}pPr")
        level = (properties.get("lvl") or "0") if properties is not None else "0"
        yield int(level) if level.isdecimal() and len(level) < 3 else 0, _text(paragraph)


def _text(paragraph: etree._Element) -> str:
    pieces = []
    for node in paragraph.iter(f"{DRAWING}t", f"{DRAWING}br"):
        pieces.append("\n" if node.tag == f"{DRAWING}br" else node.text or "")
    return "".join(pieces)


def _tables(frame: etree._Element, number: int) -> Iterator[Block]:
    for table in frame.iter(f"{DRAWING}tbl"):
        properties = table.find(f"{DRAWING}tblPr")
        marked = properties is not None and properties.get("firstRow") in ("1", "true")
        rows: list[list[str]] = []
        for row in table.iter(f"{DRAWING}tr"):
            rows.append(_row(row, rows[-1] if rows else []))
        yield from tables.blocks(rows, number, True if marked and len(rows) > 1 else None)


def _row(row: etree._Element, above: list[str]) -> list[str]:
    """A cell that is merged with the one above it says the same."""
    cells: list[str] = []
    for column, cell in enumerate(row.iter(f"{DRAWING}tc")):
        if cell.get("vMerge") in ("1", "true") and column < len(above):
            cells.append(above[column])
        else:
            cells.append(" ".join(text for _, text in _paragraphs(cell) if text.strip()))
    return cells
