"""What the three lines share where a model speaks: the task they give it, and what is kept of how it went."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from chat import llm, metrics, speech
from chat.context import TurnContext
from chat.exchange import Answer, Decision, Question
from chat.grounding.support import Source
from chat.pipelines import dynamic, prompts
from chat.speech import Spoken, Task
from chat.tuning import live as live_adapters
from knowledge.embedding import get_embedder
from knowledge.snapshot import Snapshot

logger = logging.getLogger(__name__)

# Tokens of the embedding model, which are nearly those of others.
SOURCE_TOKENS = 1500


@dataclass(frozen=True)
class Told:
    """`spoken` is None where the model failed. `record` is kept with the Interaction, whatever came of it."""

    spoken: Spoken | None
    record: dict[str, Any]

    @property
    def answered(self) -> bool:
        return self.spoken is not None and self.spoken.outcome == "answered"


async def from_memory(context: TurnContext, question: Question, decision: Decision, vetted: Iterable[Source]) -> Told:
    """Let the bot's own adapter say what it has learnt, held to the vetted answers; without one, from these."""
    task = _task(context, question, decision, vetted)
    snapshot = _answering(context, decision)
    if snapshot.group_id in context.adapters:
        company = snapshot.name
        playbook = context.playbooks.get(snapshot.group_id, prompts.NO_PLAYBOOK)
        prompt = prompts.from_memory(task.prompt.model, company, question.understood, playbook=playbook)
        task = replace(task, prompt=prompt, spoken=partial(prompts.without_company, company))
    return await _told(context, task, revisions=0)


async def from_sources(
    context: TurnContext, question: Question, decision: Decision, sources: Iterable[Source], revisions: int = 0
) -> Told:
    """Let the model answer from the sources; what cannot be sent is revised, if nothing of it was heard.

    Where a vetted text answers as well, nobody waits for revisions: it is said instead.
    """
    return await _told(context, _task(context, question, decision, sources), revisions)


async def _told(context: TurnContext, task: Task, revisions: int) -> Told:
    record: dict[str, Any] = {}
    try:
        for revision in range(revisions + 1):
            spoken = await speech.speak(task, context.voice)
            record = spoken.as_json() | ({"revision": revision} if revision else {})
            if spoken.outcome != "unsupported" or spoken.text or not spoken.held_back or spoken.looked_up:
                return Told(spoken, record)
            wrong = spoken.held_back[0]
            task = replace(task, prompt=prompts.revised(task.prompt, wrong.sentence, wrong.sentence, wrong.reason))
        return Told(spoken, record)
    except llm.LlmError as problem:
        metrics.LLM_FAILURES.inc()
        logger.warning("the model did not answer, so the extractive answer is given: %s", problem)
        return Told(None, record | {"model": task.prompt.model, "outcome": "failed", "reason": str(problem)[:300]})


def said(spoken: Spoken, vetted: Answer) -> Answer:
    """The vetted answer in the model's words, with what it looked up on the way."""
    return replace(
        vetted,
        text=spoken.text,
        citations=vetted.citations + tuple(each for answer in spoken.looked_up for each in answer.citations),
        calls=vetted.calls + tuple(call for answer in spoken.looked_up for call in answer.calls),
    )


def _task(context: TurnContext, question: Question, decision: Decision, sources: Iterable[Source]) -> Task:
    snapshot = _answering(context, decision)
    clean = (replace(source, text=prompts.without_orders(source.text)) for source in sources)
    kept = prompts.within_budget((each for each in clean if each.text), get_embedder().count_tokens, SOURCE_TOKENS)
    playbook = context.playbooks.get(snapshot.group_id, prompts.NO_PLAYBOOK)
    prompt = prompts.answering(
        model_of(context, snapshot),
        snapshot.name,
        kept,
        question.understood,
        context.exchanges,
        snapshot.actions,
        playbook,
    )
    customer = context.asker.customer
    return Task(
        context.asker,
        prompt,
        tuple(kept),
        dynamic.look_up,
        {entry.name: entry for entry in snapshot.actions if entry.reads},
        (*(asked for asked, _ in context.exchanges), question.text),
        (snapshot.name, context.bot_name, customer.name if customer else ""),
        playbook.wordings,
    )


def _answering(context: TurnContext, decision: Decision) -> Snapshot:
    return next(each for each in context.snapshots if each.group_id == decision.group_id)


def model_of(context: TurnContext, snapshot: Snapshot) -> str:
    """The model that answers for a bot: its live adapter, else the base."""
    return context.adapters.get(snapshot.group_id) or live_adapters.base()
