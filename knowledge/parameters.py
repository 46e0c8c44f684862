"""An action's definition, checked: its typed parameters read from JSON, its path, its template and its examples."""

import math
import re
from decimal import Decimal
from typing import Any

import regex
from django.core.exceptions import ValidationError

from knowledge.models import Action
from knowledge.rendering import check_template
from knowledge.values import CLAIM_PREFIX, MAX_TEXT, BadValue, Option, Parameter, checked_value

LOCATIONS = ("path", "query", "body", "header")
TYPES = ("string", "number", "integer", "boolean", "date")
CLAIM_SOURCES = ("customer.sub", "customer.name", "customer.email")
KEYS = frozenset(["name", "in", "type", "required", "description", "prompt", "choices", "minimum", "maximum"])
KEYS |= {"pattern", "source", "value"}
METHODS = ("GET", "POST")
RESERVED_HEADERS = frozenset(
    ["host", "authorization", "proxy-authorization", "cookie", "connection", "content-length", "content-type"]
)
MAX_PARAMETERS = 30
MAX_CHOICES = 200
MAX_PATTERN = 200
MAX_EXAMPLES = 200
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def check_action(action: Action) -> None:
    """Raise ValidationError, by field, unless the action can be called and answered with."""
    problems: dict[str, list[str]] = {}
    parameters: tuple[Parameter, ...] = ()
    try:
        parameters = parse_parameters(action.parameters)
    except ValidationError as problem:
        problems.update(problem.message_dict)
    else:
        _check_use(action, parameters, problems)
    if action.method not in METHODS:
        problems["method"] = [f"must be one of {', '.join(METHODS)}."]
    if problem_of_path := _path_problem(action.path):
        problems["path"] = [problem_of_path]
    try:
        check_template(action.answer)
    except ValueError as problem:
        problems["answer"] = [str(problem)]
    if not _are_examples(action.examples):
        problems["examples"] = [f"must be a list of at most {MAX_EXAMPLES} texts of 1 to 500 characters."]
    if problems:
        raise ValidationError(problems)


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


def _check_use(action: Action, parameters: tuple[Parameter, ...], problems: dict[str, list[str]]) -> None:
    """Whether the parameters fit the path, the method and who may ask."""
    named, in_path = set(PLACEHOLDER.findall(action.path)), {p.name for p in parameters if p.location == "path"}
    if missing := sorted(named - in_path):
        problems["parameters"] = [f"The path has {{{missing[0]}}}, but no path parameter has that name."]
    if unused := sorted(in_path - named):
        problems["parameters"] = [f"The path parameter {unused[0]} does not occur in the path."]
    if action.method == "GET" and any(parameter.location == "body" for parameter in parameters):
        problems["parameters"] = ["A GET request has no body; put the parameters into the query."]
    claimed = [parameter.name for parameter in parameters if parameter.source]
    if claimed and not action.requires_verified:
        problems["requires_verified"] = [f"must be on: {claimed[0]} comes from the signed-in customer."]


def _path_problem(path: str) -> str:
    if not path.startswith("/") or path.startswith("//"):
        return "must begin with a single slash; it is added to the base URL."
    if not re.fullmatch(r"[A-Za-z0-9._~!$&'()*+,;=:@%/-]*", PLACEHOLDER.sub("", path)):
        return "holds a character that does not belong in a path; queries are made of parameters."
    if any(part in (".", "..") for part in path.split("/")) or "%2f" in path.lower() or "%2e" in path.lower():
        return "must not step up or sideways with dots."
    return ""


def _are_examples(examples: Any) -> bool:
    return (
        isinstance(examples, list)
        and len(examples) <= MAX_EXAMPLES
        and all(isinstance(text, str) and 0 < len(text.strip()) <= 500 for text in examples)
    )


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
    for field in ("description", "prompt", "pattern", "source"):
        if not isinstance(row.get(field, ""), str) or len(row.get(field, "")) > MAX_TEXT:
            raise refused(field, f"must be a text of at most {MAX_TEXT} characters.")
    location, kind, required = row.get("in", "query"), row.get("type", "string"), row.get("required")
    if location not in LOCATIONS:
        raise refused("in", f"must be one of {', '.join(LOCATIONS)}.")
    if location == "header" and name.lower() in RESERVED_HEADERS:
        raise refused("name", "is a header that an action may not set.")
    if kind not in TYPES:
        raise refused("type", f"must be one of {', '.join(TYPES)}.")
    if required is not None and not isinstance(required, bool):
        raise refused("required", "must be true or false.")
    source = row.get("source", "")
    if source and source not in CLAIM_SOURCES and not source.startswith(CLAIM_PREFIX):
        raise refused("source", f"must be one of {', '.join(CLAIM_SOURCES)} or {CLAIM_PREFIX}NAME.")
    if source and "value" in row:
        raise refused("value", "cannot be given beside a source.")
    parameter = Parameter(
        name,
        location,
        kind,
        bool(required) or location == "path" or bool(source),
        row.get("description", "").strip(),
        row.get("prompt", "").strip(),
        _choices(row.get("choices", []), refused),
        _limit(row, "minimum", kind, refused),
        _limit(row, "maximum", kind, refused),
        _pattern(row.get("pattern", ""), kind, refused),
        source,
        row.get("value"),
        "value" in row,
    )
    return _consistent(parameter, refused)


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
