"""Reads comma-, semicolon- or tab-separated values."""

from __future__ import annotations

import csv
import io

from knowledge.parsing import sheet
from knowledge.parsing.blocks import ParsedDocument
from knowledge.parsing.clean import characters
from knowledge.parsing.encoding import decode
from knowledge.parsing.errors import Limits, ParseError

DELIMITERS = ",;\t|"
SAMPLED_ROWS = 50


def read(data: bytes, limits: Limits) -> ParsedDocument:
    text = characters(decode(data))
    csv.field_size_limit(limits.max_characters)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)))
    except csv.Error as error:
        said = f"This file cannot be read as CSV: {error}. Save it again as CSV (UTF-8)."
        raise ParseError("broken", said) from error
    notes = (sheet.too_wide("The file"),) if max(map(len, rows), default=0) > sheet.MAX_COLUMNS else ()
    return ParsedDocument("", tuple(sheet.blocks(rows)), notes=notes)


def _delimiter(text: str) -> str:
    """The one that cuts most lines into the same number of cells, more than one."""
    lines = text.split("\n", SAMPLED_ROWS)[:SAMPLED_ROWS]
    if lines[0].lower().startswith("sep=") and len(lines[0]) >= 5:
        return lines[0][4]

    def evenness(delimiter: str) -> tuple[int, int]:
        widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
        usual = max(set(widths), key=widths.count, default=1)
        return (widths.count(usual), usual) if usual > 1 else (0, 0)

    return max(DELIMITERS, key=evenness)
