"""What a short question that leans on the one before it ("and for students?") may mean, said in full."""

import re
from collections.abc import Collection, Sequence

from knowledge import lexical

LONGEST_LEANING = 10
# A question that speaks of the bot's business in this many words of its own stands alone.
OWN_TERMS = 3
_CONTRAST = re.compile(
    r"^(?:and|but|or|ok|okay|so|then|also|what|how)?[\s,]*"
    r"(?:what about|how about|and|for|what if|with|in|to|from|on|at|over|within|if)\b"
    r"[\s,]*(?P<rest>.+?)[\s?!.]*$",
    re.IGNORECASE,
)
_CONDITION = re.compile(r"^(?:and |but |or )?(?:what )?if\b", re.IGNORECASE)
_ABOUT = re.compile(r"(?:what|how) about\b", re.IGNORECASE)
_LEADING = re.compile(r"^(?:and|but|or|so|then|also|ok|okay)\b[\s,]*", re.IGNORECASE)
_POINTING = re.compile(
    r"\b(?:it|its|that|this|they|them|their|those|these|there|one|ones|"
    r"the same|the other|instead|either|as well|then)\b",
    re.IGNORECASE,
)
# "Is there a discount?" and "is it too late to cancel?" point at nothing.
_EXPLETIVE = re.compile(
    r"\b(?:is|are|was|were) there\b|\bthere (?:is|are)\b|\bthis (?:week|month|year|weekend|morning|afternoon)\b"
    r"|\bis it (?:possible|ok|okay|free|too late|safe|worth|necessary)\b",
    re.IGNORECASE,
)
_GREETING = re.compile(r"\b(?:thanks?|thank you|hi|hello|hey|bye|ok|okay|yes|no|please)\b", re.IGNORECASE)
_PREPOSITION = re.compile(r"^(?P<word>for|in|to|from|with|on|at|over|within|about)\s+(?P<thing>.+)$", re.IGNORECASE)
_THING = (
    r"(?P<old>(?:(?:a|an|the|my|your|our|another)\s+)?[\w'-]+"
    r"(?:\s+(?!(?:for|in|to|from|with|on|at|over|and|or)\b)[\w'-]+){0,2})"
)
_PREPOSITIONS = r"(?:for|in|to|from|with|on|at|over|within)"
_LEADS = frozenset({"for", "in", "to", "from", "with", "on", "at", "over", "within"})
_PLACES_AND_TIMES = frozenset(
    {"abroad", "overseas", "online", "here", "there", "today", "tomorrow", "tonight", "now", "weekends", "sundays"}
)
# A name inside a sentence: one or two capitalised words.
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][\w'-]+(?: [A-Z][\w'-]+)?")
_ONE = re.compile(r"\b(?:one|ones)\b\s*$", re.IGNORECASE)


def readings(text: str, previous: Sequence[tuple[str, str]], vocabulary: Collection[str]) -> list[str]:
    """What the question may mean, likeliest first; only the very same text where it stands alone.

    `previous` are (question as understood, title of what was cited), newest last; `vocabulary` the bot's terms.
    """
    if not previous or not _leans(text, vocabulary):
        return [text]
    question, title = previous[-1]
    before = question if _meaning(question) else title
    if not before:
        return [text]
    found = [_swapped(text, before) or _contrasted(text, before), _joined(text, before)]
    return list(dict.fromkeys(reading for reading in found if reading))


def _leans(text: str, vocabulary: Collection[str]) -> bool:
    words = lexical.words(text)
    if not words or len(words) > LONGEST_LEANING:
        return False
    own = _meaning(text)
    heard = [term for term in own if term in vocabulary]
    if _POINTING.search(_EXPLETIVE.sub("", text)):
        return len(heard) < OWN_TERMS
    if _CONDITION.match(text):
        return True
    if not own:
        return len(words) <= 4 and not _GREETING.search(text)
    if _LEADING.match(text):
        return not (_asks_itself(_LEADING.sub("", text)) and heard)
    return (_ABOUT.match(text) or _PREPOSITION.match(text.strip())) is not None and len(own) < OWN_TERMS


def _meaning(text: str) -> list[str]:
    return [term for term in dict.fromkeys(lexical.terms(text)) if term not in _EMPTY]


_EMPTY = frozenset(lexical.terms("long take takes much many cost costs work works one ones thing way happen happens"))


def _swapped(text: str, before: str) -> str | None:
    """ "And to Germany?" after "... within Ireland?" is "... to Germany?": a name takes the place of a name."""
    match = _CONTRAST.match(text.strip())
    old = list(_NAME.finditer(before))
    if match is None or not old:
        return None
    inner = _PREPOSITION.match(match.group("rest"))
    rest = re.sub(r"^(?:the|an?)\s+", "", inner.group("thing") if inner else match.group("rest"), flags=re.IGNORECASE)
    if not _NAME.fullmatch(f"to {rest}", 3):
        return None
    start, end = old[-1].span()
    word = inner or re.search(rf"\b(?P<word>{_PREPOSITIONS})\s+{re.escape(rest)}", text, re.IGNORECASE)
    if word:
        # The word before the name goes with it: "within Ireland" becomes "to Germany".
        start = before[: start - 1].rfind(" ") + 1
        rest = f"{word.group('word').lower()} {rest}"
    return before[:start] + rest + before[end:]


def _contrasted(text: str, before: str) -> str | None:
    """ "And for B?" after "... for A?" is "... for B?"; after a question without such a part, it is added to it."""
    match = _CONTRAST.match(text.strip())
    if match is None or _asks_itself(match.group("rest")):
        return None
    rest = match.group("rest")
    if _CONDITION.match(text.strip()):
        return f"{before.rstrip(' ?!.')} if {rest}?"
    lead = text.strip()[: match.start("rest")].strip().lower().rstrip(",").split()
    word = lead[-1] if lead and lead[-1] in _LEADS else ""
    inner = _PREPOSITION.match(rest)
    if inner:
        word, rest = inner.group("word").lower(), inner.group("thing")
    if rest.lower() in _PLACES_AND_TIMES:
        return re.sub(rf"\s+{_PREPOSITIONS}\s+{_THING}$", "", before.rstrip(" ?!."), flags=re.IGNORECASE) + f" {rest}?"
    if not word:
        word = _preposition_at_end(before)
    ending = "?" if before.rstrip().endswith("?") else ""
    before = before.rstrip(" ?!.")
    rest = _with_noun(rest, before)
    if word:
        replaced, count = re.subn(rf"\b{word}\s+{_THING}$", f"{word} {rest}", before, count=1, flags=re.IGNORECASE)
        if count:
            return replaced + ending
        kept = _replaced_noun(before, rest)
        return f"{kept or f'{before} {word} {rest}'}{ending}"
    return None


def _preposition_at_end(before: str) -> str:
    """The preposition of the last two or three words: what "what about Norway?" puts something else behind."""
    match = re.search(rf"\b({_PREPOSITIONS})\s+{_THING}$", before.rstrip(" ?!."), re.IGNORECASE)
    return match.group(1).lower() if match else ""


def _replaced_noun(before: str, rest: str) -> str | None:
    """ "On the current account" and "the savings account": what has the same noun changes place with it."""
    noun = re.escape(rest.split()[-1])
    replaced, count = re.subn(rf"(?:(?:a|an|the|my|your)\s+)?[\w'-]+\s+{noun}$", rest, before, flags=re.IGNORECASE)
    return replaced if count else None


def _asks_itself(rest: str) -> bool:
    start = r"(?:how|what|when|where|why|who|which|can|could|do|does|is|are|will)\b(?! about\b)"
    return re.match(start, rest, re.IGNORECASE) is not None


def _with_noun(rest: str, before: str) -> str:
    """ "The savings one" after a question about an account is "the savings account"."""
    nouns = [word for word in lexical.words(before) if word not in lexical.STOP_WORDS]
    return _ONE.sub(nouns[-1], rest) if nouns else rest


def _joined(text: str, before: str) -> str:
    """The question before it, to say what it is about, and the new one."""
    own = _LEADING.sub("", text.strip())
    return f"{own[:1].upper()}{own[1:]} ({before.rstrip(' ?!.')})"
