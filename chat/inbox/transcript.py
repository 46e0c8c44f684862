"""A conversation as people read it: what was said, with the explanation of every answer of the bot."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from chat.models import Conversation, Interaction, Message

MOST_MESSAGES = 500
# Names that a recorded passage or call may carry, in the order in which they say most.
TITLES = ("title", "question", "action", "name", "id")
TEXTS = ("text", "quote", "answer")
SHOWN_APART = {*TITLES, *TEXTS, "score", "heading_path", "page", "kind", "url", "external_id", "outcome", "status"}


@dataclass(frozen=True)
class Detail:
    """A passage that was retrieved or a call that was made, as it was recorded then."""

    title: str
    kind: str
    place: str
    text: str
    score: float | None
    outcome: str
    rest: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Explanation:
    """Why the bot answered as it did."""

    interaction: Interaction
    percent: int
    retrieved: tuple[Detail, ...]
    calls: tuple[Detail, ...]
    steps: tuple[tuple[str, float], ...]
    total_ms: float
    versions: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Bubble:
    """One message; `explanation` belongs to a bot's answer, or to a question that it did not answer."""

    message: Message
    author: str
    citations: tuple[dict[str, Any], ...]
    explanation: Explanation | None


def transcript(conversation: Conversation) -> list[Bubble]:
    """The newest messages of a conversation, oldest first."""
    parts = {"conversation_group": conversation.group_id, "conversation": conversation}
    messages = list(Message.objects.filter(**parts).select_related("group").order_by("-seq")[:MOST_MESSAGES])[::-1]
    by_answer: dict[UUID | None, Interaction] = {}
    for interaction in Interaction.objects.filter(**parts).select_related("group"):
        by_answer[interaction.answer_id or interaction.question_id] = interaction
    customer = str(conversation.customer) if conversation.customer else "Customer"
    return [_bubble(message, customer, by_answer.get(message.id)) for message in messages]


def explain(interaction: Interaction) -> Explanation:
    steps = {name: value for name, value in _mapping(interaction.steps).items() if isinstance(value, int | float)}
    total = steps.pop("total", None) or sum(steps.values())
    return Explanation(
        interaction=interaction,
        percent=round(100 * interaction.confidence),
        retrieved=tuple(_detail(each) for each in interaction.retrieved if isinstance(each, dict)),
        calls=tuple(_detail(each) for each in interaction.calls if isinstance(each, dict)),
        steps=tuple(steps.items()),
        total_ms=total,
        versions=tuple(_mapping(interaction.versions).items()),
    )


def _bubble(message: Message, customer: str, interaction: Interaction | None) -> Bubble:
    author = {"customer": customer, "bot": message.group.name}.get(message.role, message.author or "A person")
    citations = tuple(each for each in _mapping(message.answer).get("citations", ()) if isinstance(each, dict))
    return Bubble(message, author, citations, explain(interaction) if interaction else None)


def _detail(record: dict[str, Any]) -> Detail:
    heading = record.get("heading_path") or ()
    page = record.get("page")
    place = [" › ".join(map(str, heading))] if heading else []
    if page:
        place.append(f"page {page}")
    score = record.get("score")
    return Detail(
        title=_first(record, TITLES) or "Untitled",
        kind=str(record.get("kind") or ""),
        place=", ".join(place),
        text=_first(record, TEXTS),
        score=float(score) if isinstance(score, int | float) else None,
        outcome=" ".join(str(record[name]) for name in ("outcome", "status") if record.get(name)),
        rest=tuple(item for item in record.items() if item[0] not in SHOWN_APART and item[1] not in (None, "")),
    )


def _first(record: dict[str, Any], names: tuple[str, ...]) -> str:
    return next((str(record[name]) for name in names if record.get(name)), "")


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
