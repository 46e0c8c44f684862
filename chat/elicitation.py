"""Asking for what an action needs, one thing at a time: a state machine without database, network or clock.

Where choices come from another action, the step ends in a Lookup; with what was looked up the same step is taken again,
and comes further.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from chat import choosing, dates
from chat.cues import CANCEL, CORRECTION, UNSURE, is_follow_up, is_question, names, wants_again
from chat.elicitation_steps import (
    Ask,
    Cancelled,
    ChangedSubject,
    GiveUp,
    Lookup,
    NeedsSignIn,
    NothingThere,
    Outcome,
    Ready,
    Said,
)
from chat.exchange import Choice, CustomerIdentity
from chat.progress import LookedUp, Progress
from chat.value_finding import Found, find_pair, find_values, without
from chat.value_parsing import Parsed, is_plain_text, parse_value, split_texts
from knowledge.bad_value import BadValue
from knowledge.values import Option, Parameter, checked_value, claim_value

MAX_ASKED = 2
LONG_REPLY = 2
SAME_DAY = re.compile(r"\b(?:same|that) (?:day|date|one)\b|^\W*(?:the )?same\W*$", re.IGNORECASE)


@dataclass(frozen=True)
class Elicitation:
    """One action's questions: its parameters, and what is needed to read the replies. What is `known` from elsewhere
    is not asked. `following`: nothing is open, so that the text must be about what was done or asked last.
    `wants_person`: the text may well ask for a person, unless it is plainly a reply."""

    action: str
    parameters: tuple[Parameter, ...]
    today: date
    looks_like_new_question: Callable[[str], bool]
    needs_customer: bool = False
    known: Mapping[str, Any] = field(default_factory=dict)
    looked_up: tuple[LookedUp, ...] = ()
    following: bool = False
    wants_person: bool = False

    def advance(self, state: Mapping[str, Any], said: Said, customer: CustomerIdentity | None) -> Outcome:
        """One step: read what was said in this state. The state that was given is not changed."""
        if state.get("action") != self.action:
            return self._begin(state, said, customer)
        progress = self._progress(state)
        if said.choice is None and CANCEL.fullmatch(said.text):
            return Cancelled()
        asked = self._named(progress.asking)
        if asked is None:
            return self._continue(progress, said, customer)
        if customer is None and self._needs_sign_in():
            return NeedsSignIn(progress.state(self.action))
        return self._reply(progress, asked, said)

    def _progress(self, state: Mapping[str, Any]) -> Progress:
        former = tuple(LookedUp.from_json(row) for row in state.get("looked_up") or ())
        return Progress(self.parameters, self.known, (*former, *self.looked_up)).resume(state)

    def _begin(self, state: Mapping[str, Any], said: Said, customer: CustomerIdentity | None) -> Outcome:
        last = state.get("last") or {}
        own = last.get("action") == self.action
        again = own and (self.following or said.choice is not None or is_follow_up(said.text))
        progress = self._progress(last if again else {})
        before, chosen, offered = dict(progress.arguments), progress.asking, progress.offered
        progress.asking, progress.asked, progress.offered = None, {}, []
        found = self._collect(progress, said)
        if again and said.choice is None and progress.arguments == before:
            last_asked = self._named(chosen)
            changed = self._revise(progress, said.text, last_asked)
            if not changed and last_asked and last_asked.type != "boolean" and not is_plain_text(last_asked):
                changed = self._chosen_again(progress, progress.resolved(last_asked), said.text, offered)
            if self.following and not changed and not found.candidates and not wants_again(said.text):
                return ChangedSubject(progress.state(self.action))
        return self._next(progress, customer, candidates=found.candidates)

    def _continue(self, progress: Progress, said: Said, customer: CustomerIdentity | None) -> Outcome:
        """Nothing was asked: the customer was sent to sign in, and says something now."""
        found = self._collect(progress, said)
        if said.choice is None and not found.values and self.looks_like_new_question(said.text):
            return ChangedSubject(progress.state(self.action))
        return self._next(progress, customer, candidates=found.candidates)

    def _reply(self, progress: Progress, asked: Parameter, said: Said) -> Outcome:
        """The reply to a question: its value, a correction of an earlier one, another subject, or no use."""
        if said.choice is not None:
            return self._pressed(progress, asked, said.choice)
        if progress.must_look_up(asked):
            return self._look_up(progress, asked)
        asked = progress.resolved(asked)
        offered = [option for option in asked.choices if option.value in progress.offered]
        text, unread = self._last_word(asked, said.text, offered), progress.unread()
        if pair := find_pair(progress.with_choices(), asked, text, self.today):
            return self._paired(progress, asked, text, pair, unread)
        parsed = self._parsed(progress, asked, text, offered)
        if self._is_other_subject(asked, parsed, said.text, text):
            return ChangedSubject(progress.state(self.action))
        if parsed.value is None and self._correct(progress, asked, text):
            return self._again(progress, asked)
        if parsed.value is None and asked.choices and choosing.is_listing(text):
            return self._again(progress, asked)
        if parsed.value is None:
            progress.hear(text, unread)
            return self._failed(progress, asked, parsed.problem, parsed.candidates)
        progress.take(asked.name, parsed.value)
        left = without(text, parsed.spans)
        rest = self._find(progress, left, self._open(progress))
        for name, value in {**self._shared(progress, asked, left), **rest.values}.items():
            progress.take(name, value)
        if CORRECTION.search(text):
            self._correct(progress, asked, left)
        progress.hear(without(left, rest.spans), unread)
        return self._next(progress, None, signed_in=True, candidates=rest.candidates)

    def _parsed(self, progress: Progress, asked: Parameter, text: str, offered: Sequence[Option]) -> Parsed:
        if asked.type == "date" and SAME_DAY.search(text):
            days = {day for label in progress.labels.values() for each in dates.mentions(label, self.today)
                    for day in each.readings}  # fmt: skip
            if len(days) == 1:
                return Parsed(days.pop().isoformat(), spans=((0, len(text)),))
        if not is_plain_text(asked):
            return parse_value(asked, text, self.today, offered)
        if UNSURE.fullmatch(text):
            return Parsed(problem="I cannot go on without it.")
        return self._plain(progress, asked, text)

    def _plain(self, progress: Progress, asked: Parameter, text: str) -> Parsed:
        """A text of the customer's own; what has a form of its own is read first, and a list is shared out."""
        others = [each for each in progress.with_choices() if each.name != asked.name]
        named = find_values(others, text, self.today, topic=self._topic).values
        if any(is_plain_text(_of(others, name)) for name in named):
            # It says of itself that it is for another.
            return Parsed()
        coded = [each for each in others if each.pattern or each.format]
        found = find_values(coded, text, self.today, topic=self._topic)
        rest = without(text, found.spans)
        waiting = [each for each in self._open(progress) if each.required and is_plain_text(each)]
        shared = split_texts(rest, waiting)
        for name, value in {**found.values, **shared}.items():
            if name != asked.name and (name in found.values or name not in progress.arguments):
                progress.take(name, value)
        if asked.name in shared:
            return Parsed(shared[asked.name], spans=((0, len(text)),))
        parsed = parse_value(asked, rest.strip(" ,;"), self.today)
        return replace(parsed, spans=((0, len(text)),)) if parsed.value is not None else parsed

    def _shared(self, progress: Progress, asked: Parameter, left: str) -> dict[str, str]:
        """Texts that stand in a list after the value that was asked for."""
        waiting = [each for each in self._open(progress) if each.required and is_plain_text(each)]
        return {} if is_plain_text(asked) else split_texts(left, waiting)

    def _is_other_subject(self, asked: Parameter, parsed: Parsed, said: str, text: str) -> bool:
        if asked.choices and choosing.is_listing(text):
            return False
        unsure = not parsed.spans or _leftover(text, parsed) >= LONG_REPLY
        if is_plain_text(asked):
            unsure = is_question(said) or self.wants_person
        return unsure and self.looks_like_new_question(said)

    def _paired(
        self, progress: Progress, asked: Parameter, text: str, pair: Mapping[str, Parsed], unread: list[str]
    ) -> Outcome:
        """A reply that says itself which of two alike it is for: "to Durham"."""
        spans = [span for parsed in pair.values() for span in parsed.spans]
        for name, parsed in pair.items():
            progress.take(name, parsed.value)
        left = without(text, spans)
        rest = self._find(progress, left, self._open(progress))
        for name, value in rest.values.items():
            progress.take(name, value)
        progress.hear(without(left, rest.spans), unread)
        if asked.name not in progress.arguments:
            return self._again(progress, asked)
        return self._next(progress, None, signed_in=True, candidates=rest.candidates)

    def _last_word(self, asked: Parameter, text: str, offered: Sequence[Option]) -> str:
        """Of "thirty years, no sorry, 25", what counts: the part after the customer's own correction."""
        for cue in CORRECTION.finditer(text):
            before, after = (parse_value(asked, part, self.today, offered) for part in _around(text, cue))
            if before.spans and after.spans and not is_plain_text(asked):
                return self._last_word(asked, text[cue.end() :], offered)
        return text

    def _pressed(self, progress: Progress, asked: Parameter, choice: Choice) -> Outcome:
        """A button: of this question, or of an earlier one, which it then corrects."""
        pressed = self._named(choice.field)
        if pressed is None or (pressed.name != asked.name and pressed.name not in progress.arguments):
            return self._failed(progress, asked, "That button does not belong to this question.")
        if pressed.choices_from and progress.options_of(pressed) is None:
            if not progress.lacks(pressed):
                return self._look_up(progress, pressed)
            return self._failed(progress, asked, "That button does not belong to this question.")
        try:
            progress.take(pressed.name, checked_value(progress.resolved(pressed), choice.value))
        except BadValue as problem:
            return self._failed(progress, asked, str(problem))
        return self._next(progress, None, signed_in=True)

    def _correct(self, progress: Progress, asked: Parameter, text: str) -> bool:
        """Whether the text gives other parameters a (new) value while this one was asked for."""
        others = [parameter for parameter in progress.with_choices() if parameter.name != asked.name]
        found = find_values(others, text, self.today, topic=self._topic).values
        changed = {name: value for name, value in found.items() if progress.arguments.get(name) != value}
        for name, value in changed.items():
            progress.take(name, value)
        return bool(changed) or self._revise(progress, text, None)

    def _revise(self, progress: Progress, text: str, last: Parameter | None) -> bool:
        """ "The other address", "a different size": whether the text takes back something that was said before."""
        given = [each for each in progress.with_choices() if each.name in progress.arguments]
        meant = [each for each in given if names(text, each.name)]
        other = meant or [each for each in given if each.choices]
        if choosing.is_other(text) and other:
            target = next((each for each in other if last and each.name == last.name), other[-1])
            picked = choosing.other_than(progress.arguments[target.name], target.choices, text)
            del progress.arguments[target.name]
            if picked.value is not None:
                progress.take(target.name, checked_value(target, picked.value))
            return True
        if meant and choosing.is_unwanted(text):
            for each in meant:
                del progress.arguments[each.name]
            return True
        return False

    def _chosen_again(self, progress: Progress, last: Parameter, text: str, offered: Sequence[str]) -> bool:
        """Whether the text answers once more what was asked last ("the later one")."""
        options = [option for option in last.choices if option.value in offered]
        parsed = parse_value(last, text, self.today, options)
        if parsed.value is None or _leftover(text, parsed) >= LONG_REPLY:
            return False
        progress.take(last.name, parsed.value)
        return True

    def _collect(self, progress: Progress, said: Said) -> Found:
        if said.choice is not None:
            pressed = self._named(said.choice.field)
            try:
                values = {pressed.name: checked_value(progress.resolved(pressed), said.choice.value)} if pressed else {}
            except BadValue:
                values = {}
            for name, value in values.items():
                progress.take(name, value)
            return Found(values)
        unread = progress.unread()
        found = self._find(progress, said.text, None)
        for name, value in found.values.items():
            progress.take(name, value)
        if said.understood and said.understood != said.text:
            missing = [p for p in self._open(progress) if p.name not in found.candidates]
            for name, value in self._find(progress, said.understood, missing).values.items():
                progress.take(name, value)
        progress.hear(without(said.text, found.spans), unread)
        return found

    def _find(self, progress: Progress, text: str, missing: Sequence[Parameter] | None) -> Found:
        only = None if missing is None else {each.name for each in missing}
        return find_values(progress.with_choices(), text, self.today, only, self._topic)

    def _next(
        self,
        progress: Progress,
        customer: CustomerIdentity | None,
        *,
        signed_in: bool = False,
        candidates: Mapping[str, tuple[Option, ...]] | None = None,
    ) -> Outcome:
        if not signed_in and customer is None and self._needs_sign_in():
            return NeedsSignIn(progress.state(self.action))
        for parameter in self.parameters:
            if parameter.claimed and customer and claim_value(parameter.source, customer) is None:
                return GiveUp(parameter.name)
        problem = ""
        while True:
            if dropped := progress.drop_unfitting():
                problem = f"“{dropped}” does not go with that."
                continue
            for parameter in self.parameters:
                if parameter.askable and progress.must_look_up(parameter):
                    return self._look_up(progress, parameter)
            if not self._settle_choices(progress):
                break
        return self._ask_or_end(progress, candidates or {}, problem)

    def _settle_choices(self, progress: Progress) -> bool:
        """Take one value that need not be asked, now that its choices are known: heard before, or the only one."""
        for parameter in self._open(progress):
            options = progress.options_of(parameter)
            if not options or parameter.name in progress.known:
                continue
            for text in progress.heard_for(parameter):
                found = self._find(progress, text, [parameter]).values
                if parameter.name in found:
                    progress.take(parameter.name, found[parameter.name])
                    return True
            progress.read(parameter)
            if parameter.required and len(options) == 1:
                progress.take(parameter.name, checked_value(progress.resolved(parameter), options[0].value))
                return True
        return False

    def _ask_or_end(self, progress: Progress, candidates: Mapping[str, tuple[Option, ...]], problem: str) -> Outcome:
        for parameter in self.parameters:
            if not (parameter.required and parameter.askable) or parameter.name in progress.arguments:
                continue
            if parameter.name in self.known and parameter.name not in candidates:
                continue
            if missing := progress.lacks(parameter):
                before = self._named(missing[0])
                if before is None:
                    return GiveUp(parameter.name)
                if not before.required:
                    return self._ask(progress, before, candidates.get(before.name, ()), problem)
                continue
            if progress.options_of(parameter) == ():
                return self._nothing(progress, parameter)
            return self._ask(progress, parameter, candidates.get(parameter.name, ()), problem)
        return Ready(dict(progress.arguments), self._chosen(progress), progress.state(self.action))

    def _nothing(self, progress: Progress, parameter: Parameter) -> Outcome:
        """Nothing goes with what was chosen: that is asked again, if the customer can choose otherwise."""
        names = parameter.choices_from.arguments.values() if parameter.choices_from else ()
        said = [each.name for each in self.parameters if each.name in names and each.name in progress.arguments]
        if not said:
            return NothingThere(parameter.name)
        before = self._named(said[-1])
        assert before is not None  # only what the customer may fill is among the arguments
        value = progress.arguments.pop(before.name)
        label = progress.labels.get(before.name) or progress.resolved(before).label_of(value)
        said_of_it = next((each.problem for each in self.looked_up if each.field == parameter.name), "")
        return self._failed(progress, before, said_of_it or f"I found nothing for “{label}”.")

    def _look_up(self, progress: Progress, parameter: Parameter) -> Lookup:
        source = parameter.choices_from
        assert source is not None  # only such a parameter must be looked up
        known = {theirs: progress.value_of(own) for theirs, own in source.arguments.items()}
        arguments = {name: value for name, value in known.items() if value is not None}
        state = progress.state(self.action)
        return Lookup(parameter.name, source, arguments, progress.given(parameter), parameter.required, state)

    def _ask(
        self, progress: Progress, parameter: Parameter, candidates: Sequence[Option] = (), problem: str = ""
    ) -> Ask:
        options = tuple(candidates) or progress.resolved(parameter).choices
        progress.asking, progress.offered = parameter.name, [option.value for option in options]
        progress.asked[parameter.name] = progress.asked.get(parameter.name, 0) + 1
        return Ask(parameter.name, parameter.question, options, problem, progress.state(self.action))

    def _again(self, progress: Progress, parameter: Parameter) -> Outcome:
        """After a reply that was of use for something else: what is missing now; the same question is not counted."""
        progress.asked[parameter.name] = progress.asked.get(parameter.name, 1) - 1
        return self._next(progress, None, signed_in=True)

    def _failed(
        self, progress: Progress, parameter: Parameter, problem: str, candidates: Sequence[Option] = ()
    ) -> Ask | GiveUp:
        if progress.asked.get(parameter.name, 0) >= MAX_ASKED:
            return GiveUp(parameter.name)
        if candidates:
            return self._ask(progress, parameter, candidates, "I am not sure which one you mean.")
        return self._ask(progress, parameter, (), problem or "I did not find that among the possible answers.")

    def _chosen(self, progress: Progress) -> dict[str, Option]:
        found = {}
        for parameter in progress.with_choices():
            value = progress.arguments.get(parameter.name, self.known.get(parameter.name))
            if parameter.choices_from and value is not None:
                option = next((each for each in parameter.choices if each.value == str(value)), None)
                if option:
                    found[parameter.name] = option
        return found

    @property
    def _topic(self) -> frozenset[str]:
        """What the action itself is called names none of its values: "cancel my order" is not the cancelled one."""
        return frozenset(token.stem for token in choosing.tokens(self.action.replace("_", " ").replace("-", " ")))

    def _needs_sign_in(self) -> bool:
        return self.needs_customer or any(parameter.claimed for parameter in self.parameters)

    def _open(self, progress: Progress) -> list[Parameter]:
        return [p for p in progress.with_choices() if p.askable and p.name not in progress.arguments]

    def _named(self, name: str | None) -> Parameter | None:
        """The parameter of this name that the customer may fill."""
        return next((p for p in self.parameters if p.name == name and p.askable), None)


def _of(parameters: Sequence[Parameter], name: str) -> Parameter:
    return next(each for each in parameters if each.name == name)


def _around(text: str, cue: re.Match[str]) -> tuple[str, str]:
    return text[: cue.start()], text[cue.end() :]


def _leftover(text: str, parsed: Parsed) -> int:
    """How many words that carry meaning stand beside what was read."""
    return sum(bool(token.stem) for token in choosing.tokens(without(text, parsed.spans)))
