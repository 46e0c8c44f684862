"""Makes text fit to store and to show: no NUL, no control characters, plain spaces, composed letters."""

from __future__ import annotations

import re
import unicodedata

# Control characters (tab and newline aside), lone surrogates, zero-width marks, soft hyphens and non-characters.
UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b\u2060\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)
LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
SPACES = re.compile(r"[^\S\n]+")
LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"})


def characters(text: str) -> str:
    """Only what may not stay: line ends become newlines, unwanted characters go, spaces are kept."""
    return unicodedata.normalize("NFC", UNWANTED.sub("", LINE_ENDS.sub("\n", text))).translate(LIGATURES)


def lines(text: str) -> str:
    """Runs of spaces become one, empty lines go, line breaks stay."""
    spaced = (SPACES.sub(" ", line).strip() for line in characters(text).split("\n"))
    return "\n".join(line for line in spaced if line)


def line(text: str) -> str:
    """All on one line."""
    return " ".join(characters(text).split())


def code(text: str) -> str:
    """Indentation stays; only the ends are trimmed."""
    return characters(text).expandtabs(4).strip("\n").rstrip()
