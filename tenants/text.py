"""What every stored text must be: characters that PostgreSQL can hold."""

import re
from typing import Any

from django.core.exceptions import ValidationError

_SURROGATE = re.compile("[\ud800-\udfff]")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def check_text(**fields: str) -> None:
    """Raise ValidationError that names each field holding a NUL or half a surrogate pair."""
    problems = {}
    for name, value in fields.items():
        if "\0" in value:
            problems[name] = "Contains a NUL character."
        elif _SURROGATE.search(value):
            problems[name] = "Contains half of a surrogate pair, which is not a character."
    if problems:
        raise ValidationError(problems)


def storable(value: Any) -> Any:
    """What comes from JSON, without the characters that PostgreSQL cannot hold."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("", value)
    if isinstance(value, list):
        return [storable(each) for each in value]
    if isinstance(value, dict):
        return {storable(name): storable(each) for name, each in value.items()}
    return value
