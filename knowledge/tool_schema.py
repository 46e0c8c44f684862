"""What an action takes, as the JSON Schema by which a model with tool calling is told of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from knowledge.values import Parameter

TYPES: Mapping[str, dict[str, Any]] = {"date": {"type": "string", "format": "date"}}


def schema_of(parameters: Sequence[Parameter]) -> dict[str, Any]:
    """An object with the parameters that a customer's words may fill; identities and constants are not among them."""
    given = [each for each in parameters if each.askable]
    return {
        "type": "object",
        "properties": {each.name: _property(each) for each in given},
        "required": [each.name for each in given if each.required],
        "additionalProperties": False,
    }


def _property(parameter: Parameter) -> dict[str, Any]:
    described = " ".join(part for part in (parameter.description, _labels(parameter)) if part)
    found = dict(TYPES.get(parameter.type, {"type": parameter.type}))
    if parameter.type == "array":
        found["items"] = {"type": parameter.items}
    if parameter.choices:
        found["enum"] = [option.value for option in parameter.choices]
    limits = {"minimum": parameter.minimum, "maximum": parameter.maximum}
    found |= {name: float(limit) for name, limit in limits.items() if limit is not None}
    if parameter.pattern:
        found["pattern"] = parameter.pattern
    return found | ({"description": described} if described else {})


def _labels(parameter: Parameter) -> str:
    """Which value means what, where that is not the value itself."""
    told = [f"{option.value}: {option.label}" for option in parameter.choices if option.label != option.value]
    return f"({'; '.join(told)})" if told else ""
