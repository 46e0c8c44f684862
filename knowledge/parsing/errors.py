"""Why a file could not be read, in words for the person who uploaded it, and how much a file may ask for."""

from __future__ import annotations

from dataclasses import dataclass

from knowledge.parsing.formats import ACCEPTED

MEGABYTE = 1024 * 1024

MESSAGES = {
    "unsupported": f"This kind of file cannot be read. {ACCEPTED}",
    "encrypted": "This file is password-protected. Save a copy without a password and upload that.",
    "broken": "This file is damaged and cannot be read. Open it, save it again and upload the new copy.",
    "mislabelled": "The content of this file is not what its name says. Save it in the right format and upload that.",
    "empty": "This file has no text in it.",
    "too_large": "This file is too large. Split it into smaller files and upload those.",
    "too_much_text": "This file has more text in it than one document may have. Split it into smaller files and "
    "upload those.",
    "too_many_pages": "This PDF has too many pages. Split it into smaller files and upload those.",
    "too_slow": "Reading this file took too long. Split it into smaller files and upload those.",
    "scanned": "This PDF has pages but no text, so it is probably a scan. Run text recognition (OCR) on it, "
    "or upload the document that it was made from.",
    "memory": "This file needs too much memory to read. Split it into smaller files and upload those.",
}


class ParseError(Exception):
    """`code` is for programs, `message` for the person who uploaded the file."""

    def __init__(self, code: str, message: str = "") -> None:
        self.code = code
        self.message = message or MESSAGES[code]
        super().__init__(self.message)


@dataclass(frozen=True)
class Limits:
    """`seconds` are of processor time, so that no file is refused because the machine was busy."""

    max_bytes: int = 20 * MEGABYTE
    max_pages: int = 2000
    seconds: float = 60.0
    memory_bytes: int = 1024 * MEGABYTE
    max_unpacked_bytes: int = 200 * MEGABYTE
    max_characters: int = 8_000_000
    max_nested: int = 3

    @property
    def patience(self) -> float:
        """Seconds on the clock."""
        return 5 * self.seconds

    def check_size(self, size: int) -> None:
        if size > self.max_bytes:
            raise ParseError(
                "too_large",
                f"This file is {size / MEGABYTE:.1f} MB; at most {self.max_bytes / MEGABYTE:.3g} MB can be read. "
                "Split it into smaller files and upload those.",
            )
