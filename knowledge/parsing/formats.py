"""The kinds of file that can be read: their extensions, and their names in sentences and in file dialogs."""

from __future__ import annotations

from typing import Literal

Format = Literal["pdf", "docx", "pptx", "xlsx", "opendocument", "csv", "eml", "html", "markdown", "text"]

EXTENSIONS: dict[str, Format] = {
    "pdf": "pdf", "docx": "docx", "docm": "docx", "pptx": "pptx", "pptm": "pptx", "ppsx": "pptx", "xlsx": "xlsx",
    "xlsm": "xlsx", "odt": "opendocument", "ods": "opendocument", "odp": "opendocument", "csv": "csv", "tsv": "csv",
    "eml": "eml", "html": "html", "htm": "html", "xhtml": "html", "md": "markdown", "markdown": "markdown",
    "txt": "text", "text": "text", "": "text",
}  # fmt: skip
# What a file is when it is named so, for the formats that plain text can never be.
BINARY_EXTENSIONS = {
    "pdf": "a PDF", "docx": "a Word document", "docm": "a Word document", "pptx": "a presentation",
    "pptm": "a presentation", "ppsx": "a presentation", "xlsx": "a spreadsheet", "xlsm": "a spreadsheet",
    "odt": "an OpenDocument file", "ods": "an OpenDocument file", "odp": "an OpenDocument file",
}  # fmt: skip
SUFFIXES = tuple(f".{extension}" for extension in EXTENSIONS if extension)
KINDS = (
    "PDF, Word (.docx), PowerPoint (.pptx), Excel (.xlsx), OpenDocument, CSV, e-mail (.eml), HTML, Markdown and plain "
    "text"
)
ACCEPTED = f"What can be read: {KINDS}."
