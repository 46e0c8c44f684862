"""Asking for what an action needs, one thing at a time: a state machine without database, network or clock."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from chat import choosing
from chat.cues import CANCEL, CORRECTION, is_follow_up
from chat.exchange import Choice, CustomerIdentity
from chat.value_finding import Found, find_values
from chat.value_parsing import Parsed, parse_value
from knowledge.values import BadValue, Option, Parameter, checked_value, claim_value

MAX_ASKED = 2
LONG_REPLY = 2


@dataclass(frozen=True)
class Said:
    """What the customer did: typed words or pressed a button. `understood` is the text with what it refers to."""

    text: str
    choice: Choice | None = None
    understood: str = ""


@dataclass(frozen=True)
class Ask:
    """Something is missing. `problem` says what was wrong with the last reply."""

    field: str
    prompt: str
    choices: tuple[Option, ...]
    problem: str
    state: dict[str, Any]


@dataclass(frozen=True)
class Ready:
    """The customer has said everything; claims are not among the arguments, the call fills them in."""

    arguments: dict[str, Any]


@dataclass(frozen=True)
class NeedsSignIn:
    """The action needs a verified customer, and there is none."""

    state: dict[str, Any]


@dataclass(frozen=True)
class Cancelled:
    """The customer does not want it any more."""


@dataclass(frozen=True)
class ChangedSubject:
    """The customer asks something else; with the state it can be resumed."""

    state: dict[str, Any]


@dataclass(frozen=True)
class GiveUp:
    """Asked twice without success: a person should take over."""

    field: str


Outcome = Ask | Ready | NeedsSignIn | Cancelled | ChangedSubject | GiveUp


@dataclass(frozen=True)
class Elicitation:
    """One action's questions: its parameters, and what is needed to read the replies. What is `known` from elsewhere
    is not asked."""

    action: str
    parameters: tuple[Parameter, ...]
    today: date
    looks_like_new_question: Callable[[str], bool]
    needs_customer: bool = False
    known: Mapping[str, Any] = field(default_factory=dict)

    def advance(self, state: Mapping[str, Any], said: Said, customer: CustomerIdentity | None) -> Outcome:
        """One step: read what was said in this state. The state that was given is not changed."""
        if state.get("action") != self.action:
            return self._begin(state, said, customer)
        progress = _Progress.resumed(self, state)
        if said.choice is None and CANCEL.fullmatch(said.text):
            return Cancelled()
        asked = self._named(progress.asking)
        if asked is None:
            return self._continue(progress, said, customer)
        if customer is None and self._needs_sign_in():
            return NeedsSignIn(progress.state())
        return self._reply(progress, asked, said)

    def _begin(self, state: Mapping[str, Any], said: Said, customer: CustomerIdentity | None) -> Outcome:
        progress = _Progress(self)
        last = state.get("last") or {}
        if last.get("action") == self.action and (said.choice or is_follow_up(said.text)):
            progress.arguments = _Progress.resumed(self, last).arguments
        found = self._collect(progress, said)
        return self._next(progress, customer, candidates=found.candidates)

    def _continue(self, progress: "_Progress", said: Said, customer: CustomerIdentity | None) -> Outcome:
        """Nothing was asked: the customer was sent to sign in, and says something now."""
        found = self._collect(progress, said)
        if said.choice is None and not found.values and self.looks_like_new_question(said.text):
            return ChangedSubject(progress.state())
        return self._next(progress, customer, candidates=found.candidates)

    def _reply(self, progress: "_Progress", asked: Parameter, said: Said) -> Outcome:
        """The reply to a question: its value, a correction of an earlier one, another subject, or no use."""
        if said.choice is not None:
            return self._pressed(progress, asked, said.choice)
        offered = [option for option in asked.choices if option.value in progress.offered]
        text = self._last_word(asked, said.text, offered)
        parsed = parse_value(asked, text, self.today, offered)
        unsure = not parsed.spans or _leftover(text, parsed) >= LONG_REPLY
        if unsure and self.looks_like_new_question(said.text):
            return ChangedSubject(progress.state())
        if parsed.value is None and self._correct(progress, asked, text):
            return progress.again(asked)
        if parsed.value is None:
            return progress.failed(asked, parsed.problem, parsed.candidates)
        progress.arguments[asked.name] = parsed.value
        rest = find_values(self._open(progress), _without(text, parsed), self.today)
        progress.arguments |= rest.values
        if CORRECTION.search(text):
            self._correct(progress, asked, _without(text, parsed))
        return self._next(progress, None, signed_in=True, candidates=rest.candidates)

    def _last_word(self, asked: Parameter, text: str, offered: Sequence[Option]) -> str:
        """Of "thirty years, no sorry, 25", what counts: the part after the customer's own correction."""
        for cue in CORRECTION.finditer(text):
            before, after = (parse_value(asked, part, self.today, offered) for part in _around(text, cue))
            if before.spans and after.spans:
                return self._last_word(asked, text[cue.end() :], offered)
        return text

    def _pressed(self, progress: "_Progress", asked: Parameter, choice: Choice) -> Outcome:
        """A button: of this question, or of an earlier one, which it then corrects."""
        pressed = self._named(choice.field)
        if pressed is None or (pressed != asked and pressed.name not in progress.arguments):
            return progress.failed(asked, "That button does not belong to this question.")
        try:
            progress.arguments[pressed.name] = checked_value(pressed, choice.value)
        except BadValue as problem:
            return progress.failed(asked, str(problem))
        return self._next(progress, None, signed_in=True)

    def _correct(self, progress: "_Progress", asked: Parameter, text: str) -> bool:
        """Whether the text gives other parameters a (new) value while this one was asked for."""
        others = [parameter for parameter in self.parameters if parameter != asked]
        found = find_values(others, text, self.today).values
        changed = {name: value for name, value in found.items() if progress.arguments.get(name) != value}
        progress.arguments |= changed
        return bool(changed)

    def _collect(self, progress: "_Progress", said: Said) -> Found:
        if said.choice is not None:
            pressed = self._named(said.choice.field)
            try:
                values = {pressed.name: checked_value(pressed, said.choice.value)} if pressed else {}
            except BadValue:
                values = {}
            progress.arguments |= values
            return Found(values)
        found = find_values(self.parameters, said.text, self.today)
        progress.arguments |= found.values
        if said.understood and said.understood != said.text:
            missing = [p for p in self._open(progress) if p.name not in found.candidates]
            progress.arguments |= find_values(missing, said.understood, self.today).values
        return found

    def _next(
        self,
        progress: "_Progress",
        customer: CustomerIdentity | None,
        *,
        signed_in: bool = False,
        candidates: Mapping[str, tuple[Option, ...]] | None = None,
    ) -> Outcome:
        if not signed_in and customer is None and self._needs_sign_in():
            return NeedsSignIn(progress.state())
        for parameter in self.parameters:
            if parameter.claimed and customer and claim_value(parameter.source, customer) is None:
                return GiveUp(parameter.name)
        for parameter in self.parameters:
            if parameter.required and parameter.askable and parameter.name not in progress.arguments:
                if parameter.name in self.known and parameter.name not in (candidates or {}):
                    continue
                return progress.ask(parameter, (candidates or {}).get(parameter.name, ()))
        return Ready(dict(progress.arguments))

    def _needs_sign_in(self) -> bool:
        return self.needs_customer or any(parameter.claimed for parameter in self.parameters)

    def _open(self, progress: "_Progress") -> list[Parameter]:
        return [p for p in self.parameters if p.askable and p.name not in progress.arguments]

    def _named(self, name: str | None) -> Parameter | None:
        """The parameter of this name that the customer may fill."""
        return next((p for p in self.parameters if p.name == name and p.askable), None)


@dataclass
class _Progress:
    """The dialogue state while a step is worked out."""

    elicitation: Elicitation
    arguments: dict[str, Any] = field(default_factory=dict)
    asking: str | None = None
    asked: dict[str, int] = field(default_factory=dict)
    offered: list[str] = field(default_factory=list)

    @classmethod
    def resumed(cls, elicitation: Elicitation, state: Mapping[str, Any]) -> "_Progress":
        """The state of an earlier turn, as far as it still fits the action's definition."""
        asked, offered = dict(state.get("asked") or {}), list(state.get("offered") or [])
        progress = cls(elicitation, {}, state.get("asking"), asked, offered)
        kept = state.get("arguments") or {}
        for parameter in elicitation.parameters:
            if parameter.askable and parameter.name in kept:
                try:
                    progress.arguments[parameter.name] = checked_value(parameter, kept[parameter.name])
                except BadValue:
                    continue
        return progress

    def state(self) -> dict[str, Any]:
        return {
            "action": self.elicitation.action,
            "arguments": dict(self.arguments),
            "asking": self.asking,
            "asked": dict(self.asked),
            "offered": list(self.offered),
        }

    def ask(self, parameter: Parameter, candidates: Sequence[Option] = (), problem: str = "") -> Ask:
        options = tuple(candidates) or parameter.choices
        self.asking, self.offered = parameter.name, [option.value for option in options]
        self.asked[parameter.name] = self.asked.get(parameter.name, 0) + 1
        return Ask(parameter.name, parameter.question, options, problem, self.state())

    def again(self, parameter: Parameter) -> Ask:
        """The same question after a reply that was of use for something else: not counted."""
        self.asked[parameter.name] = self.asked.get(parameter.name, 1) - 1
        return self.ask(parameter)

    def failed(self, parameter: Parameter, problem: str, candidates: Sequence[Option] = ()) -> Ask | GiveUp:
        if self.asked.get(parameter.name, 0) >= MAX_ASKED:
            return GiveUp(parameter.name)
        if candidates:
            return self.ask(parameter, candidates, "I am not sure which one you mean.")
        return self.ask(parameter, (), problem or "I did not find that among the possible answers.")


def _around(text: str, cue: re.Match[str]) -> tuple[str, str]:
    return text[: cue.start()], text[cue.end() :]


def _leftover(text: str, parsed: Parsed) -> int:
    """How many words that carry meaning stand beside what was read."""
    return sum(bool(token.stem) for token in choosing.tokens(_without(text, parsed)))


def _without(text: str, parsed: Parsed) -> str:
    for start, end in parsed.spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text
