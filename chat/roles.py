"""Two values of a kind in one sentence: "from Leeds to York", "3 to 5 March". Which parameter each is for."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chat import choosing
from chat.value_parsing import Parsed
from knowledge.values import Parameter

START = r"from|leaving|out of|starting|beginning|between|since"
END = r"to|into|towards?|until|till?|through|be (?:in|at)|get (?:in)?to|going to|ending|up to"
_AND = re.compile(r"\bbetween\b(?P<first>.{1,80}?)(?P<and>\band\b|&)", re.IGNORECASE)
_DASH = re.compile(r"(?<=[\w.])\s*(?:\s[-–—]\s|[–—]|->|→)\s*(?=\w)")
_BEGINS = frozenset(["from", "origin", "start", "begin", "sourc", "sinc", "outbound", "pickup", "earliest"])
_ENDS = frozenset(
    ["to", "destin", "end", "until", "till", "finish", "return", "inbound", "dropoff", "target", "latest"]
)


@dataclass(frozen=True)
class Part:
    """A stretch of the text: for the parameter of this index (0 begins, 1 ends), or for neither."""

    index: int | None
    start: int
    end: int


def pair(parameters: Sequence[Parameter]) -> tuple[Parameter, Parameter] | None:
    """The one that begins and the one that ends, of two parameters of a kind."""
    if len(parameters) != 2:
        return None
    first, second = parameters
    if (_side(first) == 1 and _side(second) != 1) or (_side(second) == 0 and _side(first) != 0):
        return second, first
    return first, second


def read(
    members: tuple[Parameter, Parameter], text: str, reader: Callable[[Parameter, str, str], Parsed]
) -> dict[str, Parsed]:
    """What the text says for each, by parameter name; nothing where it gives no sign of which is meant.

    `reader` gets the parameter, the text, and the text with blanks where it speaks of the other.
    """
    parts = _parts(members, text)
    if all(part.index is None for part in parts):
        return {}
    found: dict[str, Parsed] = {}
    for index, member in enumerate(members):
        parsed = reader(member, text, _only(text, [part for part in parts if part.index == index]))
        if parsed.value is not None:
            found[member.name] = parsed
    left = [member for member in members if member.name not in found]
    if len(left) == 1:
        parsed = reader(left[0], text, _only(text, [part for part in parts if part.index is None]))
        if parsed.value is not None:
            found[left[0].name] = parsed
    return found


def _side(parameter: Parameter) -> int | None:
    words = {token.text for token in choosing.tokens(parameter.name.replace("_", " "))}
    words |= {token.stem for token in choosing.tokens(parameter.name.replace("_", " "))}
    return 0 if words & _BEGINS else 1 if words & _ENDS else None


def _parts(members: tuple[Parameter, Parameter], text: str) -> list[Part]:
    cues = sorted(_cues(members, text))
    places = [(0, None), *((end, index) for _, end, index in cues)]
    ends = [*(start for start, _, _ in cues), len(text)]
    return [Part(index, start, end) for (start, index), end in zip(places, ends, strict=True) if start < end]


def _cues(members: tuple[Parameter, Parameter], text: str) -> list[tuple[int, int, int]]:
    """(start, end, index) of the words that say which is meant: prepositions, and words of the parameter's own name."""
    found: list[tuple[int, int, int]] = []
    for index, words in ((0, START), (1, END)):
        found += [(*each.span(), index) for each in re.finditer(rf"(?<!\w)(?:{words})(?!\w)", text, re.IGNORECASE)]
    found += [(*each.span("and"), 1) for each in _AND.finditer(text)]
    found += [(*each.span(), 1) for each in _DASH.finditer(text)]
    named: list[tuple[int, int, int]] = []
    own = [_own_words(member) for member in members]
    for token in choosing.tokens(text):
        for index in (0, 1):
            if token.stem and token.stem in own[index] - own[1 - index]:
                named.append((token.start, token.end, index))
    # What a parameter itself is called by says more than a preposition: "leaving" ends a stay.
    found = [cue for cue in found if not any(cue[0] < other[1] and other[0] < cue[1] for other in named)] + named
    return [cue for cue in found if not any(_within(cue, other) for other in found)]


def _own_words(parameter: Parameter) -> frozenset[str]:
    tokens = choosing.tokens(f"{parameter.name.replace('_', ' ')} {parameter.prompt}")
    return frozenset(token.stem for token in tokens if token.stem)


def _within(inner: tuple[int, int, int], outer: tuple[int, int, int]) -> bool:
    return (
        inner != outer and outer[0] <= inner[0] and inner[1] <= outer[1] and outer[1] - outer[0] > inner[1] - inner[0]
    )


def _only(text: str, parts: Sequence[Part]) -> str:
    kept = [" "] * len(text)
    for part in parts:
        kept[part.start : part.end] = text[part.start : part.end]
    return "".join(kept)
