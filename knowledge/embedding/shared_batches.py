"""Texts that several threads ask for at once go to the model together."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

# What is found for some texts: a list or an array, one row for each.
Found = TypeVar("Found")


@dataclass
class _Asked:
    texts: Sequence[str]
    found: Any = None
    error: BaseException | None = None

    @property
    def done(self) -> bool:
        return self.found is not None or self.error is not None


class SharedBatches(Generic[Found]):
    """Calls `embed` for one batch at a time. Nobody waits for company: who comes while a batch runs shares the next."""

    def __init__(self, embed: Callable[[Sequence[str]], Found], most: int) -> None:
        self._embed, self._most = embed, most
        self._waiting: deque[_Asked] = deque()
        self._changed = threading.Condition()
        self._running = False

    def __call__(self, texts: Sequence[str]) -> Found:
        mine = _Asked(texts)
        with self._changed:
            self._waiting.append(mine)
        while not mine.done:
            with self._changed:
                self._changed.wait_for(lambda: mine.done or not self._running)
                if mine.done:
                    break
                self._running, batch = True, self._next()
            self._run(batch)
        if mine.error is not None:
            raise mine.error
        found: Found = mine.found
        return found

    def _next(self) -> list[_Asked]:
        """The first who waits, and as many after it as fit into one batch."""
        batch = [self._waiting.popleft()]
        size = len(batch[0].texts)
        while self._waiting and size + len(self._waiting[0].texts) <= self._most:
            batch.append(self._waiting.popleft())
            size += len(batch[-1].texts)
        return batch

    def _run(self, batch: Sequence[_Asked]) -> None:
        found: Any = None
        error: BaseException | None = None
        try:
            found = self._embed([text for asked in batch for text in asked.texts])
        except BaseException as problem:  # all who share the batch are told
            error = problem
        with self._changed:
            start = 0
            for asked in batch:
                end = start + len(asked.texts)
                asked.found = None if found is None else found[start:end]
                asked.error = error
                start = end
            self._running = False
            self._changed.notify_all()
