"""Before an action runs and before a sentence leaves: is it allowed for this customer, asked for, and harmless?

Rules, which need no model and always have the last word; chat.call_opinion and chat.grounding.entailment also ask one.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from chat import numbers
from chat.exchange import CustomerIdentity
from chat.value_finding import find_values
from knowledge.actions import ActionSpec
from knowledge.bad_value import BadValue
from knowledge.values import Parameter, checked_value


class Refused(Exception):
    """What must not be done or said; the text says why, for the record."""


def checked_call(
    spec: ActionSpec,
    arguments: Mapping[str, Any],
    heard: Sequence[str],
    customer: CustomerIdentity | None,
    today: date,
) -> dict[str, Any]:
    """The arguments in their types, if the bot may make this call now. `heard` is what the customer has said, and what
    earlier calls have told; nothing else may fill an argument. Raises Refused."""
    if spec.method != "GET":
        raise Refused(f"{spec.name} changes something; that needs the customer's confirmation")
    if spec.needs_customer and customer is None:
        raise Refused(f"{spec.name} is for signed-in customers")
    by_name = {parameter.name: parameter for parameter in spec.parameters if parameter.askable}
    if foreign := sorted(set(arguments) - set(by_name)):
        raise Refused(f"{spec.name} takes no argument {foreign[0]}")
    checked: dict[str, Any] = {}
    for name, parameter in by_name.items():
        if name in arguments:
            checked[name] = _checked_argument(spec, parameter, arguments[name], heard, today)
        elif parameter.required:
            raise Refused(f"{spec.name} needs {name}")
    return checked


def check_sentence(sentence: str, instructions: str, wordings: Sequence[str] = ()) -> None:
    """Raises Refused where a sentence would do harm, whatever its source. `instructions` are the model's own; the
    `wordings` among them are meant to be said."""
    for problem, pattern in _HARM.items():
        if pattern.search(sentence):
            raise Refused(problem)
    said = _folded(sentence)
    meant = any(said in _folded(wording) for wording in wordings)
    if len(said) >= LEAK_FROM and not meant and said in _folded(instructions):
        raise Refused("it tells the bot's own instructions")


LEAK_FROM = 24
_HARM = {
    "it asks for a secret": re.compile(
        r"(?<!never )(?<!not )(?<!n't )(?<!n’t )\b(?:send|tell|give|share|provide|enter|type|reply with|confirm)\b"
        r"[^.?!]{0,40}\byour\b[^.?!]{0,20}"
        r"\b(?:password|passcode|pin\b|cvv|cvc|security code|one-time code|full card number)",
        re.IGNORECASE,
    ),
    "it carries markup that could run": re.compile(
        r"<\s*(?:script|iframe|img|svg|a)\b|javascript:|data:text/html", re.I
    ),
    "it shows the machinery": re.compile(r"<\|[^|]*\|>|<</?SYS>>|\[/?INST\]|</?(?:source|sources|question)\b", re.I),
    "it insults": re.compile(r"\byou(?:'re| are)\s+(?:an?\s+)?(?:idiot|stupid|moron|liar|fool|dumb)\b", re.IGNORECASE),
}


def _checked_argument(spec: ActionSpec, parameter: Parameter, value: Any, heard: Sequence[str], today: date) -> Any:
    wanted = next(
        (
            option.value
            for option in parameter.choices
            if str(value).casefold() in {each.casefold() for each in (option.value, option.label, *option.synonyms)}
        ),
        value,
    )
    if parameter.type == "boolean" and isinstance(wanted, str) and wanted.lower() in ("true", "false"):
        wanted = wanted.lower() == "true"
    try:
        checked = checked_value(parameter, wanted)
    except BadValue as problem:
        raise Refused(f"{parameter.name} of {spec.name}: {problem}") from problem
    if not any(_says(text, parameter, value, checked, today) for text in heard):
        raise Refused(f"nobody has said {parameter.name} = {str(value)[:60]!r}")
    return checked


def _says(text: str, parameter: Parameter, value: Any, checked: Any, today: date) -> bool:
    """Whether a text gives the value, in whatever words."""
    if isinstance(checked, bool):
        return True
    if isinstance(checked, int | float):
        return any(float(reading) == float(checked) for each in numbers.mentions(text) for reading in each.readings)
    words = f" {_folded(text)} "
    forms = {str(value), str(checked)}
    for option in parameter.choices:
        if option.value == checked:
            forms |= {option.label, *option.synonyms}
    if any(form.strip() and f" {_folded(form)} " in words for form in forms):
        return True
    return find_values([parameter], text, today).values.get(parameter.name) == checked


def _folded(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))
