"""The words of a bot's prepared texts: how rare each is, which text holds it, and what a question shares with them."""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from knowledge import lexical


class WordIndex:
    """An inverted index over short texts; likeness is the cosine of their idf weights."""

    def __init__(self, texts: Sequence[str]) -> None:
        bags = [frozenset(lexical.terms(text)) for text in texts]
        self.frequency = Counter(term for bag in bags for term in bag)
        self.size = len(bags)
        lengths = np.array([self._length(bag) for bag in bags], np.float32)
        holding: dict[str, list[int]] = defaultdict(list)
        for number, bag in enumerate(bags):
            for term in bag:
                holding[term].append(number)
        self._postings = {
            term: (np.array(numbers), self.idf(term) / lengths[numbers]) for term, numbers in holding.items()
        }

    def idf(self, term: str) -> float:
        return lexical.idf(self.size, self.frequency[term])

    def likeness(self, terms: Collection[str]) -> NDArray[np.float32]:
        """For each text between 0 and 1; words that no text holds count against all of them."""
        shared = np.zeros(self.size, np.float32)
        length = self._length(terms)
        for term in terms:
            if term in self._postings:
                numbers, shares = self._postings[term]
                shared[numbers] += shares * (self.idf(term) / length)
        return shared

    def mass(self, terms: Iterable[str]) -> float:
        return sum(self.idf(term) for term in terms)

    def _length(self, terms: Iterable[str]) -> float:
        return math.sqrt(sum(self.idf(term) ** 2 for term in terms)) or 1.0
