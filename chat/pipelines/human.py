"""The human line: the conversation is put into the inbox, and the customer is told so."""

from chat.context import TurnContext
from chat.exchange import Answer, Decision, Question


async def answer(context: TurnContext, question: Question, decision: Decision) -> Answer:
    if context.waiting:
        text = "A person has been told that you are waiting, and will answer right here. You can add details meanwhile."
    else:
        text = (
            "I'm passing you on to a person. They will answer right here, and they can read what we have written, so "
            "you won't have to repeat yourself."
        )
    return Answer(text, "human", decision.confidence, handoff=True)
