"""What the operator gives: the test customer and test values; and the demonstrations that are made of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from chat import verifier
from chat.exchange import CustomerIdentity
from chat.inline import Call
from chat.toolformer.prompting import Demonstration
from chat.toolformer.running import Runner
from knowledge.models import Action
from tenants.database import in_database


class BadValues(ValueError):
    """Test values that cannot be used; the message names the field."""


@dataclass(frozen=True)
class TestValues:
    """`values` by action and parameter; `customer` in whose name calls are made, if they need one."""

    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    customer: CustomerIdentity | None = None


def read_values(content: Any) -> TestValues:
    """From JSON: `{"customer"?: {"subject", "name"?, "email"?, "claims"?}, "values": {ACTION: {PARAMETER: value}}}`.

    Raises BadValues.
    """
    if not isinstance(content, dict) or not set(content) <= {"customer", "values"}:
        raise BadValues("This must be an object with `values`, and `customer` if calls need one.")
    values = content.get("values", {})
    if not isinstance(values, dict) or not all(isinstance(each, dict) for each in values.values()):
        raise BadValues("values: This must be an object that holds an object of values for each action.")
    return TestValues(values, _customer(content.get("customer")))


async def demonstrations(runner: Runner) -> tuple[list[Demonstration], list[str]]:
    """One for each action that the test values suffice for, and why there is none for the others."""
    examples = await in_database(_examples, runner.group_id, scope=runner.scope)
    found: list[Demonstration] = []
    problems: list[str] = []
    for entry in runner.listed:
        arguments = dict(runner.values.get(entry.name, {}))
        written = f"{entry.name}({', '.join(f'{name}={_quoted(value)}' for name, value in arguments.items())})"
        try:
            told = await runner.run(Call(entry.name, arguments, written), [])
        except verifier.Refused as refusal:
            problems.append(f"{entry.name}: {refusal}")
            continue
        found.append(Demonstration(examples.get(entry.name) or entry.title, "", written, told))
    return found, problems


def _examples(group_id: UUID) -> dict[str, str]:
    actions = Action.objects.filter(group_id=group_id, enabled=True)
    return {action.name: str(action.examples[0]) for action in actions if action.examples}


def _quoted(value: Any) -> str:
    if isinstance(value, bool | int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _customer(given: Any) -> CustomerIdentity | None:
    if given is None:
        return None
    if not isinstance(given, dict) or not set(given) <= {"subject", "name", "email", "claims"}:
        raise BadValues(
            "customer: This must be an object with `subject`, and `name`, `email` and `claims` if you like."
        )
    texts = {name: given.get(name, "") for name in ("subject", "name", "email")}
    if not all(isinstance(text, str) for text in texts.values()) or not texts["subject"].strip():
        raise BadValues("customer: `subject` must be a text that is not empty, `name` and `email` texts.")
    if not isinstance(given.get("claims", {}), dict):
        raise BadValues("customer: `claims` must be an object.")
    return CustomerIdentity(texts["subject"], texts["name"], texts["email"], given.get("claims", {}))
