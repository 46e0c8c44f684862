"""Joins the lines of a paragraph: words divided at a line's end become whole, true hyphens stay."""

from __future__ import annotations

import re
from collections import Counter

from knowledge.parsing.blocks import Block
from knowledge.parsing.pdf_lines import Line

DIVIDED = re.compile(r"([^\W\d_]+(?:-[^\W\d_]+)*)[-\u00ad\u2010]$")
FIRST_WORD = re.compile(r"[^\W\d_]+")
COMPOUND = re.compile(r"[^\W\d_]+-[^\W\d_]+")
# First halves that are hardly ever one word with what follows.
KEEPS_HYPHEN = {
    "all", "cost", "cross", "ex", "full", "half", "high", "long", "low", "non", "one", "part", "pre", "self",
    "short", "third", "two", "well",
}  # fmt: skip
LONG_TEXT = 80
SENTENCE_END = re.compile(r"[.!?:;][\"'”’)\]]*$")


class Joiner:
    def __init__(self, lines: list[Line]) -> None:
        self.compounds: Counter[str] = Counter()
        self.words: Counter[str] = Counter()
        for line in lines:
            self.compounds.update(word.lower() for word in COMPOUND.findall(line.text))
            self.words.update(word.lower() for word in FIRST_WORD.findall(line.text))

    def join(self, text: str, following: str) -> str:
        divided = DIVIDED.search(text[-LONG_TEXT:])
        second = FIRST_WORD.match(following)
        if not divided or not second:
            return f"{text} {following}"
        if not second.group()[0].islower():
            return text + following
        first = divided.group(1).lower()
        whole, compound = first + second.group().lower(), f"{first}-{second.group().lower()}"
        hyphenated = self.compounds[compound] > 0 or first in KEEPS_HYPHEN or "-" in first
        if hyphenated and not self.words[whole] and text[-1] != "\u00ad":
            return text + following
        return text[:-1] + following

    def continues(self, before: Block, block: Block) -> bool:
        """Whether a page begins in the middle of the sentence that the page before ended with."""
        if block.kind != "paragraph" or before.kind not in ("paragraph", "list_item"):
            return False
        if SENTENCE_END.search(before.text):
            return False
        return block.text[:1].islower() or len(before.text) > LONG_TEXT or bool(DIVIDED.search(before.text))
