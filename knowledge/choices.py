"""The choices that an action's response lists: values with labels, each read from one item."""

import logging
from typing import Any

from knowledge import rendering, results
from knowledge.values import ChoicesFrom, Option

logger = logging.getLogger(__name__)

MOST = 100
LONGEST = 200


def read(source: ChoicesFrom, data: Any, language: str = "en") -> tuple[Option, ...]:
    """At most 100, in the API's order; items without a plain value, and values that were there before, are left out."""
    items = results.found(source.items, data, MOST)
    options: dict[str, Option] = {}
    labels: set[str] = set()
    for item in items:
        values = results.found(source.value, item, 1)
        if not values or isinstance(values[0], bool) or not isinstance(values[0], str | int | float):
            continue
        value = str(values[0]).strip()[:LONGEST]
        label = _rendered(source.label, item, language) or value
        if label.casefold() in labels:
            label = f"{label} ({value})"
        words = _rendered(source.words, item, language)
        if value and value not in options:
            labels.add(label.casefold())
            options[value] = Option(value, label, (words,) if words else ())
    return tuple(options.values())


def _rendered(template: str, item: Any, language: str) -> str:
    if not template.strip():
        return ""
    try:
        text = rendering.render(template, arguments={}, item=item, language=language)
    except rendering.RenderError as problem:
        logger.warning("a choice's template: %s", problem)
        return ""
    return " ".join(text.split())[:LONGEST]
