"""Nothing is said that has no source: the last look at an answer before it is sent."""

import re

from chat.exchange import Answer, Citation, Decision

UNGROUNDED = "I'm sorry, I can't find a reliable source for that just now. I can pass you on to a person if you like."


def check(answer: Answer, decision: Decision) -> Answer:
    """The answer if everything it cites stands in its source as quoted; else an honest "I don't know"."""
    # What an action returned was rendered by the business's own template: the quote itself is the source.
    written = [citation for citation in answer.citations if citation.kind != "action"]
    if all(stands(citation.quote, _source(citation, decision)) for citation in written):
        return answer
    return Answer(UNGROUNDED, "unknown", 0.0)


def _source(citation: Citation, decision: Decision) -> str:
    if citation.kind == "faq":
        return decision.faq.answer if decision.faq and str(decision.faq.id) == citation.id else ""
    return "\n".join(passage.text for passage in decision.passages if str(passage.document_id) == citation.id)


def stands(quote: str, source: str) -> bool:
    """Whether the quote, but for its gaps, is in the source word for word."""
    return all(_folded(part) in _folded(source) for part in quote.split("…"))


def _folded(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
