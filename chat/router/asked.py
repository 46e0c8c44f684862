"""A question as a bot knows its words."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chat.router.learned import Learned
from knowledge import lexical
from knowledge.embedding import TokenVectors

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


@dataclass(frozen=True)
class Asked:
    """A question's terms (stems of its content words), and which of them the bot has never heard.

    `novel_names` are unheard words that look like names: capitalised inside a sentence, or with digits. `tokens` are
    its token vectors, `weights` (one for each of them, together 1) what each tells by how rare its word is, and
    `weights_of_actions` the same for actions: their questions name things that only an API knows.
    """

    terms: frozenset[str]
    novel: frozenset[str]
    novel_names: frozenset[str]
    tokens: TokenVectors
    weights: NDArray[np.float32]
    weights_of_actions: NDArray[np.float32]

    def __bool__(self) -> bool:
        return bool(self.terms)


def read(learned: Learned, text: str, tokens: TokenVectors, token_words: Sequence[str]) -> Asked:
    """A question as this bot knows its words. `tokens` and `token_words` are what an embedder tells of it."""
    terms = frozenset(lexical.terms(text)) - lexical.STOP_WORDS
    novel = terms - learned.known
    names = frozenset(_names(text)) & novel
    words = [next(iter(lexical.terms(word)), "") for word in token_words]
    known = ["" if word in names else word for word in words]
    return Asked(terms, novel, names, tokens, _weights(learned, tokens, words), _weights(learned, tokens, known))


def _weights(learned: Learned, tokens: TokenVectors, terms: Sequence[str]) -> NDArray[np.float32]:
    """The rarity of each token's term, shared out among its tokens; the same for all where nothing carries meaning."""
    counts = Counter(terms)
    found = np.array([learned.rarity(term) / counts[term] if term else 0.0 for term in terms], np.float32)
    if len(found) != len(tokens) or not found.any():
        return np.full(len(tokens), 1 / max(len(tokens), 1), np.float32)
    weights: NDArray[np.float32] = found / found.sum()
    return weights


def _names(text: str) -> set[str]:
    words = [(match.start(), match.group()) for match in _WORD.finditer(text)]
    shouted = sum(word.isupper() for _, word in words) > len(words) / 2
    found = set()
    for number, (start, word) in enumerate(words):
        inside = number > 0 and text[:start].rstrip()[-1:] not in {".", "!", "?", ":", "-"}
        if (inside and not shouted and word[0].isupper()) or any(letter.isdigit() for letter in word):
            found.update(lexical.terms(word))
    return found
