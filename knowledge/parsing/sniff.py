"""Tells what a file really is from its content, and refuses what is mislabelled, dangerous or of no use."""

from __future__ import annotations

import re
from pathlib import PurePath

from knowledge.parsing.errors import Limits, ParseError
from knowledge.parsing.formats import ACCEPTED, BINARY_EXTENSIONS, EXTENSIONS, Format
from knowledge.parsing.package import UNREADABLE, Package

BINARIES = (
    (b"\x89PNG", "an image"), (b"\xff\xd8\xff", "an image"), (b"GIF8", "an image"), (b"II*\x00", "an image"),
    (b"MM\x00*", "an image"), (b"BM", "an image"), (b"RIFF", "a media file"), (b"ID3", "a sound file"),
    (b"\x1f\x8b", "an archive"), (b"7z\xbc\xaf", "an archive"), (b"Rar!", "an archive"), (b"BZh", "an archive"),
    (b"\xfd7zXZ", "an archive"), (b"\x7fELF", "a program"), (b"MZ", "a program"), (b"SQLite format", "a database"),
    (b"%!PS", "a PostScript file"),
)  # fmt: skip
REFUSED_TEXT = {"json", "xml", "rtf", "yaml", "yml", "js", "css", "py", "svg"}
# What the main part of an office file is declared to be, by words in its content types; and where it usually lies.
OFFICE: tuple[tuple[Format, bytes, str], ...] = (
    ("docx", b"wordprocessingml.document.main", "word/document.xml"),
    ("pptx", b"presentationml.presentation.main", "ppt/presentation.xml"),
    ("pptx", b"presentationml.slideshow.main", "ppt/presentation.xml"),
    ("xlsx", b"spreadsheetml.sheet.main", "xl/workbook.xml"),
)
OPEN_DOCUMENTS = re.compile(rb"application/vnd\.oasis\.opendocument\.(?:text|spreadsheet|presentation)\b")
OLD_OFFICE = {
    "xls": ("an old Excel file (.xls)", "Excel", ".xlsx"),
    "ppt": ("an old PowerPoint file (.ppt)", "PowerPoint", ".pptx"),
    "msg": ("an Outlook message (.msg)", "Outlook", ".eml"),
}
OLD_WORD = ("an old Office file (such as .doc)", "Word", ".docx")
HTML_START = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*<(?:!doctype\s+html|html|head|body|main|article)\b",
    re.I | re.S,
)
MARKDOWN_SIGN = re.compile(
    r"^(?:#{1,6} \S|\|?[ \t]*:?-{3,}:?[ \t]*\|[ \t|:-]*$)|\[[^\[\]\n]{1,200}\]\(https?://|\A---\n\w+:", re.M
)
MAIL_START = re.compile(r"\s*(?:From [^\n]*\n)?(?:[!-9;-~]{1,70}:[^\n]*\n(?:[ \t][^\n]*\n)*)+")


def sniff(data: bytes, filename: str, limits: Limits) -> Format:
    extension = PurePath(filename).suffix.lstrip(".").lower()
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if data.startswith(b"PK\x03\x04"):
        return _zipped(data, extension, limits)
    if data.startswith(b"PK\x05\x06"):
        raise ParseError("empty", "This file is an empty archive with nothing in it.")
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        _refuse_old_office(data, extension)
    if data.startswith(b"{\\rtf"):
        raise ParseError("unsupported", "This is an RTF file. Open it in Word, save it as .docx and upload that.")
    _refuse_binary(data, extension)
    return _textual(data, extension)


def _zipped(data: bytes, extension: str, limits: Limits) -> Format:
    try:
        package = Package(data, limits)
        found = _office(package)
        if found:
            package.refuse_definitions()
            return found
    except UNREADABLE as error:
        raise ParseError("broken" if extension in BINARY_EXTENSIONS else "unsupported") from error
    what = "an e-book or another zipped file" if "mimetype" in package.names else "an archive"
    if extension in BINARY_EXTENSIONS:
        raise ParseError("mislabelled", f"This file is named .{extension}, but it is {what}. {ACCEPTED}")
    raise ParseError("unsupported", f"This file is {what}, which cannot be read. {ACCEPTED}")


def _office(package: Package) -> Format | None:
    if "mimetype" in package.names and OPEN_DOCUMENTS.match(package.read("mimetype")[:200]):
        return "opendocument"
    declared = package.read("[Content_Types].xml") if "[Content_Types].xml" in package.names else b""
    for kind, sign, usual in OFFICE:
        if usual in package.names or sign in declared:
            return kind
    return None


def _refuse_old_office(data: bytes, extension: str) -> None:
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise ParseError("encrypted")
    what, program, wanted = OLD_OFFICE.get(extension, OLD_WORD)
    raise ParseError("unsupported", f"This is {what}. Open it in {program}, save it as {wanted} and upload that.")


def _refuse_binary(data: bytes, extension: str) -> None:
    what = next((what for magic, what in BINARIES if data.startswith(magic)), "")
    sample = data[:4096]
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff"))
    controls = sum(byte < 9 or 13 < byte < 32 for byte in sample)
    if marked or (controls < max(8, len(sample) // 30) and (not what or _is_ascii(sample))):
        return
    if extension in BINARY_EXTENSIONS:
        _refuse_mislabelled(extension, what or "something else")
    if extension in EXTENSIONS and extension:
        raise ParseError("mislabelled", f"This file is named .{extension}, but it is {what or 'not text'}. {ACCEPTED}")
    raise ParseError("unsupported", f"This file is {what}, which cannot be read. {ACCEPTED}" if what else "")


def _is_ascii(sample: bytes) -> bool:
    """Prose may begin with the letters of a file signature: BMW, MZ, Rar!"""
    return sample.isascii() and not any(byte < 9 for byte in sample)


def _refuse_mislabelled(extension: str, what: str) -> None:
    raise ParseError(
        "mislabelled",
        f"This file is named .{extension}, but it is {what}, not {BINARY_EXTENSIONS[extension]}. "
        "Save it again in the right format and upload that.",
    )


def _textual(data: bytes, extension: str) -> Format:
    if extension in BINARY_EXTENSIONS:
        _refuse_mislabelled(extension, "plain text")
    if extension in REFUSED_TEXT:
        raise ParseError("unsupported", f"Files of the kind .{extension} cannot be read as documents. {ACCEPTED}")
    start = data[:65536].replace(b"\x00", b"").decode("utf-8", errors="ignore").lstrip("\ufeff").replace("\r\n", "\n")
    known = EXTENSIONS.get(extension, "text")
    if known == "eml":
        if not MAIL_START.match(start):
            raise ParseError("mislabelled", f"This file is named .{extension}, but it is not an e-mail. {ACCEPTED}")
        return "eml"
    if HTML_START.match(start):
        return "html"
    if known == "csv":
        return "csv"
    if known == "html":
        return "html" if re.search(r"<[a-z][a-z0-9]*[\s/>]", start, re.I) else "text"
    return "markdown" if known == "markdown" or MARKDOWN_SIGN.search(start) else "text"
