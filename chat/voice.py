"""The bot's live voice in one turn: what is certain is heard at once; the stored answer replaces all of it."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

Event = tuple[str, dict[str, Any]]
PARAGRAPH = "\n\n"


class Publish(Protocol):
    async def __call__(self, *said: Event) -> None: ...


async def _nowhere(*said: Event) -> None:
    return None


async def _always() -> bool:
    return True


class Voice:
    """`may_speak` is asked before each word: nothing is shown live once a person has taken over."""

    def __init__(self, publish: Publish = _nowhere, may_speak: Callable[[], Awaitable[bool]] = _always) -> None:
        self._publish, self._may_speak = publish, may_speak
        self._route: dict[str, Any] = {}
        self._told: dict[str, Any] = {}
        self._gap = ""
        self.said = ""

    def begin_paragraph(self) -> None:
        """What is said next stands apart from what was said before."""
        self._gap = PARAGRAPH if self.said else ""

    def take(self, route: str, confidence: float) -> None:
        """The line that speaks; clients hear of it with its first word."""
        self._route = {"route": route, "confidence": round(confidence, 3)}

    async def say(self, text: str) -> None:
        if text and await self._may_speak():
            # Together: the customer must not wait for the others to hear of the line.
            await self._publish(*self._news(), ("delta", {"text": self._gap + text}))
            self.said += self._gap + text
            self._gap = ""

    async def finish(self, text: str, *asked: tuple[str, dict[str, Any] | None]) -> None:
        """Say what is left of an answer and what it asks for. Where it begins otherwise than what was heard, clients
        wait for the answer itself."""
        if not await self._may_speak():
            return
        left = text[len(self.said) :].splitlines(keepends=True) if text.startswith(self.said) else []
        deltas = [("delta", {"text": piece}) for piece in left]
        await self._publish(*self._news(), *deltas, *((type, data) for type, data in asked if data))

    def _news(self) -> list[Event]:
        """The line that speaks, where clients have not heard of it."""
        if self._route == self._told:
            return []
        self._told = self._route
        return [("route", self._route)]
