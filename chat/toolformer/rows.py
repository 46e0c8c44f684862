"""Annotated answers as rows that the bot's adapter is trained on."""

import json
from collections.abc import Iterable
from pathlib import Path

from chat.toolformer.annotating import Annotated


def write(path: Path, annotated: Iterable[Annotated]) -> None:
    """JSONL with `prompt` and `completion`, as `finetune --data` takes it. All of them or nothing: what stood there
    before is replaced at the end."""
    lines = [
        json.dumps({"prompt": each.exchange.question, "completion": each.text}, ensure_ascii=False)
        for each in annotated
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    begun = path.with_name(f".{path.name}.begun")
    begun.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    begun.replace(path)
