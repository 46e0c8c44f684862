"""Nothing is said that has no source: the last look at an answer before it is sent."""

import re

from chat.exchange import Answer, Decision

UNGROUNDED = "I'm sorry, I can't find a reliable source for that just now. I can pass you on to a person if you like."


def check(answer: Answer, decision: Decision) -> Answer:
    """The answer if everything it cites stands in its source as quoted; else an honest "I don't know"."""
    if all(
        stands(citation.quote, _source(citation.kind, citation.id, answer, decision)) for citation in answer.citations
    ):
        return answer
    return Answer(UNGROUNDED, "unknown", 0.0)


def _source(kind: str, id: str, answer: Answer, decision: Decision) -> str:
    if kind == "faq" and decision.faq and str(decision.faq.id) == id:
        return decision.faq.answer
    if kind == "document":
        return "\n".join(passage.text for passage in decision.passages if str(passage.document_id) == id)
    # What an action returned was rendered by the business's own template: the rendered text is the source.
    return answer.text


def stands(quote: str, source: str) -> bool:
    """Whether the quote, but for its gaps, is in the source word for word."""
    return all(_folded(part) in _folded(source) for part in quote.split("…"))


def _folded(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
