"""One answer from plain to annotated: what was sampled, run and kept of its calls."""

from collections.abc import Sequence
from dataclasses import dataclass

from chat import verifier
from chat.toolformer import filtering
from chat.toolformer.candidates import Candidate, Sampling, sampled
from chat.toolformer.language_model import LanguageModel
from chat.toolformer.prompting import Prompting
from chat.toolformer.running import Runner
from chat.toolformer.texts import Exchange


@dataclass(frozen=True)
class Kept:
    """A call that is worth it."""

    candidate: Candidate
    result: str
    gain: float


@dataclass(frozen=True)
class Annotated:
    """`refused` pairs the calls that could not be run with the reason; `useless` those that were, with their gain."""

    exchange: Exchange
    kept: tuple[Kept, ...]
    refused: tuple[tuple[str, str], ...]
    useless: tuple[tuple[str, float], ...]

    @property
    def text(self) -> str:
        """The answer with its calls, each as a model writes it and goes on from its result."""
        answer, found, place = self.exchange.answer, "", 0
        for each in self.kept:
            found += answer[place : each.candidate.place] + f"[{each.candidate.call.written} → {each.result}] "
            place = each.candidate.place
        return found + answer[place:]


@dataclass(frozen=True)
class Annotator:
    model: LanguageModel
    runner: Runner
    prompting: Prompting
    sampling: Sampling

    async def annotated(self, exchange: Exchange) -> Annotated:
        question, answer = exchange.question, exchange.answer
        before = self.prompting.annotating(question, answer)
        kept: list[Kept] = []
        refused: list[tuple[str, str]] = []
        useless: list[tuple[str, float]] = []
        for candidate in await sampled(self.model, before, answer, self.sampling):
            written = candidate.call.written
            try:
                result = await self.runner.run(candidate.call, [question, answer])
            except verifier.Refused as refusal:
                refused.append((written, str(refusal)))
                continue
            gain = await filtering.gain(self.model, question, answer, candidate.place, written, result)
            if gain >= self.sampling.least_gain:
                kept.append(Kept(candidate, result, gain))
            else:
                useless.append((written, gain))
        return Annotated(exchange, _best_of_each_place(kept), tuple(refused), tuple(useless))


def _best_of_each_place(kept: Sequence[Kept]) -> tuple[Kept, ...]:
    """One at each place, and the same call only where it helps most."""
    taken: dict[int, Kept] = {}
    for each in sorted(kept, key=lambda each: -each.gain):
        same = any(other.candidate.call.written == each.candidate.call.written for other in taken.values())
        if each.candidate.place not in taken and not same:
            taken[each.candidate.place] = each
    return tuple(taken[place] for place in sorted(taken))
