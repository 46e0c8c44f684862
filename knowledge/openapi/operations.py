"""The operations of an OpenAPI document as actions could call them; one that cannot be called says why."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from knowledge.openapi import schemas
from knowledge.openapi.reading import place
from knowledge.openapi.schemas import Unusable, resolve

METHODS = ("get", "post", "put", "patch", "delete")
MOST_OPERATIONS = 500
LONGEST_TEXT = 2_000
SHOWN_FIELDS = 8


@dataclass(frozen=True)
class Operation:
    """`key` is its method and path; `problem` says, with its place in the document, why it cannot be an action."""

    key: str
    name: str
    title: str
    description: str
    method: str
    path: str
    parameters: list[dict[str, Any]] = field(default_factory=list)
    results: dict[str, str] = field(default_factory=dict)
    answer: str = ""
    problem: str = ""

    @property
    def writes(self) -> bool:
        return self.method != "GET"


@dataclass(frozen=True)
class Described:
    """What a document says of an API."""

    title: str
    base_url: str
    operations: tuple[Operation, ...]


def describe(document: Mapping[str, Any], url: str = "") -> Described:
    """`url` is where the document was found: its servers' addresses may be relative to that."""
    info = document.get("info") or {}
    found = []
    for number, operation in enumerate(_operations(document)):
        if number >= MOST_OPERATIONS:
            break
        found.append(operation)
    return Described(str(info.get("title", "")), _base_url(document, url), tuple(_named_once(found)))


def _operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, item in (document.get("paths") or {}).items():
        item = resolve(document, item)
        for method in METHODS:
            if isinstance(item.get(method), dict):
                yield _operation(document, path, method, item)


def _operation(document: Mapping[str, Any], path: str, method: str, item: Mapping[str, Any]) -> Operation:
    content = item[method]
    name = schemas.plain_name(content.get("operationId") or f"{method}_{path}")[:100]
    title = str(content.get("summary") or name.replace("_", " ").capitalize())[:200]
    described = str(content.get("description") or content.get("summary") or "").strip()[:LONGEST_TEXT]
    common = (f"{method.upper()} {path}", name, title, described, method.upper(), path)
    where = ("paths", path, method)
    try:
        parameters = _parameters(document, content, item, where) + _body(document, content, where)
    except Unusable as problem:
        return Operation(*common, problem=f"{place(problem.where)}: {problem.reason}")
    fields = _told(document, content)
    results = {schemas.plain_name(each): f"$[{each!r}]" for each in fields}
    return Operation(*common, _unlike(parameters), results, _answer(fields, method))


def _parameters(
    document: Mapping[str, Any], content: Mapping[str, Any], item: Mapping[str, Any], where: tuple[str | int, ...]
) -> list[dict[str, Any]]:
    """Those of the path item first; the operation's own replace those with the same name and place."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for above, rows in ((where[:-1], item.get("parameters")), (where, content.get("parameters"))):
        for number, row in enumerate(rows or []):
            row = resolve(document, row)
            found[row["in"], row["name"]] = {"row": row, "where": (*above, "parameters", number)}
    made = []
    for (location, name), each in found.items():
        row, at = each["row"], each["where"]
        if location == "cookie" or (location == "header" and name.lower() in schemas.NOT_SENT):
            if row.get("required") and location == "cookie":
                raise Unusable((*at, "in"), "a cookie that is required cannot be sent.")
            continue
        if "schema" not in row:
            raise Unusable((*at, "content"), "only parameters with a schema can be filled.")
        made.append(schemas.parameter(document, name, location, row, row["schema"], (*at, "schema")))
    return made


def _body(
    document: Mapping[str, Any], content: Mapping[str, Any], where: tuple[str | int, ...]
) -> list[dict[str, Any]]:
    body, at = resolve(document, content.get("requestBody") or {}), (*where, "requestBody")
    kinds = body.get("content") or {}
    kind = next((each for each in kinds if re.match(r"application/(.+\+)?json\b", each)), None)
    if kind is None:
        if body.get("required"):
            raise Unusable((*at, "content"), "only application/json can be sent.")
        return []
    schema = kinds[kind].get("schema") or {}
    return schemas.body_parameters(document, schema, bool(body.get("required")), (*at, "content", kind, "schema"))


def _told(document: Mapping[str, Any], content: Mapping[str, Any]) -> list[str]:
    """The plain fields at the top of what it answers when all went well."""
    responses = content.get("responses") or {}
    good: Any = next((responses[code] for code in sorted(responses, key=str) if str(code).startswith("2")), {})
    kinds = resolve(document, good).get("content") or {}
    schema = next((kinds[each].get("schema") for each in kinds if "json" in each), None) or {}
    try:
        properties = schemas.merged(document, schema, ()).get("properties") or {}
        return [name for name, inner in properties.items() if schemas.is_plain(document, inner)][:SHOWN_FIELDS]
    except Unusable:
        return []


def _answer(fields: list[str], method: str) -> str:
    lines = [
        f"{{% if response[{name!r}] is defined %}}- {schemas.readable(name)}: {{{{ response[{name!r}] }}}}{{% endif %}}"
        for name in fields
    ]
    opening = "Here is what I found:" if method == "get" else "This is done."
    return "\n".join([opening, "", *lines]) if lines else opening if method != "get" else "{{ response }}"


def _base_url(document: Mapping[str, Any], url: str) -> str:
    server: Any = next(iter(document.get("servers") or []), {})
    address = str(server.get("url") or "/")
    for name, variable in (server.get("variables") or {}).items():
        address = address.replace(f"{{{name}}}", str(variable.get("default", "")))
    joined = urljoin(url, address) if url else address
    return joined.rstrip("/") if joined.startswith(("http://", "https://")) else ""


def _named_once(operations: list[Operation]) -> Iterator[Operation]:
    taken: set[str] = set()
    for operation in operations:
        name, number = operation.name, 2
        while name in taken:
            name, number = f"{operation.name[:96]}_{number}", number + 1
        taken.add(name)
        yield Operation(**{**vars(operation), "name": name})


def _unlike(parameters: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Parameters whose names differ, though two places may use the same."""
    taken: set[str] = set()
    for row in parameters:
        name, number = row["name"], 2
        while row["name"] in taken:
            row["name"], number = f"{name[:59]}_{number}", number + 1
        taken.add(row["name"])
        if row.get("field") == row["name"]:
            del row["field"]
    return parameters
