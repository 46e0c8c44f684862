"""The bar: what is left when everything but the work itself is left out. One tenant, one table, no scopes, no words."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import psycopg
from pgvector import HalfVector
from pgvector.psycopg import register_vector
from tokenizers import Tokenizer

from benchmarks.peers.system import Setting, Text


class Limit:
    modes = ("dense",)

    def __init__(self, setting: Setting) -> None:
        folder = next(path.parent for path in Path(setting.model).glob("model-*/model.int8.onnx"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(folder / "model.int8.onnx"), options)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(json.loads((folder / "manifest.json").read_text())["token_limit"])
        self._database, self._local = setting.database, threading.local()

    def ingest(self, collection: str, texts: Sequence[Text]) -> None:
        table = collection.replace("-", "_")
        self._connection().execute(f"CREATE TABLE {table} (id text, body text, embedding halfvec(384))")
        with self._connection().cursor().copy(f"COPY {table} FROM STDIN WITH (FORMAT BINARY)") as copy:
            copy.set_types(["text", "text", "halfvec"])
            for text in texts:
                copy.write_row((text.id, text.whole, self._embed(text.whole)))

    def search(self, collection: str, question: str, k: int, mode: str) -> list[str]:
        statement = f"SELECT id, body FROM {collection.replace('-', '_')} ORDER BY embedding <=> %b LIMIT %s"
        return [row[0] for row in self._connection().execute(statement, [self._embed(question), k], prepare=True)]

    def _embed(self, text: str) -> HalfVector:
        states = self._session.run(None, {"input_ids": np.array([self._tokenizer.encode(text).ids])})[0][0]
        return HalfVector(states.mean(axis=0) / np.linalg.norm(states.mean(axis=0)))

    def _connection(self) -> psycopg.Connection:
        if not hasattr(self._local, "connection"):
            self._local.connection = psycopg.connect(self._database, autocommit=True)
            register_vector(self._local.connection)
        return self._local.connection
