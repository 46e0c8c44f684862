"""What a model writes in square brackets, told apart from its text as it streams, wherever the tokens are cut.

`[order_status(order_id="HO-1001")]` is a call; `[2]` marks a source; `[no answer]` says that the sources are silent.
Whatever else stands in brackets is broken. No bracket is ever text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

LONGEST = 600
NO_ANSWER = "no answer"
_CALL_BEGINS = re.compile(r"\[\s*[A-Za-z_][\w-]*\s*\(")
_MAY_BEGIN_CALL = re.compile(r"\[\s*(?:[A-Za-z_][\w-]*\s*)?")
_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’"}
# A model that has learnt to go on with the result writes an arrow where another one closes the bracket.
_CLOSED = re.compile(r"\s*(?:\]|→|->|=>)")
_MAY_CLOSE = re.compile(r"\s*[-=]?")
_SOURCES = re.compile(r"\[\s*\d{1,2}(?:\s*[,;]\s*\d{1,2})*\s*\]")


@dataclass(frozen=True)
class Text:
    text: str


@dataclass(frozen=True)
class Call:
    """`written` is the call as the model wrote it, without its brackets."""

    name: str
    arguments: dict[str, Any] = field(hash=False)
    written: str = ""


@dataclass(frozen=True)
class SourceMarks:
    numbers: tuple[int, ...]


@dataclass(frozen=True)
class NoAnswer:
    """The model says that what it was given does not answer the question."""


@dataclass(frozen=True)
class Broken:
    written: str


Part = Text | Call | SourceMarks | NoAnswer | Broken


class InlineParser:
    """Takes pieces of any length; gives parts as soon as they are certain."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, piece: str) -> Iterator[Part]:
        self._held += piece
        yield from self._parts(ended=False)

    def end(self) -> Iterator[Part]:
        """What is left when nothing more will come."""
        yield from self._parts(ended=True)

    def _parts(self, ended: bool) -> Iterator[Part]:
        while self._held:
            opening = self._held.find("[")
            before = (self._held if opening < 0 else self._held[:opening]).replace("]", "")
            self._held = "" if opening < 0 else self._held[opening:]
            if before:
                yield Text(before)
            if not self._held:
                return
            length = _bracket_length(self._held)
            if length is None:
                if not ended and len(self._held) <= LONGEST:
                    return
                length = _given_up(self._held)
            written, self._held = self._held[:length], self._held[length:]
            yield _understood(written)


def _bracket_length(held: str) -> int | None:
    """How far the bracket that `held` begins with reaches; None while that is open."""
    begins = _CALL_BEGINS.match(held)
    if begins:
        return _call_length(held, begins.end())
    if _MAY_BEGIN_CALL.fullmatch(held):
        return None
    depth = 0
    for place, letter in enumerate(held):
        depth += {"[": 1, "]": -1}.get(letter, 0)
        if depth == 0:
            return place + 1
        if letter == "\n":
            return place
    return None


def _call_length(held: str, place: int) -> int | None:
    """Where a call ends: brackets within quotes belong to its arguments."""
    closing = ""
    while place < len(held):
        letter = held[place]
        if closing:
            place += letter == "\\"
            closing = "" if letter == closing else closing
        elif letter in _QUOTES:
            closing = _QUOTES[letter]
        elif letter == ")":
            closed = _CLOSED.match(held, place + 1)
            if closed:
                return closed.end()
            if _MAY_CLOSE.fullmatch(held, place + 1):
                return None
        elif letter == "]":
            return place + 1
        place += 1
    return None


def _given_up(held: str) -> int:
    """An open bracket ends at the first that closes any, else with its line."""
    ends = [place + 1 for place in (held.find("]"),) if place >= 0] or [held.find("\n")]
    return ends[0] if ends[0] > 0 else len(held)


def _understood(written: str) -> Part:
    if _SOURCES.fullmatch(written):
        return SourceMarks(tuple(int(number) for number in re.findall(r"\d+", written)))
    if written.strip("[] \n.").casefold() == NO_ANSWER:
        return NoAnswer()
    call = _CALL.fullmatch(written)
    arguments = _arguments(call["arguments"]) if call else None
    if call is None or arguments is None:
        return Broken(written)
    return Call(call["name"], arguments, written[1 : call.end("close")].strip())


_CALL = re.compile(r"\[\s*(?P<name>[A-Za-z_][\w-]*)\s*\((?P<arguments>.*)(?P<close>\))\s*(?:\]|→|->|=>)", re.DOTALL)
_ARGUMENT = re.compile(
    r"\s*(?P<name>[A-Za-z_][\w.-]*)\s*=\s*(?:"
    r"\"(?P<double>(?:[^\"\\]|\\.)*)\"|'(?P<single>(?:[^'\\]|\\.)*)'|“(?P<curly>[^”]*)”|‘(?P<low>[^’]*)’"
    r"|(?P<number>-?\d+(?:\.\d+)?)(?![\w.])|(?P<truth>true|false|True|False)(?!\w))\s*(?P<comma>,|$)",
    re.DOTALL,
)


def _arguments(text: str) -> dict[str, Any] | None:
    """The arguments by name; None where they cannot be read, or one is given twice."""
    found: dict[str, Any] = {}
    place = 0
    while text[place:].strip():
        match = _ARGUMENT.match(text, place)
        if match is None or match["name"] in found:
            return None
        found[match["name"]] = _value(match)
        place = match.end()
    return found


def _value(match: re.Match[str]) -> Any:
    if match["truth"]:
        return match["truth"].lower() == "true"
    if match["number"]:
        return float(match["number"]) if "." in match["number"] else int(match["number"])
    quoted = next(match[name] for name in ("double", "single", "curly", "low") if match[name] is not None)
    return re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
