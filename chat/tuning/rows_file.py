"""The file that an adapter is trained on: JSONL, a prompt of messages and its completion in each line."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

ROLES = ("system", "user", "assistant")
Role = Literal["system", "user", "assistant"]


class BadRows(ValueError):
    """A line of the file that cannot be trained on; the message names it."""


@dataclass(frozen=True)
class Example:
    """What the model is given, as (role, text), and what it is to answer."""

    prompt: tuple[tuple[Role, str], ...]
    completion: str

    def as_json(self) -> dict[str, Any]:
        return {
            "prompt": [{"role": role, "content": text} for role, text in self.prompt],
            "completion": [{"role": "assistant", "content": self.completion}],
        }


def write(path: Path, examples: Iterable[Example]) -> int:
    """How many were written."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for example in examples:
            file.write(json.dumps(example.as_json(), ensure_ascii=False) + "\n")
            count += 1
    return count


def read(path: Path) -> list[dict[str, Any]]:
    """The rows as trl takes them. Raises BadRows, or OSError."""
    rows = []
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    rows.append(_row(json.loads(line)))
                except (ValueError, TypeError) as problem:
                    raise BadRows(f"{path.name}, line {number}: {problem}") from problem
    return rows


def _row(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise BadRows("This is no JSON object.")
    prompt, completion = (_messages(given, name) for name in ("prompt", "completion"))
    if prompt[-1]["role"] != "user":
        raise BadRows("prompt: The last message must be the user's.")
    if [message["role"] for message in completion] != ["assistant"]:
        raise BadRows("completion: This must be one message of the assistant's.")
    return {"prompt": prompt, "completion": completion}


def _messages(given: dict[str, Any], name: str) -> list[dict[str, str]]:
    messages = given.get(name)
    if not isinstance(messages, list) or not messages:
        raise BadRows(f"{name}: This must be a list of messages.")
    for message in messages:
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            raise BadRows(f"{name}: Each message needs a role: {', '.join(ROLES)}.")
        if not isinstance(message.get("content"), str) or not message["content"].strip():
            raise BadRows(f"{name}: Each message needs a content, a text that is not empty.")
    return [{"role": message["role"], "content": message["content"]} for message in messages]
