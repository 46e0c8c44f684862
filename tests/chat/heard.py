"""A customer's ear: what a voice says live."""

from typing import Any

from chat.voice import Voice


class Heard:
    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.voice = Voice(self._publish)

    @property
    def text(self) -> str:
        return "".join(data["text"] for type, data in self.events if type == "delta")

    async def _publish(self, *said: tuple[str, dict[str, Any]]) -> None:
        self.events += said
