"""Read actions as tools of a model that calls them the way OpenAI's API has it, instead of writing them in its text."""

import json
import re
from collections.abc import Iterable

from django.conf import settings

from chat.inline import Broken, Call
from chat.llm import Tool, ToolCall
from chat.quoting import shortened
from knowledge.snapshot import ActionEntry

LONGEST_DESCRIPTION, LONGEST_ARGUMENTS = 500, 4_000
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_on() -> bool:
    return bool(settings.LLM_ACTIONS == "tools")


def tools_of(entries: Iterable[ActionEntry]) -> tuple[Tool, ...]:
    """The actions that change nothing; a name that the API does not take is left out."""
    return tuple(
        Tool(entry.name, shortened(f"{entry.title}. {entry.description}", LONGEST_DESCRIPTION), dict(entry.schema))
        for entry in entries
        if entry.reads and _NAME.fullmatch(entry.name)
    )


def read(called: ToolCall) -> Call | Broken:
    """What the model has called, as if it had written it inline."""
    written = f"{called.name}({called.arguments})"
    try:
        arguments = json.loads(called.arguments or "{}") if len(called.arguments) <= LONGEST_ARGUMENTS else None
    except ValueError:
        arguments = None
    return Call(called.name, arguments, written) if isinstance(arguments, dict) else Broken(written)
