"""JSON schemas as an action's parameters: plain values and lists of them; objects become their fields."""

import re
from collections.abc import Mapping
from typing import Any

import regex

from knowledge.parameters import MAX_CHOICES, MAX_PATTERN, RESERVED_HEADERS

PLAIN = ("string", "number", "integer", "boolean")
NOT_SENT = RESERVED_HEADERS | {"accept"}
# What JSON schemas call a form that is checked and read out of the customer's words.
FORMATS = {"email": "email", "idn-email": "email", "phone": "phone", "tel": "phone", "time": "time"}
# An extension by which a document says that another of its operations lists a value's choices.
CHOICES = "x-choices-from"
DEEPEST = 4
MOST_STEPS = 20
LONGEST_TEXT = 500
Where = tuple[str | int, ...]


class Unusable(Exception):
    """Something that no parameter can stand for, and where it is."""

    def __init__(self, where: Where, reason: str) -> None:
        super().__init__(reason)
        self.where, self.reason = where, reason


def parameter(
    document: Mapping[str, Any], name: str, location: str, row: Mapping[str, Any], schema: Any, where: Where
) -> dict[str, Any]:
    """One value as an action's parameter. Raises Unusable."""
    found = merged(document, schema, where)
    kind = _kind(found, where)
    made: dict[str, Any] = {"name": plain_name(name), "in": location, "type": kind, "field": name}
    if kind == "array":
        made["items"] = _kind(merged(document, found.get("items") or {}, (*where, "items")), (*where, "items"))
        if made["items"] not in ("string", "number", "integer") or location in ("path", "header"):
            raise Unusable((*where, "items"), f"a list of {made['items']} in the {location} cannot be sent.")
    if row.get("required") or location == "path":
        made["required"] = True
    listed = row.get(CHOICES) or found.get(CHOICES)
    if isinstance(listed, dict) and kind in ("string", "number", "integer"):
        made["choices_from"] = listed
    if text := str(row.get("description") or found.get("description") or "").strip():
        made["description"] = text[:LONGEST_TEXT]
    made |= _limits(found, kind)
    return made


def body_parameters(
    document: Mapping[str, Any], schema: Any, required: bool, where: Where, above: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    """The fields of a JSON body, those of objects within it by dotted names. Raises Unusable."""
    found = merged(document, schema, where)
    if found.get("type", "object") != "object" or len(above) >= DEEPEST:
        raise Unusable(where, "only a body that is an object of plain values can be sent.")
    made: list[dict[str, Any]] = []
    for name, inner in (found.get("properties") or {}).items():
        at, needed = (*where, "properties", name), required and name in (found.get("required") or [])
        shape = merged(document, inner, at)
        if shape.get("readOnly"):
            continue
        try:
            if shape.get("type") == "object" or "properties" in shape:
                made += body_parameters(document, shape, needed, at, (*above, name))
            else:
                made.append(parameter(document, ".".join((*above, name)), "body", {"required": needed}, shape, at))
        except Unusable:
            if needed:
                raise
    return made


def merged(document: Mapping[str, Any], schema: Any, where: Where) -> dict[str, Any]:
    """The schema with its references followed and its `allOf` joined. Raises Unusable."""
    found = dict(resolve(document, schema if isinstance(schema, dict) else {}))
    for part in found.pop("allOf", []):
        inner = merged(document, part, where) if len(where) < MOST_STEPS else {}
        joined = {**(inner.get("properties") or {}), **(found.get("properties") or {})}
        needed = [*(inner.get("required") or []), *(found.get("required") or [])]
        found = {**inner, **found}
        if joined:
            found["properties"], found["required"] = joined, needed
    for choice in ("oneOf", "anyOf"):
        deeper = found.get(choice) or [] if len(where) < MOST_STEPS else []
        options = [merged(document, each, (*where, choice)) for each in deeper]
        options = [each for each in options if each.get("type") != "null"]
        if len(options) == 1:
            found = {**options[0], **{name: value for name, value in found.items() if name != choice}}
    return found


def resolve(document: Mapping[str, Any], node: Any) -> dict[str, Any]:
    """What a reference within the document leads to; anything else as it is."""
    for _ in range(MOST_STEPS):
        if not isinstance(node, dict) or "$ref" not in node:
            break
        target: Any = document
        for part in str(node["$ref"]).removeprefix("#/").split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            target = target.get(key) if isinstance(target, dict) else None
        node = target
    return node if isinstance(node, dict) else {}


def is_plain(document: Mapping[str, Any], schema: Any) -> bool:
    try:
        return _kind(merged(document, schema, ()), ()) in (*PLAIN, "date")
    except Unusable:
        return False


def plain_name(text: str) -> str:
    """A name of letters, digits and underscores: listUserOrders becomes list_user_orders."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    name = re.sub(r"[^A-Za-z0-9]+", "_", words).strip("_").lower()[:63]
    return name if name[:1].isalpha() else f"p_{name}"[:63]


def readable(name: str) -> str:
    return plain_name(name).replace("_", " ").capitalize()


def _kind(schema: Mapping[str, Any], where: Where) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        named = [each for each in kind if each != "null"]
        kind = named[0] if len(named) == 1 else None
    if kind is None and schema.get("enum"):
        kind = "string"
    if kind not in (*PLAIN, "array"):
        raise Unusable((*where, "type"), f"{kind or 'a value without a type'} cannot be filled in by a conversation.")
    return "date" if kind == "string" and schema.get("format") == "date" else str(kind)


def _limits(schema: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """What it may be: its options, its range, its pattern."""
    made: dict[str, Any] = {}
    options = [each for each in schema.get("enum") or [] if isinstance(each, str) and each.strip()]
    if kind == "string" and len(options) == 1:
        made["value"] = options[0]
    elif kind == "string" and 1 < len({each.casefold() for each in options}) == len(options) <= MAX_CHOICES:
        made["choices"] = [{"value": each, "label": readable_choice(each)} for each in options]
    if kind in ("number", "integer"):
        for name in ("minimum", "maximum"):
            if isinstance(schema.get(name), int | float) and not isinstance(schema[name], bool):
                made[name] = schema[name]
    pattern = schema.get("pattern")
    if kind == "string" and isinstance(pattern, str) and len(pattern) <= MAX_PATTERN and not options:
        made |= _pattern(pattern)
    if kind == "string" and not made and schema.get("format") in FORMATS:
        made["format"] = FORMATS[schema["format"]]
    if kind == "string" and not made and not schema.get("minLength") and not schema.get("format"):
        made["blank"] = True
    if schema.get("format") == "password":
        made["sensitive"] = True
    return made


def readable_choice(value: str) -> str:
    return value if len(value) <= 3 else value.replace("_", " ").replace("-", " ").strip().capitalize() or value


def _pattern(pattern: str) -> dict[str, str]:
    """The pattern if it can be used; it then need not say that it means the whole value."""
    try:
        regex.compile(pattern)
    except regex.error:
        return {}
    anchored = pattern.startswith("^") and pattern.endswith("$")
    return {"pattern": pattern} if anchored else {"pattern": f".*(?:{pattern}).*"} if len(pattern) < 190 else {}
