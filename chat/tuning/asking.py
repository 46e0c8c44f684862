"""Puts the held-out questions to the tuned adapter and to the base: to the server that customers are answered by, or,
where there is none, to the weights themselves."""

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from django.conf import settings

from chat import llm
from chat.llm import Prompt
from chat.tuning import rows_file
from chat.tuning.rows_file import Example
from chat.tuning.training import Progress, run_module
from tenants.database import in_database

LONGEST_ANSWER = 300
# Customers are being answered by the same server meanwhile.
SHARE_OF_PLACES = 4
# A server that is being started again is waited for: the training before was longer.
ATTEMPTS, PAUSE_S = 12, 10.0

OnProgress = Callable[[Progress], None]


def served(models: Sequence[str], examples: Sequence[Example], on_progress: OnProgress) -> list[list[str]]:
    """What each model answers to each prompt, through the endpoint. Raises LlmError."""
    return asyncio.run(_served(models, examples, on_progress))


def generated(
    base: str, adapter: Path, examples: Sequence[Example], folder: Path, on_progress: OnProgress
) -> list[list[str]]:
    """What the adapter and its base answer, by a process that loads the weights. Raises TrainingFailed."""
    questions, answers, job = (folder / name for name in ("questions.jsonl", "answers.jsonl", "asking.json"))
    rows_file.write(questions, examples)
    content = {
        "base": base, "adapter": str(adapter), "questions": str(questions), "answers": str(answers),
        "longest": LONGEST_ANSWER,
    }  # fmt: skip
    job.write_text(json.dumps(content), encoding="utf-8")
    run_module([sys.executable], "chat.tuning.generator", job, on_progress)
    pairs = [json.loads(line) for line in answers.read_text(encoding="utf-8").splitlines()]
    return [[pair["tuned"] for pair in pairs], [pair["base"] for pair in pairs]]


async def _served(models: Sequence[str], examples: Sequence[Example], on_progress: OnProgress) -> list[list[str]]:
    places = asyncio.Semaphore(max(1, settings.LLM_AT_ONCE // SHARE_OF_PLACES))
    total, done = len(models) * len(examples), 0

    async def one(model: str, example: Example) -> str:
        nonlocal done
        async with places:
            answer = await _answer(model, example)
        done += 1
        # What is told is written into the database.
        await in_database(on_progress, Progress(0, 1, done, total, None), scope=None)
        return answer

    answers = await asyncio.gather(*(one(model, each) for model in models for each in examples))
    return [answers[start : start + len(examples)] for start in range(0, total, len(examples))]


async def _answer(model: str, example: Example) -> str:
    system = "\n".join(text for role, text in example.prompt if role == "system")
    turns = tuple((role, text) for role, text in example.prompt if role != "system")
    prompt = Prompt(model, system, turns, longest=LONGEST_ANSWER)
    for attempt in range(ATTEMPTS):
        try:
            async with llm.generating(prompt) as generation:
                return "".join([piece async for piece in generation]).strip()
        except llm.LlmError:
            if attempt == ATTEMPTS - 1:
                raise
            await asyncio.sleep(PAUSE_S)
    raise AssertionError("unreachable")
