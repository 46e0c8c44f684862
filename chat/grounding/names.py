"""The names in a statement, and whether a source knows them as they are put together."""

import re
from collections.abc import Collection

from knowledge import lexical

_WORD = re.compile(r"[^\W\d_][\w'’-]*")
_TITLES = frozenset(["mr", "mrs", "ms", "miss", "dr", "prof", "professor", "sir", "madam"])
_NO_NAMES = frozenset(["i", "i'm", "i'll", "i'd", "i've", "ok", "okay", "pm", "am"]) | _TITLES
_OPENING = re.compile(r"(?:^|[.!?:;•\-–(\"“]\s*)$")
# "Professor Hana Sato" may be called "Professor Sato".
BETWEEN = 1


def unknown_names(statement: str, source: str, allowed: Collection[str]) -> list[str]:
    """Names that the source does not hold, or not beside one another as the statement has them."""
    known = _folded(source)
    places: dict[str, list[int]] = {}
    for place, word in enumerate(known):
        places.setdefault(word, []).append(place)
    unknown: list[str] = []
    before: tuple[str, int] | None = None
    for name, start, end in _names(statement):
        form = _fold(name)
        if form in allowed:
            continue
        beside = before is not None and statement[before[1] : start].isspace()
        if form not in places or (before and beside and not _stand_together(before[0], form, places)):
            unknown.append(name)
        before = (form, end)
    return unknown


def folded_words(text: str) -> frozenset[str]:
    return frozenset(_folded(text))


def _names(statement: str) -> list[tuple[str, int, int]]:
    """Capitalised words that do not owe it to the place where they stand."""
    found = []
    for match in _WORD.finditer(statement):
        word = match.group()
        if not word[0].isupper() or word.lower().replace("’", "'") in _NO_NAMES:
            continue
        opens = _OPENING.search(statement[: match.start()]) is not None
        if opens and not (word.isupper() and len(word) > 1) and not _another_follows(statement, match.end(), word):
            continue
        found.append((word, *match.span()))
    return found


def _another_follows(statement: str, end: int, word: str) -> bool:
    """Whether a capitalised word follows: "Maple Room", but not "Is Elin"."""
    following = re.match(r"\s+([A-Z][\w'’-]*)", statement[end:])
    return following is not None and word.lower() not in lexical.STOP_WORDS and following.group(1) not in ("I", "I'm")


def _stand_together(first: str, second: str, places: dict[str, list[int]]) -> bool:
    return any(0 < after - before <= BETWEEN + 1 for before in places.get(first, ()) for after in places[second])


def _folded(text: str) -> list[str]:
    return [_fold(match.group()) for match in _WORD.finditer(text)]


def _fold(word: str) -> str:
    word = word.lower().replace("’", "'").removesuffix("'s").rstrip("'-")
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
