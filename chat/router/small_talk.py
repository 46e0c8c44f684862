"""Recognises a message that says hello, thanks or goodbye and asks nothing."""

from typing import Literal

from knowledge import lexical

SmallTalk = Literal["greeting", "thanks", "goodbye"]

_SAYING: dict[SmallTalk, frozenset[str]] = {
    "goodbye": frozenset({"bye", "goodbye", "cya", "farewell", "byebye", "goodnight", "ciao", "cheerio"}),
    "thanks": frozenset(
        {
            "thanks",
            "thank",
            "thx",
            "ty",
            "cheers",
            "thankyou",
            "tnx",
            "thanx",
            "appreciated",
            "merci",
            "danke",
            "gracias",
        }
    ),
    "greeting": frozenset(
        {
            "hi",
            "hello",
            "hey",
            "hiya",
            "howdy",
            "hallo",
            "helo",
            "hullo",
            "heya",
            "greetings",
            "morning",
            "afternoon",
            "evening",
            "yo",
        }
    ),
}
_FILLING = """you very much so a lot again there good great perfect super brilliant lovely nice wonderful awesome
excellent ok okay all for your the help and everyone team sir madam day have this that's that is was it works worked
helpful really many now then see later soon dear bot guys today take care i kind kindly alright right no more
questions nothing else how are doing things going up what's whats who what your name cool fine got"""
_AROUND = frozenset(_FILLING.split())
_OPENINGS: dict[tuple[str, ...], SmallTalk] = {
    ("how", "are", "you"): "greeting",
    ("how", "are", "you", "doing"): "greeting",
    ("how", "are", "things"): "greeting",
    ("what's", "up"): "greeting",
    ("whats", "up"): "greeting",
    ("see", "you"): "goodbye",
    ("see", "you", "later"): "goodbye",
    ("that", "was", "helpful"): "thanks",
    ("that's", "all"): "goodbye",
    ("no", "that's", "all"): "goodbye",
    ("great", "help"): "thanks",
}


def kind_of(text: str) -> SmallTalk | None:
    """The kind of small talk that a message is, the weightiest of several; nothing where it says more."""
    words = tuple(lexical.words(text))
    if not words or len(words) > 12:
        return None
    if words in _OPENINGS:
        return _OPENINGS[words]
    for kind, saying in _SAYING.items():
        if saying.intersection(words) and all(word in _AROUND or _said(word) for word in words):
            return kind
    return None


def _said(word: str) -> bool:
    return any(word in saying for saying in _SAYING.values())
