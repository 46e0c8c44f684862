"""LlamaIndex with PGVectorStore (HNSW): dense, and its fusion retriever over dense and full-text search."""

from collections.abc import Sequence

from llama_index.core import Document, Settings, StorageContext, VectorStoreIndex
from llama_index.core.llms import MockLLM
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.retrievers import QueryFusionRetriever
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from llama_index.vector_stores.postgres import PGVectorStore

from benchmarks.peers.system import Setting, Text

HNSW = {"hnsw_m": 16, "hnsw_ef_construction": 64, "hnsw_ef_search": 40, "hnsw_dist_method": "vector_cosine_ops"}


class LlamaIndex:
    modes = ("dense", "hybrid")

    def __init__(self, setting: Setting) -> None:
        # No language model takes part: the fusion retriever asks for one even where it writes no questions of its own.
        Settings.llm = MockLLM()
        Settings.embed_model = HuggingFaceEmbedding(setting.model)
        self._database = setting.database
        self._indexes: dict[str, VectorStoreIndex] = {}

    def ingest(self, collection: str, texts: Sequence[Text]) -> None:
        store = PGVectorStore.from_params(
            connection_string=self._database.replace("postgresql://", "postgresql+psycopg2://"),
            async_connection_string=self._database.replace("postgresql://", "postgresql+asyncpg://"),
            table_name=collection.replace("-", "_"),
            hybrid_search=True,
            text_search_config="english",
            embed_dim=384,
            hnsw_kwargs=HNSW,
        )
        documents = [Document(text=text.whole, metadata={}, doc_id=text.id) for text in texts]
        self._indexes[collection] = VectorStoreIndex.from_documents(
            documents,
            storage_context=StorageContext.from_defaults(vector_store=store),
            transformations=[SentenceSplitter(chunk_size=256, chunk_overlap=20)],
        )

    def search(self, collection: str, question: str, k: int, mode: str) -> list[str]:
        index = self._indexes[collection]
        retriever = index.as_retriever(vector_store_query_mode="default", similarity_top_k=k)
        if mode == "hybrid":
            words = index.as_retriever(vector_store_query_mode="sparse", similarity_top_k=k, sparse_top_k=k)
            retriever = QueryFusionRetriever(
                [retriever, words], similarity_top_k=k, num_queries=1, mode="relative_score", use_async=False
            )
        return [found.node.ref_doc_id for found in retriever.retrieve(question)]
