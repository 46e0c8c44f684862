"""Runs an exported model on the CPU with ONNX Runtime; PyTorch is never imported."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from .late_interaction import NO_TOKENS, TokenVectors, token_vectors
from .space import Encoded, Space, normalised
from .store import read_manifest
from .text import readable, words_at

GRAPH = "model.int8.onnx"
TOKENIZER = "tokenizer.json"
# What the token vectors of the bundled model have in common; other models have none.
CENTRE = "centre.npy"
# One question is embedded once for all that needs it.
REMEMBERED_QUERIES = 256
PARALLEL_FROM = 16


class OnnxEmbedder:
    """An `Embedder` for a folder made by `export`.

    Texts go through the model one at a time. Dynamic quantisation scales whatever shares a batch together, so a batch
    would make a text's vector depend on its neighbours, and padding costs more than batching gains: 117 passages a
    second alone against 102 in eights (2 cores, 80 tokens each). Threads share the session; each run uses one core.
    Questions asked at once gain nothing clear either: 32 callers got 373 to 443 a second alone, 397 to 417 in shared
    batches of up to 8 and 255 to 267 of up to 32 (benchmarks/shared_batches.py).
    """

    def __init__(self, folder: Path, *, threads: int = 0) -> None:
        manifest = read_manifest(folder)
        if manifest is None or manifest.rejected:
            raise OSError(f"There is no usable exported model in {folder}.")
        self._manifest = manifest
        self._space = Space(manifest.model, manifest.revision, manifest.dimension)
        self._session = _open_session(folder / GRAPH)
        centre = folder / CENTRE
        self._centre: NDArray[np.float32] | None = np.load(centre) if centre.exists() else None
        self._counter = Tokenizer.from_file(str(folder / TOKENIZER))
        self._counter.no_padding()
        self._counter.no_truncation()
        self._tokenizer = Tokenizer.from_str(self._counter.to_str())
        self._tokenizer.enable_truncation(manifest.token_limit)
        # Half of the cores: whoever asks a question meanwhile finds one free.
        self._threads = threads or max(1, (os.cpu_count() or 1) // 2)
        self._query = lru_cache(REMEMBERED_QUERIES)(self._query_now)

    @property
    def space(self) -> Space:
        return self._space

    @property
    def max_tokens(self) -> int:
        special = self._tokenizer.num_special_tokens_to_add(False)
        return self._manifest.token_limit - special - self.count_tokens(self._manifest.passage_prompt)

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._vectors(self.encode_queries(texts))

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._vectors(self.encode_passages(texts))

    def encode_queries(self, texts: Sequence[str]) -> list[Encoded]:
        if len(texts) == 1:
            return [self._query(texts[0])]
        return self._encode([self._manifest.query_prompt + readable(text) for text in texts])

    def encode_passages(self, texts: Sequence[str]) -> list[Encoded]:
        return self._encode([self._manifest.passage_prompt + readable(text) for text in texts])

    def token_vectors(self, query: str) -> TokenVectors:
        return NO_TOKENS if self._centre is None else self._query(query).tokens

    def token_words(self, query: str) -> list[str]:
        if self._centre is None:
            return []
        read = self._manifest.query_prompt + readable(query)
        return words_at(read, self._tokenizer.encode(read).offsets[1:-1])

    def count_tokens(self, text: str) -> int:
        return len(self._counter.encode(readable(text, whole=True), add_special_tokens=False).ids)

    def _vectors(self, encoded: Sequence[Encoded]) -> NDArray[np.float32]:
        vectors = np.empty((len(encoded), self._space.dimension), np.float32)
        for row, each in enumerate(encoded):
            vectors[row] = each.vector
        return vectors

    def _encode(self, texts: list[str]) -> list[Encoded]:
        if self._threads > 1 and len(texts) >= PARALLEL_FROM:
            with ThreadPoolExecutor(self._threads) as pool:
                return list(pool.map(self._encode_one, texts))
        return [self._encode_one(text) for text in texts]

    def _encode_one(self, text: str) -> Encoded:
        states = self._hidden_states(self._tokenizer.encode(text))
        tokens = NO_TOKENS if self._centre is None else token_vectors(states, self._centre)
        return Encoded(self._pool(states), tokens)

    def _query_now(self, text: str) -> Encoded:
        encoded = self._encode_one(self._manifest.query_prompt + readable(text))
        # It is remembered, so nobody may change it.
        encoded.vector.flags.writeable = encoded.tokens.flags.writeable = False
        return encoded

    def _hidden_states(self, encoding: Encoding) -> NDArray[np.float32]:
        token_ids = np.array([encoding.ids], dtype=np.int64)
        states: NDArray[np.float32] = self._session.run(None, {"input_ids": token_ids})[0][0]
        return states

    def _pool(self, states: NDArray[np.float32]) -> NDArray[np.float32]:
        return normalised(states[0] if self._manifest.pooling == "cls" else states.mean(axis=0))


def _open_session(graph: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # it would keep the memory of the longest text for good
    options.log_severity_level = 3
    # Fused, a normalisation takes five times as long as it does beside the addition before it.
    slower = ["SkipLayerNormFusion"]
    return onnxruntime.InferenceSession(
        str(graph), options, providers=["CPUExecutionProvider"], disabled_optimizers=slower
    )
