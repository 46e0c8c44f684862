"""Annotated answers as rows to train on: the prompt as it is when the bot answers, the answer with its calls."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from chat.pipelines import prompts
from chat.toolformer.annotating import Annotated
from knowledge.snapshot import ActionEntry
from tenants.playbook import Playbook


def row(annotated: Annotated, company: str, actions: Iterable[ActionEntry], playbook: Playbook) -> dict[str, Any]:
    """`{"prompt": [messages], "completion": [message]}`, as the trainer takes it."""
    prompt = prompts.answering("", company, (), annotated.exchange.question, (), actions, playbook)
    messages = [{"role": "system", "content": prompt.system}]
    messages += [{"role": role, "content": text} for role, text in prompt.turns]
    return {"prompt": messages, "completion": [{"role": "assistant", "content": annotated.text}]}


def write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """All of them or nothing: what stood there before is replaced at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    begun = path.with_name(f".{path.name}.begun")
    begun.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in rows), encoding="utf-8")
    begun.replace(path)
