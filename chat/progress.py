"""How far an action's questions have come: what was said, asked, offered, and heard but could not be read yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from knowledge.bad_value import BadValue
from knowledge.values import Option, Parameter, checked_value

MOST_HEARD = 5
LONGEST_HEARD = 300


@dataclass(frozen=True)
class LookedUp:
    """The choices of a parameter as another action listed them `given` what was chosen before; `problem` is what its
    API had against that."""

    field: str
    given: Mapping[str, Any]
    options: tuple[Option, ...]
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        rows = [[option.value, option.label, list(option.synonyms)] for option in self.options]
        return {"field": self.field, "given": dict(self.given), "rows": rows}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "LookedUp":
        options = tuple(Option(value, label, tuple(words)) for value, label, words in row["rows"])
        return cls(row["field"], row["given"], options)


@dataclass
class Progress:
    """The state of one action's dialogue while a step is worked out. `known` values need not be said."""

    parameters: tuple[Parameter, ...]
    known: Mapping[str, Any]
    looked_up: tuple[LookedUp, ...] = ()
    arguments: dict[str, Any] = field(default_factory=dict)
    asking: str | None = None
    asked: dict[str, int] = field(default_factory=dict)
    offered: list[str] = field(default_factory=list)
    heard: list[dict[str, Any]] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)

    def resume(self, state: Mapping[str, Any]) -> "Progress":
        """Go on from the state of an earlier turn, as far as it still fits the action's definition."""
        self.asking, self.offered = state.get("asking"), list(state.get("offered") or [])
        self.asked, self.heard = dict(state.get("asked") or {}), list(state.get("heard") or [])
        self.labels = dict(state.get("labels") or {})
        kept = state.get("arguments") or {}
        self.arguments = {each.name: kept[each.name] for each in self.parameters if each.askable and each.name in kept}
        for parameter in self.parameters:
            if parameter.name in self.arguments and not self.fits(parameter):
                del self.arguments[parameter.name]
        return self

    def state(self, action: str) -> dict[str, Any]:
        kept: dict[str, Any] = {
            "action": action,
            "arguments": dict(self.arguments),
            "asking": self.asking,
            "asked": dict(self.asked),
            "offered": list(self.offered),
        }
        if any(each.choices_from for each in self.parameters):
            kept["looked_up"] = [each.as_json() for each in self._current()]
            kept["heard"], kept["labels"] = self.heard[-MOST_HEARD:], dict(self.labels)
        return kept

    def with_choices(self) -> tuple[Parameter, ...]:
        """The parameters with the choices that are known for what has been said so far."""
        return tuple(self.resolved(parameter) for parameter in self.parameters)

    def resolved(self, parameter: Parameter) -> Parameter:
        options = self.options_of(parameter)
        return replace(parameter, choices=options) if options else parameter

    def options_of(self, parameter: Parameter) -> tuple[Option, ...] | None:
        """The choices that were looked up for just this; None where that must still be done."""
        if parameter.choices_from is None:
            return None
        given = self.given(parameter)
        found = (each for each in reversed(self.looked_up) if each.field == parameter.name and each.given == given)
        return next((each.options for each in found), None)

    def given(self, parameter: Parameter) -> dict[str, Any]:
        """What its choices depend on, as far as it is known, by the name of the parameter."""
        names = parameter.choices_from.arguments.values() if parameter.choices_from else ()
        return {name: value for name in names if (value := self.value_of(name)) is not None}

    def lacks(self, parameter: Parameter) -> list[str]:
        """What must be known before its choices can be."""
        names = parameter.choices_from.arguments.values() if parameter.choices_from else ()
        return [name for name in dict.fromkeys(names) if self._matters(name) and self.value_of(name) is None]

    def value_of(self, name: str) -> Any:
        if name in self.arguments:
            return self.arguments[name]
        fixed = next((each.value for each in self.parameters if each.name == name and each.fixed), None)
        return fixed if fixed is not None else self.known.get(name)

    def must_look_up(self, parameter: Parameter) -> bool:
        """Whether its choices can be known, are not, and are needed: to be offered, or to check what was said."""
        if parameter.choices_from is None or self.lacks(parameter) or self.options_of(parameter) is not None:
            return False
        if parameter.name in self.arguments:
            return not _is_coded(parameter, self.arguments[parameter.name])
        return parameter.name not in self.known

    def take(self, name: str, value: Any) -> None:
        parameter = next(each for each in self.parameters if each.name == name)
        self.arguments[name] = value
        if parameter.choices_from:
            self.labels[name] = self.resolved(parameter).label_of(str(value))

    def drop_unfitting(self) -> str:
        """Forget what is no choice any more, since something before it has changed; what that was."""
        for parameter in self.parameters:
            if parameter.name in self.arguments and not self.fits(parameter):
                del self.arguments[parameter.name]
                return self.labels.pop(parameter.name, "") if parameter.choices_from else ""
        return ""

    def fits(self, parameter: Parameter) -> bool:
        """Whether its value is one that it may have, as far as that is known."""
        value, options = self.arguments[parameter.name], self.options_of(parameter)
        if options is not None and not options:
            return _is_coded(parameter, value)
        try:
            checked_value(self.resolved(parameter), value)
        except BadValue:
            return False
        return True

    def unread(self) -> list[str]:
        """The parameters whose choices are not known now, so that what is said may hold values for them."""
        return [each.name for each in self.parameters if each.choices_from and self.options_of(each) is None]

    def hear(self, text: str, unread: list[str]) -> None:
        """Keep what was said for the choices that were not known when it was read."""
        if unread and text.strip():
            self.heard.append({"text": text[:LONGEST_HEARD], "unread": unread})

    def heard_for(self, parameter: Parameter) -> list[str]:
        """What was said before the choices of this were known, the newest first."""
        return [each["text"] for each in reversed(self.heard) if parameter.name in each["unread"]]

    def read(self, parameter: Parameter) -> None:
        """What was heard for it counts once."""
        for each in self.heard:
            each["unread"] = [name for name in each["unread"] if name != parameter.name]

    def _matters(self, name: str) -> bool:
        return any(each.name == name and (each.askable or each.source) for each in self.parameters)

    def _current(self) -> Sequence[LookedUp]:
        newest = {each.field: each for each in self.looked_up}
        return list(newest.values())


def _is_coded(parameter: Parameter, value: Any) -> bool:
    """Whether the value's own form says enough, so that it need not be among the choices."""
    if not parameter.pattern:
        return False
    try:
        checked_value(replace(parameter, choices=()), value)
    except BadValue:
        return False
    return True
