"""Sentences that claim nothing, and those that claim nothing by themselves."""

import re

from chat.grounding import phrases
from chat.grounding.facts import facts
from chat.grounding.names import unknown_names

_COURTEOUS = phrases.content(
    """help helps helpful question questions anything else happy glad hope hopes let assist assistance further feel ask
    great hello welcome understand understands more today good day lovely wonderful person pass passed moment look
    answer check checking looked looking anytime pleasure sorry hear sounds see sure thing"""
)
_BARE = re.compile(
    r"(?:yes|no|sure|certainly|of course|absolutely|definitely|correct|right|exactly|indeed|unfortunately(?: not)?|"
    r"not really|sadly not|yep|nope|yeah)(?:[\s,]+(?:please|it is|you can|you cannot|you can't|it does|we do|they do|"
    r"it is not|it isn't|we don't|there is|there are|not))?\W*",
    re.IGNORECASE,
)
_ANNOUNCING = re.compile(
    r"(?:let me|i'll|i will|one moment|just a moment)\b[^.]*\b(?:check|look|see|find)\b", re.IGNORECASE
)
_LEANING = re.compile(
    r"(?:it|they|this|that|these|those|he|she|however|but|also|and|so|therefore|otherwise|instead|in that case|then)\b",
    re.IGNORECASE,
)


def is_bare_answer(sentence: str) -> bool:
    """ "Yes, you can." says nothing alone: it stands or falls with the sentence after it."""
    return _BARE.fullmatch(sentence.strip()) is not None or not phrases.content(sentence)


def says_nothing(sentence: str) -> bool:
    """Whether a sentence is mere courtesy: "I hope this helps!" """
    plain = re.sub(r"\bfeel free\b", "", sentence, flags=re.IGNORECASE)
    return (
        (phrases.content(plain) <= _COURTEOUS or _ANNOUNCING.match(plain) is not None)
        and not facts(plain)
        and not unknown_names(plain, "", ())
        and not phrases.promises(plain)
    )


def leans_on_the_last(sentence: str) -> bool:
    return _LEANING.match(sentence) is not None
