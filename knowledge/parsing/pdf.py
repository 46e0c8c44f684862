"""Reads a PDF page by page: lines and tables first, then what the whole document tells about its headings."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from dataclasses import replace

import pdfplumber
from pdfminer.pdfdocument import PDFPasswordIncorrect
from pdfminer.pdfexceptions import PDFException
from pdfplumber.page import Page
from pdfplumber.utils.exceptions import PdfminerException

from knowledge.parsing import notes, pdf_lines, pdf_tables, recognition, text
from knowledge.parsing.blocks import Block, ParsedDocument
from knowledge.parsing.clean import characters
from knowledge.parsing.errors import Limits, ParseError
from knowledge.parsing.pdf_blocks import blocks
from knowledge.parsing.pdf_lines import PageText

FEWEST_LETTERS = 3
READABLE = 0.6
DRAWN = 50
RECOGNITION_SHARE = 0.5
NO_RECOGNITION = "Upload a version with text, or install text recognition (Tesseract) on the server."
SLIPS = "whose text was recognised, so there may be slips in it."
LATE = "that could not be read in time. Split the file into smaller ones and upload those."
UNREADABLE = (
    "The letters in this PDF cannot be read, only seen. Run text recognition (OCR) on it, or upload the document that "
    "it was made from."
)


def read(data: bytes, limits: Limits) -> ParsedDocument:
    deadline = time.process_time() + limits.seconds
    try:
        with pdfplumber.open(io.BytesIO(data)) as document:
            count = len(document.pages)
            if count > limits.max_pages:
                raise ParseError(
                    "too_many_pages",
                    f"This PDF has {count:,} pages; the most that can be read is {limits.max_pages:,}. "
                    "Split it into smaller files and upload those.",
                )
            pages = list(_pages(document.pages, deadline))
    except (PdfminerException, PDFException) as error:
        if isinstance(error, PDFPasswordIncorrect) or any(isinstance(arg, PDFPasswordIncorrect) for arg in error.args):
            raise ParseError(
                "encrypted", "This PDF is password-protected. Save a copy without a password and upload that."
            ) from error
        raise _broken() from error
    if not pages:
        raise _broken()
    pictures = [page.number for page in pages if _is_picture(page)]
    recognised, said = _recognised(data, pictures, limits)
    if len(pictures) == len(pages) and not recognised:
        raise ParseError("scanned", UNREADABLE if any(page.lines for page in pages) else "")
    readable = [page for page in pages if page.number not in set(pictures)]
    found = sorted([*blocks(readable), *recognised], key=lambda block: block.page or 0)
    if not found and not any(page.picture for page in pages):
        raise ParseError("empty", "The pages of this PDF are blank.")
    return ParsedDocument("", tuple(found), pages=count, notes=said)


def _broken() -> ParseError:
    return ParseError(
        "broken", "This PDF is damaged and cannot be read. Make it again, or print it to PDF, and upload that."
    )


def _pages(pages: list[Page], deadline: float) -> Iterator[PageText]:
    for page in pages:
        if time.process_time() > deadline:
            raise ParseError("too_slow")
        words = pdf_lines.words(page)
        tables = pdf_tables.ruled(page, words)
        rest = [word for word in words if not any(table.holds(word) for table in tables)]
        yield PageText(
            number=page.page_number,
            height=float(page.height),
            lines=tuple(pdf_lines.lines(rest, page.page_number, float(page.width))),
            tables=tuple(tables),
            picture=bool(page.images) or len(page.curves) >= DRAWN,
        )
        page.close()


def _is_picture(page: PageText) -> bool:
    """No text, but something to see; or letters that have a shape and no meaning."""
    cells = [cell for table in page.tables for row in table.rows for cell in row]
    letters = "".join([line.text for line in page.lines] + cells)
    if sum(letter.isalnum() for letter in letters) < FEWEST_LETTERS:
        return page.picture
    return letters.count("(cid:") * 6 > len(letters) * (1 - READABLE)


def _recognised(data: bytes, pages: list[int], limits: Limits) -> tuple[list[Block], tuple[str, ...]]:
    """What text recognition finds on these pages, and what is to be said of them."""
    if not pages or not recognition.is_installed():
        return [], notes.pictures(pages, advice=NO_RECOGNITION)
    found = recognition.recognise(data, pages, time.monotonic() + limits.patience * RECOGNITION_SHARE)
    read = {number: text.blocks_of(characters(said)) for number, said in found.items()}
    told = [number for number in pages if read.get(number)]
    silent = [number for number in pages if number in read and not read[number]]
    late = [number for number in pages if number not in read]
    said = tuple(
        f"{notes.ranges(numbers)} {'is a picture' if len(numbers) == 1 else 'are pictures'} {what}"
        for numbers, what in ((told, SLIPS), (silent, "in which no text was found."), (late, LATE))
        if numbers
    )
    return [replace(block, page=number) for number in told for block in read[number]], said
