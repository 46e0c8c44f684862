"""Embedding behind an OpenAI-compatible endpoint, played by another process: batches, retries, and clear errors."""

import logging
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from knowledge.embedding import EndpointError, ModelChoice, endpoint_embedder
from knowledge.embedding.catalogue import Endpoint as Reached
from knowledge.embedding.endpoint_embedder import EndpointEmbedder
from tests.embedding_endpoint import KEY, Endpoint, running_endpoint
from tests.embedding_server import DIMENSION


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with running_endpoint() as running:
        yield running


@pytest.fixture
def embedder(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> EndpointEmbedder:
    monkeypatch.setattr(endpoint_embedder, "FIRST_PAUSE_S", 0.01)
    endpoint.plan()
    choice = ModelChoice("words-96", endpoint.base_url, query_prompt="query: ", passage_prompt="passage: ")
    return EndpointEmbedder(choice, Reached(timeout_s=5, batch=4, api_key=KEY))


def test_texts_are_sent_in_batches_with_their_prompts_and_come_back_in_order(
    endpoint: Endpoint, embedder: EndpointEmbedder
) -> None:
    texts = [f"word{number}" for number in range(9)] + ["word0"]
    vectors = embedder.embed_passages(texts)
    assert [len(asked["input"]) for asked in endpoint.asked()] == [4, 4, 1]
    assert endpoint.asked()[0] == {
        "path": "/v1/embeddings",
        "model": "words-96",
        "input": [f"passage: word{number}" for number in range(4)],
        "encoding_format": "float",
    }
    assert vectors.shape == (10, DIMENSION)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert np.array_equal(vectors[0], vectors[9])
    assert len({vector.tobytes() for vector in vectors}) == 9
    assert np.allclose(vectors[[3]], embedder.embed_passages(["word3"]))
    embedder.embed_queries(["word3"])
    assert endpoint.asked()[-1]["input"] == ["query: word3"]


def test_an_endpoint_has_no_token_vectors_and_is_not_asked_for_them(
    endpoint: Endpoint, embedder: EndpointEmbedder
) -> None:
    for encoded in (embedder.encode_queries(["word1"]), embedder.encode_passages(["word1"])):
        assert len(encoded[0].tokens) == 0
        assert len(encoded[0].vector) == DIMENSION
    asked = len(endpoint.asked())
    assert len(embedder.token_vectors("word2")) == 0
    assert len(endpoint.asked()) == asked


def test_the_space_is_found_out_by_asking_and_named_after_all_that_decides_the_vectors(
    endpoint: Endpoint, embedder: EndpointEmbedder
) -> None:
    assert embedder.space.dimension == DIMENSION
    assert embedder.space.key.startswith("words-96-")
    assert len(endpoint.asked()) == 1
    shorter = EndpointEmbedder(replace(embedder._choice, dimensions=8), embedder._endpoint)
    assert shorter.space.dimension == 8
    assert shorter.space.revision != embedder.space.revision
    assert embedder.embed_queries([]).shape == (0, DIMENSION)


@pytest.mark.parametrize("plan", [{"status": 503}, {"status": 429, "headers": {"Retry-After": "0"}}, {"wait_s": 0.6}])
def test_what_fails_for_a_moment_is_tried_again(
    endpoint: Endpoint, embedder: EndpointEmbedder, plan: dict[str, object]
) -> None:
    hasty = EndpointEmbedder(embedder._choice, replace(embedder._endpoint, timeout_s=0.3))
    endpoint.plan(plan)
    assert hasty.embed_queries(["hello"]).shape == (1, DIMENSION)
    assert len(endpoint.asked()) == 2


def test_a_passage_is_tried_more_often_than_a_question_for_which_a_customer_waits(
    endpoint: Endpoint, embedder: EndpointEmbedder
) -> None:
    endpoint.plan(*[{"status": 503}] * 5)
    assert embedder.embed_passages(["hello"]).shape == (1, DIMENSION)
    endpoint.plan(*[{"status": 503}] * 5)
    with pytest.raises(EndpointError, match=r"answered 503: .* It was asked 2 times"):
        embedder.embed_queries(["hello"])


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"status": 404, "said": "no such model"}, r"answered 404: .*no such model.* the model's name"),
        ({"status": 400, "said": "too long"}, r"answered 400: .*too long"),
        ({"instead": {"data": []}}, "answered with 0 embeddings for 1 texts"),
        ({"instead": {"data": "?"}}, "answered something else than embeddings"),
        (
            {"instead": {"data": [{"index": 0, "embedding": [0.0] * 96}]}},
            "answered with vectors that are empty, zero",
        ),
        ({"instead": {"data": [{"index": 0, "embedding": [1.0] * 5}]}}, "answered with 5 dimensions instead of 96"),
    ],
)
def test_what_cannot_be_used_is_said_clearly(
    endpoint: Endpoint, embedder: EndpointEmbedder, plan: dict[str, object], words: str
) -> None:
    assert embedder.space
    endpoint.plan(plan)
    with pytest.raises(EndpointError, match=rf"endpoint {endpoint.base_url} \(model words-96\) {words}"):
        embedder.embed_queries(["hello"])
    assert len(endpoint.asked()) == 1


def test_an_endpoint_that_is_not_there_is_named() -> None:
    gone = EndpointEmbedder(ModelChoice("m", "http://127.0.0.1:9/v1"), Reached(timeout_s=0.5, batch=4))
    with pytest.raises(EndpointError, match=r"http://127.0.0.1:9/v1 .*could not be reached"):
        gone.embed_queries(["hello"])


def test_the_key_is_never_shown(
    endpoint: Endpoint, embedder: EndpointEmbedder, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = EndpointEmbedder(embedder._choice, replace(embedder._endpoint, api_key="sk-wrong"))
    with caplog.at_level(logging.DEBUG), pytest.raises(EndpointError) as refused:
        wrong.embed_queries(["hello"])
    assert "EMBEDDING_API_KEY" in str(refused.value)
    assert "Incorrect API key" in str(refused.value)
    shown = f"{refused.value!r} {caplog.text} {wrong._endpoint!r} {wrong._http.headers!r} {wrong._choice.as_json()}"
    assert "sk-wrong" not in shown


def test_odd_texts_are_sent_in_a_form_that_endpoints_take(endpoint: Endpoint, embedder: EndpointEmbedder) -> None:
    plain = EndpointEmbedder(ModelChoice("m", endpoint.base_url, max_tokens=20), embedder._endpoint)
    assert plain.embed_passages(["", "\ud800", "long " * 1000]).shape == (3, DIMENSION)
    sent = endpoint.asked()[-1]["input"]
    assert sent[:2] == [" ", "?"]
    assert 40 < len(sent[2]) <= 20 * len("long ")
