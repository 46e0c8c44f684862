"""Late interaction: the arithmetic, and what search makes of token vectors, of some, and of none."""

from collections.abc import Callable

import numpy as np
import pytest

from knowledge.documents import save_document
from knowledge.embedding import NO_TOKENS, TokenVectors, get_embedder
from knowledge.embedding.late_interaction import (
    STEP,
    WIDTH,
    WINDOW,
    best_in_windows,
    likeness,
    pack,
    token_vectors,
    unpack,
)
from knowledge.faqs import save_faq
from knowledge.models import Chunk, Faq, Vector
from knowledge.search import Passage, search
from knowledge.snapshot import of
from knowledge.spaces import answering
from tenants.models import Bot
from tenants.scope import within
from tests.conftest import Business

QUESTION = "How long may a dog stay in the garden?"
PAGE = """# Rules

## Garden
The garden opens at eight. Dogs are welcome for two hours on a lead. Bicycles stay outside.

## Pool
The pool opens at nine. Children under six swim with an adult. Dogs wait outside.

## Kitchen
The kitchen closes at ten. Guests wash up what they have used. The bins are behind the house.
"""


def along(*directions: int) -> TokenVectors:
    """A token along each of these directions."""
    return np.eye(WIDTH, dtype=np.float32)[list(directions)]


def joined(*texts: TokenVectors) -> tuple[TokenVectors, list[int]]:
    return np.concatenate([NO_TOKENS, *texts]), [len(text) for text in texts]


def test_each_token_of_the_question_counts_with_its_best_one_in_the_text() -> None:
    found = likeness(along(0, 1), *joined(along(2, 1, 0), along(1, 2), along(2), -along(0, 0)))
    assert found.tolist() == [1.0, 0.5, 0.0, -0.5]


def test_what_stands_far_apart_is_in_no_window_together() -> None:
    question, elsewhere = along(0, 1), [2] * (2 * WINDOW)
    near, far = along(0, 1, *elsewhere), along(0, *elsewhere, 1)
    assert best_in_windows(question, near).mean(axis=1).max() == 1
    assert best_in_windows(question, far).mean(axis=1).max() == 0.5
    for text in (near, far):
        assert best_in_windows(question, text).max(axis=0).tolist() == [1, 1]


@pytest.mark.parametrize("length", [1, STEP, STEP + 1, WINDOW, WINDOW + 1, WINDOW + STEP, 150])
def test_windows_overlap_and_reach_to_the_end(length: int) -> None:
    random = np.random.default_rng(length)
    question, text = (random.normal(size=(size, WIDTH)).astype(np.float32) for size in (3, length))
    starts = range(0, max(length - WINDOW + STEP, 1), STEP)
    expected = [(question @ text[start : start + WINDOW].T).max(axis=1) for start in starts]
    assert np.allclose(best_in_windows(question, text), expected, rtol=1e-4, atol=1e-4)


def test_without_token_vectors_there_is_no_likeness() -> None:
    assert np.isnan(likeness(NO_TOKENS, *joined(along(0)))).all()
    assert np.isnan(likeness(along(0), *joined(NO_TOKENS, along(0)))).tolist() == [True, False]
    assert likeness(along(0), *joined()).shape == (0,)


def test_special_tokens_are_left_out_and_what_tokens_have_in_common_too() -> None:
    centre = along(5)[0] / 2
    states = np.concatenate([along(9), 3 * along(0, 1), along(9)])
    tokens = token_vectors(states, centre)
    assert np.allclose(np.linalg.norm(tokens, axis=1), 1)
    assert np.allclose(tokens[:, 5], -0.5 / 1.25**0.5)
    assert token_vectors(states[:2], centre).shape == (0, WIDTH)


def test_packed_token_vectors_are_small_and_nearly_the_same() -> None:
    tokens = np.random.default_rng(1).normal(size=(40, WIDTH)).astype(np.float32)
    tokens /= np.linalg.norm(tokens, axis=1, keepdims=True)
    packed = pack(tokens)
    assert len(packed) == 40 * WIDTH / 4
    lengths = np.linalg.norm(unpack(packed), axis=1)
    assert np.allclose(lengths, 1, atol=0.1)
    assert ((unpack(packed) * tokens).sum(axis=1) / lengths).min() > 0.92
    assert unpack(pack(NO_TOKENS)).shape == unpack(b"").shape == (0, WIDTH)


@pytest.fixture
def houses(meridian: Business, harbor: Business, settle: Callable[..., None]) -> list[Business]:
    """Two businesses that know the same page; only the first has an FAQ as well."""
    for business in (meridian, harbor):
        with within(business.scope):
            save_document(business.bot.id, filename="rules.md", data=PAGE.encode(), title="Rules")
            if business is meridian:
                save_faq(Faq(group=business.bot, question="May I bring a dog?", answer="Yes."), ["dog allowed"])
        settle(business)
    return [meridian, harbor]


def found(business: Business) -> list[Passage]:
    encoded = get_embedder().encode_queries([QUESTION])[0]
    with within(business.scope):
        space = answering([business.bot.id]).key
        return search(QUESTION, encoded.vector, [business.bot.id], space, 3, tokens=encoded.tokens)


def test_search_compares_the_passages_token_by_token(houses: list[Business]) -> None:
    for business in houses:
        passages = found(business)
        assert {passage.group_id for passage in passages} == {business.bot.id}
        assert "two hours" in passages[0].text
        assert all(passage.late is not None and -1 <= passage.late <= 1 for passage in passages)
        assert passages[0].late == max(passage.late or 0 for passage in passages)


def test_texts_of_faqs_have_token_vectors_too(houses: list[Business]) -> None:
    for business, texts in zip(
        houses, ({"May I bring a dog?", "dog allowed", "May I bring a dog? Yes."}, set()), strict=True
    ):
        with within(business.scope):
            read = of(Bot.objects.get(id=business.bot.id), answering([business.bot.id]).key)
        assert set(read.tokens) == texts
        assert all(len(unpack(tokens)) for tokens in read.tokens.values())


def test_passages_without_token_vectors_are_ranked_as_before(houses: list[Business]) -> None:
    first, other = houses
    before = {business.bot.id: found(business) for business in houses}
    with within(first.scope):
        one = Chunk.objects.filter(group=first.bot, text__contains="Guests wash up").get()
        Vector.objects.filter(group=first.bot, content_hash=one.content_hash).update(tokens=b"")
    plain = found(first)
    assert {passage.chunk_id for passage in plain} == {passage.chunk_id for passage in before[first.bot.id]}
    assert all(passage.late is None for passage in plain)
    assert plain == sorted(plain, key=lambda passage: -passage.score)
    assert found(other) == before[other.bot.id]
