"""One pipeline for each route."""

from collections.abc import Awaitable, Callable

from chat.context import TurnContext
from chat.exchange import Answer, Decision, Question
from chat.pipelines import document, dynamic, faq, human, unknown

Pipeline = Callable[[TurnContext, Question, Decision], Awaitable[Answer]]
PIPELINES: dict[str, Pipeline] = {
    "faq": faq.answer,
    "document": document.answer,
    "dynamic": dynamic.answer,
    "human": human.answer,
    "unknown": unknown.answer,
}
