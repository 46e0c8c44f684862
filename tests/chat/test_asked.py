"""A question as a bot knows its words: which of its tokens tell most."""

from dataclasses import replace

import numpy as np
import pytest

from chat.router import evidence
from chat.router.asked import Asked, rarity, read
from chat.router.learned import Learned, learn
from knowledge.embedding import NO_TOKENS, Embedder, get_embedder
from tests.chat.test_router import FAQS, make_bot


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return get_embedder()


@pytest.fixture(scope="module")
def learned(embedder: Embedder) -> Learned:
    return learn(make_bot(embedder, FAQS, ""), embedder)


def asked(learned: Learned, embedder: Embedder, text: str) -> Asked:
    return read(learned, text, embedder.token_vectors(text), embedder.token_words(text))


def weights(learned: Learned, embedder: Embedder, text: str, *, of_actions: bool = False) -> dict[str, float]:
    """By word, those of all its tokens together."""
    found = asked(learned, embedder, text)
    by_token = found.weights_of_actions if of_actions else found.weights
    together: dict[str, float] = {}
    for word, weight in zip(embedder.token_words(text), by_token.tolist(), strict=True):
        together[word] = together.get(word, 0.0) + weight
    return together


def rarity_by_word(learned: Learned, embedder: Embedder, text: str) -> dict[str, float]:
    words = embedder.token_words(text)
    together: dict[str, float] = {}
    by_token = rarity(learned, embedder.token_vectors(text), words).tolist()
    for word, share in zip(words, by_token, strict=True):
        together[word] = together.get(word, 0.0) + share
    return together


def test_rare_words_count_more_and_empty_ones_nothing(learned: Learned, embedder: Embedder) -> None:
    question = "Is my plan of any use for a Zettelkasten?"
    found = rarity_by_word(learned, embedder, question)
    assert found["Zettelkasten"] > found["plan"] > 0
    assert found["Is"] == found["a"] == found[""] == 0
    assert sum(found.values()) == pytest.approx(1)
    told = weights(learned, embedder, question)
    assert told["Zettelkasten"] > told["plan"] > told["a"]


def test_a_word_is_as_rare_however_many_tokens_it_has(learned: Learned, embedder: Embedder) -> None:
    found = rarity_by_word(learned, embedder, "Zettelkasten or Xylotheque")
    assert found["Zettelkasten"] == pytest.approx(found["Xylotheque"])


def test_names_that_only_an_api_knows_are_nothing_to_an_action(learned: Learned, embedder: Embedder) -> None:
    question = "cancel my plan of 3 March 2027 with Zettelkasten"
    assert weights(learned, embedder, question)["Zettelkasten"] > 0
    found = weights(learned, embedder, question, of_actions=True)
    assert found["Zettelkasten"] == found["2027"] == found["March"] == 0
    assert found["cancel"] > 0
    assert sum(found.values()) == pytest.approx(1)


@pytest.mark.parametrize("text", ["is it of the", "???"])
def test_where_no_word_tells_anything_all_tokens_are_as_rare(learned: Learned, embedder: Embedder, text: str) -> None:
    tokens = embedder.token_vectors(text)
    assert np.allclose(rarity(learned, tokens, embedder.token_words(text)), 1 / len(tokens))


def test_without_token_vectors_there_are_no_weights(learned: Learned) -> None:
    found = read(learned, "cancel my plan", NO_TOKENS, [])
    assert (found.terms, len(found.weights)) == ({"cancel", "plan"}, 0)


def test_a_bot_that_was_told_much_is_surprised_by_a_word_that_it_never_heard(embedder: Embedder) -> None:
    """One that was told little is not; and names are no surprise to an action."""
    often = dict.fromkeys([f"word{number}" for number in range(1_000)], 5)
    talkative = learn(replace(make_bot(embedder, FAQS, ""), vocabulary=often, chunks=2_000), embedder)
    short = learn(make_bot(embedder, {"Do you sell tea?": ("Green tea only.", [])}, ""), embedder)
    question = "cancel my Zettelkasten"
    assert evidence.surprise(talkative, asked(talkative, embedder, question)) > 0
    assert evidence.surprise(short, asked(short, embedder, question)) == 0
    assert evidence.surprise(talkative, asked(talkative, embedder, "cancel my plan")) == 0
    assert evidence.surprise(talkative, asked(talkative, embedder, question), of_action=True) == 0
