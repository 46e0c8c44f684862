"""The formats that a text may have, each checked and written one way: e-mail addresses, telephone numbers, times."""

import re
from typing import Final

from knowledge.bad_value import BadValue

EMAIL, PHONE, TIME = "email", "phone", "time"
FORMATS: Final = (EMAIL, PHONE, TIME)
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)+")
_PHONE = re.compile(r"(?<![\w.-])(?:\+|00)?\(?\d(?:[\s()/.-]{0,2}\d){5,14}(?![\w-])")
_TIME = re.compile(
    r"(?<![\w:.,£€$-])(?:(?P<word>noon|midday|midnight)"
    r"|(?P<part>half|quarter)\s+(?P<side>past|to)\s+(?P<of>\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten"
    r"|eleven|twelve)(?:\s?(?P<half2>[ap])\.?m\b\.?)?"
    r"|(?P<hour>[01]?\d|2[0-3])(?:(?P<mark>[:.h])(?P<minute>[0-5]\d))?\s?(?:(?P<half>[ap])\.?m\b\.?|(?P<clock>o'?clock))?)"
    r"(?![\w%]|[:.,]\d)",
    re.IGNORECASE,
)
_HOURS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_WORDS = {"noon": (12, 0), "midday": (12, 0), "midnight": (0, 0)}
PROBLEMS = {
    EMAIL: "Please give me an e-mail address, like name@example.com.",
    PHONE: "Please give me a telephone number, like +44 20 7946 0958.",
    TIME: "Please give me a time of day, like 14:30.",
}


def checked(kind: str, value: object) -> str:
    """The value as it is sent. Raises BadValue."""
    text = str(value).strip()
    found = mentions(kind, text)
    if len(found) != 1 or found[0][1] != (0, len(text)):
        raise BadValue(PROBLEMS[kind])
    return found[0][0]


def mentions(kind: str, text: str) -> list[tuple[str, tuple[int, int]]]:
    """What of the text has the format: as it is sent, and where it stands. A bare number is no time."""
    if kind == EMAIL:
        return [(found.group(), found.span()) for found in _EMAIL.finditer(text)]
    if kind == PHONE:
        return [(_phone(found.group()), found.span()) for found in _PHONE.finditer(text)]
    return [(time, found.span()) for found in _TIME.finditer(text) if (time := _time(found))]


def _phone(text: str) -> str:
    """Digits alone, with the plus of an international number."""
    digits = re.sub(r"\D", "", text)
    return f"+{digits}" if text.startswith("+") else digits


def _time(found: re.Match[str]) -> str:
    """As 24 hours, 14:30; nothing for what is only a number."""
    if found["word"]:
        hour, minute = _WORDS[found["word"].lower()]
        return f"{hour:02}:{minute:02}"
    if found["part"]:
        spoken = found["of"].lower()
        hour = int(spoken) if spoken.isdigit() else _HOURS.index(spoken) + 1
        minute = 30 if found["part"].lower() == "half" else 15
        if found["side"].lower() == "to":
            hour, minute = hour - 1, 60 - minute
        half = found["half2"]
    else:
        if not (found["minute"] or found["half"] or found["clock"]):
            return ""
        if found["mark"] == "." and not found["half"]:
            return ""
        hour, minute, half = int(found["hour"]), int(found["minute"] or 0), found["half"]
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half.lower() == "p" else 0)
    return f"{hour % 24:02}:{minute:02}"
