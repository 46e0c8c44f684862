"""Finding and loading an embedding model: its revision, once for each process, and what is said when it is absent."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from knowledge import embedding
from knowledge.embedding import Embedder, ModelChoice, ModelNotFound, load, load_embedder
from knowledge.embedding.source import BUNDLED_NAME, locate, source_of


def test_revision_follows_the_content_not_the_place(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text('{"hidden_size": 8}')
        (tmp_path / name / "model.safetensors").write_bytes(b"weights")
    one = locate(str(tmp_path / "one"))
    assert one.revision == locate(str(tmp_path / "two")).revision
    (tmp_path / "two" / "model.safetensors").write_bytes(b"Weights")
    assert one.revision != locate(str(tmp_path / "two")).revision
    (tmp_path / "one" / "README.md").write_text("changes nothing")
    assert one == locate(str(tmp_path / "one"))


@pytest.mark.parametrize("name", ["/no/such/folder", "nobody/has-this-model"])
def test_a_missing_model_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=f"EMBEDDING_MODEL: .*{name}"):
        load_embedder(ModelChoice(name), tmp_path, "cpu")


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match="holds no model"):
        locate(str(tmp_path))


def test_a_process_loads_its_embedder_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[ModelChoice] = []
    monkeypatch.setattr(embedding, "_loaded", {})
    monkeypatch.setattr(embedding, "load_embedder", lambda choice, *_: loaded.append(choice) or object())
    together = threading.Barrier(8)

    def get(_: int) -> Embedder:
        together.wait()
        return embedding.get_embedder()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(get, range(8)))) == 1
    assert loaded == [ModelChoice()]


def test_a_space_and_the_installation_share_one_loaded_model() -> None:
    embedder = embedding.get_embedder()
    assert embedding.get_embedder(ModelChoice(), embedder.space) is embedder


def test_prompts_of_the_operator_make_a_space_of_their_own() -> None:
    plain, prompted = source_of(ModelChoice()), source_of(ModelChoice(query_prompt="query: "))
    assert (prompted.name, prompted.folder) == (plain.name, plain.folder)
    assert prompted.revision != plain.revision
    assert prompted.revision != source_of(ModelChoice(passage_prompt="query: ")).revision


def test_prepare_does_not_export_for_a_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    exported_for: list[str] = []
    monkeypatch.setattr(load, "ensure_exported", lambda source, _: exported_for.append(source.name))
    load.prepare_model(ModelChoice(), tmp_path, "cuda")
    assert exported_for == []
    load.prepare_model(ModelChoice(), tmp_path, "cpu")
    assert exported_for == [BUNDLED_NAME]
