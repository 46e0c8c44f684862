"""Writes a source document as a Word file."""

import io
import zipfile
from pathlib import Path
from typing import Any

import docx
from document_source import Block, Source, Text
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt, RGBColor

FIXED_TIME = (2026, 1, 1, 0, 0, 0)  # in the archive, so that building twice gives the same bytes


def write_docx(source: Source, target: Path) -> None:
    document = docx.Document()
    document.core_properties.title = source.title
    document.core_properties.author = source.publisher
    _style_word(document, source)
    numbering = 0
    for block in source.blocks:
        if block.kind == "heading":
            _add_runs(document.add_heading(level=block.level - 1), block.text)
        elif block.kind == "table":
            _add_word_table(document, block, source.colour)
        else:
            style = {"bullet": "List Bullet", "numbered": "List Number"}.get(block.kind)
            paragraph = document.add_paragraph(style=style)
            if block.number == 1:
                numbering = _new_numbering(document)
            if block.number:
                paragraph._p.get_or_add_pPr().get_or_add_numPr().get_or_add_numId().val = numbering
            _add_runs(paragraph, block.text)
    _add_page_number(document.sections[0].footer.paragraphs[0], source)
    buffer = io.BytesIO()
    document.save(buffer)
    _write_archive(buffer, target)


def _style_word(document: Any, source: Source) -> None:
    sizes = {"Normal": 10.5, "Title": 24, "Heading 1": 16, "Heading 2": 12.5}
    for name, size in sizes.items():
        font = document.styles[name].font
        font.name, font.size = "Calibri", Pt(size)
        if name != "Normal":
            font.color.rgb = RGBColor.from_string(source.colour.lstrip("#").upper())
    document.styles["Normal"].paragraph_format.space_after = Pt(6)


def _add_runs(paragraph: Any, text: Text) -> None:
    for run in text:
        added = paragraph.add_run(run.text)
        added.bold, added.italic = run.bold or None, run.italic or None


def _add_word_table(document: Any, block: Block, colour: str) -> None:
    table = document.add_table(len(block.rows), len(block.aligned), style="Table Grid")
    for number, row in enumerate(block.rows):
        for cell, text, side in zip(table.rows[number].cells, row, block.aligned, strict=True):
            paragraph = cell.paragraphs[0]
            paragraph.paragraph_format.space_after = Pt(2)
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT if side == "right" else None
            _add_runs(paragraph, text)
            if number == 0:
                cell._tc.get_or_add_tcPr().append(_element("w:shd", val="clear", fill=colour.lstrip("#")))
                for run in paragraph.runs:
                    run.bold, run.font.color.rgb = True, RGBColor(255, 255, 255)
    table.rows[0]._tr.get_or_add_trPr().append(_element("w:tblHeader", val="true"))
    document.add_paragraph().paragraph_format.space_after = Pt(0)


def _new_numbering(document: Any) -> int:
    """A numbering of its own for one list: Word would otherwise count on from the list before."""
    numbering = document.part.numbering_part.numbering_definitions._numbering
    style = document.styles["List Number"].element.pPr.numPr.numId.val
    added = numbering.add_num(numbering.num_having_numId(style).abstractNumId.val)
    added.add_lvlOverride(ilvl=0).add_startOverride(1)
    return int(added.numId)


def _add_page_number(paragraph: Any, source: Source) -> None:
    paragraph.add_run(" · ".join(filter(None, (source.publisher, source.title))) + " · Page ")
    field = _element("w:fldSimple", instr="PAGE")
    paragraph._p.append(field)


def _element(tag: str, **attributes: str) -> Any:
    element = OxmlElement(tag)
    for name, value in attributes.items():
        element.set(qn(f"w:{name}"), value)
    return element


def _write_archive(buffer: io.BytesIO, target: Path) -> None:
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name, FIXED_TIME), old.read(name), zipfile.ZIP_DEFLATED)
