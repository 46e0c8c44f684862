"""The embedding models as the environment and the file EMBEDDING_MODELS describe them, checked at the start."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from switchboard.environment import setting

INSTALLATION = ""
TEXTS = ("model", "base_url", "query_prompt", "passage_prompt")
NUMBERS = ("dimensions", "max_tokens")
OF_ENDPOINTS = (*NUMBERS, "api_key_env")


@dataclass(frozen=True)
class EmbeddingModels:
    """Each model's description by its name ('' is the installation's own), and the keys of endpoints by address."""

    models: dict[str, dict[str, Any]]
    api_keys: dict[str, str] = field(repr=False)


def read() -> EmbeddingModels:
    models = {INSTALLATION: _checked("EMBEDDING", _from_environment())}
    keys = {models[INSTALLATION].get("base_url", ""): setting("EMBEDDING_API_KEY")}
    path = setting("EMBEDDING_MODELS")
    for name, table in _tables(path).items():
        place = f"EMBEDDING_MODELS ({path}), [{name}]"
        if not isinstance(table, dict):
            raise ImproperlyConfigured(f'{place}: give a table, such as [{name}] with model = "…" below it.')
        models[name] = _checked(f"{place}: ", table)
        variable = table.get("api_key_env", "")
        if variable:
            if not os.environ.get(variable):
                raise ImproperlyConfigured(f"{place}: api_key_env names {variable}, which is not set.")
            keys[models[name]["base_url"]] = os.environ[variable]
    return EmbeddingModels(models, {address: key for address, key in keys.items() if address and key})


def number(name: str, default: float, least: float) -> float:
    """A numeric setting of the environment."""
    text = setting(name)
    try:
        value = float(text) if text else default
    except ValueError:
        value = least - 1
    if not value >= least:
        raise ImproperlyConfigured(f"{name} is “{text}”: give a number, {least:g} or more.")
    return value


def _from_environment() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in TEXTS:
        variable = f"EMBEDDING_{name.upper()}"
        # An empty prompt is an answer too: the model then gets none, whatever its own configuration says.
        if (value := os.environ.get(variable)) is not None and (value or name.endswith("prompt")):
            found[name] = value
    for name in NUMBERS:
        if count := int(number(f"EMBEDDING_{name.upper()}", 0, 0)):
            found[name] = count
    return found


def _tables(path: str) -> Mapping[str, Any]:
    if not path:
        return {}
    try:
        with Path(path).expanduser().open("rb") as file:
            return tomllib.load(file)
    except (OSError, ValueError) as problem:
        raise ImproperlyConfigured(f"EMBEDDING_MODELS: the file {path} cannot be read: {problem}") from problem


def _checked(place: str, table: Mapping[str, Any]) -> dict[str, Any]:
    def wrong(name: str, problem: str) -> ImproperlyConfigured:
        named = f"{place}_{name.upper()}" if place == "EMBEDDING" else f"{place}{name}"
        return ImproperlyConfigured(f"{named}: {problem}")

    for name, value in table.items():
        if name not in (*TEXTS, *OF_ENDPOINTS):
            raise wrong(name, f"there is no such field; there are {', '.join((*TEXTS, *OF_ENDPOINTS))}.")
        if name in NUMBERS and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            raise wrong(name, f"“{value}” is not a whole number from 0.")
        if name not in NUMBERS and not isinstance(value, str):
            raise wrong(name, f"“{value}” is not a text.")
    address = table.get("base_url", "")
    if address and not address.startswith(("http://", "https://")):
        raise wrong("base_url", f"“{address}” is not an address such as https://models.example/v1.")
    if address and not table.get("model"):
        raise wrong("model", "name the model that the endpoint is to be asked for.")
    if not address and (extra := next((name for name in OF_ENDPOINTS if table.get(name)), "")):
        raise wrong(extra, "this is for models behind an endpoint: set base_url as well.")
    kept = {name: value for name, value in table.items() if name in (*TEXTS, *NUMBERS)}
    return kept | ({"base_url": address.rstrip("/")} if address else {})
