"""The faq line without an LLM: the vetted answer itself, word for word."""

from chat.context import TurnContext
from chat.exchange import Answer, Citation, Decision, Question

SMALL_TALK = {
    "thanks": "You're welcome! Is there anything else I can help with?",
    "goodbye": "Goodbye! I'm here whenever you need me.",
}


async def answer(context: TurnContext, question: Question, decision: Decision) -> Answer:
    faq = decision.faq
    if faq is None:
        kind = decision.small_talk or "greeting"
        return Answer(SMALL_TALK.get(kind, context.greeting), "faq", decision.confidence)
    citation = Citation("faq", str(faq.id), faq.external_id, faq.question, "", faq.answer)
    return Answer(faq.answer, "faq", decision.confidence, citations=(citation,))
