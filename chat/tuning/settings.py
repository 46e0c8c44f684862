"""How an adapter is trained: the published defaults, each of which may be set otherwise."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
PROJECTIONS = (*ATTENTION, "gate_proj", "up_proj", "down_proj")


class BadSettings(ValueError):
    """`problems` maps the name of each setting to what is wrong with it."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {problem}" for name, problem in problems.items()))
        self.problems = problems


@dataclass(frozen=True)
class TuningSettings:
    """`length` is in tokens, prompt and answer together. `batch` questions make one step, `accumulate` times over.

    `four_bit` (NF4 with double quantisation) and `gradient_checkpointing` save memory on a GPU; on a CPU both are left
    out.
    """

    rank: int = 8
    alpha: int = 16
    dropout: float = 0.05
    projections: tuple[str, ...] = ATTENTION
    epochs: float = 3.0
    learning_rate: float = 3e-4
    length: int = 512
    batch: int = 8
    accumulate: int = 1
    four_bit: bool = True
    gradient_checkpointing: bool = True
    seed: int = 42

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"projections": list(self.projections)}


_RANGES: dict[str, tuple[float, float]] = {
    "rank": (1, 512), "alpha": (1, 2048), "dropout": (0, 0.9), "epochs": (0.01, 100), "learning_rate": (1e-7, 0.1),
    "length": (32, 131_072), "batch": (1, 1024), "accumulate": (1, 1024), "seed": (0, 2**31 - 1),
}  # fmt: skip


def read(values: Mapping[str, Any], instead_of: TuningSettings | None = None) -> TuningSettings:
    """The settings given, and for those that are not (or are None) those of `instead_of`. Raises BadSettings."""
    found = (instead_of or TuningSettings()).as_json()
    known = {field.name: type(found[field.name]) for field in fields(TuningSettings)}
    problems: dict[str, str] = {name: "There is no such setting." for name in values if name not in known}
    for name, kind in known.items():
        if values.get(name) is None:
            continue
        try:
            found[name] = _value(name, kind, values[name])
        except (TypeError, ValueError) as problem:
            problems[name] = str(problem)
    if problems:
        raise BadSettings(problems)
    return TuningSettings(**found | {"projections": tuple(found["projections"])})


def _value(name: str, kind: type, given: Any) -> Any:
    if kind is list:
        return _projections(given)
    if kind is bool:
        if not isinstance(given, bool):
            raise ValueError("This is yes or no.")
        return given
    try:
        value = kind(given)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("This is no number.") from None
    least, most = _RANGES[name]
    if not least <= value <= most or value != float(given):
        whole = "a whole number " if kind is int else ""
        raise ValueError(f"Give {whole}from {least:,g} to {most:,g}.")
    return value


def _projections(given: Any) -> list[str]:
    names = [name.strip() for name in given.split(",")] if isinstance(given, str) else list(given)
    if names == ["all"]:
        return list(PROJECTIONS)
    unknown = [name for name in names if name not in PROJECTIONS]
    if unknown or not names:
        raise ValueError(f"Name some of {', '.join(PROJECTIONS)}, or all.")
    return list(dict.fromkeys(names))
