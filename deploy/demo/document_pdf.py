"""Draws a source document as a PDF."""

from functools import partial
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from document_source import Block, Source, Text
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    CondPageBreak,
    Flowable,
    KeepTogether,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
    TableStyle,
)

MARGIN = 22 * mm
BODY_WIDTH = A4[0] - 2 * MARGIN
FRAME_PADDING = 6  # what reportlab leaves free inside its margins
NARROWEST_COLUMN = 18 * mm
LONGEST_UNBROKEN_TABLE = 14  # rows; a longer table may go on overleaf, under a repeated head
ROOM_FOR_TABLE = 70 * mm
INK, RULE = HexColor("#1c2430"), HexColor("#c9d0d9")


def write_pdf(source: Source, target: Path) -> None:
    template = SimpleDocTemplate(
        str(target),
        pagesize=A4,
        leftMargin=MARGIN - FRAME_PADDING,
        rightMargin=MARGIN - FRAME_PADDING,
        topMargin=24 * mm,
        bottomMargin=24 * mm,
        title=source.title,
        author=source.publisher,
        subject=source.date,
        invariant=1,
    )
    template.build(_story(source), canvasmaker=partial(_NumberedCanvas, source=source))


class _NumberedCanvas(Canvas):
    """A canvas that waits for the last page, so that every footer can say how many there are."""

    def __init__(self, *arguments: Any, source: Source, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._source = source
        self._pages: list[dict[str, Any]] = []

    def showPage(self) -> None:  # noqa: N802 (the name that reportlab calls)
        self._pages.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        pages = self._pages
        for number, page in enumerate(pages, 1):
            self.__dict__.update(page)
            self._draw_frame(number, len(pages))
            super().showPage()
        super().save()

    def _draw_frame(self, number: int, pages: int) -> None:
        self.setFillColor(HexColor(self._source.colour))
        self.rect(0, A4[1] - 6 * mm, A4[0], 6 * mm, stroke=0, fill=1)
        self.setStrokeColor(RULE)
        self.line(MARGIN, 16 * mm, A4[0] - MARGIN, 16 * mm)
        self.setFont("Helvetica", 8)
        self.setFillColor(INK)
        self.drawString(MARGIN, 11 * mm, " · ".join(filter(None, (self._source.publisher, self._source.title))))
        self.drawRightString(A4[0] - MARGIN, 11 * mm, f"Page {number} of {pages}")


def _story(source: Source) -> list[Flowable]:
    """The blocks as flowables; headings stay on the page of what follows them."""
    accent = HexColor(source.colour)
    body = ParagraphStyle("body", fontName="Helvetica", fontSize=9.5, leading=14, textColor=INK, spaceAfter=6)
    item = ParagraphStyle("item", body, leftIndent=14, bulletIndent=3, spaceAfter=3)
    story: list[Flowable] = []
    headings: list[Flowable] = []
    for block in source.blocks:
        markup = _markup(block.text)
        if block.kind == "heading":
            headings.append(Paragraph(markup, _heading_style(body, block.level, accent)))
            continue
        if block.kind == "table":
            shown: Flowable = _pdf_table(block, body, accent)
        elif block.kind == "paragraph":
            shown = Paragraph(markup, body)
        else:
            shown = Paragraph(markup, item, bulletText=f"{block.number}." if block.number else "•")
        if len(block.rows) > LONGEST_UNBROKEN_TABLE:
            story += [CondPageBreak(ROOM_FOR_TABLE), *headings, shown]
        else:
            story.append(KeepTogether([*headings, shown]))
        if block.kind == "table":
            story.append(Spacer(0, 9))
        headings = []
    return story + headings


def _heading_style(body: ParagraphStyle, level: int, accent: Color) -> ParagraphStyle:
    size, before, after = {1: (23, 0, 12), 2: (15, 14, 6), 3: (11.5, 8, 4)}.get(level, (10, 6, 3))
    return ParagraphStyle(
        f"heading{level}",
        body,
        fontName="Helvetica-Bold",
        fontSize=size,
        leading=size * 1.25,
        textColor=accent,
        spaceBefore=before,
        spaceAfter=after,
    )


def _pdf_table(block: Block, body: ParagraphStyle, accent: Color) -> Table:
    cell = ParagraphStyle("cell", body, fontSize=8.7, leading=11.5, spaceAfter=0)
    head = ParagraphStyle("head", cell, fontName="Helvetica-Bold", textColor=HexColor("#ffffff"))
    styles = [
        [ParagraphStyle(side, kind, alignment=2 * (side == "right")) for side in block.aligned] for kind in (head, cell)
    ]
    content = [
        [Paragraph(_markup(text), style) for text, style in zip(row, styles[bool(number)], strict=True)]
        for number, row in enumerate(block.rows)
    ]
    look = [
        ("BACKGROUND", (0, 0), (-1, 0), accent),
        ("ROWBACKGROUNDS", (0, 1), (-1, -1), [HexColor("#ffffff"), HexColor("#f4f6f9")]),
        ("GRID", (0, 0), (-1, -1), 0.4, RULE),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 3.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 4.5),
    ]
    return Table(content, colWidths=_column_widths(block), repeatRows=1, style=TableStyle(look), hAlign="LEFT")


def _column_widths(block: Block) -> list[float]:
    """Widths that follow the longest text of each column, but no column takes all."""
    longest = [
        max(sum(len(run.text) for run in row[column]) for row in block.rows) for column in range(len(block.aligned))
    ]
    weights = [min(length, 44) for length in longest]
    spare = BODY_WIDTH - NARROWEST_COLUMN * len(weights)
    return [NARROWEST_COLUMN + spare * weight / sum(weights) for weight in weights]


def _markup(text: Text) -> str:
    parts = []
    for run in text:
        part = escape(run.text)
        part = f"<b>{part}</b>" if run.bold else part
        parts.append(f"<i>{part}</i>" if run.italic else part)
    return "".join(parts)
