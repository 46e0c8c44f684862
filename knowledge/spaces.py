"""Which embedding space a bot answers from, and the wish to have it answer from another."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from knowledge import outbox, prepared_texts, search_index, vectors
from knowledge.embedding import Embedder, ModelChoice, ModelNotFound, Space, catalogue, from_json, get_embedder
from knowledge.models import EmbeddingSpace, SpaceMove
from tenants import enqueue
from tenants.models import Bot

logger = logging.getLogger(__name__)


class SpaceMoved(Exception):
    """Meanwhile the bot answers from another space than the one that was worked for."""


@dataclass(frozen=True)
class InUse:
    """What a bot answers from; `space` is None as long as the bot knows nothing."""

    choice: ModelChoice
    space: Space | None = None

    @property
    def key(self) -> str:
        return self.space.key if self.space else ""

    def embedder(self) -> Embedder:
        """Not inside a transaction: it may have to be loaded."""
        return get_embedder(self.choice, self.space)


def answering(groups: Sequence[UUID]) -> InUse:
    """The space that these bots answer from together, the first one's where they differ. Needs their scope."""
    rows = {row.group_id: row for row in EmbeddingSpace.objects.filter(group_id__in=groups, active=True)}
    first = next((rows[group] for group in groups if group in rows), None)
    return in_use(first) if first else InUse(catalogue.installed())


def in_use(row: EmbeddingSpace) -> InUse:
    return InUse(from_json(row.source), Space(row.model, row.revision, row.dimension))


def preload() -> list[Embedder]:
    """Load what bots answer from at present; on a new installation, the model that they will."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT source::text, model, revision, dimension FROM spaces_in_use()")
            found = [InUse(from_json(json.loads(row[0])), Space(*row[1:])) for row in cursor.fetchall()]
    except DatabaseError as problem:
        logger.warning("Which embedding models are in use is found out with the first question: %s", problem)
        found = []
    finally:
        connection.close()
    loaded = []
    for each in found:
        try:
            loaded.append(each.embedder())
        except ModelNotFound as problem:
            logger.error("Bots that answer from the space %s cannot answer: %s", each.key, problem)
    return loaded if found else [get_embedder()]


def settle_in(group_id: UUID, choice: ModelChoice, space: Space) -> None:
    """Called with the bot's version locked, when texts have been embedded: the first space of a bot becomes the one
    that it answers from. SpaceMoved when it answers from another one by now."""
    active = EmbeddingSpace.objects.filter(group_id=group_id, active=True).first()
    if active is None:
        activate(group_id, choice, space)
    elif active.key != space.key:
        raise SpaceMoved


def activate(group_id: UUID, choice: ModelChoice, space: Space) -> None:
    """Answer from this space from now on."""
    EmbeddingSpace.objects.filter(group_id=group_id, active=True).exclude(key=space.key).update(active=False)
    EmbeddingSpace.objects.update_or_create(
        group_id=group_id,
        key=space.key,
        defaults={
            "model": space.model,
            "revision": space.revision,
            "dimension": space.dimension,
            "source": choice.as_json(),
            "active": True,
            "activated_at": timezone.now(),
        },
    )


def move_to_model(bot: Bot, name: str) -> None:
    """Build a space with one of the operator's models, in the background, and answer from it when it is complete.

    '' is the installation's model: the bot then follows it whenever the operator changes it.
    """
    models = catalogue.named()
    if name and name not in models:
        known = ", ".join(f"“{each}”" for each in models) or "none besides the installation's, which is “”"
        raise ValidationError({"model": f"There is no model “{name[:100]}”. The operator has set up: {known}."})
    _move(bot, models.get(name, catalogue.installed()), chosen=bool(name))


def move_to_space(bot: Bot, key: str) -> None:
    """Answer from a space that there is already: at once, or as soon as what has changed meanwhile is embedded."""
    row = EmbeddingSpace.objects.filter(group_id__in=members_of(bot.id), key=key).first()
    if row is None:
        raise _no_space(key)
    _move(bot, from_json(row.source), chosen=True, key=key)
    arrive(bot.id, in_use(row))


def arrive(root: UUID, target: InUse) -> bool:
    """Switch a bot, with those that it fronts, to the space that its move leads to, if no text lacks a vector there."""
    # Whoever changes a text, and whoever has indexed one, changes the bot's version last and so waits for us here;
    # then it sees the new space. (NO KEY: new messages and customers refer to the bot and need not wait.)
    members = list(_family(root).select_for_update(no_key=True).values_list("id", flat=True))
    move = SpaceMove.objects.filter(group_id=root).first()
    assert target.space is not None  # only a bot without texts has none, and it has nothing to arrive at
    if move is None or move.key != target.key:
        return False
    if any(prepared_texts.missing(member, target.key, 1) for member in members):
        return False
    for member in members:
        search_index.complete(member, target.key)
        activate(member, target.choice, target.space)
        outbox.bump(member)
    spaces = EmbeddingSpace.objects.filter(group_id=root)
    spaces.update(chosen=False)
    spaces.filter(key=target.key).update(chosen=move.chosen)
    move.delete()
    return True


def discard(bot: Bot, key: str) -> None:
    """Forget the vectors of a space that neither answers nor is being built."""
    _check_root(bot)
    if SpaceMove.objects.filter(group_id=bot.id, key=key).exists():
        raise ValidationError({"space": "This space is being built: choose another one first."})
    groups = members_of(bot.id)
    rows = EmbeddingSpace.objects.filter(group_id__in=groups, key=key)
    if not rows:
        raise _no_space(key)
    if rows.filter(active=True).exists():
        raise ValidationError({"space": "The bot answers from this space: choose another one first."})
    rows.delete()
    vectors.forget(groups, key)


def members_of(root: UUID) -> list[UUID]:
    """The bot itself and those that it fronts: they are asked together, so they answer from one space."""
    return list(_family(root).values_list("id", flat=True))


def _family(root: UUID) -> QuerySet[Bot]:
    return Bot.objects.filter(Q(id=root) | Q(fronted_by=root)).order_by("id")


def _move(bot: Bot, choice: ModelChoice, *, chosen: bool, key: str = "") -> None:
    _check_root(bot)
    SpaceMove.objects.update_or_create(
        group_id=bot.id,
        defaults={
            "source": choice.as_json(), "chosen": chosen, "key": key, "done": 0, "total": 0, "error": "",
            "attempts": 0, "due_at": timezone.now(),
        },
    )  # fmt: skip
    enqueue.on_commit("worker.move_space", group_id=str(bot.id))


def _no_space(key: str) -> ValidationError:
    return ValidationError({"space": f"This bot has no space “{key[:200]}”."})


def _check_root(bot: Bot) -> None:
    if bot.fronted_by is not None:
        raise ValidationError(
            {"bot": f"“{bot.name}” is asked through “{bot.fronted_by.name}”: choose there, for all of them together."}
        )
