"""What a conversation remembers of actions that ran in it, for later ones: named values, the newest first."""

from collections.abc import Mapping
from typing import Any

from chat.exchange import Answer
from knowledge.results import worth_remembering
from knowledge.values import Remembered

KEY = "results"
MOST = 10


def remembered(dialogue: Mapping[str, Any]) -> tuple[Remembered, ...]:
    return tuple(Remembered(each["action"], each["values"]) for each in dialogue.get(KEY) or ())


def with_result(dialogue: Mapping[str, Any], action: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """What to remember once an action has told these values: the part of the dialogue that holds results."""
    worth = worth_remembering(values)
    former = list(dialogue.get(KEY) or ())
    told = [{"action": action, "values": worth}, *former][:MOST] if worth else former
    return {KEY: told} if told else {}


def kept(dialogue: Mapping[str, Any], answer: Answer) -> Answer:
    """The answer, remembering at least what was remembered before it."""
    if KEY in answer.dialogue or KEY not in dialogue:
        return answer
    return answer.with_dialogue({**answer.dialogue, KEY: dialogue[KEY]})
