"""A language model by one rule, for completions with log probabilities: what has been said before is likely to come
again, and before a number a call may begin."""

import math
import re
from typing import Any

COPIED, NEW = math.log(0.9), math.log(0.02)
_TOKEN = re.compile(r"\s*(?:[£€$]?\d[\d.,]*\d|\w+|[^\w\s])|\s+")


def read(prompt: str) -> dict[str, Any]:
    """The `logprobs` of the prompt, as the endpoint tells them of an echo; its first token marks the beginning."""
    tokens = ["<s>", *_TOKEN.findall(prompt)]
    said: set[str] = set()
    logprobs: list[float | None] = [None]
    others: list[dict[str, float] | None] = [None]
    for token in tokens[1:]:
        plain = token.strip() in said or not any(map(str.isalnum, token))
        logprobs.append(COPIED if plain else NEW)
        number = any(letter.isdigit() for letter in token)
        others.append({" [": math.log(0.4 if number else 0.001), token: logprobs[-1] or 0.0})
        said.add(token.strip())
    return {"tokens": tokens, "token_logprobs": logprobs, "top_logprobs": others, "text_offset": [0] * len(tokens)}
