"""Live data in a model's words: what the API said, told as an answer to what was asked; else in its own template's."""

from dataclasses import replace

from chat import llm
from chat.context import TurnContext
from chat.exchange import Answer, Decision, Question
from chat.grounding.support import Source
from chat.pipelines import spoken


async def told(context: TurnContext, question: Question, decision: Decision, answer: Answer) -> Answer:
    """The answer of the dynamic line as the model tells it; questions, requests to sign in, failures and what was
    done stay as they are."""
    cited = [each for each in answer.citations if each.kind == "action"]
    if not cited or answer.settles or not llm.is_configured():
        return answer
    sources = [Source(number, each.quote, each.title) for number, each in enumerate(cited, 1)]
    retold = await spoken.from_sources(context, question, decision, sources)
    if retold.spoken is None or not retold.answered:
        return replace(answer, generations=(retold.record,))
    return replace(spoken.said(retold.spoken, answer), generations=(retold.record,))
