"""The faq line: the vetted answer itself, word for word; where a model speaks, that answer in its words."""

from dataclasses import replace

from chat import llm
from chat.context import TurnContext
from chat.exchange import Answer, Citation, Decision, Question
from chat.grounding.support import Source
from chat.pipelines import spoken, unknown

SMALL_TALK = {
    "thanks": "You're welcome! Is there anything else I can help with?",
    "goodbye": "Goodbye! I'm here whenever you need me.",
}
# From here on the router is surer than a model that says the vetted answer does not fit.
SURE = 0.8


async def answer(context: TurnContext, question: Question, decision: Decision) -> Answer:
    faq = decision.faq
    if faq is None:
        kind = decision.small_talk or "greeting"
        return Answer(SMALL_TALK.get(kind, context.greeting), "faq", decision.confidence)
    citation = Citation("faq", str(faq.id), faq.external_id, faq.question, "", faq.answer)
    vetted = Answer(faq.answer, "faq", decision.confidence, citations=(citation,))
    if not llm.is_configured():
        return vetted
    told = await spoken.from_memory(context, question, decision, [Source(1, faq.answer, faq.question)])
    record = (told.record,)
    if told.spoken and told.spoken.outcome == "no answer" and decision.confidence < SURE:
        return replace(await unknown.answer(context, question, decision), generations=record)
    if told.spoken is None or not told.answered:
        return replace(vetted, generations=record)
    return replace(spoken.said(told.spoken, vetted), generations=record)
