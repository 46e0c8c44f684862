"""The values that a sentence holds for several parameters at once; what could belong to two of them belongs to none."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

from chat import choosing, dates, numbers, roles
from chat.value_parsing import (
    Parsed,
    Span,
    fitting,
    is_plain_text,
    kinds_of,
    read_date,
    read_format,
    read_pattern,
    topic_of,
)
from knowledge.bad_value import BadValue
from knowledge.values import Option, Parameter, checked_value

ABOVE = r"(?:over|above|more than|at least|from|minimum|min)"
BELOW = r"(?:under|below|up to|less than|at most|no more than|max|maximum|cheaper than|within|<)"
COUNTED = r"(?:last|latest|newest|recent|first|top|next)"
_WANTED = re.compile(r"\b(with|include|including|add|plus|want|need|like)\b", re.IGNORECASE)
_UNWANTED = re.compile(r"\b(without|no|not|don'?t|skip|leave out)\b", re.IGNORECASE)
_IS = r"\s*(?:is|should be|must be|was|to|as|=|:)\s*:?\s*"


@dataclass(frozen=True)
class Found:
    """Values by parameter name, the options of those that the sentence names more than once, and what was read."""

    values: dict[str, Any] = field(default_factory=dict)
    candidates: dict[str, tuple[Option, ...]] = field(default_factory=dict)
    spans: tuple[Span, ...] = ()


def find_values(
    parameters: Sequence[Parameter],
    text: str,
    today: date,
    only: Collection[str] | None = None,
    topic: Collection[str] = (),
) -> Found:
    """Read a sentence that need not be about these parameters: only what is unambiguous is taken.

    With `only`, the others are known already: they still claim what is clearly said of them. `topic` holds stems that
    name no option.
    """
    wanted = [parameter for parameter in parameters if parameter.askable]
    finding = _Finding(wanted, text, today, topic)
    finding.of_patterns()
    finding.of_named_texts()
    finding.of_pairs(only)
    finding.of_dates()
    finding.of_choices()
    finding.of_numbers()
    finding.of_truths()
    values, candidates = finding.values, finding.candidates
    if only is not None:
        values = {name: value for name, value in values.items() if name in only}
        candidates = {name: options for name, options in candidates.items() if name in only}
    return Found(values, candidates, tuple(finding.taken))


class _Finding:
    """One reading of a sentence; each step leaves what the ones before have taken."""

    def __init__(self, wanted: Sequence[Parameter], text: str, today: date, topic: Collection[str] = ()) -> None:
        self.topic = frozenset(topic)
        self.wanted, self.text, self.today = wanted, text, today
        self.values: dict[str, Any] = {}
        self.candidates: dict[str, tuple[Option, ...]] = {}
        self.taken: list[Span] = []
        self.paired: set[str] = set()

    def of_patterns(self) -> None:
        for parameter in self.wanted:
            parsed = Parsed()
            if parameter.pattern and not (parameter.choices and parameter.choices_from is None):
                parsed = read_pattern(parameter, self.text, False)
            elif parameter.format:
                parsed = read_format(parameter, self.text)
            self._take(parameter, parsed)

    def of_named_texts(self) -> None:
        """ "The town is Cobh": a text that says of itself what it is."""
        for parameter in self.wanted:
            if not is_plain_text(parameter):
                continue
            name = re.escape(parameter.name.replace("_", " ")).replace("\\ ", r"[\s_-]+")
            match = re.search(
                rf"(?<!\w){name}{_IS}(?P<value>[^,;!?\n]{{1,120}}?)\s*(?:[.!](?:\s|$)|[,;?\n]|$)", self.text, re.I
            )
            if match:
                try:
                    value = checked_value(parameter, match["value"].strip(" \"'“”"))
                except BadValue:
                    continue
                self._take(parameter, Parsed(value, spans=(match.span(),)))

    def of_pairs(self, only: Collection[str] | None) -> None:
        """Two of a kind, told apart by what stands before each."""
        for members, reader in self.pairs():
            self.paired |= {member.name for member in members}
            found = roles.read(members, self._rest(), reader)
            for member in members:
                if member.name in found:
                    self._take(member, found[member.name])
            if not found and members[0].type == "date":
                found = self._in_order(members)
            open_ones = [member for member in members if only is None or member.name in only]
            if not found and len(open_ones) == 1:
                self._take(open_ones[0], reader(open_ones[0], self._rest(), self._rest()))

    def _in_order(self, members: tuple[Parameter, Parameter]) -> dict[str, Parsed]:
        """Two days, the earlier of which begins: "10-12 May"."""
        days = [each for each in dates.mentions(self._rest(), self.today) if len(each.readings) == 1]
        if len(days) != 2 or days[0].readings[0] > days[1].readings[0]:
            return {}
        found = {}
        for member, day in zip(members, days, strict=True):
            found[member.name] = Parsed(day.readings[0].isoformat(), spans=((day.start, day.end),))
            self._take(member, found[member.name])
        return found

    def pairs(self) -> list[tuple[tuple[Parameter, Parameter], Any]]:
        days = roles.pair([each for each in self.wanted if each.type == "date" and not each.choices])
        pairs: list[tuple[tuple[Parameter, Parameter], Any]] = []
        if days:
            pairs.append((days, lambda member, text, only: read_date(text, self.today, only)))
        alike: dict[frozenset[str], list[Parameter]] = {}
        for parameter in self.wanted:
            if parameter.choices:
                alike.setdefault(frozenset(option.value for option in parameter.choices), []).append(parameter)
        has_numbers = self._has_numbers()
        for group in alike.values():
            if members := roles.pair(group):
                pairs.append((members, partial(_spotted, has_numbers)))
        return pairs

    def of_choices(self) -> None:
        """Longer namings first claim their words; a word that fits two parameters alike goes to neither."""
        has_numbers, rest = self._has_numbers(), self._rest()
        picks = {
            parameter.name: choosing.spot(parameter.choices, rest, topic_of(parameter) | self.topic, has_numbers)
            for parameter in self.wanted
            if parameter.choices and parameter.name not in self.values and parameter.name not in self.paired
        }
        dated = any(each.type == "date" and not each.choices for each in self.wanted)
        for parameter in self.wanted:
            if parameter.choices_from and picks.get(parameter.name) == choosing.Pick():
                picks[parameter.name] = choosing.spot_told(parameter.choices, rest, self.today, by_day=not dated)
        spans: list[Span] = []
        for name, pick in picks.items():
            rivals = [other for rival, other in picks.items() if rival != name and other.value is not None]
            spans += pick.spans
            if any(_overlap(pick.spans, other.spans) and _size(other.spans) >= _size(pick.spans) for other in rivals):
                continue
            if pick.value is not None:
                self.values[name] = self._typed(name, pick.value)
            elif pick.candidates:
                self.candidates[name] = pick.candidates
        self.taken += spans

    def of_dates(self) -> None:
        dated = [each for each in self.wanted if each.type == "date" and not each.choices]
        if len(dated) == 1:
            parsed = read_date(self._rest(), self.today)
            self._take(dated[0], parsed)
            if parsed.candidates:
                self.candidates[dated[0].name] = parsed.candidates

    def of_numbers(self) -> None:
        days = [(mention.start, mention.end) for mention in dates.mentions(self.text, self.today)]
        measured = [
            each
            for each in self.wanted
            if each.type in ("number", "integer") and not each.choices and not each.choices_from
        ]
        for name, (value, mention) in _find_numbers(measured, self.text, [*self.taken, *days]).items():
            self.values[name] = value
            self.taken.append((mention.start, mention.end))

    def of_truths(self) -> None:
        """ "With breakfast": what the customer names is wanted, or expressly not."""
        for parameter in self.wanted:
            if parameter.type != "boolean" or parameter.name in self.values:
                continue
            names = topic_of(parameter)
            words = choosing.tokens(self.text)
            for word in words:
                before = self.text[max(0, word.start - 30) : word.start]
                if (word.stem or word.text) not in names or _overlap([(word.start, word.end)], self.taken):
                    continue
                if _UNWANTED.search(before):
                    self.values[parameter.name] = False
                elif _WANTED.search(before):
                    self.values[parameter.name] = True

    def _take(self, parameter: Parameter, parsed: Parsed) -> None:
        if parsed.value is not None:
            self.values[parameter.name] = self._typed(parameter.name, parsed.value)
            self.taken += parsed.spans

    def _typed(self, name: str, value: Any) -> Any:
        return checked_value(next(each for each in self.wanted if each.name == name), value)

    def _rest(self) -> str:
        return without(self.text, self.taken)

    def _has_numbers(self) -> bool:
        return any(parameter.type in ("number", "integer") for parameter in self.wanted)


def find_pair(parameters: Sequence[Parameter], asked: Parameter, text: str, today: date) -> dict[str, Parsed]:
    """What a reply says for the parameter that was asked and another of its kind, where it says which is which."""
    finding = _Finding([parameter for parameter in parameters if parameter.askable], text, today)
    for members, reader in finding.pairs():
        if asked.name in (member.name for member in members):
            return roles.read(members, text, reader)
    return {}


def without(text: str, spans: Sequence[Span]) -> str:
    """The text with blanks in the place of what was read."""
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def _spotted(has_numbers: bool, parameter: Parameter, text: str, only: str) -> Parsed:
    pick = choosing.spot(parameter.choices, only, topic_of(parameter), has_numbers)
    return Parsed(pick.value, pick.candidates, "", pick.spans)


def _find_numbers(
    measured: Sequence[Parameter], text: str, taken: Sequence[Span]
) -> dict[str, tuple[int | float, numbers.Mention]]:
    """Assign numbers by their units, by the words around them, and where limits leave one place only."""
    open_mentions = [
        mention for mention in numbers.mentions(text) if not _overlap(((mention.start, mention.end),), taken)
    ]
    values: dict[str, tuple[int | float, numbers.Mention]] = {}
    for mention in list(open_mentions):
        counted = [each for each in measured if each.name not in values and _counts(each, mention, text)]
        if len(counted) == 1 and len(fits := fitting(counted[0], mention)) == 1:
            values[counted[0].name] = fits[0], mention
            open_mentions.remove(mention)
    while True:
        left = [parameter for parameter in measured if parameter.name not in values]
        pairs = {
            (parameter.name, mention): value
            for parameter in left
            for mention in open_mentions
            if (value := _fit(parameter, mention, text)) is not None
        }
        settled = [pair for pair in pairs if _is_alone(pair, pairs)]
        if not settled:
            return values
        for name, mention in settled:
            values[name] = pairs[name, mention], mention
            open_mentions.remove(mention)


def _counts(parameter: Parameter, mention: numbers.Mention, text: str) -> bool:
    """Whether the word after the number is one of the parameter's own: "2 adults"."""
    after = choosing.tokens(text[mention.end :])[:2]
    return any(token.stem and token.stem in topic_of(parameter) for token in after[:1])


def _is_alone(pair: tuple[str, numbers.Mention], pairs: dict[tuple[str, numbers.Mention], int | float]) -> bool:
    return sum(other[0] == pair[0] or other[1] == pair[1] for other in pairs) == 1


def _fit(parameter: Parameter, mention: numbers.Mention, text: str) -> int | float | None:
    """The number as this parameter's value, if its unit, cue and limits agree."""
    kinds = kinds_of(parameter)
    if mention.unit and kinds and mention.unit not in kinds:
        return None
    if not mention.unit and not parameter.required and not _has_cue(parameter, mention, text, kinds):
        return None
    if "count" not in kinds and _before(text, mention, COUNTED):
        return None
    if _is_upper_limit(parameter) and _before(text, mention, ABOVE):
        return None
    fits = fitting(parameter, mention)
    return fits[0] if len(fits) == 1 else None


def _has_cue(parameter: Parameter, mention: numbers.Mention, text: str, kinds: frozenset[str]) -> bool:
    """Whether the words before a bare number say that it is meant for an optional parameter."""
    if _is_upper_limit(parameter) and _before(text, mention, BELOW):
        return True
    if "count" in kinds and _before(text, mention, COUNTED):
        return True
    names = topic_of(parameter)
    before = choosing.tokens(text[: mention.start])[-3:]
    return any((token.stem or token.text) in names for token in before)


def _is_upper_limit(parameter: Parameter) -> bool:
    words = f"{parameter.name.replace('_', ' ')} {parameter.description}"
    return re.search(r"\b(?:max|maximum|highest|up to|most)\b", words, re.IGNORECASE) is not None


def _before(text: str, mention: numbers.Mention, words: str) -> bool:
    return re.search(rf"(?<!\w){words}\s*$", text[: mention.start], re.IGNORECASE) is not None


def _overlap(left: Sequence[Span], right: Sequence[Span]) -> bool:
    return any(a < d and c < b for a, b in left for c, d in right)


def _size(spans: Sequence[Span]) -> int:
    return sum(end - start for start, end in spans)
