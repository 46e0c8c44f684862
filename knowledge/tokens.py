"""How long a text is: in words for people, and in model tokens, estimated from above without the model."""

from __future__ import annotations

import math
import re

PIECE = re.compile(r"[A-Za-z]+|\d+|[^\W\d_]+|[^\w\s]|_")
# Beyond these letters the model knows hardly more than single characters.
LAST_LATIN = "\u024f"
WIDE = re.compile("[\u2e80-\u9fff\uac00-\ud7af\u3040-\u30ff\uf900-\ufaff\u0e00-\u0e7f]")


def words(text: str) -> int:
    return len(text.split()) + len(WIDE.findall(text)) // 2


def tokens(text: str) -> int:
    """At least as many as a WordPiece tokenizer makes of it, but for rare words."""
    return sum(_of_piece(piece) for piece in PIECE.findall(text))


def _of_piece(piece: str) -> int:
    if len(piece) == 1:
        return 1
    if piece.isdecimal():
        return math.ceil(len(piece) / 1.5)
    if not piece.isascii():
        return len(piece) if max(piece) > LAST_LATIN else math.ceil(len(piece) / 1.6)
    if piece.isupper() and len(piece) > 3:
        return math.ceil(len(piece) / 2.5)
    return 1 if len(piece) <= 6 else math.ceil(len(piece) / 4.5)
