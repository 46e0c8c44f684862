"""Corrects slips of the keyboard to words that the bot knows, and leaves everything else as it was written.

A name that the bot has never heard ("Teams") must not become a word that it has ("terms"). So only long words are
touched, only towards one known word that is near, and never a word that the embedding model knows as a whole: its own
list of words stands in for a dictionary.
"""

import re
from collections import defaultdict
from collections.abc import Collection

from knowledge import lexical
from knowledge.embedding import Embedder

SHORTEST, SHORTEST_FOR_TWO = 5, 8
LONGEST = 24
WORDS_CORRECTED = 60
_WORD = re.compile(r"[^\W\d_]+")


class Spellings:
    """The words of a bot, found by their first letter and length. `terms` are stems that need no help."""

    def __init__(self, words: Collection[str], terms: frozenset[str]) -> None:
        self.words = frozenset(word for word in words if word.isalpha() and SHORTEST - 1 <= len(word) <= LONGEST)
        self.terms = terms
        self._alike: dict[tuple[str, int], list[tuple[str, frozenset[str]]]] = defaultdict(list)
        for word in self.words:
            self._alike[word[0], len(word)].append((word, frozenset(word)))

    def knows(self, word: str) -> bool:
        return word in self.words or word in lexical.STOP_WORDS or not self.terms.isdisjoint(lexical.terms(word))

    def nearest(self, word: str) -> str | None:
        """The known word that was most likely meant; nothing where there is none, or two that differ in meaning."""
        allowed = 2 if len(word) >= SHORTEST_FOR_TWO else 1
        letters = frozenset(word)
        near: dict[int, set[str]] = defaultdict(set)
        for length in range(len(word) - allowed, len(word) + allowed + 1):
            for known, of_known in self._alike.get((word[0], length), ()):
                # A slip changes two letters at most; counting them is quicker than aligning.
                if len(letters ^ of_known) <= 2 * allowed:
                    near[slips(word, known)].add(known)
        closest = min(near, default=allowed + 1)
        if closest > allowed or len({tuple(lexical.terms(known)) for known in near[closest]}) > 1:
            return None
        return min(near[closest])


def corrected(text: str, spellings: Spellings, embedder: Embedder) -> str:
    """The text with its slips corrected; the very same text where there are none."""
    places = list(_WORD.finditer(text))[:WORDS_CORRECTED]
    for match in reversed(places):
        word = match.group().lower()
        named = match.group()[0].isupper() and match.start() > 0
        if named or not SHORTEST <= len(word) <= LONGEST or spellings.knows(word) or embedder.count_tokens(word) == 1:
            continue
        meant = spellings.nearest(word)
        if meant:
            text = text[: match.start()] + meant + text[match.end() :]
    return text


def slips(word: str, known: str) -> int:
    """How many letters are missing, added, wrong, or swapped with their neighbour (Damerau 1964, restricted)."""
    before: list[int] = []
    last = list(range(len(known) + 1))
    for row, letter in enumerate(word, 1):
        current = [row]
        for column, other in enumerate(known, 1):
            cost = min(last[column] + 1, current[-1] + 1, last[column - 1] + (letter != other))
            if row > 1 and column > 1 and letter == known[column - 2] and word[row - 2] == other:
                cost = min(cost, before[column - 2] + 1)
            current.append(cost)
        before, last = last, current
    return last[-1]
