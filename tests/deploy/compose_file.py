"""deploy/docker-compose.yml as Docker Compose would read it, for tests on machines without Docker."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
FILE, EXAMPLE, DOCKERFILE = DEPLOY / "docker-compose.yml", DEPLOY / "env.example", DEPLOY / "images" / "Dockerfile"
# ${NAME}, ${NAME:-default} and ${NAME:?what to do}; $$ is a dollar sign.
VARIABLE = re.compile(r"\$\$|\$\{(?P<name>\w+)(?::(?P<how>[-?])(?P<rest>[^}]*))?\}")


class Missing(Exception):
    """A variable that the file requires has no value."""


def services(given: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Every service by its name, with variables filled in."""
    content: dict[str, Any] = yaml.safe_load(FILE.read_text())
    found: dict[str, dict[str, Any]] = _filled(content["services"], given)
    for service in found.values():
        environment = service.get("environment") or {}
        # A name without a value is passed on where there is one.
        service["environment"] = {
            name: given.get(name) if value is None else value
            for name, value in environment.items()
            if value is not None or name in given
        }
    return found


def required() -> set[str]:
    """The variables without which nothing starts."""
    return {match["name"] for match in VARIABLE.finditer(FILE.read_text()) if match["how"] == "?"}


def mentioned() -> set[str]:
    return {match["name"] for match in VARIABLE.finditer(FILE.read_text()) if match["name"]}


def example() -> dict[str, str]:
    """What env.example sets, most of it to nothing."""
    lines = EXAMPLE.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def image_environment() -> dict[str, str]:
    """What the image's second stage sets."""
    last_stage = DOCKERFILE.read_text().split("\nFROM ")[-1].replace("\\\n", " ")
    lines = [line.removeprefix("ENV ") for line in last_stage.splitlines() if line.startswith("ENV ")]
    return dict(pair.split("=", 1) for line in lines for pair in line.split())


def image_sources() -> list[str]:
    """What of the repository is copied into the image."""
    lines = DOCKERFILE.read_text().split("\nFROM ")[-1].splitlines()
    return [line.split()[1] for line in lines if line.startswith("COPY ") and "--from" not in line]


def _filled(value: Any, given: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, given) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, given) for inner in value]
    return VARIABLE.sub(lambda match: _value(match, given), value) if isinstance(value, str) else value


def _value(match: re.Match[str], given: Mapping[str, str]) -> str:
    name, how, rest = match["name"], match["how"], match["rest"] or ""
    if name is None:
        return "$"
    if how == "?" and not given.get(name):
        raise Missing(f"{name}: {rest}")
    return given.get(name) or (rest if how == "-" else "")
