"""What passes between the parts of a turn: the question, who asks, the decision, and the answer."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from knowledge.embedding import NO_TOKENS, TokenVectors
from knowledge.search import Passage
from knowledge.snapshot import ActionEntry, FaqEntry
from tenants.scope import Scope

Route = Literal["faq", "document", "dynamic", "human", "unknown"]


@dataclass(frozen=True)
class Choice:
    """A button that the customer pressed."""

    field: str
    value: str


@dataclass(frozen=True)
class Question:
    """What the customer said, and what it means in the conversation; embedded once, for routing and for search."""

    text: str
    understood: str
    vector: NDArray[np.float32]
    choice: Choice | None = None
    language: str = "en"
    tokens: TokenVectors = field(default_factory=lambda: NO_TOKENS)


@dataclass(frozen=True)
class CustomerIdentity:
    """A customer whom the tenant's single sign-on has verified."""

    subject: str
    name: str = ""
    email: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    id: UUID | None = None
    locale: str = ""


@dataclass(frozen=True)
class Asker:
    """Who asks and where: the conversation, its scope, and the verified customer, if any.

    `language` is how amounts and dates are written for them: their own locale, or else the bot's first language.
    """

    conversation_id: UUID
    group_id: UUID
    scope: Scope
    customer: CustomerIdentity | None = None
    language: str = "en"


@dataclass(frozen=True)
class Decision:
    """The route of a question, with a confidence between 0 and 1 and a reason in words.

    `group_id` is the bot that answers (a front puts questions through). `also` is a second line that the question needs
    as well. `nearest` are prepared questions to offer where the bot does not know. `small_talk` says which kind of
    small talk a message is that asks nothing (its route is then `faq`, without a FAQ). `rivals` are given where the
    router is not sure: what else may answer, this decision among them, the likeliest first. `decided_by` is the model
    that chose among them, if one did.
    """

    route: Route
    confidence: float
    reason: str
    group_id: UUID
    faq: FaqEntry | None = None
    passages: tuple[Passage, ...] = ()
    action: ActionEntry | None = None
    also: "Decision | None" = None
    nearest: tuple[str, ...] = ()
    small_talk: Literal["greeting", "thanks", "goodbye"] | None = None
    rivals: tuple["Decision", ...] = ()
    decided_by: str = ""


@dataclass(frozen=True)
class Citation:
    """A source of an answer; `external_id` is the id given on import."""

    kind: Literal["faq", "document", "action"]
    id: str
    external_id: str
    title: str
    url: str
    quote: str
    page: int | None = None
    date: str | None = None

    def as_json(self) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "kind": self.kind,
            "id": self.id,
            "external_id": self.external_id,
            "title": self.title,
            "url": self.url,
            "quote": self.quote,
        }
        return fields | {key: value for key, value in (("page", self.page), ("date", self.date)) if value is not None}


@dataclass(frozen=True)
class Choices:
    """One thing that the bot asks for, with the possible answers where they are known."""

    field: str
    prompt: str
    options: tuple[tuple[str, str], ...] = ()

    def as_json(self) -> dict[str, Any]:
        options = [{"value": value, "label": label} for value, label in self.options]
        return {"field": self.field, "prompt": self.prompt, "options": options}


@dataclass(frozen=True)
class Confirmation:
    """Something that will be done if the customer says yes: `summary` says exactly what."""

    id: UUID
    action: str
    arguments: dict[str, Any]
    summary: str
    expires_at: str

    def as_json(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "action": self.action,
            "arguments": self.arguments,
            "summary": self.summary,
            "expires_at": self.expires_at,
        }


@dataclass(frozen=True)
class Answer:
    """What a pipeline says. `dialogue` is what the conversation must remember for the next turn; `generations` are the
    records of the models that were asked.

    `settles`: it tells what was done, so it is said even where a person has taken over meanwhile.
    """

    text: str
    route: Route
    confidence: float
    citations: tuple[Citation, ...] = ()
    choices: Choices | None = None
    confirm: Confirmation | None = None
    sign_in: dict[str, Any] | None = None
    handoff: bool = False
    calls: tuple[dict[str, Any], ...] = ()
    dialogue: dict[str, Any] = field(default_factory=dict)
    generations: tuple[dict[str, Any], ...] = ()
    settles: bool = False

    def with_dialogue(self, dialogue: dict[str, Any]) -> "Answer":
        return replace(self, dialogue=dialogue)

    def as_event(self, message_id: UUID, interaction_id: UUID) -> dict[str, Any]:
        """The data of the `answer` event."""
        data: dict[str, Any] = {
            "id": str(message_id),
            "interaction_id": str(interaction_id),
            "text": self.text,
            "route": self.route,
            "confidence": round(self.confidence, 3),
            "citations": [citation.as_json() for citation in self.citations],
            "handoff": self.handoff,
        }
        if self.choices:
            data["choices"] = self.choices.as_json()
        if self.confirm:
            data["confirm"] = self.confirm.as_json()
        if self.sign_in:
            data["sign_in"] = self.sign_in
        return data
