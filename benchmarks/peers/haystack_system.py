"""Haystack with its pgvector store: dense, and the pipeline of embedding and keyword retrievers with a joiner."""

import os
from collections.abc import Sequence

from haystack import Document, Pipeline
from haystack.components.joiners import DocumentJoiner
from haystack.components.preprocessors import DocumentSplitter
from haystack.components.writers import DocumentWriter
from haystack.document_stores.types import DuplicatePolicy
from haystack.utils import ComponentDevice
from haystack_integrations.components.embedders.sentence_transformers import (
    SentenceTransformersDocumentEmbedder,
    SentenceTransformersTextEmbedder,
)
from haystack_integrations.components.retrievers.pgvector import PgvectorEmbeddingRetriever, PgvectorKeywordRetriever
from haystack_integrations.document_stores.pgvector import PgvectorDocumentStore

from benchmarks.peers.system import Setting, Text


class Haystack:
    modes = ("dense", "hybrid")

    def __init__(self, setting: Setting) -> None:
        os.environ["PG_CONN_STR"] = setting.database
        self._model = setting.model
        self._pipelines: dict[tuple[str, str], Pipeline] = {}

    def ingest(self, collection: str, texts: Sequence[Text]) -> None:
        table = collection.replace("-", "_")
        store = PgvectorDocumentStore(table_name=table, embedding_dimension=384, keyword_index_name=f"{table}_keyword")
        indexing = Pipeline()
        indexing.add_component("split", DocumentSplitter(split_by="word", split_length=150, split_overlap=20))
        indexing.add_component("embed", SentenceTransformersDocumentEmbedder(**self._embedding()))
        indexing.add_component("write", DocumentWriter(store, DuplicatePolicy.OVERWRITE))
        indexing.connect("split", "embed")
        indexing.connect("embed", "write")
        documents = [Document(content=text.whole, meta={"source": text.id}) for text in texts]
        indexing.run({"split": {"documents": documents}})
        self._pipelines[collection, "dense"] = self._dense(store)
        self._pipelines[collection, "hybrid"] = self._hybrid(store)

    def search(self, collection: str, question: str, k: int, mode: str) -> list[str]:
        asked = {"embed": {"text": question}, "vectors": {"top_k": k}}
        if mode == "hybrid":
            asked |= {"words": {"query": question, "top_k": k}, "join": {"top_k": k}}
        found = self._pipelines[collection, mode].run(asked)["join" if mode == "hybrid" else "vectors"]
        return [document.meta["source"] for document in found["documents"]]

    def _dense(self, store: PgvectorDocumentStore) -> Pipeline:
        pipeline = Pipeline()
        pipeline.add_component("embed", SentenceTransformersTextEmbedder(**self._embedding()))
        pipeline.add_component("vectors", PgvectorEmbeddingRetriever(document_store=store))
        pipeline.connect("embed.embedding", "vectors.query_embedding")
        return pipeline

    def _hybrid(self, store: PgvectorDocumentStore) -> Pipeline:
        pipeline = self._dense(store)
        pipeline.add_component("words", PgvectorKeywordRetriever(document_store=store))
        pipeline.add_component("join", DocumentJoiner(join_mode="reciprocal_rank_fusion"))
        pipeline.connect("vectors", "join")
        pipeline.connect("words", "join")
        return pipeline

    def _embedding(self) -> dict[str, object]:
        device = ComponentDevice.from_str("cpu")
        return {"model": self._model, "device": device, "progress_bar": False, "normalize_embeddings": True}
