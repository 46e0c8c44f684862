"""Runs a model with sentence-transformers in PyTorch: on a GPU, and where a model cannot be exported."""

import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

from . import tuning
from .late_interaction import NO_TOKENS, TokenVectors, token_vectors
from .shared_batches import SharedBatches
from .source import BUNDLED_NAME, ModelSource
from .space import Encoded, Space, normalised
from .text import readable, words_at

MAX_TOKENS = 256
REMEMBERED_QUERIES = 256
BATCH_SIZE = {"cpu": 16, "cuda": 128}


class TorchEmbedder:
    """An `Embedder` for any sentence-transformers model. Its vectors share the space of the exported model."""

    def __init__(self, source: ModelSource, device: str = "cpu") -> None:
        self._model = load_model(source, device)
        self._space = Space(source.name, source.revision, int(self._model.get_embedding_dimension() or 0))
        self._centre = tuning.centre() if source.name == BUNDLED_NAME else None
        self._query_prompt, self._passage_prompt = prompts_of(self._model)
        self._batch_size = BATCH_SIZE.get(device.split(":")[0], 32)
        # A transformers tokenizer may not be used by two threads at once.
        self._lock = threading.Lock()
        # Half the work for each of eight questions asked at once (10.7 instead of 20 ms of a core), a third for 32.
        self._queries = SharedBatches(self._query_batch, self._batch_size)
        self._query = lru_cache(REMEMBERED_QUERIES)(lambda text: self._queries([text])[0])

    @property
    def space(self) -> Space:
        return self._space

    @property
    def max_tokens(self) -> int:
        special = self._model.tokenizer.num_special_tokens_to_add()
        return token_limit_of(self._model) - int(special) - self.count_tokens(self._passage_prompt)

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._vectors(self.encode_queries(texts))

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._vectors(self.encode_passages(texts))

    def encode_queries(self, texts: Sequence[str]) -> list[Encoded]:
        return [self._query(texts[0])] if len(texts) == 1 else self._queries(texts)

    def encode_passages(self, texts: Sequence[str]) -> list[Encoded]:
        return self._encode(texts, self._passage_prompt)

    def token_vectors(self, query: str) -> TokenVectors:
        return NO_TOKENS if self._centre is None else self._query(query).tokens

    def token_words(self, query: str) -> list[str]:
        if self._centre is None:
            return []
        read = self._query_prompt + readable(query)
        with self._lock:
            encoding = self._model.tokenizer(
                read, return_offsets_mapping=True, truncation=True, max_length=self._model.max_seq_length
            )
        return words_at(read, encoding["offset_mapping"][1:-1])

    def count_tokens(self, text: str) -> int:
        with self._lock:
            encoding = self._model.tokenizer(
                readable(text, whole=True), add_special_tokens=False, truncation=False, verbose=False
            )
        return len(encoding["input_ids"])

    def _vectors(self, encoded: Sequence[Encoded]) -> NDArray[np.float32]:
        vectors = np.empty((len(encoded), self._space.dimension), np.float32)
        for row, each in enumerate(encoded):
            vectors[row] = each.vector
        return vectors

    def _query_batch(self, texts: Sequence[str]) -> list[Encoded]:
        return self._encode(texts, self._query_prompt)

    def _encode(self, texts: Sequence[str], prompt: str) -> list[Encoded]:
        if not texts:
            return []
        with self._lock:
            found: Any = self._model.encode(
                [readable(text) for text in texts],
                prompt=prompt,
                batch_size=self._batch_size,
                output_value=None,
                show_progress_bar=False,
            )
        return [self._encoded(each) for each in found]

    def _encoded(self, found: dict[str, Any]) -> Encoded:
        vector = normalised(found["sentence_embedding"].float().cpu().numpy())
        if self._centre is None:
            return Encoded(vector, NO_TOKENS)
        states = found["token_embeddings"][found["attention_mask"].bool()]
        return Encoded(vector, token_vectors(states.float().cpu().numpy(), self._centre))


def load_model(source: ModelSource, device: str) -> SentenceTransformer:
    model = SentenceTransformer(str(source.folder), device=device, local_files_only=True)
    if source.name == BUNDLED_NAME:
        tuning.apply(model)
    model.max_seq_length = token_limit_of(model)
    passage = source.passage_prompt
    given = {"query": source.query_prompt, "document": passage, "passage": passage}
    model.prompts = {**(model.prompts or {}), **{name: prompt for name, prompt in given.items() if prompt is not None}}
    return model.eval()


def token_limit_of(model: SentenceTransformer) -> int:
    """Tokens of a text that are read, prompt and special tokens included."""
    return min(model.max_seq_length or MAX_TOKENS, MAX_TOKENS)


def prompts_of(model: SentenceTransformer) -> tuple[str, str]:
    """What the model wants in front of a query and of a passage."""
    prompts = model.prompts or {}
    return prompts.get("query") or "", prompts.get("document") or prompts.get("passage") or ""
