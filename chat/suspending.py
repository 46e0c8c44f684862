"""Actions whose questions wait while the customer does something else first: the newest is come back to first."""

from collections.abc import Mapping, Sequence
from typing import Any

from chat.progress import LookedUp
from knowledge.values import Option, Parameter

KEY = "waiting"
# In the dialogue where the open question has been asked again after an answer of another line.
CAME_BACK = "came_back"
MOST = 3
_OWN = ("action", "id", "arguments", "asking", "asked", "offered", "looked_up", "heard", "labels")


def is_open(dialogue: Mapping[str, Any]) -> bool:
    """Whether the customer is being asked something, to go on with or to confirm."""
    return "action" in dialogue or "confirmation" in dialogue


def waiting(dialogue: Mapping[str, Any], begun: str) -> list[Mapping[str, Any]]:
    """What waits once the action of this ID has the word: what was open, then what waited before it."""
    former = [{key: dialogue[key] for key in _OWN if key in dialogue}] if "action" in dialogue else []
    kept = [*former, *(dialogue.get(KEY) or ())]
    return [state for state in kept if state.get("id") != begun][:MOST]


def suspended(dialogue: Mapping[str, Any], states: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The dialogue with what waits."""
    rest = {key: value for key, value in dialogue.items() if key != KEY}
    return {**rest, KEY: list(states)} if states else rest


def offered_in(state: Mapping[str, Any], parameter: Parameter) -> tuple[Option, ...]:
    """The options that were offered when this was asked."""
    known = {option.value: option for option in parameter.choices}
    for row in state.get("looked_up") or ():
        if row["field"] == parameter.name:
            known |= {option.value: option for option in LookedUp.from_json(row).options}
    return tuple(known[value] for value in state.get("offered") or () if value in known)
