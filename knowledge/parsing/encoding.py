"""Bytes to text: byte-order marks, what the file declares, UTF-8, then a careful guess."""

from __future__ import annotations

import codecs
import re

from knowledge.parsing.errors import ParseError

SAMPLE = 64 * 1024
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Short Western European texts are easily taken for one of these, and hardly ever are.
WESTERN_LOOKALIKES = {"cp1250", "cp1252", "cp1254", "cp1257", "latin_1", "iso8859_2", "iso8859_9", "iso8859_15"}
CANDIDATES = [
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "koi8_r",
    "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr", "utf_16_le", "utf_16_be",
]  # fmt: skip
EASTERN_LETTERS = re.compile(b"[\x8c\x8f\x9c\x9f\xa3\xb3\xb9\xbf\xea\xe6\xb1\xbc\xec\xf8\xf9]")
DECLARED = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{2,40})""", re.IGNORECASE)


def decode(data: bytes, html: bool = False) -> str:
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return _strictly(data, encoding) or data.decode(encoding, errors="replace")
    declared = DECLARED.search(data[:4096]) if html else None
    for name in ("utf-8", declared.group(1).decode("ascii") if declared else ""):
        text = _strictly(data, name)
        if text is not None:
            return text
    return data.decode(_guess(data), errors="replace")


def _strictly(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (LookupError, UnicodeError, ValueError):
        return None


def _guess(data: bytes) -> str:
    from charset_normalizer import from_bytes

    if b"\x00" in data[:SAMPLE] and data.count(b"\x00", 0, SAMPLE) < len(data[:SAMPLE]) // 4:
        raise ParseError("unsupported")
    best = from_bytes(data[:SAMPLE], cp_isolation=CANDIDATES).best()
    if best is None or (best.encoding in WESTERN_LOOKALIKES and not _is_eastern(data[:SAMPLE], best.encoding)):
        return "cp1252"
    return best.encoding


def _is_eastern(data: bytes, encoding: str) -> bool:
    """Central European text uses its own letters all the time; in Western text those bytes are rare signs."""
    foreign = [byte for byte in data if byte > 0x7F]
    return encoding == "cp1250" and len(EASTERN_LETTERS.findall(data)) > len(foreign) * 0.6
