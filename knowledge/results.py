"""Named values of a response, each found by a JSON path (RFC 9535), to be shown and to be used by later actions."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.core.exceptions import ValidationError
from jsonpath import JSONPath, JSONPathEnvironment, JSONPathError

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
MAX_RESULTS = 30
MAX_PATH = 200
MAX_FOUND = 50
MAX_REMEMBERED = 500


def check_results(results: Any) -> None:
    """Raise ValidationError unless every name has a path that can be followed."""
    if not isinstance(results, dict) or len(results) > MAX_RESULTS:
        raise _refused(f"must be an object of at most {MAX_RESULTS} names, each with its JSON path.")
    for name, path in results.items():
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise _refused(f"{name!s:.60}: a name begins with a letter and holds letters, digits and _.")
        if not isinstance(path, str) or len(path) > MAX_PATH:
            raise _refused(f"{name}: its JSON path must be a text of at most {MAX_PATH} characters.")
        # A filter may hold a regular expression, which could run without end.
        if "?" in path:
            raise _refused(f"{name}: a JSON path with a filter (?) cannot be used here.")
        try:
            _compiled(path)
        except JSONPathError as problem:
            raise _refused(f"{name}: “{path}” is not a JSON path: {_first_line(problem)}.") from problem


def extract(results: Mapping[str, str], data: Any) -> dict[str, Any]:
    """The values by name; a path that may find several gives a list, and one that finds nothing gives no name."""
    named: dict[str, Any] = {}
    for name, path in results.items():
        values = found(path, data, MAX_FOUND)
        if not _compiled(path).singular_query():
            named[name] = values
        elif values and values[0] is not None:
            named[name] = values[0]
    return named


def found(path: str, data: Any, most: int) -> list[Any]:
    """What a path leads to, the first so many."""
    return [match.obj for _, match in zip(range(most), _compiled(path).finditer(data), strict=False)]


def worth_remembering(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those that a later call can use: single texts and numbers, of no great length."""
    return {
        name: value
        for name, value in values.items()
        if isinstance(value, str | int | float) and len(str(value)) <= MAX_REMEMBERED
    }


@lru_cache(maxsize=1024)
def _compiled(path: str) -> JSONPath:
    compiled = _environment.compile(path)
    if not isinstance(compiled, JSONPath):
        raise JSONPathError("several paths in one")
    return compiled


def _first_line(problem: Exception) -> str:
    return str(problem).strip().splitlines()[0].rstrip(".")


def _refused(problem: str) -> ValidationError:
    return ValidationError({"results": problem})


_environment = JSONPathEnvironment(strict=True)
