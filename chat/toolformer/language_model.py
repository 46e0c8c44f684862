"""What is asked of a language model here: how likely it finds each word of a text, and how it would go on from one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Token:
    """`start` is its first letter's place in the text, `logprob` the natural logarithm of its probability there;
    `others` are the likeliest tokens at its place with theirs."""

    start: int
    logprob: float
    others: Mapping[str, float] = field(default_factory=dict, hash=False)


class LanguageModel(Protocol):
    async def read(self, before: str, text: str) -> list[Token]:
        """The tokens of `text`, which follows `before`. Raises chat.llm.LlmError."""

    async def write(self, prompt: str, times: int, ends: Sequence[str]) -> list[str]:
        """So many samples of what comes next, each up to one of the ends. Raises chat.llm.LlmError."""


def located(tokens: Sequence[str], before: str, text: str) -> list[int | None]:
    """Where in `text` each token of `before` + `text` begins, 0 for one that reaches into it; None for those before it.

    Models name some tokens otherwise than they stand in the text (marks of the beginning, lost spaces): such a token
    takes the place where the next one that fits is looked for.
    """
    whole, place, found = before + text, 0, []
    for token in tokens:
        at = whole.find(token, place, place + len(token) + SLIP) if token else -1
        start = at if at >= 0 else place
        place = at + len(token) if at >= 0 else place
        reaches = start < len(whole) and max(place, start + 1) > len(before)
        found.append(max(start - len(before), 0) if reaches else None)
    return found


# So many letters a token may stand further on than expected.
SLIP = 3
