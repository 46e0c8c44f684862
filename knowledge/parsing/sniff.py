"""Tells what a file really is from its content, and refuses what is mislabelled, dangerous or of no use."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from pathlib import PurePath
from typing import Literal

from knowledge.parsing.errors import Limits, ParseError

Format = Literal["pdf", "docx", "html", "markdown", "text"]

EXTENSIONS: dict[str, Format] = {
    "pdf": "pdf", "docx": "docx", "docm": "docx", "html": "html", "htm": "html", "xhtml": "html",
    "md": "markdown", "markdown": "markdown", "txt": "text", "text": "text", "": "text",
}  # fmt: skip
BINARY_EXTENSIONS = {"pdf": "a PDF", "docx": "a Word document", "docm": "a Word document"}
BINARIES = (
    (b"\x89PNG", "an image"), (b"\xff\xd8\xff", "an image"), (b"GIF8", "an image"), (b"II*\x00", "an image"),
    (b"MM\x00*", "an image"), (b"BM", "an image"), (b"RIFF", "a media file"), (b"ID3", "a sound file"),
    (b"\x1f\x8b", "an archive"), (b"7z\xbc\xaf", "an archive"), (b"Rar!", "an archive"), (b"BZh", "an archive"),
    (b"\xfd7zXZ", "an archive"), (b"\x7fELF", "a program"), (b"MZ", "a program"), (b"SQLite format", "a database"),
    (b"%!PS", "a PostScript file"),
)  # fmt: skip
REFUSED_TEXT = {"csv", "tsv", "json", "xml", "rtf", "yaml", "yml", "js", "css", "py", "svg", "eml"}
OFFICE_PARTS = (("xl/", "a spreadsheet"), ("ppt/", "a presentation"), ("META-INF/", "an OpenDocument or e-book file"))
HTML_START = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*<(?:!doctype\s+html|html|head|body|main|article)\b",
    re.I | re.S,
)
MARKDOWN_SIGN = re.compile(
    r"^(?:#{1,6} \S|\|?[ \t]*:?-{3,}:?[ \t]*\|[ \t|:-]*$)|\[[^\[\]\n]{1,200}\]\(https?://|\A---\n\w+:", re.M
)
ACCEPTED = "Upload a PDF, Word (.docx), HTML, Markdown or text file."
MAX_MEMBERS = 5000
UNREADABLE_ZIP = (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError, ValueError, zlib.error)


def sniff(data: bytes, filename: str, limits: Limits) -> Format:
    extension = PurePath(filename).suffix.lstrip(".").lower()
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if data.startswith(b"PK\x03\x04"):
        return _zipped(data, extension, limits)
    if data.startswith(b"PK\x05\x06"):
        raise ParseError("empty", "This file is an empty archive with nothing in it.")
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        _refuse_old_office(data)
    if data.startswith(b"{\\rtf"):
        raise ParseError("unsupported", "This is an RTF file. Open it in Word, save it as .docx and upload that.")
    _refuse_binary(data, extension)
    return _textual(data, extension)


def _zipped(data: bytes, extension: str, limits: Limits) -> Format:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            names = {member.filename for member in members}
            _refuse_bomb(members, limits)
            if "word/document.xml" in names or _declares_word(archive, names):
                _refuse_entities(archive, members)
                return "docx"
    except UNREADABLE_ZIP as error:
        raise ParseError("broken" if extension in BINARY_EXTENSIONS else "unsupported") from error
    what = next((what for part, what in OFFICE_PARTS if any(name.startswith(part) for name in names)), "an archive")
    if extension in BINARY_EXTENSIONS:
        raise ParseError("mislabelled", f"This file is named .{extension}, but it is {what}. {ACCEPTED}")
    raise ParseError("unsupported", f"This file is {what}, which cannot be read. {ACCEPTED}")


def _declares_word(archive: zipfile.ZipFile, names: set[str]) -> bool:
    if "[Content_Types].xml" not in names:
        return False
    return b"wordprocessingml.document.main" in archive.read("[Content_Types].xml")


def _refuse_bomb(members: list[zipfile.ZipInfo], limits: Limits) -> None:
    # Python reads no more of a member than its directory entry says, so a false size there cannot get past this.
    if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > limits.max_unpacked_bytes:
        raise ParseError("too_large", "This file unpacks to far more than it may. Save a smaller copy and upload that.")
    if any(member.flag_bits & 1 for member in members):
        raise ParseError("encrypted")


def _refuse_entities(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> None:
    for member in members:
        if not member.filename.lower().endswith((".xml", ".rels")):
            continue
        part = archive.read(member)
        if b"\x00" in part[:64]:
            part = part.replace(b"\x00", b"")
        if b"<!DOCTYPE" in part or b"<!ENTITY" in part:
            raise ParseError(
                "broken", "This Word file holds definitions that Word never writes, so it was not opened. "
                "Open it in Word, save it again and upload the new copy.",
            )  # fmt: skip


def _refuse_old_office(data: bytes) -> None:
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise ParseError(
            "encrypted", "This Word file is password-protected. Save a copy without a password and upload that."
        )
    raise ParseError(
        "unsupported", "This is an old Office file (such as .doc). Open it in Word, save it as .docx and upload that."
    )


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
    if HTML_START.match(start):
        return "html"
    known = EXTENSIONS.get(extension, "text")
    if known == "html":
        return "html" if re.search(r"<[a-z][a-z0-9]*[\s/>]", start, re.I) else "text"
    return "markdown" if known == "markdown" or MARKDOWN_SIGN.search(start) else "text"
