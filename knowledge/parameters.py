"""The typed parameters of an action, read from JSON."""

import math
import re
from decimal import Decimal
from typing import Any

import regex
from django.core.exceptions import ValidationError

from knowledge import formats
from knowledge.bad_value import BadValue
from knowledge.rendering import RenderError, check_template
from knowledge.results import check_results
from knowledge.values import CLAIM_PREFIX, MAX_TEXT, RESULT_PREFIX, ChoicesFrom, Option, Parameter, checked_value

LOCATIONS = ("path", "query", "body", "header")
TYPES = ("string", "number", "integer", "boolean", "date", "array")
ITEM_TYPES = ("string", "number", "integer")
CLAIM_SOURCES = ("customer.sub", "customer.name", "customer.email")
KEYS = frozenset(["name", "in", "type", "required", "description", "prompt", "choices", "minimum", "maximum"])
KEYS |= {"pattern", "source", "value", "field", "fallback", "items", "blank", "sensitive", "choices_from", "format"}
CHOICES_FROM = frozenset(["action", "items", "value", "label", "words", "arguments"])
RESERVED_HEADERS = frozenset(["host", "authorization", "proxy-authorization", "cookie", "connection", "content-length"])
RESERVED_HEADERS |= {"content-type", "transfer-encoding", "idempotency-key"}
MAX_PARAMETERS = 30
MAX_CHOICES = 200
MAX_PATTERN = 200
RESULT = re.compile(r"result\.(?:[A-Za-z0-9_-]+\.)?[A-Za-z_][A-Za-z0-9_]*")
FIELD = re.compile(r"[A-Za-z0-9_$@][A-Za-z0-9_.$@\[\]-]*")


def parse_parameters(content: Any) -> tuple[Parameter, ...]:
    """The parameters of an action's JSON. Raises ValidationError naming the parameter and the field."""
    if not isinstance(content, list) or len(content) > MAX_PARAMETERS:
        raise _refused(f"must be a list of at most {MAX_PARAMETERS} objects.")
    parsed: list[Parameter] = []
    for number, row in enumerate(content, 1):
        parameter = _parameter(row, number)
        if any(parameter.name == other.name for other in parsed):
            raise _refused(f"Parameter {number} ({parameter.name}): name: is used twice.")
        parsed.append(parameter)
    return tuple(parsed)


def _parameter(row: Any, number: int) -> Parameter:
    if not isinstance(row, dict):
        raise _refused(f"Parameter {number}: must be an object.")
    name = row.get("name")
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]{0,62}", name):
        raise _refused(f"Parameter {number}: name: must begin with a letter and hold letters, digits, _, - and dots.")

    def refused(field: str, problem: str) -> ValidationError:
        return _refused(f"Parameter {number} ({name}): {field}: {problem}")

    if unknown := sorted(set(row) - KEYS):
        raise refused(str(unknown[0]), "is not a field of a parameter.")
    for field in ("description", "prompt", "pattern", "source", "field", "fallback"):
        if not isinstance(row.get(field, ""), str) or len(row.get(field, "")) > MAX_TEXT:
            raise refused(field, f"must be a text of at most {MAX_TEXT} characters.")
    location, kind, required = row.get("in", "query"), row.get("type", "string"), row.get("required")
    if location not in LOCATIONS:
        raise refused("in", f"must be one of {', '.join(LOCATIONS)}.")
    if kind not in TYPES:
        raise refused("type", f"must be one of {', '.join(TYPES)}.")
    for field in ("required", "blank", "sensitive"):
        if row.get(field) is not None and not isinstance(row[field], bool):
            raise refused(field, "must be true or false.")
    _check_origin(row, refused)
    if row.get("format", "") not in ("", *formats.FORMATS):
        raise refused("format", f"must be one of {', '.join(formats.FORMATS)}.")
    if row.get("format") and (kind != "string" or row.get("choices") or row.get("pattern")):
        raise refused("format", "is for texts without choices or a pattern.")
    _check_kind(row, location, kind, refused)
    source = row.get("source", "")
    claimed = bool(source) and not source.startswith(RESULT_PREFIX)
    parameter = Parameter(
        name,
        location,
        kind,
        bool(required) or location == "path" or claimed,
        row.get("description", "").strip(),
        row.get("prompt", "").strip(),
        _choices(row.get("choices", []), refused),
        _limit(row, "minimum", kind, refused),
        _limit(row, "maximum", kind, refused),
        _pattern(row.get("pattern", ""), kind, refused),
        source,
        row.get("value"),
        "value" in row,
        row.get("field", ""),
        row.get("fallback", ""),
        row.get("items", "string"),
        row.get("blank", False),
        row.get("sensitive", False),
        _choices_from(row, refused),
        row.get("format", ""),
    )
    return _consistent(parameter, refused)


def _check_origin(row: dict[str, Any], refused: Any) -> None:
    """Where its value may come from: exactly one place, and a fallback for what the customer's words leave open."""
    source, fallback = row.get("source", ""), row.get("fallback", "")
    for field, text in (("source", source), ("fallback", fallback)):
        claim = text in CLAIM_SOURCES or text.startswith(CLAIM_PREFIX)
        if text and not claim and not RESULT.fullmatch(text):
            known = ", ".join((*CLAIM_SOURCES, f"{CLAIM_PREFIX}NAME", f"{RESULT_PREFIX}NAME"))
            raise refused(field, f"must be one of {known} or {RESULT_PREFIX}ACTION.NAME.")
    if source and "value" in row:
        raise refused("value", "cannot be given beside a source.")
    if fallback and (source or "value" in row):
        raise refused("fallback", "is for what the customer is asked; this comes from elsewhere already.")


def _check_kind(row: dict[str, Any], location: str, kind: str, refused: Any) -> None:
    if row.get("items", "string") not in ITEM_TYPES:
        raise refused("items", f"must be one of {', '.join(ITEM_TYPES)}.")
    if "items" in row and kind != "array":
        raise refused("items", "is for arrays only.")
    if kind == "array" and location in ("path", "header"):
        raise refused("type", f"cannot be array in the {location}.")
    field = row.get("field", "")
    if field and not FIELD.fullmatch(field):
        raise refused("field", "must be the API's own name for it; dots lead into objects of the body.")
    api_name = field or row["name"]
    if location == "header" and api_name.lower() in RESERVED_HEADERS:
        raise refused("field" if field else "name", "is a header that an action may not set.")


def _consistent(parameter: Parameter, refused: Any) -> Parameter:
    low, high = parameter.minimum, parameter.maximum
    if low is not None and high is not None and low > high:
        raise refused("minimum", "is above the maximum.")
    if parameter.fixed:
        try:
            checked_value(parameter, parameter.value)
        except BadValue as problem:
            raise refused("value", f"does not fit the parameter. {problem}") from problem
    return parameter


def _choices(rows: Any, refused: Any) -> tuple[Option, ...]:
    if not isinstance(rows, list) or len(rows) > MAX_CHOICES:
        raise refused("choices", f"must be a list of at most {MAX_CHOICES}.")
    options = tuple(_option(row, refused) for row in rows)
    for texts in ([option.value for option in options], [option.label for option in options]):
        if len({text.casefold() for text in texts}) < len(texts):
            raise refused("choices", "hold the same value or label twice.")
    return options


def _option(row: Any, refused: Any) -> Option:
    if isinstance(row, str):
        row = {"value": row}
    if not isinstance(row, dict) or not set(row) <= {"value", "label", "synonyms"}:
        raise refused("choices", 'must be texts or objects like {"value": "m", "label": "Medium"}.')
    value, synonyms = row.get("value"), row.get("synonyms", [])
    label = row.get("label", value)
    texts = [value, label, *synonyms] if isinstance(synonyms, list) else [None]
    if not all(isinstance(text, str) and 0 < len(text.strip()) <= 200 for text in texts):
        raise refused("choices", "need a value, a label and synonyms that are texts of at most 200 characters.")
    return Option(str(value).strip(), str(label).strip(), tuple(synonyms))


def _choices_from(row: dict[str, Any], refused: Any) -> ChoicesFrom | None:
    """Where its choices come from; whether that action can be asked so is for knowledge.action_checks to say."""
    found = row.get("choices_from")
    if found is None:
        return None
    if not isinstance(found, dict) or not set(found) <= CHOICES_FROM:
        raise refused("choices_from", f"must be an object with {', '.join(sorted(CHOICES_FROM))}, and no more.")
    if row.get("choices") or row.get("source") or "value" in row or row.get("format"):
        raise refused("choices_from", "cannot be given beside choices, a source, a value or a format.")
    if row.get("type", "string") not in ("string", "number", "integer"):
        raise refused("choices_from", "is for texts and numbers.")
    texts = {field: found.get(field, "") for field in ("action", "items", "value", "label", "words")}
    if not all(isinstance(text, str) and len(text) <= MAX_TEXT for text in texts.values()) or not texts["action"]:
        raise refused("choices_from", f"needs an action, and texts of at most {MAX_TEXT} characters.")
    arguments = found.get("arguments", {})
    if not isinstance(arguments, dict) or not all(isinstance(name, str) for name in arguments.values()):
        raise refused("choices_from", "arguments: must name, for a parameter of that action, one of this.")
    if row["name"] in arguments.values():
        raise refused("choices_from", "arguments: the choices cannot depend on what is chosen from them.")
    try:
        check_results({"items": texts["items"] or "$[*]", "value": texts["value"] or "$"})
        for field in ("label", "words"):
            if texts[field].strip():
                check_template(texts[field])
    except ValidationError as problem:
        raise refused("choices_from", " ".join(problem.messages)) from problem
    except RenderError as problem:
        raise refused("choices_from", str(problem)) from problem
    items, value = texts["items"] or "$[*]", texts["value"] or "$"
    return ChoicesFrom(texts["action"], items, value, texts["label"], texts["words"], dict(arguments))


def _limit(row: dict[str, Any], field: str, kind: str, refused: Any) -> Decimal | None:
    value = row.get(field)
    if value is None:
        return None
    if kind not in ("number", "integer"):
        raise refused(field, "is for numbers only.")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise refused(field, "must be a number.")
    return Decimal(str(value))


def _pattern(pattern: str, kind: str, refused: Any) -> str:
    if not pattern:
        return ""
    if kind != "string":
        raise refused("pattern", "is for strings only.")
    try:
        if len(pattern) > MAX_PATTERN:
            raise refused("pattern", f"must be at most {MAX_PATTERN} characters.")
        regex.compile(pattern)
    except regex.error as problem:
        raise refused("pattern", f"is not a regular expression: {problem}.") from problem
    return pattern


def _refused(problem: str) -> ValidationError:
    return ValidationError({"parameters": problem})
