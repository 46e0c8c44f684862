"""From the customer's words to a parameter's value. A value is never guessed: what fits twice gives its candidates."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import regex

from chat import choosing, dates, numbers
from knowledge import formats
from knowledge.bad_value import BadValue
from knowledge.values import MAX_TEXT, PATTERN_S, Option, Parameter, checked_value

YES = frozenset(
    [
        "yes",
        "y",
        "yeah",
        "yep",
        "yup",
        "sure",
        "ok",
        "okay",
        "correct",
        "right",
        "true",
        "please",
        "definitely",
        "absolutely",
        "of",
        "course",
    ]
)
NO = frozenset(["no", "n", "nope", "nah", "not", "false", "never"])
KIND_WORDS = {
    "percent": r"%|percent|per cent|percentage|(?:interest )?rate",
    "years": r"years?|term",
    "months": r"months?",
    "days": r"days?",
    "money": r"£|€|\$|amount|price|cost|budget|pounds?|euros?|dollars?|deposit|salary|income|payment|money|loan",
    "count": r"how many|number of|limit|count|quantity",
    "hours": r"hours?",
    "minutes": r"minutes?",
    "nights": r"nights?",
    "weeks": r"weeks?",
    "weight": r"kilos?|kilograms?|kg|weight",
}

# How many there are, in words that count the speaker.
_PEOPLE = re.compile(
    r"(?<!\w)(?:(?P<one>(?:just|only) (?:me|myself|one|the one|a single one)|me alone|by myself|on my own|single|alone"
    r"|^\W*(?:one|me|a)\W*(?:please\W*)?$)|(?P<two>the two of us|both of us|us both|a couple|a pair|me and my [\w-]+"
    r"|my [\w-]+ and (?:me|i)))(?!\w)",
    re.IGNORECASE,
)
_LONG_TEXT = re.compile(r"reason|comment|message|note|descri|detail|explan|feedback|question|text|why", re.IGNORECASE)
LONGEST_PART = 5
# The comma after "Flat 3" ends no part of an address.
_WITHIN_A_HOUSE = re.compile(
    r"((?<!\w)(?:flat|apt|apartment|unit|suite|floor|block|building|room|c/o|house)\b[^,;\n]*),", re.IGNORECASE
)
KEPT_COMMA = "\N{SINGLE LOW-9 QUOTATION MARK}"
_ALSO = {"children": ("child", "kid"), "person": ("peopl",), "peopl": ("person",), "passeng": ("peopl", "person")}
_ALSO |= {"guest": ("peopl", "person"), "adult": ("grownup",)}
_LIVING = r"i (?:now )?live (?:at|in)|i'?m (?:now )?(?:at|in)|(?:please )?(?:send|deliver) (?:it|them) to"
_OPENING = r"^(?:(?:oh|ok|okay|yes|yeah|sure|sorry|so|well|um+|hm+)[,.!\s]+)*"
Span = tuple[int, int]


@dataclass(frozen=True)
class Parsed:
    """A value; or candidates where there are several; or a sentence that says what is wrong. `spans`: what was read."""

    value: Any = None
    candidates: tuple[Option, ...] = ()
    problem: str = ""
    spans: tuple[Span, ...] = ()


def parse_value(parameter: Parameter, text: str, today: date, offered: Sequence[Option] = ()) -> Parsed:
    """Read the reply to this parameter's question. `offered` are the choices that the customer was shown."""
    if parameter.choices:
        coded = read_pattern(parameter, text, True) if parameter.pattern and parameter.choices_from else Parsed()
        if coded.value is not None:
            return coded
        picked = choosing.pick(parameter.choices, text, topic_of(parameter), offered, today)
        value = checked_value(parameter, picked.value) if picked.value is not None else None
        return Parsed(value, picked.candidates, "", picked.spans)
    if parameter.type in ("number", "integer"):
        return _number(parameter, text)
    if parameter.type == "boolean":
        return _boolean(text)
    if parameter.type == "date":
        return read_date(text, today)
    if parameter.pattern:
        return read_pattern(parameter, text, True)
    if parameter.format:
        return read_format(parameter, text)
    return _plain_text(parameter, text)


def read_pattern(parameter: Parameter, text: str, reply: bool) -> Parsed:
    """The part of the text that has the parameter's pattern, however it is cased, spaced or hyphened."""
    body = parameter.pattern.removeprefix("^").removesuffix("$")
    inside = rf"(?<![^\W_])(?:{body})(?![^\W_])"
    spellings = [text, re.sub(r"(?<=[A-Za-z])\s*[-–]?\s*(?=\d)", "-", text), re.sub(r"(?<=\w)[ -](?=\d)", "", text)]
    prefix = re.match(r"[A-Za-z]{1,6}-?(?=[\[\\(])", body)
    if reply and prefix:
        spellings.append(re.sub(r"(?<![^\W_])(?=\d)", prefix.group(), text))
    for number, spelling in enumerate(spellings):
        found = _matches(parameter, inside, spelling)
        if len({value for value, _ in found}) == 1:
            spans = tuple(span for _, span in found) if not number else ((0, len(text)),) if reply else ()
            return Parsed(found[0][0], spans=spans)
        if found:
            several = dict.fromkeys(value for value, _ in found)
            return Parsed(candidates=tuple(Option(value, value) for value in several), problem="Which of them?")
    return Parsed(problem="I could not find that in what you wrote." if reply else "")


def read_date(text: str, today: date, within: str = "") -> Parsed:
    """The one date of a text, or of the part of it that is not blank in `within`."""
    found = [each for each in dates.mentions(text, today) if not within or within[each.start : each.end].strip()]
    readings = dict.fromkeys(day for mention in found for day in mention.readings)
    spans = tuple((mention.start, mention.end) for mention in found)
    if len(readings) == 1:
        return Parsed(next(iter(readings)).isoformat(), spans=spans)
    candidates = tuple(Option(day.isoformat(), f"{day:%A}, {day.day} {day:%B %Y}") for day in readings)
    if candidates:
        return Parsed(candidates=candidates)
    wrong = dates.impossible(text, today)
    problem = f"There is no {wrong}." if wrong else "Please give me a date, like 3 March 2027."
    return Parsed(problem=problem, spans=((0, len(text)),) if wrong else ())


def read_format(parameter: Parameter, text: str) -> Parsed:
    """The one e-mail address, telephone number or time of the text."""
    found = formats.mentions(parameter.format, text)
    spans = tuple(span for _, span in found)
    values = list(dict.fromkeys(value for value, _ in found))
    if len(values) == 1:
        return Parsed(values[0], spans=spans)
    candidates = tuple(Option(value, value) for value in values)
    return Parsed(candidates=candidates, problem=formats.PROBLEMS[parameter.format], spans=spans)


def is_plain_text(parameter: Parameter) -> bool:
    """Whether any words of the customer would do."""
    bound = parameter.pattern or parameter.format or parameter.choices or parameter.choices_from
    return parameter.type == "string" and not bound


def split_texts(text: str, waiting: Sequence[Parameter]) -> dict[str, str]:
    """A list of short texts ("12 Quay Street, Galway, H91 X2P4") for the parameters that wait for one, in their order.

    Nothing where one text is meant. What is more than they are belongs to the first.
    """
    text = _WITHIN_A_HOUSE.sub(lambda flat: flat[1] + KEPT_COMMA, text)
    parts = [part.strip().replace(KEPT_COMMA, ",") for part in re.split(r"[,;\n]", text) if part.strip()]
    if len(parts) < 2 or len(waiting) < 2 or any(len(part.split()) > LONGEST_PART for part in parts):
        return {}
    if any(_LONG_TEXT.search(f"{each.name} {each.description}") for each in waiting):
        return {}
    if len(parts) > len(waiting):
        extra = len(parts) - len(waiting)
        parts = [", ".join(parts[: extra + 1]), *parts[extra + 1 :]]
    shared = {}
    for parameter, part in zip(waiting, parts, strict=False):
        parsed = _plain_text(parameter, part)
        if parsed.value is None:
            return {}
        shared[parameter.name] = parsed.value
    return shared


def fitting(parameter: Parameter, mention: numbers.Mention) -> list[int | float]:
    """The readings of a number that the parameter's type and limits allow."""
    return [value for reading in mention.readings if (value := _checked(parameter, reading)) is not None]


def kinds_of(parameter: Parameter) -> frozenset[str]:
    """What a number parameter measures, from its own words: money, percent, years…"""
    for words in (f"{parameter.name.replace('_', ' ')} {parameter.description}", parameter.prompt):
        found = frozenset(
            kind
            for kind, pattern in KIND_WORDS.items()
            if re.search(rf"(?<!\w)(?:{pattern})(?!\w)", words, re.IGNORECASE)
        )
        if found:
            return found
    return frozenset()


def topic_of(parameter: Parameter) -> frozenset[str]:
    """The stems of the parameter's own name, which name none of its options ("size", "account")."""
    names = frozenset(token.stem or token.text for token in choosing.tokens(parameter.name.replace("_", " ")))
    return names | {stem for name in names for stem in _ALSO.get(name, ())}


def _number(parameter: Parameter, text: str) -> Parsed:
    found = numbers.mentions(text)
    kinds = kinds_of(parameter)
    if not found and (people := _PEOPLE.search(text)):
        one = people["one"] is not None
        try:
            return Parsed(checked_value(parameter, 1 if one else 2), spans=(people.span(),))
        except BadValue as problem:
            return Parsed(problem=str(problem), spans=(people.span(),))
    mentioned = [mention for mention in found if mention.unit in kinds] or [
        mention for mention in found if not mention.unit or not kinds
    ]
    if not mentioned:
        return Parsed(problem="Please give me a number." if not found else "That is measured in something else.")
    fits = {value: mention for mention in mentioned for value in fitting(parameter, mention)}
    if len(fits) == 1:
        value, mention = next(iter(fits.items()))
        return Parsed(value, spans=((mention.start, mention.end),))
    if fits:
        options = tuple(Option(str(value), f"{value:,}") for value in fits)
        spans = tuple((mention.start, mention.end) for mention in fits.values())
        return Parsed(candidates=options, problem="Which of them?", spans=spans)
    spans = tuple((mention.start, mention.end) for mention in mentioned)
    try:
        checked_value(parameter, mentioned[0].readings[-1])
    except BadValue as problem:
        return Parsed(problem=str(problem), spans=spans)
    return Parsed(problem="Please give me a number.", spans=spans)


def _checked(parameter: Parameter, number: Decimal) -> int | float | None:
    try:
        value: int | float = checked_value(parameter, number)
    except BadValue:
        return None
    return value


def _boolean(text: str) -> Parsed:
    words = re.findall(r"[a-z]+", text.lower().replace("n't", " not"))
    yes, no = any(word in YES for word in words), any(word in NO for word in words)
    if yes and no and words[0] in NO | YES:
        yes, no = words[0] in YES, words[0] in NO
    if yes == no:
        return Parsed(problem="Please answer yes or no.")
    return Parsed(yes, spans=((0, len(text)),))


def _matches(parameter: Parameter, pattern: str, text: str) -> list[tuple[str, Span]]:
    try:
        found = list(regex.finditer(pattern, text, flags=regex.IGNORECASE, timeout=PATTERN_S))
    except TimeoutError:
        return []
    return [(value, match.span()) for match in found if (value := _in_case(parameter, match.group())) is not None]


def _in_case(parameter: Parameter, text: str) -> str | None:
    """The text in the letter case that the pattern wants."""
    for cased in _cases(text):
        try:
            return str(checked_value(parameter, cased))
        except BadValue:
            continue
    return None


def _cases(text: str) -> Iterator[str]:
    yield from (text, text.upper(), text.lower())


def _plain_text(parameter: Parameter, text: str) -> Parsed:
    names = "|".join(re.escape(word) for word in parameter.name.lower().split("_") if len(word) > 2) or "one"
    named = rf"(?:(?:my|the) )?(?:new )?(?:{names})(?: is|:)"
    opening = rf"{_OPENING}(?:it'?s|it is|that'?s|that would be|{_LIVING}|{named})\s+"
    said = re.sub(opening, "", text.strip(), flags=re.IGNORECASE)
    said = " ".join(said.split()).strip(" \"'“”.!")
    try:
        return Parsed(checked_value(parameter, said[: MAX_TEXT + 1]), spans=((0, len(text)),))
    except BadValue as problem:
        return Parsed(problem=str(problem))
