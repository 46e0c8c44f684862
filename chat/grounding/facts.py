"""The hard facts of a text, each in one form however it is written: amounts, times, dates, numbers, links, names.

"£65" and "65 pounds", "8pm" and "20:00", "two weeks" and "14 days" are the same fact; "14 days" and "14 hours" are not.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from chat import numbers
from chat.dates import MONTHS, WEEKDAYS
from chat.grounding.phrases import plain


@dataclass(frozen=True)
class Fact:
    """`readings` are the forms that it may be meant in; `implied` is what may be said of it with less: "in May"."""

    kind: str
    readings: frozenset[str]
    start: int
    end: int
    implied: frozenset[str] = frozenset()

    def is_held_by(self, stated: "Fact") -> bool:
        """Whether a source that states the other says this as well."""
        if self.kind == "weekday":
            return stated.kind == "weekday" and self.readings <= stated.readings
        kinds = {self.kind, stated.kind}
        known = stated.readings | stated.implied
        return (len(kinds) == 1 or kinds == {"number", "times"}) and not self.readings.isdisjoint(known)


def facts(text: str) -> list[Fact]:
    """Those of a text in order; a stretch of it belongs to one fact only. Names are not among them."""
    text = plain(text)
    found: list[Fact] = []
    for read in (_links, _phones, _dates, _clock_times, _codes, _spans, _shares, _rates, _quantities):
        for fact in read(text):
            found.append(fact)
            text = text[: fact.start] + "_" * (fact.end - fact.start) + text[fact.end :]
    return sorted(found, key=lambda fact: fact.start)


def beside(text: str, found: Iterable[Fact]) -> str:
    """The text without the facts that were found in it."""
    for fact in found:
        text = text[: fact.start] + " " * (fact.end - fact.start) + text[fact.end :]
    return text


_LINK = re.compile(
    r"https?://[^\s<>\"”)\]]+|www\.[^\s<>\"”)\]]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|(?<![\w.@])[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}(?:/[^\s<>\"”)\]]*)?(?![\w@])",
    re.IGNORECASE,
)
_PHONE = re.compile(r"(?<![\w.,£$€-])\+?\d(?:[\s()-]?\d){7,14}(?![\w-])")
_CODE = re.compile(r"(?<![\w-])(?=[\w/-]*\d)(?=[\w/-]*[A-Za-z])[A-Za-z0-9]+(?:[-/][A-Za-z0-9]+)*(?![\w-])")
_MEASURE = re.compile(r"\d+(?:st|nd|rd|th|kg|g|mg|km|m|cm|mm|l|ml|p|k|gb|mb|tb|h|hrs?|mins?|am|pm|x|gbp|eur|usd)")


def _links(text: str) -> Iterator[Fact]:
    for match in _LINK.finditer(text):
        link = match.group().rstrip(".,;:!?'’")
        if re.fullmatch(r"[\d.]+|(?:[a-z]\.)+[a-z]?", link, re.IGNORECASE):
            continue
        same = re.sub(r"^(?:https?://)?(?:www\.)?", "", link.lower()).rstrip("/")
        yield Fact("link", frozenset([same]), match.start(), match.start() + len(link))


def _phones(text: str) -> Iterator[Fact]:
    for match in _PHONE.finditer(text):
        if not re.fullmatch(r"\d{4}-\d\d?-\d\d?", match.group()):
            yield Fact("link", frozenset([re.sub(r"\D", "", match.group())]), *match.span())


def _codes(text: str) -> Iterator[Fact]:
    for match in _CODE.finditer(text):
        if not _MEASURE.fullmatch(match.group().lower()):
            yield Fact("code", frozenset([re.sub(r"\W", "", match.group()).lower()]), *match.span())


_MONTH = "|".join(f"{name}|{name[:3]}" for name in MONTHS) + "|sept"
_DATE = re.compile(
    r"(?P<iso>\d{4})-(?P<iso_month>\d\d)-(?P<iso_day>\d\d)(?!\d)"
    rf"|(?<![\w.])(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:\s+(?:to|and|-|–|or)\s+(?P<until>\d{{1,2}})(?:st|nd|rd|th)?)?"
    rf"\s+(?:of\s+)?(?P<month>{_MONTH})\b\.?(?:,?\s+(?P<year>\d{{4}}))?"
    rf"|\b(?P<month2>{_MONTH})\.?\s+(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?(?!\d)(?:,?\s+(?P<year2>\d{{4}}))?"
    rf"|\b(?P<alone>{'|'.join(MONTHS)})\b",
    re.IGNORECASE,
)
_DAY = "|".join(WEEKDAYS)
_WEEKDAY = re.compile(
    rf"\b(?:(?P<first>{_DAY})s?\s*(?:to|until|till|through|-|–)\s*(?P<last>{_DAY})s?|(?P<day>{_DAY})s?)\b",
    re.IGNORECASE,
)
_RELATIVE = re.compile(r"\b(?:tomorrow|today|tonight|yesterday)\b", re.IGNORECASE)


def _dates(text: str) -> Iterator[Fact]:
    for match in _DATE.finditer(text):
        # "You may" is no month.
        if (
            match["alone"]
            and match["alone"].lower() == "may"
            and not re.search(
                r"\b(?:in|of|by|until|since|from|and|to|during|early|late|mid)\s+$|,\s*$", text[: match.start()]
            )
        ):
            continue
        readings, implied = _date_readings(match)
        yield Fact("date", frozenset(readings), *match.span(), frozenset(implied))
    for match in _WEEKDAY.finditer(text):
        first, last = (match["first"] or match["day"]).lower(), (match["last"] or match["day"] or "").lower()
        start, end = WEEKDAYS.index(first), WEEKDAYS.index(last)
        days = [WEEKDAYS[(start + step) % 7] for step in range((end - start) % 7 + 1)]
        yield Fact("weekday", frozenset(days), *match.span())
    for match in _RELATIVE.finditer(text):
        yield Fact("date", frozenset([match.group().lower()]), *match.span())


def _date_readings(match: re.Match[str]) -> tuple[list[str], list[str]]:
    if match["iso"]:
        month, days, year = int(match["iso_month"]), [match["iso_day"]], match["iso"]
    elif match["alone"]:
        return [f"month {_month(match['alone'])}"], []
    else:
        month = _month(match["month"] or match["month2"])
        days = [day for day in (match["day"], match["until"], match["day2"]) if day]
        year = match["year"] or match["year2"] or ""
    found = [f"{month}-{int(day)}" for day in days]
    dated = [f"{year}-{day}" for day in found if year]
    return dated or found, [*found, f"month {month}"]


def _month(name: str) -> int:
    return next(number for number, month in enumerate(MONTHS, 1) if month.startswith(name.lower()[:3]))


_HOUR = "|".join([r"\d{1,2}", *list(numbers.SMALL)[1:13]])
_CLOCK = re.compile(
    r"\b(?P<hour>\d{1,2})[:.](?P<minute>\d\d)(?:\s*(?P<half>[ap])\.?m\b\.?)?(?!\d)"
    r"|\b(?P<hour2>\d{1,2})\s*(?P<half2>[ap])\.?m\b"
    rf"|\b(?P<hour3>{_HOUR})(?:\s*o['’]clock)?\s+in the (?P<part>morning|afternoon|evening)\b"
    rf"|\b(?P<offset>half|quarter) (?P<side>past|to) (?P<hour4>{_HOUR})\b|\b(?P<word>noon|midday|midnight)\b"
    rf"|\b(?P<hour5>{_HOUR})\s*o['’]clock\b",
    re.IGNORECASE,
)


def _clock_times(text: str) -> Iterator[Fact]:
    for match in _CLOCK.finditer(text):
        if (
            match["hour"]
            and not match["half"]
            and (":" not in match.group() or text[match.start() - 1 : match.start()] in "£$€")
        ):
            continue
        minutes = [value for value in _minutes(match) if value is not None]
        if minutes:
            yield Fact("time", frozenset(f"{value % 1440}" for value in minutes), *match.span())


def _minutes(match: re.Match[str]) -> list[int]:
    if match["word"]:
        return [0 if match["word"].lower() == "midnight" else 720]
    written = next(match[name] for name in ("hour", "hour2", "hour3", "hour4", "hour5") if match[name]).lower()
    hour = numbers.SMALL[written] if written in numbers.SMALL else int(written)
    minute = int(match["minute"] or 0)
    half = (match["half"] or match["half2"] or "").lower()
    if half or match["part"]:
        late = half == "p" or (match["part"] or "").lower() in ("afternoon", "evening")
        return [(hour % 12 + (12 if late else 0)) * 60 + minute]
    if match["offset"]:
        shift = {"half": 30, "quarter": 15}[match["offset"].lower()] * (1 if match["side"].lower() == "past" else -1)
        return [hour * 60 + shift, (hour + 12) * 60 + shift]
    return [hour * 60, (hour + 12) * 60] if match["hour5"] else [hour * 60 + minute]


_SHARE = re.compile(
    r"\b(?:(?P<half>half(?: of)? (?:the|your|its|our)\b|half[- ]price\b)|(?P<some>a (?:third|quarter) of\b)"
    r"|(?P<all>(?:all of (?:it|the|your)|the (?:whole|full|entire)|your (?:whole|full|entire))\b))",
    re.IGNORECASE,
)


def _shares(text: str) -> Iterator[Fact]:
    for match in _SHARE.finditer(text):
        share = "50" if match["half"] else "100" if match["all"] else "33" if "third" in match.group() else "25"
        if share != "100":
            yield Fact("percent", frozenset([share]), *match.span())


_CURRENCIES = {
    "GBP": r"£|gbp|pounds?(?! sterling area)|quid", "EUR": r"€|eur|euros?", "USD": r"\$|usd|dollars?",
    "CHF": r"chf|francs?", "SEK": r"sek|kronor|krona", "JPY": r"¥|jpy|yen", "penny": r"pence|penny|cents?",
}  # fmt: skip
_UNITS = {
    "minute": (1, r"minutes?|mins?"), "hour": (60, r"hours?|hrs?|h"), "day": (1440, r"days?|nights?"),
    "week": (10080, r"weeks?"), "fortnight": (20160, r"fortnights?"),
}  # fmt: skip
_MEASURES = frozenset(["kg", "g", "mg", "km", "m", "cm", "mm", "l", "ml", "gb", "mb", "tb", "miles", "mile"])
_NEXT = re.compile(r"\s*-?\s*(?P<working>(?:full\s+)?(?:working|business)\s+)?(?P<word>[^\W\d_]+|%)")
_ONE_UNIT = re.compile(
    r"\b(?:within|in|for|after|until|before|at least|lasts?|up to)\s+(?:an?|one)\s+(?:full\s+)?"
    r"(?P<unit>minute|hour|day|week|fortnight|month|year)\b"
    r"|\b(?:an?|one)\s+(?P<unit2>minute|hour|day|week|fortnight|month|year)(?:'s)?\s+(?:before|after|later|earlier|notice)\b"
    r"|\b(?P<part>half|(?:a )?quarter of) an hour\b|\b(?P<times>twice)\b",
    re.IGNORECASE,
)
_LIST_NUMBER = re.compile(r"(?m)^\s*\(?\d{1,2}[.)]\s+")


def _spans(text: str) -> Iterator[Fact]:
    for match in _ONE_UNIT.finditer(text):
        unit = (match["unit"] or match["unit2"] or "").lower()
        kind, reading = (
            ("times", "2") if match["times"] else ("span", "15" if "quarter" in match.group().lower() else "30")
        )
        if unit:
            kind, reading = _measured(unit, Decimal(1))
        yield Fact(kind, frozenset([reading]), *match.span())


_RATE = re.compile(
    r"(?:\b(?:an?|per|each|every)\s+|/\s?)(?:full |further )?(?P<unit>minute|hour|day|night|week|month|year)\b",
    re.IGNORECASE,
)


def _rates(text: str) -> Iterator[Fact]:
    for match in _RATE.finditer(text):
        yield Fact("rate", frozenset([match["unit"].lower()]), *match.span())


def _quantities(text: str) -> Iterator[Fact]:
    listed = [range(*match.span()) for match in _LIST_NUMBER.finditer(text)]
    for mention in numbers.mentions(text):
        if any(mention.start in span for span in listed):
            continue
        kind, end = _kind(text, mention)
        readings = frozenset(_measured(kind, abs(value)) for value in mention.readings)
        yield Fact(next(iter(readings))[0], frozenset(value for _, value in readings), mention.start, end)


def _kind(text: str, mention: numbers.Mention) -> tuple[str, int]:
    """What is counted, and where the fact ends."""
    written = text[mention.start : mention.end]
    for currency, words in _CURRENCIES.items():
        if re.match(rf"(?:{words})", written, re.IGNORECASE) or re.search(
            rf"(?<![a-z])(?:{words})$", written, re.IGNORECASE
        ):
            return currency, mention.end
    if mention.unit:
        working = re.search(r"\b(?:working|business)\b", written)
        return ("workday" if working else mention.unit.removesuffix("s")), mention.end
    following = _NEXT.match(text, mention.end)
    if following is None:
        return "", mention.end
    word = following["word"].lower()
    for currency, words in _CURRENCIES.items():
        if re.fullmatch(words, word):
            return currency, following.end()
    for unit, (_, words) in _UNITS.items():
        if re.fullmatch(words, word):
            return ("workday" if following["working"] else unit), following.end()
    if re.fullmatch(r"months?|years?|times", word):
        return word.removesuffix("s"), following.end()
    if word in _MEASURES:
        return word, following.end()
    return ("percent" if word in ("%", "percent") else ""), mention.end


def _measured(kind: str, value: Decimal) -> tuple[str, str]:
    """The kind of fact and its value, in the smallest unit of that kind."""
    if kind in _UNITS:
        return "span", _written(value * _UNITS[kind][0])
    if kind == "year":
        return "month", _written(value * 12)
    if kind == "time":
        return "times", _written(value)
    return kind or "number", _written(value)


def _written(value: Decimal) -> str:
    return f"{value.normalize():f}"
