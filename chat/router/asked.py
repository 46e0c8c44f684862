"""A question as a bot knows its words."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chat.router.learned import Learned
from chat.router.salience import importance, needs
from knowledge import lexical
from knowledge.embedding import TokenVectors

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


@dataclass(frozen=True)
class Asked:
    """A question's terms (stems of its content words), and which of them the bot has never heard.

    `novel_names` are unheard words that look like names: capitalised inside a sentence, or with digits. `tokens` are
    its token vectors; one for each of them, `weights` (together 1) is what each tells and `needs` how much it must be
    found; both once more for actions, whose questions name things that only an API knows: to them names are nothing.
    """

    terms: frozenset[str]
    novel: frozenset[str]
    novel_names: frozenset[str]
    tokens: TokenVectors
    weights: NDArray[np.float32]
    weights_of_actions: NDArray[np.float32]
    needs: NDArray[np.float32]
    needs_of_actions: NDArray[np.float32]

    def __bool__(self) -> bool:
        return bool(self.terms)


def read(learned: Learned, text: str, tokens: TokenVectors, token_words: Sequence[str]) -> Asked:
    """A question as this bot knows its words. `tokens` and `token_words` are what an embedder tells of it."""
    terms = frozenset(lexical.terms(text)) - lexical.STOP_WORDS
    novel = terms - learned.known
    names = frozenset(_names(text)) & novel
    named = np.array([term in names for term in _terms(token_words)], bool)
    if len(named) != len(tokens):
        named = np.zeros(len(tokens), bool)
    weights, matters = importance(tokens, rarity(learned, tokens, token_words)), needs(tokens)
    return Asked(terms, novel, names, tokens, weights, _shared(weights * ~named), matters, matters * ~named)


def rarity(learned: Learned, tokens: TokenVectors, token_words: Sequence[str]) -> NDArray[np.float32]:
    """The rarity of each token's term, shared out among its tokens; together 1, or the same for all where nothing
    carries meaning."""
    terms = _terms(token_words)
    counts = Counter(terms)
    found = np.array([learned.rarity(term) / counts[term] if term else 0.0 for term in terms], np.float32)
    return _shared(found if len(found) == len(tokens) else np.zeros(len(tokens), np.float32))


def _terms(words: Sequence[str]) -> list[str]:
    """Of each word; nothing for what is none."""
    return [next(iter(lexical.terms(word)), "") for word in words]


def _shared(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Together 1; the same for all where there is none."""
    if not weights.any():
        return np.full(len(weights), 1 / max(len(weights), 1), np.float32)
    shares: NDArray[np.float32] = weights / weights.sum()
    return shares


def _names(text: str) -> set[str]:
    words = [(match.start(), match.group()) for match in _WORD.finditer(text)]
    shouted = sum(word.isupper() for _, word in words) > len(words) / 2
    found = set()
    for number, (start, word) in enumerate(words):
        inside = number > 0 and text[:start].rstrip()[-1:] not in {".", "!", "?", ":", "-"}
        if (inside and not shouted and word[0].isupper()) or any(letter.isdigit() for letter in word):
            found.update(lexical.terms(word))
    return found
