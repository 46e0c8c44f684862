"""Cuts text into sentences, without being fooled by abbreviations, decimals, initials and times."""

from __future__ import annotations

import re

# After these a full stop ends nothing, whatever follows.
TITLES = {
    "mr", "mrs", "ms", "dr", "prof", "st", "rev", "hon", "sen", "rep", "gov", "gen", "capt", "lt", "col", "sgt",
    "messrs", "no", "nos", "vs", "cf", "e.g", "i.e", "eg", "ie", "viz", "approx", "ca", "fig", "figs", "art",
    "sec", "para", "vol", "ch", "pp", "p", "ref", "tel", "ext", "max", "min", "incl", "excl", "esp", "est", "al",
    "mt", "ft", "bzw", "z.b",
}  # fmt: skip
# After these it ends a sentence only if the next word looks like the start of one.
MAYBE = {
    "etc", "inc", "ltd", "co", "corp", "plc", "llc", "bros", "jr", "sr", "ph.d", "b.a", "m.a", "u.s", "u.k",
    "u.s.a", "e.u", "d.c", "a.m", "p.m", "am", "pm", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep",
    "sept", "oct", "nov", "dec", "mon", "tue", "tues", "wed", "thu", "thur", "thurs", "fri", "sat", "sun", "hrs",
    "mins", "dept", "ave", "blvd", "rd",
}  # fmt: skip
STARTERS = {
    "a", "after", "all", "also", "an", "any", "as", "at", "before", "but", "by", "customers", "each", "every",
    "for", "from", "he", "how", "however", "i", "if", "in", "it", "its", "no", "on", "once", "orders",
    "otherwise", "our", "outside", "please", "she", "so", "that", "the", "their", "then", "there", "these",
    "they", "this", "those", "to", "unless", "until", "we", "what", "when", "where", "while", "who", "why",
    "with", "you", "your",
}  # fmt: skip
# Numbers are for these ("No. 5"); otherwise they are words that may end a sentence ("The answer is no.").
BEFORE_NUMBERS = {
    "no", "nos", "p", "pp", "ch", "art", "sec", "para", "vol", "fig", "figs", "max", "min", "ext", "ref", "tel",
    "est", "al",
}  # fmt: skip
NEARBY = 60
END = re.compile(r"(?:[.!?…]+[\"'”’»)\]]*(?=\s)|[。！？]+[」』”’）]*)\s*")
LAST_WORD = re.compile(r"([^\s(\[\"'“‘«]+)$")
NEXT_WORD = re.compile(r"[\"'“‘«(\[¿¡]*([\w’']+|[£$€#@+\-–—•*])")
LIST_NUMBER = re.compile(r"^\(?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,4})$")


def sentences(text: str) -> list[str]:
    """A line break always ends a sentence: in a chunk it parts list items and table rows."""
    return [sentence for line in text.split("\n") for sentence in _of_line(" ".join(line.split()))]


def first_end(text: str) -> int | None:
    """Where the first sentence of a growing text ends, with the space after it; None while more could belong to it."""
    start = len(text) - len(text.lstrip())
    line = text.find("\n", start)
    for end in END.finditer(text, start, len(text) if line < 0 else line):
        before, after = text[max(start, end.start() - NEARBY) : end.start()], text[end.end() : end.end() + NEARBY]
        if after.strip() and _ends(before, end.group().strip(), after):
            return end.end()
    if line < 0:
        return None
    following = len(text) - len(text[line:].lstrip())
    return following if following < len(text) else None


def _of_line(line: str) -> list[str]:
    found: list[str] = []
    start = 0
    for end in END.finditer(line):
        before, after = line[max(start, end.start() - NEARBY) : end.start()], line[end.end() : end.end() + NEARBY]
        if after and _ends(before, end.group().strip(), after):
            found.append(line[start : end.end()].strip())
            start = end.end()
    rest = line[start:].strip()
    return [*found, rest] if rest else found


def _ends(before: str, mark: str, after: str) -> bool:
    following = NEXT_WORD.match(after)
    word = following.group(1) if following else ""
    if not word or word[0].islower():
        return mark[0] in "。！？" or not following
    if not mark.startswith(".") or mark.startswith(".."):
        return True
    last = LAST_WORD.search(before)
    final = last.group(1) if last else ""
    if LIST_NUMBER.match(before.strip()):
        return False
    return _stop_ends(final, word)


def _stop_ends(final: str, word: str) -> bool:
    """Whether the full stop after `final` ends a sentence when `word` comes next."""
    key = final.lower().rstrip(".")
    if key in BEFORE_NUMBERS:
        return not (word[0].isdigit() or (key not in {"no", "max", "min"} and word.lower() not in STARTERS))
    if key in TITLES:
        return False
    if len(final) == 1 and final.isupper():  # an initial, unless a sentence starts: "vitamin C. The"
        return word.lower() in STARTERS
    if key in MAYBE:
        return word.lower() in STARTERS or (word[0] in "£$€•*" and key == "etc")
    return True
