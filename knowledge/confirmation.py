"""What a customer confirms: exactly what will be sent, in words, with the rules that govern it."""

import logging
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from knowledge import local, rendering
from knowledge.action_spec import ActionSpec
from knowledge.values import MASK, Parameter

logger = logging.getLogger(__name__)


def summary_of(spec: ActionSpec, arguments: Mapping[str, Any], language: str = "en") -> str:
    """The business's own words, or the action's title with every value; a template that fails hides nothing."""
    shown = _labels(spec, arguments, language)
    text = _from_template(spec, arguments, shown, language) if spec.confirmation.strip() else ""
    if not text:
        lines = [f"- {_readable(parameter)}: {shown[parameter.name]}" for parameter in _told(spec, arguments)]
        text = "\n".join([f"**{spec.title}**", *lines])
    if spec.policies:
        rules = ", ".join(f"[{each.title}]({each.url})" if each.url else f"“{each.title}”" for each in spec.policies)
        text += f"\n\nOur rules for this: {rules}."
    return text


def shown_arguments(spec: ActionSpec, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The values that the customer gave or that the business looked up for them, as a program may show them."""
    return {each.name: MASK if each.sensitive else arguments[each.name] for each in _told(spec, arguments)}


def _told(spec: ActionSpec, arguments: Mapping[str, Any]) -> list[Parameter]:
    """Constants and the customer's own identity are no news to them."""
    return [each for each in spec.parameters if each.name in arguments and not each.fixed and not each.claimed]


def _labels(spec: ActionSpec, arguments: Mapping[str, Any], language: str) -> dict[str, str]:
    spoken = local.language.set(language)
    try:
        return {
            each.name: MASK if each.sensitive else _label(each, arguments[each.name])
            for each in spec.parameters
            if each.name in arguments
        }
    finally:
        local.language.reset(spoken)


def _label(parameter: Parameter, value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(parameter.label_of(each) for each in value)
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if parameter.type == "date" and not parameter.choices:
        return local.long_date(date.fromisoformat(str(value)))
    if isinstance(value, int | float) and not parameter.choices:
        return local.number(Decimal(str(value)))
    return "–" if value == "" else parameter.label_of(value)


def _readable(parameter: Parameter) -> str:
    words = parameter.name.replace("_", " ")
    return words[:1].upper() + words[1:]


def _from_template(spec: ActionSpec, arguments: Mapping[str, Any], labels: Mapping[str, str], language: str) -> str:
    try:
        return rendering.render(spec.confirmation, arguments=arguments, labels=dict(labels), language=language)
    except rendering.RenderError as problem:
        logger.warning("confirmation template of %s in %s: %s", spec.name, spec.group_id, problem)
        return ""
