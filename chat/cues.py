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
UNSURE = re.compile(
    r"\W*(?:(?:sorry|um+|er+|hm+|well|oh)\W+)*(?:(?:i )?(?:really )?"
    r"(?:don'?t|do not|cannot|can'?t) (?:know|have|remember|recall|find)\b.*"
    r"|(?:i have )?no (?:idea|clue)\b.*|(?:i'?m )?not sure\b.*|dunno\b.*|what do you mean\b.*|\?+)\W*",
    re.IGNORECASE,
)
_QUESTION = re.compile(
    r"\W*(?:(?:and|but|so|ok|okay|wait|sorry|hold on|hang on|first|by the way|btw)\W+)*"
    r"(?:what|when|where|who|why|how|which|whose|can|could|do|does|did|is|are|was|were|will|would|should|have|has|may)\b",
    re.IGNORECASE,
)
FOLLOW_UP_WORDS = 4


def is_follow_up(text: str) -> bool:
    """Whether a text continues what was asked last ("and in size L?", "what about the Eider jacket?")."""
    return bool(_FOLLOW_UP.match(text)) or len(choosing.tokens(text)) <= FOLLOW_UP_WORDS or wants_again(text)


def wants_again(text: str) -> bool:
    """Whether the customer wants the same once more ("please try again")."""
    return _AGAIN.fullmatch(text) is not None


def is_question(text: str) -> bool:
    """Whether a text asks something, by its mark or its first word."""
    return text.rstrip().endswith("?") or _QUESTION.match(text) is not None


def names(text: str, parameter: str) -> bool:
    """Whether a text speaks of a parameter by a word of its name."""
    said = {token.stem or token.text for token in choosing.tokens(text)}
    own = {token.stem for token in choosing.tokens(parameter.replace("_", " ")) if token.stem}
    return bool((own - _NO_NAMES) & said)


_NO_NAMES = frozenset(token.stem for token in choosing.tokens("id ids number code key name new old from to"))
