"""Prepared questions read together with their answers: what customers ask is often closer to the answer's words."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chat.router.words import WordIndex
from knowledge import lexical
from knowledge.embedding import Embedder
from knowledge.snapshot import Snapshot, reading

WORD_SHARE = 0.3
READ_ENTRIES = 1_000
TELLING_TERMS = 8


@dataclass(frozen=True)
class Answers:
    """The vectors and words of question and answer, for the entries whose answer says something of its own.

    An action's title and description count as question and answer. `said` is what was read for an entry.
    """

    entries: NDArray[np.int64]
    vectors: NDArray[np.float32]
    words: WordIndex
    said: Mapping[int, str]

    def closeness(
        self, vector: NDArray[np.float32], terms: Collection[str], otherwise: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """One value for each entry; `otherwise` for those whose answers say nothing."""
        found = otherwise.copy()
        if len(self.entries):
            found[self.entries] = self.vectors @ vector + WORD_SHARE * self.words.likeness(terms)
        return found


def read(snapshot: Snapshot, embedder: Embedder) -> Answers:
    """What the snapshot tells of the first READ_ENTRIES entries."""
    entries = [(faq.question, faq.answer) for faq in snapshot.faqs]
    entries += [(action.title, action.description) for action in snapshot.actions]
    common = Counter(answer for _, answer in entries)
    telling = [
        number
        for number, (_, answer) in enumerate(entries[:READ_ENTRIES])
        if common[answer] == 1 and len(lexical.terms(answer)) >= TELLING_TERMS
    ]
    texts = [reading(*entries[number]) for number in telling]
    said = dict(zip(telling, texts, strict=True))
    return Answers(np.array(telling, np.int64), _vectors(texts, snapshot, embedder), WordIndex(texts), said)


def _vectors(texts: list[str], snapshot: Snapshot, embedder: Embedder) -> NDArray[np.float32]:
    """Those of the snapshot; what the workers have not come to yet is embedded here."""
    missing = [text for text in dict.fromkeys(texts) if text not in snapshot.readings]
    found = dict(zip(missing, embedder.embed_passages(missing), strict=True)) if missing else {}
    vectors = [snapshot.readings[text] if text in snapshot.readings else found[text] for text in texts]
    return np.array(vectors, np.float32).reshape(len(texts), embedder.space.dimension)
