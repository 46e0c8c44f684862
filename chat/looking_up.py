"""The calls that a model makes while it answers: each held to the rules, made as the customer, and never made twice."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, ValidationError

from chat import call_opinion, verifier
from chat.exchange import Answer, Asker
from chat.inline import Call
from knowledge import actions
from knowledge.actions import ActionSpec
from knowledge.snapshot import ActionEntry
from tenants.database import in_database

MOST_CALLS = 5

LookUp = Callable[[Asker, ActionSpec, dict[str, Any]], Awaitable[Answer]]


@dataclass(frozen=True)
class Checked:
    """A call that may be made, with what it needs."""

    call: Call
    spec: ActionSpec
    arguments: dict[str, Any]


@dataclass
class LookUps:
    """Those of one answer. `actions` are the bot's own by name; `heard` is what the customer has said; `results` what
    the calls have told, in the order in which they were made."""

    asker: Asker
    look_up: LookUp
    actions: Mapping[str, ActionEntry]
    heard: Sequence[str]
    results: list[str] = field(default_factory=list)
    counted: int = 0
    _made: dict[str, Answer] = field(default_factory=dict)

    @property
    def made(self) -> tuple[Answer, ...]:
        return tuple(self._made.values())

    @property
    def used_up(self) -> bool:
        return self.counted >= MOST_CALLS

    async def checked(self, call: Call) -> Checked:
        """Raises verifier.Refused where it may not be made."""
        entry = self.actions.get(call.name)
        if entry is None:
            raise verifier.Refused(f"this bot has no action {call.name}")
        try:
            spec = await in_database(actions.load_action, entry.group_id, entry.id, scope=self.asker.scope)
        except (ObjectDoesNotExist, ValidationError) as problem:
            raise verifier.Refused(f"{call.name} cannot be used") from problem
        if spec.writes:
            raise verifier.Refused("it changes something, which only the customer's own yes may begin")
        heard, today = [*self.heard, *self.results], datetime.now(UTC).date()
        arguments = verifier.checked_call(spec, call.arguments, heard, self.asker.customer, today)
        await call_opinion.check_for(self.asker, spec, arguments, self.heard, self.results)
        return Checked(call, spec, arguments)

    async def run(self, checked: Checked) -> tuple[Answer, bool]:
        """What a call tells, and whether it is news."""
        self.counted += 1
        same = f"{checked.spec.name} {sorted(checked.arguments.items())}"
        is_new = same not in self._made
        if is_new:
            self._made[same] = await self.look_up(self.asker, checked.spec, checked.arguments)
        told = self._made[same]
        if told.citations:
            self.results.append(told.text)
        return told, is_new
