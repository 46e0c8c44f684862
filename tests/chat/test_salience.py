"""Which tokens of a question matter, and what of it a text lacks."""

import numpy as np
import pytest

from chat.router.salience import importance, missing, needs
from knowledge.embedding import NO_TOKENS, Embedder, get_embedder
from knowledge.embedding.late_interaction import best_cosines


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return get_embedder()


def lacking(embedder: Embedder, question: str, text: str) -> float:
    tokens, told = embedder.token_vectors(question), embedder.token_vectors(text)
    return missing(needs(tokens), best_cosines(tokens, told, [len(told)])[0])


@pytest.mark.parametrize(
    ("question", "answering", "not_answering"),
    [
        (
            "Does my debit card work with Garmin Pay?",
            "You can add your debit card to Garmin Pay in the app.",
            "Your debit card works abroad and in all shops that show its sign.",
        ),
        (
            "can I bring my dog on the boat to the island",
            "Dogs travel free on the boat if they are kept on a lead.",
            "The boat to the island leaves every hour from the north pier.",
        ),
        (
            "do you sell gift vouchers for the climbing course?",
            "Vouchers for every course can be bought at the desk as a gift.",
            "The climbing course takes two days and is held in the north hall.",
        ),
    ],
)
def test_a_text_on_the_same_matter_lacks_what_was_asked(
    embedder: Embedder, question: str, answering: str, not_answering: str
) -> None:
    assert lacking(embedder, question, not_answering) > lacking(embedder, question, answering)


def test_nothing_is_missing_where_the_question_itself_stands(embedder: Embedder) -> None:
    question = "Does my debit card work with Garmin Pay?"
    assert lacking(embedder, question, question) < 0.05 < lacking(embedder, question, "The hall is heated by gas.")


def test_whether_something_can_be_had_takes_more_than_how_it_is_done(embedder: Embedder) -> None:
    whether, how = (embedder.token_vectors(each) for each in ("Do you ship tents to Norway?", "How are tents shipped?"))
    assert needs(whether).sum() > 2 * needs(how).sum()


def test_what_tokens_tell_is_shared_out_and_grows_with_rarity(embedder: Embedder) -> None:
    tokens = embedder.token_vectors("do you ship to Norway")
    even = np.full(len(tokens), 1 / len(tokens), np.float32)
    rarer = even.copy()
    rarer[-1] *= 3
    told, told_of_rarer = importance(tokens, even), importance(tokens, rarer / rarer.sum())
    assert told.sum() == pytest.approx(1) == told_of_rarer.sum()
    assert told_of_rarer[-1] > 2 * told[-1]


def test_a_text_that_was_not_compared_lacks_nobody_knows_what(embedder: Embedder) -> None:
    tokens = embedder.token_vectors("Does it float?")
    assert np.isnan(missing(needs(tokens), np.zeros(0, np.float32)))
    assert np.isnan(missing(needs(NO_TOKENS), np.zeros(0, np.float32)))
    assert len(importance(NO_TOKENS, np.zeros(0, np.float32))) == 0
