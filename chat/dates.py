"""Dates as people write them: tomorrow, Friday, 3 March, in two weeks, 2027-03-03."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
RELATIVE = {
    "day before yesterday": -2, "yesterday": -1, "today": 0, "tonight": 0, "day after tomorrow": 2, "tomorrow": 1,
    "tomorow": 1, "tommorow": 1, "tommorrow": 1, "tmrw": 1,
}  # fmt: skip

_MONTH = "|".join(f"{name}|{name[:3]}" for name in MONTHS) + "|sept"
_PATTERNS = (
    r"(?P<iso>\d{4})-(?P<iso_month>\d{1,2})-(?P<iso_day>\d{1,2})",
    r"(?P<left>\d{1,2})[/.](?P<right>\d{1,2})[/.](?P<slash_year>\d{4}|\d{2})",
    rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<month>{_MONTH})\.?(?:,?\s+(?P<year>\d{{4}}))?",
    rf"(?P<month2>{_MONTH})\.?\s+(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s+(?P<year2>\d{{4}}))?",
    rf"(?P<relative>{'|'.join(RELATIVE)})",
    r"in\s+(?P<count>\d{1,3}|a|one|two|three|four|five|six)\s+(?P<unit>day|week)s?",
    rf"(?:(?P<which>next|last|this|coming)\s+)?(?P<weekday>{'|'.join(WEEKDAYS)})",
    r"(?P<short>mon|tues?|wed|thurs?|fri)",
    r"the\s+(?P<nth>\d{1,2})(?:st|nd|rd|th)(?=\s*(?:[,.;!?]|please\b|at\b|$))",
)
_DATE = re.compile(r"(?<![^\W_])(?:" + "|".join(_PATTERNS) + r")(?![^\W_])", re.IGNORECASE)
# The first day of "3 to 5 March" is in the month of the second.
_RANGE = re.compile(
    rf"(?<![^\W_])(?P<first>\d{{1,2}})(?:st|nd|rd|th)?\s*(?:-|–|to|until|till|and)\s*(?:the\s+)?\d{{1,2}}(?:st|nd|rd|th)?"
    rf"\s+(?:of\s+)?(?P<rest>(?:{_MONTH})\.?(?:,?\s+\d{{4}})?)(?![^\W_])",
    re.IGNORECASE,
)
_COUNTS = {"a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}


@dataclass(frozen=True)
class DateMention:
    """A date in a text. It has two readings where it could mean either (next Friday, 03/04/2027)."""

    readings: tuple[date, ...]
    start: int
    end: int


def mentions(text: str, today: date) -> list[DateMention]:
    """The dates of a text in order; impossible ones (31 April) are none."""
    found = []
    for match in _RANGE.finditer(text):
        first = _DATE.fullmatch(f"{match['first']} {match['rest']}")
        if first and (readings := tuple(_readings(first, today))):
            found.append(DateMention(readings, *match.span("first")))
    for match in _DATE.finditer(text):
        readings = tuple(dict.fromkeys(_readings(match, today)))
        if readings:
            found.append(DateMention(readings, *match.span()))
    return sorted(found, key=lambda mention: mention.start)


def impossible(text: str, today: date) -> str:
    """What looks like a date and is none, as it stands in the text (31 April); nothing where there is no such thing."""
    return next((match.group() for match in _DATE.finditer(text) if not _readings(match, today)), "")


def weekday_of(word: str) -> int | None:
    """The number of a weekday from its name or the beginning of it, Monday being 0."""
    known = (number for number, name in enumerate(WEEKDAYS) if len(word) >= 3 and name.startswith(word.lower()))
    return next(known, None)


def _readings(match: re.Match[str], today: date) -> list[date]:
    parts = {name: value.lower() for name, value in match.groupdict().items() if value}
    if "iso" in parts:
        return _dates((parts["iso"], parts["iso_month"], parts["iso_day"]))
    if "left" in parts:
        year, left, right = parts["slash_year"], parts["left"], parts["right"]
        year = year if len(year) == 4 else f"20{year}"
        return _dates((year, right, left), (year, left, right))
    if "relative" in parts:
        return [today + timedelta(RELATIVE[parts["relative"]])]
    if "count" in parts:
        count = _COUNTS.get(parts["count"]) or int(parts["count"])
        return [today + timedelta(count * (7 if parts["unit"] == "week" else 1))]
    if "short" in parts:
        number = weekday_of(parts["short"])
        assert number is not None  # the pattern names weekdays only
        return _weekday(number, "", today)
    if "nth" in parts:
        return _coming_day(int(parts["nth"]), today)
    if "weekday" in parts:
        return _weekday(WEEKDAYS.index(parts["weekday"]), parts.get("which", ""), today)
    month = _month(parts.get("month") or parts["month2"])
    day, year = parts.get("day") or parts["day2"], parts.get("year") or parts.get("year2")
    if year:
        return _dates((year, str(month), day))
    coming = [found for found in _dates(*((str(today.year + n), str(month), day) for n in range(5))) if found >= today]
    return coming[:1]


def _coming_day(number: int, today: date) -> list[date]:
    """The next day of this number in a month."""
    days = (today + timedelta(ahead) for ahead in range(62))
    return [day for day in days if day.day == number][:1]


def _weekday(weekday: int, which: str, today: date) -> list[date]:
    ahead = (weekday - today.weekday()) % 7
    if which == "last":
        return [today - timedelta((today.weekday() - weekday) % 7 or 7)]
    coming = today + timedelta(ahead or 7)
    if which == "next" and coming.isocalendar().week == today.isocalendar().week:
        # Some mean the coming Friday, some the Friday of next week.
        return [coming, coming + timedelta(7)]
    if not ahead and not which:
        return [today, coming]
    return [coming]


def _month(name: str) -> int:
    return next(number for number, month in enumerate(MONTHS, 1) if month.startswith(name[:3]))


def _dates(*triples: tuple[str, str, str]) -> list[date]:
    found = []
    for year, month, day in triples:
        try:
            found.append(date(int(year), int(month), int(day)))
        except ValueError:
            continue
    return found
