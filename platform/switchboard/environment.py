"""What the environment says, and, where it is silent, what the running embedded services published."""

import json
import os
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parents[2]
DATA_DIR = Path(os.environ.get("DATA_DIR") or BASE_DIR / ".data").resolve()


def _published() -> dict[str, Any]:
    """The addresses and secrets of the embedded services that run on DATA_DIR, or nothing."""
    try:
        content: dict[str, Any] = json.loads((DATA_DIR / "services.json").read_text())
    except (OSError, ValueError):
        return {}
    return content


PUBLISHED = _published()


def setting(name: str, default: str = "") -> str:
    """The environment variable NAME, else the published fact `name`, else the default."""
    return os.environ.get(name) or str(PUBLISHED.get(name.lower(), "") or default)


def flag(name: str, default: bool = False) -> bool:
    value = setting(name)
    return value.lower() in ("1", "true", "yes", "on") if value else default


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list."""
    return [word.strip() for word in setting(name, default).split(",") if word.strip()]


def one_of(name: str, *choices: str) -> str:
    """One of the words, the first where nothing is set. Raises ImproperlyConfigured for another."""
    value = setting(name, choices[0]).lower()
    if value not in choices:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be one of {', '.join(choices)}.")
    return value
