"""LangChain with PGVectorStore: dense, its own hybrid search (tsvector, rank fusion), and an ensemble with BM25."""

from collections.abc import Sequence

from langchain_classic.retrievers import EnsembleRetriever
from langchain_community.retrievers import BM25Retriever
from langchain_core.documents import Document
from langchain_huggingface import HuggingFaceEmbeddings
from langchain_postgres import PGEngine, PGVectorStore
from langchain_postgres.v2.hybrid_search_config import HybridSearchConfig, reciprocal_rank_fusion
from langchain_text_splitters import RecursiveCharacterTextSplitter

from benchmarks.peers.system import Setting, Text

CANDIDATES = 20


class LangChain:
    modes = ("dense", "hybrid", "ensemble")

    def __init__(self, setting: Setting) -> None:
        self._engine = PGEngine.from_connection_string(
            setting.database.replace("postgresql://", "postgresql+psycopg://")
        )
        self._embeddings = HuggingFaceEmbeddings(model_name=setting.model, encode_kwargs={"normalize_embeddings": True})
        self._splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
        self._stores: dict[str, PGVectorStore] = {}
        self._keywords: dict[str, BM25Retriever] = {}

    def ingest(self, collection: str, texts: Sequence[Text]) -> None:
        table = collection.replace("-", "_")
        config = _hybrid(table)
        self._engine.init_vectorstore_table(table, vector_size=384, hybrid_search_config=config)
        store = PGVectorStore.create_sync(self._engine, self._embeddings, table, hybrid_search_config=config)
        whole = [Document(page_content=text.whole, metadata={"source": text.id}) for text in texts]
        documents = self._splitter.split_documents(whole)
        store.add_documents(documents)
        store.apply_hybrid_search_index()
        self._stores[collection] = store
        self._keywords[collection] = BM25Retriever.from_documents(documents)

    def search(self, collection: str, question: str, k: int, mode: str) -> list[str]:
        store = self._stores[collection]
        if mode == "dense":
            found = store.similarity_search(question, k=k, hybrid_search_config=None)
        elif mode == "hybrid":
            found = store.similarity_search(question, k=k, hybrid_search_config=_hybrid(collection))
        else:
            keywords = self._keywords[collection].model_copy(update={"k": k})
            dense = store.as_retriever(search_kwargs={"k": k, "hybrid_search_config": None})
            found = EnsembleRetriever(retrievers=[keywords, dense], weights=[0.5, 0.5]).invoke(question)[:k]
        return [document.metadata["source"] for document in found]


def _hybrid(table: str) -> HybridSearchConfig:
    # Of its own for each search: the store writes the question into it.
    return HybridSearchConfig(
        tsv_column="content_tsv",
        index_name=f"{table}_words",
        fusion_function=reciprocal_rank_fusion,
        primary_top_k=CANDIDATES,
        secondary_top_k=CANDIDATES,
    )
