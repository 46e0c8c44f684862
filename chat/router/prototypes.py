"""Built-in example sentences, embedded once for each embedding space."""

from threading import Lock

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import Embedder


class Prototypes:
    """Sentences that a question's vector can be compared with."""

    def __init__(self, sentences: tuple[str, ...]) -> None:
        self.sentences = sentences
        self._vectors: dict[str, NDArray[np.float32]] = {}
        self._lock = Lock()

    def nearest(self, vector: NDArray[np.float32], embedder: Embedder) -> tuple[float, str]:
        """The cosine to the nearest sentence, and the sentence."""
        cosines = self.vectors(embedder) @ vector
        best = int(np.argmax(cosines))
        return float(cosines[best]), self.sentences[best]

    def vectors(self, embedder: Embedder) -> NDArray[np.float32]:
        """(sentences, dimension)"""
        key = embedder.space.key
        with self._lock:
            if key not in self._vectors:
                self._vectors[key] = embedder.embed_queries(list(self.sentences))
            return self._vectors[key]
