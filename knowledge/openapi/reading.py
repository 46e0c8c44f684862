"""From bytes or an address to a checked OpenAPI 3 document; every problem names the place in it."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import yaml
from jsonschema.exceptions import best_match
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

from tenants import safe_http
from tenants.safe_http import OutboundError, OutboundRequest

LARGEST = 2_000_000
DEEPEST = 60
MOST_PROBLEMS = 20
FETCH_S = 15.0
VALIDATORS = {"3.0": OpenAPIV30SpecValidator, "3.1": OpenAPIV31SpecValidator}
Place = tuple[str | int, ...]


class OpenApiError(ValueError):
    """Why a document cannot be used: a sentence for each problem, beginning with its place."""

    def __init__(self, *problems: str) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


async def fetch(url: str, owner: str) -> bytes:
    """The document at a public address. Raises OpenApiError."""
    try:
        host = safe_http.checked_url(url).host
        accept = {"Accept": "application/json, application/yaml;q=0.9, */*;q=0.5"}
        request = OutboundRequest("GET", url, (host,), accept, timeout_s=FETCH_S, max_bytes=LARGEST, owner=owner)
        response = await safe_http.fetch(request)
    except OutboundError as problem:
        raise OpenApiError(f"The document could not be fetched: {problem.message}") from problem
    if response.status != 200:
        raise OpenApiError(f"The document could not be fetched: {urlsplit(url).hostname} answered {response.status}.")
    return response.content


def read(content: bytes | dict[str, Any]) -> dict[str, Any]:
    """A document, as JSON or YAML or already parsed, that is right as a whole. Raises OpenApiError."""
    document = content if isinstance(content, dict) else _parsed(content)
    if not isinstance(document, dict):
        raise OpenApiError("The document must be an object with openapi, info and paths.")
    version = str(document.get("openapi", ""))
    validator = VALIDATORS.get(version[:3])
    if validator is None:
        given = f"“{version[:20]}”" if version else "missing"
        raise OpenApiError(f"openapi: must be a version 3.0 or 3.1; it is {given}.")
    if problems := list(_foreign_references(document)):
        raise OpenApiError(*problems[:MOST_PROBLEMS])
    _check_shape(validator.schema_validator, document)
    _check_meaning(validator(document))
    return document


def _check_shape(validator: Any, document: dict[str, Any]) -> None:
    found = [_deepest(error) for error in islice(validator.iter_errors(document), MOST_PROBLEMS)]
    if found:
        raise OpenApiError(*(f"{place(error.absolute_path)}: {_words(error)}" for error in found))


def _check_meaning(validator: Any) -> None:
    """What the shape does not tell: references that lead nowhere, names used twice, path parameters without a value."""
    try:
        # Not by its iter_errors, which would keep every document in memory for good.
        found = list(islice(validator.root_validator(validator.schema_path), MOST_PROBLEMS))
    except Exception as problem:
        # It follows references as it goes, and says in many ways that one leads nowhere.
        raise OpenApiError(f"The document refers to something that is not there: {problem!s:.300}.") from problem
    if found:
        raise OpenApiError(*(f"{place(error.absolute_path)}: {_words(error)}" for error in found))


def place(path: Any) -> str:
    """Where in a document: paths./orders.get.parameters[0].name"""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "The document"


def _parsed(content: bytes) -> Any:
    if len(content) > LARGEST:
        raise OpenApiError(f"The document is larger than {LARGEST:,} bytes.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise OpenApiError("The document is not text in UTF-8.") from problem
    try:
        return json.loads(text)
    except RecursionError as problem:
        raise OpenApiError("The document is nested too deeply.") from problem
    except ValueError:
        return _parsed_yaml(text)


def _parsed_yaml(text: str) -> Any:
    try:
        # An alias can make a small file a huge one.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=_Loader)):
            raise OpenApiError("The document uses YAML aliases (*name), which are not accepted; use $ref.")
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        reason = getattr(problem, "problem", None) or "it cannot be read"
        raise OpenApiError(f"The document is neither JSON nor YAML: {where}{reason}.") from problem
    except RecursionError as problem:
        raise OpenApiError("The document is nested too deeply.") from problem


class _Loader(yaml.CSafeLoader):
    """YAML's plain types alone; a date stays the text that it is in JSON."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


def _foreign_references(node: Any, path: Place = ()) -> Iterator[str]:
    """References out of the document: nothing is fetched because a document says so."""
    if len(path) > DEEPEST:
        raise OpenApiError(f"{place(path[:6])}…: The document is nested too deeply.")
    if isinstance(node, dict):
        reference = node.get("$ref")
        if isinstance(reference, str) and not reference.startswith("#/"):
            yield f"{place((*path, '$ref'))}: “{reference[:100]}” leads out of the document; bundle it into one file."
        for name, value in node.items():
            yield from _foreign_references(value, (*path, str(name)))
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from _foreign_references(value, (*path, number))


def _deepest(error: Any) -> Any:
    """Of an error that says only that no alternative fits, the one that comes nearest to fitting."""
    meant = [each for each in error.context or () if "'$ref'" not in each.message]
    return _deepest(best_match(meant)) if meant else error


def _words(error: Any) -> str:
    message = str(error.message)
    return f"{message[:200]}{'' if message.endswith('.') else '.'}"
