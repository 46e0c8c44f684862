"""Cuts a text into sentences while it is still being written; what is given out joins to the text that went in."""

from knowledge.sentences import first_end


class SentenceStream:
    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> list[str]:
        """The sentences that are certain to have ended, each with the space after it."""
        self._held += text
        found: list[str] = []
        while (end := first_end(self._held)) is not None:
            found.append(self._held[:end])
            self._held = self._held[end:]
        return found

    def end(self) -> str:
        """What is left when nothing more will come."""
        left, self._held = self._held, ""
        return left
