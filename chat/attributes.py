"""What a choice is told by besides its name: its time, its date, its price, its place in an order ("the cheapest")."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from chat import dates, numbers
from knowledge import formats
from knowledge.values import Option

SIZE_ORDER = ("XXS", "XS", "S", "M", "L", "XL", "XXL", "XXXL")
PARTS = {"morning": ("05:00", "11:59"), "afternoon": ("12:00", "17:59"), "evening": ("17:00", "23:59")}
ANY = re.compile(
    r"\W*(?:any(?: (?:one|of (?:them|those)|is fine|will do))?|either(?: one| is fine| of them)?|"
    r"whichever(?: .{0,20})?|"
    r"up to you|whatever|"
    r"you (?:choose|pick|decide)|(?:i (?:really )?)?(?:don'?t|do not) (?:really )?(?:mind|care)|"
    r"no preference|not bothered|surprise me|no matter)"
    r"(?:\W+(?:please|thanks|really))*\W*",
    re.IGNORECASE,
)
OTHER = re.compile(r"\b(?:the|my|that|your)?\s*other\b", re.IGNORECASE)
DIFFERENT = re.compile(r"\b(?:another|a different|some other)\b", re.IGNORECASE)
UNWANTED = re.compile(
    r"\b(?:change|wrong|different|incorrect|not right|isn'?t right|mistake|edit|amend|fix)\b", re.IGNORECASE
)
_EXTREMES = (
    (r"cheap(?:er|est)?|least expensive|less expensive|lowest price|best price", "price", min),
    (r"most expensive|more expensive|dearest|dearer|pric(?:ier|iest)", "price", max),
    (r"earliest|earlier|soonest|sooner|early|next", "moment", min),
    (r"latest|later|late|newest|most recent", "moment", max),
    (r"oldest|older", "moment", min),
    (r"biggest|bigger|largest|larger", "size", max),
    (r"smallest|smaller", "size", min),
)
_PLAIN_EXTREMES = ((r"cheapest", "price", min), (r"earliest|soonest", "moment", min))
LISTING = re.compile(
    r"\b(?:what|which)\b.{0,40}\b(?:are there|there are|do (?:i|you) have|have (?:i|you) got|options|choices|available|"
    r"can i (?:have|choose|pick))\b|^\W*(?:(?:show|list|tell) (?:me )?(?:them|all|the (?:options|choices|list))|"
    r"(?:what|which) (?:ones?|are (?:they|those))|options|what'?s available)\b",
    re.IGNORECASE,
)
_NOT = re.compile(r"\b(?:not|except|isn'?t)\W+(?:the\W+|at\W+|on\W+)?$", re.IGNORECASE)
_DAY = re.compile(r"(?<!\w)(?P<day>[1-9]|[12]\d|3[01])(?:st|nd|rd|th)(?!\w)", re.IGNORECASE)


@dataclass(frozen=True)
class Told:
    """What a label tells."""

    times: frozenset[str]
    days: frozenset[date]
    price: Decimal | None
    size: float | None

    @property
    def moment(self) -> tuple[date, str] | None:
        if not self.times and not self.days:
            return None
        return min(self.days, default=date.min), min(self.times, default="")


def matching(
    options: Sequence[Option], text: str, today: date, *, by_day: bool = True
) -> tuple[list[Option], list[tuple[int, int]]]:
    """The options that every time, date and part of the day in the text fits, and where those stand.

    Nothing where the text has none, or none that the options could be told apart by.
    """
    left = list(options)
    spans: list[tuple[int, int]] = []
    for fits, span in _tests(text, today, by_day):
        if _NOT.search(text[: span[0]]):
            continue
        fitting = [option for option in left if fits(told(option))]
        if fitting and (len(fitting) < len(options) or len(options) == 1):
            left = fitting
            spans.append(span)
    return (left, spans) if spans else ([], [])


def extreme(options: Sequence[Option], text: str, *, plainly: bool = False) -> tuple[Option, tuple[int, int]] | None:
    """The one that is the cheapest, the earliest, the largest… of those that can be compared so.

    `plainly`: only words that cannot mean much else ("the last trip" is no choice of a train).
    """
    for words, what, choose in _PLAIN_EXTREMES if plainly else _EXTREMES:
        found = re.search(rf"(?<!\w)(?:{words})(?!\w)", text, re.IGNORECASE)
        if not found or _NOT.search(text[: found.start()]):
            continue
        known = [(value, option) for option in options if (value := getattr(told(option), what)) is not None]
        if len(known) < 2 or len(known) < len(options):
            continue
        best = choose(value for value, _ in known)
        top = [option for value, option in known if value == best]
        if len(top) == 1:
            return top[0], found.span()
    return None


@lru_cache(maxsize=4_000)
def told(option: Option) -> Told:
    text = " ".join((option.label, *option.synonyms))
    times = frozenset(time for time, _ in formats.mentions(formats.TIME, text))
    days = frozenset(day for each in dates.mentions(text, date(2000, 1, 1)) for day in each.readings)
    amounts = [mention.readings[-1] for mention in numbers.mentions(text) if mention.unit == "money"]
    return Told(times, days, amounts[0] if len(amounts) == 1 else None, _size(option))


def _tests(text: str, today: date, by_day: bool) -> list[tuple[Callable[[Told], bool], tuple[int, int]]]:
    found: list[tuple[Callable[[Told], bool], tuple[int, int]]] = []
    for time, span in formats.mentions(formats.TIME, text):
        found.append((_at(time, explicit=bool(re.search(r"m\b|noon", text[span[0] : span[1]], re.I))), span))
    for mention in dates.mentions(text, today) if by_day else ():
        named = text[mention.start : mention.end].lower().split()[-1]
        if bare := re.fullmatch(r"the\s+(\d{1,2})(?:st|nd|rd|th)", text[mention.start : mention.end], re.IGNORECASE):
            found.append((_on_day(int(bare[1])), (mention.start, mention.end)))
        elif (weekday := dates.weekday_of(named)) is not None:
            found.append((_on_weekday(weekday), (mention.start, mention.end)))
        else:
            said = text[mention.start : mention.end]
            with_year = re.search(r"\d{4}", said) is not None
            found.append((_on(mention.readings, with_year), (mention.start, mention.end)))
    taken = [span for _, span in found]
    for match in _DAY.finditer(text) if by_day else ():
        if not any(start <= match.start() < end for start, end in taken):
            found.append((_on_day(int(match["day"])), match.span()))
    for part, (start, end) in PARTS.items():
        if named_part := re.search(rf"\b{part}\b", text, re.IGNORECASE):
            found.append((_between(start, end), named_part.span()))
    return found


def _at(time: str, *, explicit: bool) -> Callable[[Told], bool]:
    """The very time; in words of twelve hours "half past one" may be in the afternoon."""
    hour = int(time[:2])
    later = f"{hour + 12:02}{time[2:]}" if not explicit and 1 <= hour < 12 else time
    return lambda it: time in it.times or later in it.times


def _on(days: Sequence[date], with_year: bool) -> Callable[[Told], bool]:
    if with_year:
        return lambda it: bool(it.days & set(days))
    return lambda it: any((a.month, a.day) == (b.month, b.day) for a in it.days for b in days)


def _on_weekday(number: int) -> Callable[[Told], bool]:
    return lambda it: any(day.weekday() == number for day in it.days)


def _on_day(number: int) -> Callable[[Told], bool]:
    return lambda it: any(day.day == number for day in it.days)


def _between(start: str, end: str) -> Callable[[Told], bool]:
    return lambda it: bool(it.times) and all(start <= time <= end for time in it.times)


def _size(option: Option) -> float | None:
    if option.value.upper() in SIZE_ORDER:
        return float(SIZE_ORDER.index(option.value.upper()))
    found = numbers.mentions(option.label)
    return float(found[0].readings[-1]) if len(found) == 1 and found[0].unit != "money" else None
