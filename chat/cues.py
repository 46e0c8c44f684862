"""The words by which a customer cancels, corrects, repeats or continues."""

import re

from chat import choosing

CANCEL = re.compile(
    r"\W*(?:(?:no|ok|okay|oh|please|actually|well|just|thanks?|sorry)\W+)*"
    r"(?:cancel(?: (?:that|this|it))?|never ?mind|forget (?:it|that|about it)|stop(?: (?:it|that|asking))?|"
    r"leave it|drop it|quit|abort|don'?t bother|doesn'?t matter(?: anymore)?|it doesn'?t matter)"
    r"(?:\W+(?:please|thanks?|thank you|then|now|for now|anyway))*\W*",
    re.IGNORECASE,
)
_FOLLOW_UP = re.compile(
    r"\W*(?:and|or|no|not|actually|what about|how about|what if|also|same|instead|then|sorry|i meant?|ok|okay|in|for|"
    r"with|at|over)\b",
    re.IGNORECASE,
)
_AGAIN = re.compile(
    r"\W*(?:(?:please|ok|can you|could you)\W+)*(?:try|check|look|ask)(?: (?:it|that))?(?: once)? (?:again|more)\b"
    r".{0,20}",
    re.IGNORECASE,
)
CORRECTION = re.compile(
    r"\b(?:actually|i meant?|sorry|instead|change|rather|correction|make (?:it|that)|wait)\b|(?:^|[,.;!?-])\W*no\b",
    re.IGNORECASE,
)
FOLLOW_UP_WORDS = 4


def is_follow_up(text: str) -> bool:
    """Whether a text continues what was asked last ("and in size L?", "what about the Eider jacket?")."""
    return bool(_FOLLOW_UP.match(text)) or len(choosing.tokens(text)) <= FOLLOW_UP_WORDS or wants_again(text)


def wants_again(text: str) -> bool:
    """Whether the customer wants the same once more ("please try again")."""
    return _AGAIN.fullmatch(text) is not None
