"""Texts that several threads ask for at once: each gets its own vectors, whatever it shares a batch with."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from knowledge.embedding.shared_batches import SharedBatches


class Model:
    """A vector is the text's length. The first call lasts until all others wait."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.first_runs, self.all_wait = threading.Event(), threading.Event()
        self.failing = False

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        self.calls.append(len(texts))
        self.first_runs.set()
        assert self.all_wait.wait(10)
        if self.failing and len(self.calls) == 2:
            raise ValueError("no")
        return np.array([[len(text)] for text in texts], np.float32)


def ask_together(model: Model, most: int, asked: Sequence[Sequence[str]]) -> list[object]:
    """What each thread gets, vectors or an error, when all but the first ask while the first one's batch runs."""
    shared = SharedBatches(model, most)
    with ThreadPoolExecutor(len(asked)) as pool:
        first = pool.submit(shared, asked[0])
        assert model.first_runs.wait(10)
        rest = [pool.submit(shared, texts) for texts in asked[1:]]
        while len(shared._waiting) < len(rest):
            threading.Event().wait(0.001)
        model.all_wait.set()
        return [each.exception() or each.result().ravel().tolist() for each in (first, *rest)]


def test_who_comes_while_a_batch_runs_shares_the_next() -> None:
    model = Model()
    asked = [["a" * number] for number in range(1, 10)]
    assert ask_together(model, 4, asked) == [[float(number)] for number in range(1, 10)]
    assert model.calls == [1, 4, 4]


def test_many_texts_of_one_caller_stay_together() -> None:
    model = Model()
    answers = ask_together(model, 4, [["a"], ["a"] * 6, ["bb"] * 3, ["cc", "c"]])
    assert sorted(answers, key=str) == sorted([[1.0], [1.0] * 6, [2.0] * 3, [2.0, 1.0]], key=str)
    assert sorted(model.calls[1:]) in ([2, 3, 6], [5, 6])


def test_a_batch_that_fails_fails_for_all_who_share_it_and_the_next_one_works() -> None:
    model = Model()
    model.failing = True
    first, *rest = ask_together(model, 8, [["a"], ["b", "c"], ["d"], ["e"]])
    assert first == [1.0]
    assert [type(each) for each in rest] == [ValueError] * 3
    assert model.calls == [1, 4]
    assert SharedBatches(model, 8)(["dddd"]).tolist() == [[4.0]]
