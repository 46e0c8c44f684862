"""One way in for every format: sniff, read with that format's reader, clean, name."""

from __future__ import annotations

import dataclasses
import importlib
import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import Protocol, cast

from knowledge.parsing import clean
from knowledge.parsing.blocks import Block, ParsedDocument
from knowledge.parsing.errors import Limits, ParseError
from knowledge.parsing.formats import Format
from knowledge.parsing.sniff import sniff


class Reader(Protocol):
    def __call__(self, data: bytes, limits: Limits) -> ParsedDocument: ...


# By name, so that reading a text file does not wait for the PDF library to be imported.
READERS: dict[Format, str] = {
    "pdf": "knowledge.parsing.pdf",
    "docx": "knowledge.parsing.word",
    "pptx": "knowledge.parsing.presentation",
    "xlsx": "knowledge.parsing.spreadsheet",
    "opendocument": "knowledge.parsing.opendocument",
    "csv": "knowledge.parsing.separated",
    "eml": "knowledge.parsing.mail",
    "html": "knowledge.parsing.html",
    "markdown": "knowledge.parsing.markdown",
    "text": "knowledge.parsing.text",
}
LONGEST_TITLE = 200
LONGEST_HEADING = 250
LONGEST_CAPTION = 120
CAPTION = re.compile(
    r"^(?:table|tabelle|tableau|tabla|tabella|tabel)\s+[\dA-Z.]{1,6}\s*[:.–—-]\s*(\S.*)$", re.IGNORECASE
)


def parse(data: bytes, filename: str, limits: Limits = Limits()) -> ParsedDocument:
    document = read(data, filename, limits)
    if sum(len(block.text) for block in document.blocks) > limits.max_characters:
        raise ParseError("too_much_text")
    blocks = _captioned([cleaned for block in document.blocks if (cleaned := _cleaned(block)).text])
    if not any(re.search(r"\w", block.text) for block in blocks):
        raise ParseError("empty")
    return dataclasses.replace(document, title=_title(document, blocks, filename), blocks=blocks)


def read(data: bytes, filename: str, limits: Limits) -> ParsedDocument:
    """What the reader of the file's format makes of it, as it is."""
    limits.check_size(len(data))
    if not data.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise ParseError("empty", "This file is empty.")
    reader = cast(Reader, importlib.import_module(READERS[sniff(data, filename, limits)]).read)
    try:
        return reader(data, limits)
    except (ParseError, MemoryError):
        raise
    except Exception as error:
        raise ParseError("broken") from error


def _cleaned(block: Block) -> Block:
    if block.kind == "code":
        return dataclasses.replace(block, text=clean.code(block.text))
    if block.kind != "heading":
        return dataclasses.replace(block, text=clean.lines(block.text))
    text = clean.line(block.text)
    if len(text) > LONGEST_HEADING:
        return Block("paragraph", text, page=block.page)
    return dataclasses.replace(block, text=text)


def _captioned(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """ "Table 3: Fees abroad", written above a table, is its caption."""
    found: list[Block] = []
    for block in blocks:
        last = found[-1] if found else None
        if block.kind == "table" and not block.caption and last and last.kind == "paragraph":
            written = CAPTION.match(last.text)
            if written and len(last.text) <= LONGEST_CAPTION:
                found.pop()
                block = dataclasses.replace(block, caption=written.group(1))
        found.append(block)
    return tuple(found)


def _title(document: ParsedDocument, blocks: tuple[Block, ...], filename: str) -> str:
    first = blocks[0]
    headed = first.text if first.kind == "heading" and (first.level or 1) <= 2 else ""
    for candidate in (document.meta.title, document.title, headed):
        title = clean.line(candidate or "")
        if title:
            return title[:LONGEST_TITLE].rstrip()
    named = clean.line(re.sub(r"[_\s]+|(?<=\w)-(?=\w)", " ", PurePath(filename).stem))
    return (named or first.text.split("\n")[0])[:LONGEST_TITLE].rstrip()
