"""Makes any string fit to be embedded."""

import re
from collections.abc import Iterable

# Far beyond what the models read, and short enough that a hostile message costs next to nothing.
READ_CHARACTERS = 20_000


def readable(text: str, *, whole: bool = False) -> str:
    """The text without lone surrogates, which no tokenizer takes, and cut to what could matter unless `whole`."""
    return (text if whole else text[:READ_CHARACTERS]).encode("utf-8", "replace").decode("utf-8")


def words_at(text: str, places: Iterable[tuple[int, int]]) -> list[str]:
    """For each place (start and end in characters) the word of the text that it lies in; '' where it is in none."""
    words = [(match.start(), match.end(), match.group()) for match in _WORD.finditer(text)]
    return [next((word for start, end, word in words if start <= place < end), "") for place, _ in places]


_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
