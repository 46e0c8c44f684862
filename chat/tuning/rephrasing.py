"""Other ways to put a question, by rules: its opening, contractions, courtesies, haste and slips of the finger."""

import re
from collections.abc import Callable
from random import Random

# Openings that mean the same; the rest of the question follows each of them as it is.
_OPENINGS: tuple[tuple[tuple[str, bool], ...], ...] = (
    (
        ("How do I", True), ("How can I", True), ("What do I have to do to", True), ("What is the way to", True),
        ("Please tell me how to", False), ("I would like to", False), ("I want to", False), ("I need to", False),
        ("Could you explain how to", True), ("Is there a way to", True),
    ),
    (("Can I", True), ("May I", True), ("Am I able to", True), ("Is it possible to", True), ("Am I allowed to", True)),
    (("Where do I", True), ("Where can I", True), ("In which place do I", True), ("Tell me where I", False)),
    (("When do I", True), ("At what time do I", True), ("From when do I", True)),
    (("What is", True), ("What's", True), ("Could you tell me what is", True), ("I wonder what is", False)),
    (("What are", True), ("Which are", True), ("Could you tell me what are", True)),
    (("How much", True), ("Up to how much", True), ("Could you say how much", True)),
    (("How long", True), ("For how long", True), ("Could you say how long", True)),
    (("Do you", True), ("Does your company", True), ("I wonder whether you", False)),
)  # fmt: skip
_LONG_FORMS = {
    "can't": "cannot", "don't": "do not", "doesn't": "does not", "didn't": "did not", "won't": "will not",
    "isn't": "is not", "haven't": "have not", "i'm": "I am", "i've": "I have", "i'd": "I would", "i'll": "I will",
    "it's": "it is", "what's": "what is", "where's": "where is", "there's": "there is", "that's": "that is",
    "couldn't": "could not", "wouldn't": "would not", "you've": "you have", "you're": "you are",
}  # fmt: skip
_COURTESIES = (
    "Hello, {}", "Hi there. {}", "Quick question: {}", "Please help: {}", "{} Thanks", "Excuse me, {}",
    "Could you help me? {}", "I have a question: {}", "{} Thank you in advance.",
)  # fmt: skip


def rephrased(text: str, most: int, seed: int) -> list[str]:
    """Up to `most` other ways to say it, none twice; always the same for the same text and seed."""
    chance = Random(f"{seed} {text}")
    rules: list[Callable[[str, Random], str]] = [_opened_otherwise, _long_forms, _courteous, _hasty, _mistyped]
    chance.shuffle(rules)
    found: list[str] = []
    # The opening changes most, so it goes first where it applies.
    for rule in sorted(rules, key=lambda rule: rule is not _opened_otherwise):
        other = rule(text, chance)
        if other != text and other not in found and len(found) < most:
            found.append(other)
    return found


def lower_first(text: str) -> str:
    """The text as it goes on in a sentence: "I" and names of several capitals stay as they are."""
    return text if re.match(r"I\b|[A-Z]{2}", text) else text[:1].lower() + text[1:]


def _opened_otherwise(text: str, chance: Random) -> str:
    for group in _OPENINGS:
        for opening, _ in group:
            if text.casefold().startswith(f"{opening.casefold()} "):
                rest = text[len(opening) :].rstrip("?.! ")
                new, asks = chance.choice([each for each in group if each[0] != opening])
                return f"{new}{rest}{'?' if asks else '.'}"
    return text


def _long_forms(text: str, chance: Random) -> str:
    def written(match: re.Match[str]) -> str:
        long = _LONG_FORMS[match[0].replace("’", "'").casefold()]
        return long[:1].upper() + long[1:] if match[0][:1].isupper() else long

    pattern = "|".join(re.escape(short).replace("'", "['’]") for short in _LONG_FORMS)
    return re.sub(rf"\b(?:{pattern})\b", written, text, flags=re.IGNORECASE)


def _courteous(text: str, chance: Random) -> str:
    form = chance.choice(_COURTESIES)
    inside = lower_first(text) if form.endswith((", {}", ": {}")) else text
    ended = inside if inside.endswith(("?", ".", "!")) or form.endswith("{}") else f"{inside}."
    return form.format(ended)


def _hasty(text: str, chance: Random) -> str:
    return re.sub(r"[?.!,;]+(?=\s|$)", "", text).lower()


def _mistyped(text: str, chance: Random) -> str:
    """Two letters in the wrong order, or one left out, in one of the longer words."""
    words = list(re.finditer(r"[A-Za-z]{5,}", text))
    if not words:
        return text
    word = chance.choice(words)
    place = chance.randrange(word.start() + 1, word.end() - 2)
    if chance.random() < 0.5:
        return text[:place] + text[place + 1 :]
    return text[:place] + text[place + 1] + text[place] + text[place + 2 :]
