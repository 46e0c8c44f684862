"""Splits a message that asks two things into the two questions."""

import re

_START = (
    r"(?:what|where|when|who|which|whose|how|why|can|could|do|does|did|is|are|am|was|will|would|should|may|have|has|"
    r"i|i'd|i'm|i've|my|please|show|tell|cancel|track|check|list|give|send|whats|what's|wheres|where's|hows|how's)\b"
)
_JOINT = re.compile(
    rf"(?:[?!.;]+\s+(?:and |also |then |but )*|,?\s+(?:and also|and|also|plus|but)\s+)(?={_START})", re.IGNORECASE
)
_ASKS = re.compile(
    r"\b(?:what|where|when|who|which|how|why|can|could|do|does|did|is|are|am|will|would|should|may|have|has|show|tell|"
    r"cancel|track|check|list|give|send|want|need|whats|wheres|hows|what's|where's|how's)\b",
    re.IGNORECASE,
)
SHORTEST = 3
LONGEST_MESSAGE = 400


def two_questions(text: str) -> tuple[str, str] | None:
    """The two parts of a message that asks twice; nothing where one question is all there is."""
    if len(text) > LONGEST_MESSAGE:
        return None
    for joint in _JOINT.finditer(text):
        first, second = text[: joint.start()].strip(" ,;.?!"), text[joint.end() :].strip(" ,;.?!")
        if _is_question(first) and _is_question(second):
            return first, second
    return None


def _is_question(part: str) -> bool:
    return len(part.split()) >= SHORTEST and _ASKS.search(part) is not None
