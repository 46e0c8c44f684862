"""How a bot stands with its embedding spaces: what it answers from, what is being built, and what is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from knowledge import spaces
from knowledge.embedding import ModelChoice, catalogue, from_json
from knowledge.models import EmbeddingSpace, SpaceMove
from tenants.models import Bot


@dataclass(frozen=True)
class SpaceLine:
    """A space with vectors of the bot's texts."""

    key: str
    model: str
    dimension: int
    answering: bool
    created_at: datetime


@dataclass(frozen=True)
class Building:
    """A move that is under way. The total is 0 until a worker has loaded the model and counted the texts."""

    key: str
    model: str
    done: int
    total: int
    error: str

    @property
    def percent(self) -> int:
        return 100 * self.done // self.total if self.total else 0


@dataclass(frozen=True)
class Overview:
    """`chosen` is False where the bot follows the installation's model."""

    model: str
    chosen: bool
    building: Building | None
    spaces: tuple[SpaceLine, ...]
    models: tuple[str, ...]


def overview(bot: Bot) -> Overview:
    """Of a bot together with those that it fronts. Needs its scope."""
    # The move first: if it arrives between these two, it is shown as under way and not as over without its space.
    move = SpaceMove.objects.filter(group_id=bot.id).first()
    rows = list(EmbeddingSpace.objects.filter(group_id__in=spaces.members_of(bot.id)))
    in_use = spaces.answering([bot.id, *(row.group_id for row in rows)])
    return Overview(
        model=title(in_use.choice),
        chosen=any(row.chosen and row.group_id == bot.id for row in rows),
        building=_building(move) if move else None,
        spaces=_lines(rows),
        models=tuple(catalogue.named()),
    )


def title(choice: ModelChoice) -> str:
    return catalogue.title_of(choice)


def _building(move: SpaceMove) -> Building:
    return Building(move.key, title(from_json(move.source)), move.done, move.total, move.error)


def _lines(rows: Sequence[EmbeddingSpace]) -> tuple[SpaceLine, ...]:
    """One line for each space, however many of the bots have it: the one that answers first, then the newest."""
    since = {row.key: row.created_at for row in sorted(rows, key=lambda row: row.created_at, reverse=True)}
    lines = {
        row.key: SpaceLine(row.key, title(from_json(row.source)), row.dimension, row.active, since[row.key])
        for row in sorted(rows, key=lambda row: row.active)
    }
    return tuple(sorted(lines.values(), key=lambda line: (line.answering, line.created_at), reverse=True))
