"""Where calls may stand in a text, and which: as likely as the model finds them (section 2, "Sampling API Calls")."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from chat.inline import Call, InlineParser
from chat.toolformer.language_model import LanguageModel, Token
from chat.toolformer.prompting import OPENS

ENDS = ("]", "→", "->", "\n")


@dataclass(frozen=True)
class Sampling:
    """The paper's numbers: at most `positions` places in a text where a call begins with at least `least_probable`, at
    most `calls` sampled at each, kept from a gain of `least_gain` nats on."""

    positions: int = 5
    calls: int = 5
    least_probable: float = 0.05
    least_gain: float = 1.0


@dataclass(frozen=True)
class Candidate:
    """A call that the model would write before the letter `place` of the text."""

    place: int
    call: Call


async def sampled(model: LanguageModel, before: str, text: str, sampling: Sampling) -> list[Candidate]:
    """The readable calls, each once, by place. `before` is the prompt that the text follows."""
    places = likeliest_places(text, await model.read(before, text), sampling)
    found: dict[tuple[int, str], Candidate] = {}
    for place in places:
        written = await model.write(f"{before}{text[:place]}{OPENS}", sampling.calls, ENDS)
        for call in _calls(written):
            found.setdefault((place, call.written), Candidate(place, call))
    return list(found.values())


def likeliest_places(text: str, tokens: Sequence[Token], sampling: Sampling) -> list[int]:
    """The likeliest beginnings of calls, in the order of the text; none within a word."""
    beginnings: dict[int, float] = {}
    for token in tokens:
        place = token.start + len(text[token.start :]) - len(text[token.start :].lstrip())
        opening = sum(math.exp(logprob) for other, logprob in token.others.items() if other.strip().startswith(OPENS))
        if opening >= sampling.least_probable and (place == 0 or text[place - 1].isspace()) and place < len(text):
            beginnings[place] = max(opening, beginnings.get(place, 0.0))
    return sorted(sorted(beginnings, key=lambda place: -beginnings[place])[: sampling.positions])


def _calls(written: Sequence[str]) -> list[Call]:
    found = []
    for text in written:
        parser = InlineParser()
        parts = [*parser.feed(f"{OPENS}{text.strip()}]"), *parser.end()]
        found += [part for part in parts if isinstance(part, Call)]
    return found
