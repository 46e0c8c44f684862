"""The operations that a person has picked become actions, renamed and described as the person says."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError

from knowledge.data_apis import save_action
from knowledge.models import Action, DataApi
from knowledge.openapi.operations import Described, Operation

CHANGES = (
    "name", "title", "description", "answer", "examples", "results", "confirmation", "requires_verified",
    "needs_approval", "only_reads", "enabled",
)  # fmt: skip
FIELDS = frozenset(CHANGES) | {"operation", "parameters"}


def import_actions(api: DataApi, described: Described, picks: Iterable[Mapping[str, Any]]) -> list[Action]:
    """An action for each pick, new or, by its name, changed. Raises ValidationError naming the pick and the field.

    A pick names its `operation` ("GET /orders/{id}" or the operation's own name); `parameters` changes those of that
    name, such as {"user_id": {"source": "customer.sub"}} or {"order_id": {"choices_from": {"action": "my_orders", …}}}.
    Needs the bot's scope.
    """
    known = {name: each for each in described.operations for name in (each.key, each.name)}
    saved: list[Action] = []
    problems: dict[str, list[str]] = {}
    numbered = sorted(enumerate(picks), key=lambda each: _lists_last(each[1], known))
    for number, pick in numbered:
        try:
            saved.append(save_action(_action(api, known, pick)))
        except ValidationError as problem:
            for field, texts in _by_field(problem).items():
                problems[f"pick[{number}].{field}"] = texts
    if problems:
        raise ValidationError(problems)
    return saved


def _lists_last(pick: Mapping[str, Any], known: Mapping[str, Operation]) -> int:
    """What only lists comes before what lets choose from it."""
    operation, changes = known.get(str(pick.get("operation", ""))), pick.get("parameters")
    rows = [*(operation.parameters if operation else ()), *(changes.values() if isinstance(changes, Mapping) else ())]
    return sum(isinstance(row, Mapping) and "choices_from" in row for row in rows)


def _action(api: DataApi, known: Mapping[str, Operation], pick: Mapping[str, Any]) -> Action:
    if unknown := sorted(set(pick) - FIELDS):
        raise ValidationError({unknown[0]: "There is no such field."})
    operation = known.get(str(pick.get("operation", "")))
    if operation is None:
        raise ValidationError({"operation": f"The document has no operation “{pick.get('operation', '')!s:.100}”."})
    if operation.problem:
        raise ValidationError({"operation": operation.problem})
    name = pick.get("name") or operation.name
    action = Action.objects.filter(group_id=api.group_id, data_api=api, name=name).first()
    if action is None:
        action = Action(group_id=api.group_id, data_api=api, name=name, requires_verified=operation.writes)
        action.title, action.description = operation.title, operation.description
        action.answer, action.results = operation.answer, operation.results
    action.method, action.path = operation.method, operation.path
    action.parameters = _parameters(operation, pick.get("parameters") or {})
    if any("source" in row and row["source"].startswith("customer.") for row in action.parameters):
        action.requires_verified = True
    for field in CHANGES:
        if field in pick:
            setattr(action, field, pick[field])
    return action


def _parameters(operation: Operation, changes: Any) -> list[dict[str, Any]]:
    if not isinstance(changes, Mapping) or not all(isinstance(each, Mapping) for each in changes.values()):
        raise ValidationError({"parameters": "must be an object: the changes for each parameter, by its name."})
    names = {row["name"] for row in operation.parameters}
    if unknown := sorted(set(changes) - names):
        raise ValidationError({"parameters": f"{operation.key} has no parameter “{unknown[0]}”."})
    return [{"field": row["name"], **row, **changes.get(row["name"], {})} for row in operation.parameters]


def _by_field(problem: ValidationError) -> dict[str, list[str]]:
    return dict(problem.message_dict) if hasattr(problem, "error_dict") else {"operation": list(problem.messages)}
