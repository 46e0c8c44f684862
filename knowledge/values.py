"""The values of a call's arguments: types and limits, and where each may come from: the customer's words, a verified
claim, a constant, or an earlier action's result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

import regex

from knowledge import formats
from knowledge.bad_value import BadValue

CLAIM_PREFIX = "customer.claims."
RESULT_PREFIX = "result."
MAX_TEXT = 500
MAX_ITEMS = 50
MASK = "•••"
PATTERN_S = 0.1


class VerifiedCustomer(Protocol):
    """Whoever the single sign-on has verified."""

    @property
    def subject(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def email(self) -> str: ...
    @property
    def claims(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Option:
    """One of the possible values, with its name and other words for it."""

    value: str
    label: str
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChoicesFrom:
    """The action of the same bot that lists a parameter's possible values.

    `items` is the JSON path of the list in its response, `value` that of the value within an item, `label` a template
    over `item`, and `words` one for what else an item is called. `arguments` names, for a parameter of that action,
    the parameter of this one that fills it: the choices are those for what was chosen there.
    """

    action: str
    items: str
    value: str = "$"
    label: str = ""
    words: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Remembered:
    """What an action that ran earlier in the conversation has told, by the names that its `results` give."""

    action: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Parameter:
    """One value that a call needs.

    `source` names a verified claim or an earlier result; a constant has `fixed` and `value`. `fallback` names an
    earlier result to take where the customer's words say nothing. `field` is what the API calls it (dots lead into
    objects of the body), `items` the type of an array's items. What is `sensitive` is written down nowhere. Where
    choices come from another action and there is a `pattern` as well, what has that pattern need not be among them.
    """

    name: str
    location: str
    type: str = "string"
    required: bool = False
    description: str = ""
    prompt: str = ""
    choices: tuple[Option, ...] = ()
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    pattern: str = ""
    source: str = ""
    value: Any = None
    fixed: bool = False
    field: str = ""
    fallback: str = ""
    items: str = "string"
    blank: bool = False
    sensitive: bool = False
    choices_from: ChoicesFrom | None = None
    format: str = ""

    @property
    def api_name(self) -> str:
        return self.field or self.name

    @property
    def claimed(self) -> bool:
        """Whether it is about the customer, and only their verified identity may fill it."""
        return bool(self.source) and not self.source.startswith(RESULT_PREFIX)

    @property
    def askable(self) -> bool:
        """Whether the customer's words may fill it."""
        return not self.source and not self.fixed

    @property
    def question(self) -> str:
        return self.prompt or f"What is the {self.name.replace('_', ' ')}?"

    def label_of(self, value: Any) -> str:
        return next((option.label for option in self.choices if option.value == value), str(value))


def checked_value(parameter: Parameter, value: Any) -> Any:
    """The value in the parameter's type. Raises BadValue."""
    if parameter.type == "array":
        return _checked_items(parameter, value)
    if parameter.choices:
        wanted = str(value).casefold()
        found = next((option.value for option in parameter.choices if option.value.casefold() == wanted), None)
        if found is None and not (parameter.choices_from and parameter.pattern):
            raise BadValue("That is not one of the possible answers.")
        if found is not None and not parameter.choices_from:
            return found
        value = found if found is not None else value
    if parameter.type in ("number", "integer"):
        return _checked_number(parameter, value)
    if parameter.type == "boolean":
        if not isinstance(value, bool):
            raise BadValue("Please answer yes or no.")
        return value
    if parameter.type == "date":
        return _checked_date(value)
    if parameter.format and not (parameter.blank and value == ""):
        return formats.checked(parameter.format, value)
    return _checked_text(parameter, value)


def claim_value(source: str, customer: VerifiedCustomer) -> Any:
    """What the verified customer's token says for a source; None where it says nothing."""
    if source.startswith(CLAIM_PREFIX):
        found = customer.claims.get(source.removeprefix(CLAIM_PREFIX))
        return found if isinstance(found, str | int | float) and found != "" else None
    known = {"customer.sub": customer.subject, "customer.name": customer.name, "customer.email": customer.email}
    return known.get(source) or None


def known_value(source: str, customer: VerifiedCustomer | None, results: Sequence[Remembered]) -> Any:
    """The verified claim, or the newest result: `result.NAME` of any action, or `result.ACTION.NAME`. None: unknown."""
    if not source.startswith(RESULT_PREFIX):
        return claim_value(source, customer) if customer else None
    *action, name = source.removeprefix(RESULT_PREFIX).split(".")
    fitting = (each.values.get(name) for each in results if not action or each.action == action[0])
    return next((value for value in fitting if value is not None), None)


def filled(
    parameters: Sequence[Parameter],
    words: Mapping[str, Any],
    customer: VerifiedCustomer | None,
    results: Sequence[Remembered] = (),
) -> dict[str, Any]:
    """Every argument of a call: the customer's words where they may speak, claims, results and constants elsewhere."""
    arguments: dict[str, Any] = {}
    for parameter in parameters:
        if parameter.fixed:
            found = parameter.value
        elif parameter.source:
            found = known_value(parameter.source, customer, results)
        else:
            found = words.get(parameter.name)
            if found is None and parameter.fallback:
                found = known_value(parameter.fallback, customer, results)
        if found is not None:
            arguments[parameter.name] = found
    return arguments


def masked(parameters: Sequence[Parameter], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as they may be written down."""
    hidden = {parameter.name for parameter in parameters if parameter.sensitive}
    return {name: MASK if name in hidden else value for name, value in arguments.items()}


def _checked_items(parameter: Parameter, value: Any) -> list[Any]:
    """An array's items, each for itself; from words, they stand between commas or "and"."""
    parts = regex.split(r"\s*(?:,|;|\band\b)\s*", value) if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not parts or len(parts) > MAX_ITEMS:
        raise BadValue(f"Please give me a list of 1 to {MAX_ITEMS}.")
    single = replace(parameter, type=parameter.items)
    return [checked_value(single, part) for part in parts]


def _checked_number(parameter: Parameter, value: Any) -> int | float:
    try:
        number = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) > Decimal(10) ** 15:
        raise BadValue("Please give me a number.")
    low, high = parameter.minimum, parameter.maximum
    if low is not None and high is not None and not low <= number <= high:
        raise BadValue(f"It has to be between {low:,} and {high:,}.")
    if low is not None and number < low:
        raise BadValue(f"It has to be {low:,} or more.")
    if high is not None and number > high:
        raise BadValue(f"It has to be {high:,} or less.")
    if number == number.to_integral_value():
        return int(number)
    if parameter.type == "integer":
        raise BadValue("It has to be a whole number.")
    return float(number)


def _checked_date(value: Any) -> str:
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError as problem:
        raise BadValue("Please give me a date, like 3 March 2027.") from problem


def _checked_text(parameter: Parameter, value: Any) -> str:
    text = str(value).strip()
    if not text and parameter.blank:
        return ""
    if not text or len(text) > MAX_TEXT or not text.isprintable():
        raise BadValue("I could not read that.")
    try:
        if parameter.pattern and not regex.fullmatch(parameter.pattern, text, timeout=PATTERN_S):
            raise BadValue("That does not look right.")
    except TimeoutError as problem:
        raise BadValue("I could not read that.") from problem
    return text
