"""The values that a sentence holds for several parameters at once; what could belong to two of them belongs to none."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from chat import choosing, dates, numbers
from chat.value_parsing import Span, fitting, kinds_of, read_date, read_pattern, topic_of
from knowledge.values import Option, Parameter

ABOVE = r"(?:over|above|more than|at least|from|minimum|min)"
BELOW = r"(?:under|below|up to|less than|at most|no more than|max|maximum|cheaper than|within|<)"
COUNTED = r"(?:last|latest|newest|recent|first|top|next)"


@dataclass(frozen=True)
class Found:
    """Values by parameter name, and the options of those that the sentence names more than once."""

    values: dict[str, Any] = field(default_factory=dict)
    candidates: dict[str, tuple[Option, ...]] = field(default_factory=dict)


def find_values(parameters: Sequence[Parameter], text: str, today: date) -> Found:
    """Read a sentence that need not be about these parameters: only what is unambiguous is taken."""
    wanted = [parameter for parameter in parameters if parameter.askable]
    values: dict[str, Any] = {}
    taken: list[Span] = []
    for parameter in wanted:
        if parameter.pattern and not parameter.choices:
            parsed = read_pattern(parameter, text, False)
            if parsed.value is not None:
                values[parameter.name] = parsed.value
                taken += parsed.spans
    candidates = _find_choices(wanted, text, values, taken)
    _find_dates(wanted, text, today, values, taken)
    values |= _find_numbers(wanted, text, [*taken, *_date_spans(text, today)])
    return Found(values, candidates)


def _find_choices(
    wanted: Sequence[Parameter], text: str, values: dict[str, Any], taken: list[Span]
) -> dict[str, tuple[Option, ...]]:
    """Longer namings first claim their words; a word that fits two parameters alike goes to neither."""
    has_numbers = any(parameter.type in ("number", "integer") for parameter in wanted)
    picks = {
        parameter.name: choosing.spot(parameter.choices, text, topic_of(parameter), has_numbers)
        for parameter in wanted
        if parameter.choices
    }
    candidates: dict[str, tuple[Option, ...]] = {}
    for name, pick in picks.items():
        rivals = [other for rival, other in picks.items() if rival != name and other.value is not None]
        if any(_overlap(pick.spans, other.spans) and _size(other.spans) >= _size(pick.spans) for other in rivals):
            continue
        if _overlap(pick.spans, taken):
            continue
        if pick.value is not None:
            values[name] = pick.value
        elif pick.candidates:
            candidates[name] = pick.candidates
    taken += [span for pick in picks.values() for span in pick.spans]
    return candidates


def _find_dates(wanted: Sequence[Parameter], text: str, today: date, values: dict[str, Any], taken: list[Span]) -> None:
    dated = [parameter for parameter in wanted if parameter.type == "date" and not parameter.choices]
    if len(dated) != 1:
        return
    parsed = read_date(text, today)
    if parsed.value is not None:
        values[dated[0].name] = parsed.value
        taken += parsed.spans


def _date_spans(text: str, today: date) -> list[Span]:
    return [(mention.start, mention.end) for mention in dates.mentions(text, today)]


def _find_numbers(wanted: Sequence[Parameter], text: str, taken: Sequence[Span]) -> dict[str, int | float]:
    """Assign numbers by their units, by the words before them, and where limits leave one place only."""
    measured = [parameter for parameter in wanted if parameter.type in ("number", "integer") and not parameter.choices]
    open_mentions = [
        mention for mention in numbers.mentions(text) if not _overlap(((mention.start, mention.end),), taken)
    ]
    values: dict[str, int | float] = {}
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
            values[name] = pairs[name, mention]
            open_mentions.remove(mention)


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
