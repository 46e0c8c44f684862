"""What the management API's serializers are made of: strict about names, types and characters."""

import math
import re
from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from tenants.models import Bot

BOT_KEY = re.compile(r"[a-z0-9-]{1,63}")
LARGEST_JSON = 100_000
DEEPEST_JSON = 12


class Strict(serializers.Serializer):
    """Names every field that it does not know, beside whatever else is wrong."""

    default_error_messages = {"invalid": "Send an object with named fields."}
    unknown = "There is no such field."

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        unknown = sorted(str(name) for name in data if name not in self.fields) if hasattr(data, "keys") else []
        problems: dict[str, Any] = {name: [ErrorDetail(self.unknown, "unknown")] for name in unknown[:20]}
        try:
            values: dict[str, Any] = super().to_internal_value(data)
        except serializers.ValidationError as error:
            found = error.detail if isinstance(error.detail, dict) else {}
            raise serializers.ValidationError({**found, **problems}) from error
        if problems:
            raise serializers.ValidationError(problems)
        return values


class StrictModel(Strict, serializers.ModelSerializer):
    """A serializer of a model, whose domain verbs check what spans several fields or rows."""


@extend_schema_field(OpenApiTypes.STR)
class BotField(serializers.Field):
    """A bot of the tenant, by its key; its ID will do too. Once given it stays."""

    default_error_messages = {
        "unknown": "You have no bot with the key “{wanted}”.",
        "fixed": "This belongs to the bot “{wanted}” and cannot be moved to another.",
    }

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", "The bot's key, such as `harbor-shop`.")
        super().__init__(**kwargs)

    def to_representation(self, bot: Bot) -> str:
        return bot.key

    def to_internal_value(self, value: Any) -> Bot:
        bot = find_bot(value) if isinstance(value, str) else None
        if bot is None:
            self.fail("unknown", wanted=str(value)[:63])
        owner = getattr(self.root.instance, "group", None)
        if owner is not None and self.source == "group" and owner != bot:
            self.fail("fixed", wanted=owner.key)
        return bot


def find_bot(value: Any) -> Bot | None:
    """A bot of the current scope by key or ID."""
    text = str(value)
    by_key = Bot.objects.filter(key=text).first() if BOT_KEY.fullmatch(text) else None
    wanted = None if by_key else as_uuid(text)
    return by_key or (Bot.objects.filter(id=wanted).first() if wanted else None)


def as_uuid(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None


class PlainJson(serializers.JSONField):
    """JSON that the database can hold: of one kind, not too large or deep, without NUL or half characters."""

    default_error_messages = {
        "kind": "Give {kind}.",
        "characters": "This holds a character or number that cannot be stored.",
        "large": f"This is too large: at most {LARGEST_JSON:,} characters, nested {DEEPEST_JSON} deep.",
    }

    def __init__(self, kind: type[dict] | type[list], **kwargs: Any) -> None:
        self.kind = kind
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, self.kind):
            self.fail("kind", kind="an object" if self.kind is dict else "a list")
        if _size(data) > LARGEST_JSON:
            self.fail("large")
        if not _storable(data):
            self.fail("characters")
        return super().to_internal_value(data)


@extend_schema_field({"type": "object", "additionalProperties": True})
class JsonObject(PlainJson):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(dict, **kwargs)


@extend_schema_field({"type": "array", "items": {"type": "object", "additionalProperties": True}})
class JsonObjects(PlainJson):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(list, **kwargs)


def _size(value: Any, depth: int = 0) -> int:
    if depth > DEEPEST_JSON:
        return LARGEST_JSON + 1
    if isinstance(value, dict):
        return sum(len(name) + 1 + _size(inner, depth + 1) for name, inner in value.items())
    if isinstance(value, list):
        return sum(1 + _size(inner, depth + 1) for inner in value)
    return len(str(value))


def _storable(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_storable(name) and _storable(inner) for name, inner in value.items())
    if isinstance(value, list):
        return all(map(_storable, value))
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
    return not isinstance(value, float) or math.isfinite(value)
