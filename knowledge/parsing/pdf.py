"""Reads a PDF page by page: lines and tables first, then what the whole document tells about its headings."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator

import pdfplumber
from pdfminer.pdfdocument import PDFPasswordIncorrect
from pdfminer.pdfexceptions import PDFException
from pdfplumber.page import Page
from pdfplumber.utils.exceptions import PdfminerException

from knowledge.parsing import pdf_lines, pdf_tables
from knowledge.parsing.blocks import ParsedDocument
from knowledge.parsing.errors import Limits, ParseError
from knowledge.parsing.pdf_blocks import blocks
from knowledge.parsing.pdf_lines import PageText

FEWEST_LETTERS = 3
READABLE = 0.6


def read(data: bytes, limits: Limits) -> ParsedDocument:
    deadline = time.monotonic() + limits.seconds
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
    _refuse_unreadable(pages)
    return ParsedDocument("", tuple(blocks(pages)), pages=count)


def _broken() -> ParseError:
    return ParseError(
        "broken", "This PDF is damaged and cannot be read. Make it again, or print it to PDF, and upload that."
    )


def _pages(pages: list[Page], deadline: float) -> Iterator[PageText]:
    for page in pages:
        if time.monotonic() > deadline:
            raise ParseError("too_slow")
        words = pdf_lines.words(page)
        tables = pdf_tables.ruled(page, words)
        rest = [word for word in words if not any(table.holds(word) for table in tables)]
        yield PageText(
            number=page.page_number,
            height=float(page.height),
            lines=tuple(pdf_lines.lines(rest, page.page_number, float(page.width))),
            tables=tuple(tables),
        )
        page.close()


def _refuse_unreadable(pages: list[PageText]) -> None:
    texts = [line.text for page in pages for line in page.lines] + [
        cell for page in pages for table in page.tables for row in table.rows for cell in row
    ]
    text = "".join(texts)
    if sum(letter.isalnum() for letter in text) < FEWEST_LETTERS:
        raise ParseError("scanned")
    if text.count("(cid:") * 6 > len(text) * (1 - READABLE):
        raise ParseError(
            "scanned", "The letters in this PDF cannot be read, only seen. Run text recognition (OCR) on it, "
            "or upload the document that it was made from.",
        )  # fmt: skip
