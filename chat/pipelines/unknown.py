"""An honest "I don't know": what was understood, the nearest prepared questions, and always a way to a person."""

from chat.context import TurnContext
from chat.exchange import Answer, Choices, Decision, Question

PERSON = "I'd like to talk to a person"
OFFERED_PERSON = Choices("question", "Would you like to talk to a person?", ((PERSON, PERSON),))


async def answer(context: TurnContext, question: Question, decision: Decision) -> Answer:
    if context.waiting:
        text = "I don't know that one. I've added it to the conversation for the person who will answer you."
        return Answer(text, "unknown", decision.confidence)
    text = "I'm sorry, I don't know the answer to that, and I'd rather not guess."
    if question.understood != question.text:
        text += f" I understood your question as: “{question.understood}”."
    prompt = "Did you mean one of these?" if decision.nearest else OFFERED_PERSON.prompt
    options = tuple((text, text) for text in (*decision.nearest, PERSON))
    text += " I can pass you on to a person if you like."
    return Answer(text, "unknown", decision.confidence, choices=Choices("question", prompt, options))
