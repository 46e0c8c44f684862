"""Embedding: the bundled model as it was exported for this test run, compared with PyTorch; and how exports go.

Nothing about how an export goes depends on the model's size, so those tests export the tiny one.
"""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings

from knowledge.embedding import Embedder, ModelChoice, Space, load_embedder, store
from knowledge.embedding.onnx_embedder import GRAPH, OnnxEmbedder
from knowledge.embedding.source import BUNDLED_NAME, ModelSource, locate
from knowledge.embedding.space import folder_name

ROOT = Path(__file__).resolve().parents[2]
NAUGHTY_STRINGS = ROOT.parent / "shared" / "data" / "naughty_strings" / "blns.json"
QUESTIONS = [
    "How do I reset my password?",
    "Where is my parcel?",
    "What does the premium account cost?",
    "Can I return shoes that I have worn outside?",
    "talk to a person",
    "Is the mortgage rate fixed for ten years, and what happens if I want to repay it earlier than that?",
]
# Starts from a bare interpreter, as web and worker do; says whether it exported and what it imported.
START = """
import json, logging, sys
from pathlib import Path
logging.basicConfig(level=logging.INFO, stream=sys.stderr)
from knowledge.embedding import ModelChoice, load_embedder
embedder = load_embedder(ModelChoice(sys.argv[2]), Path(sys.argv[1]), "cpu")
vector = embedder.embed_queries(["Where is my parcel?"])[0]
heavy = [name for name in ("torch", "transformers", "sentence_transformers", "onnx", "django") if name in sys.modules]
print(json.dumps({"kind": type(embedder).__name__, "heavy": heavy, "vector": vector.tolist()}))
"""

BUSINESSES = Path(__file__).parents[2] / "benchmarks" / "practice"


@pytest.fixture(scope="module")
def empty_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def starts(empty_folder: Path, tiny: Path) -> list[subprocess.CompletedProcess[str]]:
    """Two processes that start at once on an empty data folder."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(_start, [empty_folder] * 2, [tiny] * 2))


@pytest.fixture(scope="module")
def exported() -> OnnxEmbedder:
    """The bundled model, as all tests and the running platform share it."""
    embedder = load_embedder(ModelChoice(), Path(settings.DATA_DIR), "cpu")
    assert isinstance(embedder, OnnxEmbedder)
    return embedder


@pytest.fixture(scope="module")
def in_pytorch() -> Embedder:
    from knowledge.embedding.torch_embedder import TorchEmbedder

    return TorchEmbedder(locate(""))


@pytest.fixture
def export_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports happen in this process, which has PyTorch loaded already."""
    from knowledge.embedding import export

    monkeypatch.setattr(store, "_export_in_child", lambda source, partial: export.export(source, partial))


def _start(data_folder: Path, model: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-c", START, str(data_folder), str(model)]
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=300)


def test_two_processes_starting_together_export_once(
    starts: list[subprocess.CompletedProcess[str]], empty_folder: Path, tiny: Path
) -> None:
    assert [start.returncode for start in starts] == [0, 0], starts
    assert sum(start.stderr.count("Exporting the embedding model") for start in starts) == 1
    visible = [path.name for path in (empty_folder / "models").iterdir() if not path.name.endswith(".lock")]
    assert visible == [f"{tiny.name}-{locate(str(tiny)).revision}"]
    answers = [json.loads(start.stdout) for start in starts]
    assert answers[0]["vector"] == answers[1]["vector"]


def test_a_process_never_imports_pytorch_even_if_it_exports(starts: list[subprocess.CompletedProcess[str]]) -> None:
    for start in starts:
        answer = json.loads(start.stdout)
        assert (answer["kind"], answer["heavy"]) == ("OnnxEmbedder", [])


def test_space_is_named_by_model_revision_and_dimension(exported: OnnxEmbedder, in_pytorch: Embedder) -> None:
    assert exported.space == in_pytorch.space == Space(BUNDLED_NAME, locate("").revision, 384)
    assert exported.space.key == f"{BUNDLED_NAME}-{locate('').revision}-384"
    assert Space("BAAI/bge small", "abc", 3).key == "bge_small-abc-3"


@pytest.mark.parametrize("kind", ["exported", "in_pytorch"])
def test_vectors_are_unit_float32_rows(kind: str, request: pytest.FixtureRequest) -> None:
    embedder: Embedder = request.getfixturevalue(kind)
    for vectors in (embedder.embed_queries(QUESTIONS), embedder.embed_passages(QUESTIONS)):
        assert vectors.shape == (len(QUESTIONS), 384)
        assert vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert embedder.embed_queries([]).shape == embedder.embed_passages([]).shape == (0, 384)


def test_export_agrees_with_pytorch(exported: OnnxEmbedder, in_pytorch: Embedder) -> None:
    cosines = (exported.embed_passages(QUESTIONS) * in_pytorch.embed_passages(QUESTIONS)).sum(axis=1)
    assert cosines.min() > 0.98


def test_export_and_pytorch_have_the_same_token_vectors(exported: OnnxEmbedder, in_pytorch: Embedder) -> None:
    pairs = [(exported.encode_queries([text])[0], in_pytorch.encode_queries([text])[0]) for text in QUESTIONS]
    pairs += zip(exported.encode_passages(QUESTIONS), in_pytorch.encode_passages(QUESTIONS), strict=True)
    for text, (ours, theirs) in zip(QUESTIONS * 2, pairs, strict=True):
        assert len(ours.tokens) == len(theirs.tokens) == exported.count_tokens(text)
        cosines = (ours.tokens * theirs.tokens).sum(axis=1)
        assert cosines.mean() > 0.95
    assert np.array_equal(exported.token_vectors(QUESTIONS[0]), pairs[0][0].tokens)
    assert np.array_equal(in_pytorch.token_vectors(QUESTIONS[0]), pairs[0][1].tokens)


def test_each_token_knows_its_word(exported: OnnxEmbedder, in_pytorch: Embedder) -> None:
    question = "Does O'Neill's re-order “Zürich”, 2027?"
    words = exported.token_words(question)
    assert words == in_pytorch.token_words(question)
    assert len(words) == len(exported.token_vectors(question))
    assert list(dict.fromkeys(words)) == ["Does", "O'Neill's", "re", "", "order", "Zürich", "2027"]
    assert len(exported.token_words("long " * 1_000)) == len(exported.token_vectors("long " * 1_000))
    assert in_pytorch.token_words("long " * 1_000) == exported.token_words("long " * 1_000)


def test_a_text_has_one_vector_whatever_its_neighbours(exported: OnnxEmbedder) -> None:
    """Exactly, not nearly: texts do not share a batch, so quantisation cannot mix their scales."""
    many = QUESTIONS * 4 + ["a much longer neighbour " * 60]
    together = exported.embed_passages(many)
    backwards = exported.embed_passages(many[::-1])[::-1]
    alone = np.concatenate([exported.embed_queries([text]) for text in many])
    assert np.array_equal(together, backwards)
    assert np.array_equal(together, alone)


def test_threads_get_the_same_vectors(exported: OnnxEmbedder) -> None:
    expected = exported.embed_passages(QUESTIONS * 4)
    folder = Path(settings.DATA_DIR) / "models" / folder_name(BUNDLED_NAME, locate("").revision)
    assert np.array_equal(OnnxEmbedder(folder, threads=4).embed_passages(QUESTIONS * 4), expected)
    with ThreadPoolExecutor(8) as pool:
        for vectors in pool.map(lambda _: exported.embed_queries(QUESTIONS), range(8)):
            assert np.array_equal(vectors, expected[: len(QUESTIONS)])


def test_the_caller_may_change_what_it_was_given(exported: OnnxEmbedder) -> None:
    first = exported.embed_queries(QUESTIONS[:1])
    untouched = first.copy()
    first[:] = 0
    assert np.array_equal(exported.embed_queries(QUESTIONS[:1]), untouched)


def test_meaning_decides_the_order(exported: OnnxEmbedder) -> None:
    passages = exported.embed_passages(
        [
            "To choose a new password, open Settings and press Forgotten password.",
            "Track your delivery with the number in the shipping e-mail.",
            "Premium costs 12 pounds a month.",
            "Worn footwear cannot be sent back.",
        ]
    )
    nearest = (exported.embed_queries(QUESTIONS[:4]) @ passages.T).argmax(axis=1)
    assert nearest.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("kind", ["exported", "in_pytorch"])
def test_tokens_are_counted_beyond_what_is_read(kind: str, request: pytest.FixtureRequest) -> None:
    embedder: Embedder = request.getfixturevalue(kind)
    assert embedder.max_tokens == 254
    assert embedder.count_tokens("") == 0
    assert embedder.count_tokens("unaffordable card") == embedder.count_tokens("unaffordable") + 1
    assert embedder.count_tokens("card " * 50_000) == 50_000
    read, beyond = "card " * embedder.max_tokens, "and a word that is not read"
    same = embedder.embed_passages([read, read + beyond])
    assert np.allclose(same[0], same[1], atol=1e-5)


@pytest.mark.parametrize("kind", ["exported", "in_pytorch"])
def test_any_string_is_embedded(kind: str, request: pytest.FixtureRequest) -> None:
    embedder: Embedder = request.getfixturevalue(kind)
    odd = [
        "",
        " \n\t",
        "\x00\x01",
        "\ud800 lone surrogate",
        "x" * 2_000_000,
        "🏳️‍🌈" * 500,
        "\u202e\u200b",
        "a\u0301" * 9000,
    ]
    vectors = embedder.embed_passages(odd)
    assert np.isfinite(vectors).all()
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    for text in odd:
        assert embedder.count_tokens(text) >= 0


@pytest.mark.skipif(not NAUGHTY_STRINGS.exists(), reason="the public data is not here")
def test_naughty_strings_are_embedded(exported: OnnxEmbedder) -> None:
    vectors = exported.embed_passages(json.loads(NAUGHTY_STRINGS.read_text("utf-8")))
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_damaged_export_falls_back_to_pytorch_and_says_so(
    starts: object, empty_folder: Path, tiny: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(empty_folder / "models", tmp_path / "models")
    intact = load_embedder(ModelChoice(str(tiny)), tmp_path, "cpu")
    graph = next((tmp_path / "models").glob(f"tiny-*/{GRAPH}"))
    graph.write_bytes(graph.read_bytes()[:1000])
    embedder = load_embedder(ModelChoice(str(tiny)), tmp_path, "cpu")
    assert (type(intact).__name__, type(embedder).__name__) == ("OnnxEmbedder", "TorchEmbedder")
    assert "runs in PyTorch: its export is damaged" in caplog.text
    assert embedder.space == intact.space


@pytest.mark.filterwarnings("ignore")  # PyTorch's exporter warns about itself
def test_an_export_that_disagrees_is_rejected_for_good(
    tmp_path: Path, tiny: Path, export_here: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from knowledge.embedding import export

    monkeypatch.setattr(export, "_lowest_cosine", lambda *_: 0.5)
    source = locate(str(tiny))
    assert store.ensure_exported(source, tmp_path) is None
    assert "agrees too little with it (cosine 0.500, wanted 0.98)" in caplog.text
    assert not list(tmp_path.rglob("*.onnx"))
    monkeypatch.setattr(store, "_export_in_child", lambda *_: pytest.fail("it was exported again"))
    assert store.ensure_exported(source, tmp_path) is None


def test_a_failed_export_leaves_nothing_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text("{}")
    source, models = ModelSource("broken", "1", broken), tmp_path / "models"
    assert store.ensure_exported(source, models) is None
    assert "The embedding model broken runs in PyTorch: its export failed: " in caplog.text
    assert [path.name for path in models.iterdir()] == [".broken-1.lock"]

    def succeed(source: ModelSource, partial: Path) -> None:
        store.write_manifest(partial, store.Manifest(source.name, source.revision))

    monkeypatch.setattr(store, "_export_in_child", succeed)
    assert store.ensure_exported(source, models) == models / "broken-1"


def test_what_a_killed_export_left_is_cleared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    partial = tmp_path / ".m-1.partial"
    partial.mkdir()
    (partial / GRAPH).write_bytes(b"half")
    monkeypatch.setattr(store, "_export_in_child", lambda s, p: store.write_manifest(p, store.Manifest("m", "1")))
    folder = store.ensure_exported(ModelSource("m", "1", tmp_path), tmp_path)
    assert folder is not None
    assert [path.name for path in folder.iterdir()] == [store.MANIFEST]


@pytest.mark.filterwarnings("ignore")  # PyTorch's exporter warns about itself
def test_a_model_with_prompts_reads_them_from_its_configuration(tmp_path: Path, tiny: Path, export_here: None) -> None:
    def load(name: str, prompts: dict[str, str]) -> Embedder:
        model = tmp_path / name
        shutil.copytree(tiny, model)
        (model / "config_sentence_transformers.json").write_text(json.dumps({"prompts": prompts}))
        return load_embedder(ModelChoice(str(model)), tmp_path, "cpu")

    plain, embedder = load("plain", {}), load("prompted", {"query": "query: ", "passage": "passage: "})
    assert isinstance(embedder, OnnxEmbedder)
    text = "Where is my parcel?"
    assert np.array_equal(embedder.embed_queries([text]), plain.embed_queries([f"query: {text}"]))
    assert np.array_equal(embedder.embed_passages([text]), plain.embed_passages([f"passage: {text}"]))
    assert embedder.max_tokens == plain.max_tokens - plain.count_tokens("passage: ")
    assert embedder.space != plain.space


def test_the_bundled_model_is_tuned_for_what_customers_type(exported: OnnxEmbedder) -> None:
    """On a business that it was not tuned on, more questions find their answer than with the model as it came."""
    from knowledge.embedding.torch_embedder import TorchEmbedder

    business = json.loads((BUSINESSES / "b-nursery.json").read_text(encoding="utf-8"))
    answers = [f"{faq['question']} {faq['answer']}" for faq in business["faqs"]]
    asked = [(question, number) for number, faq in enumerate(business["faqs"]) for question in faq["asked"]]

    def right(embedder: Embedder) -> int:
        questions = embedder.embed_queries([question for question, _ in asked])
        nearest = (questions @ embedder.embed_passages(answers).T).argmax(axis=1)
        return int((nearest == [number for _, number in asked]).sum())

    assert right(exported) > right(TorchEmbedder(locate(str(locate("").folder))))


def test_an_unusable_gpu_falls_back_to_the_cpu(exported: OnnxEmbedder, caplog: pytest.LogCaptureFixture) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    assert isinstance(load_embedder(ModelChoice(), Path(settings.DATA_DIR), "cuda"), OnnxEmbedder)
    assert "runs on the CPU: cuda is not usable" in caplog.text
