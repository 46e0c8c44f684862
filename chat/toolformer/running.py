"""Runs the sampled calls: a bot's own read actions, as the test customer, with values from the text or the operator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist, ValidationError

from chat import verifier
from chat.exchange import CustomerIdentity
from chat.inline import Call
from knowledge import actions, trial
from knowledge.actions import ActionSpec
from knowledge.snapshot import ActionEntry
from tenants.database import in_database
from tenants.scope import Scope

MADE_BY = "toolformer"


@dataclass
class Runner:
    """`values` are the operator's test values by action and parameter; the same call is run once."""

    group_id: UUID
    scope: Scope
    entries: Sequence[ActionEntry]
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    customer: CustomerIdentity | None = None
    _told: dict[str, str] = field(default_factory=dict)

    @property
    def listed(self) -> list[ActionEntry]:
        return [entry for entry in self.entries if entry.reads]

    async def run(self, call: Call, heard: Sequence[str]) -> str:
        """What the call tells, in the words of the action's template. Raises verifier.Refused."""
        entry = next((each for each in self.listed if each.name == call.name), None)
        if entry is None:
            raise verifier.Refused(f"this bot has no action {call.name} that only reads")
        try:
            spec = await in_database(actions.load_action, self.group_id, entry.id, scope=self.scope)
        except (ObjectDoesNotExist, ValidationError) as problem:
            raise verifier.Refused(f"{call.name} cannot be used") from problem
        known = [*heard, *(str(value) for value in self.values.get(call.name, {}).values())]
        today = datetime.now(UTC).date()
        arguments = verifier.checked_call(spec, call.arguments, known, self.customer, today)
        same = f"{spec.name} {sorted(arguments.items())}"
        if same not in self._told:
            self._told[same] = await self._called(spec, arguments)
        if not self._told[same]:
            raise verifier.Refused(f"{call.name} told nothing")
        return self._told[same]

    async def _called(self, spec: ActionSpec, arguments: Mapping[str, Any]) -> str:
        subject = self.customer.subject if self.customer else ""
        made = await trial.attempt(spec, arguments, subject)
        await in_database(
            actions.record_call, spec, made.result,
            conversation_id=None, customer_subject=subject, made_by=MADE_BY, scope=self.scope,
        )  # fmt: skip
        return " ".join(made.said.split()).replace("[", "(").replace("]", ")") if made.result.ok else ""
