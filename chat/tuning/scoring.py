"""How good an adapter's answers are: words in common with the wanted answer, support in the sources, refusals."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from chat.grounding import courtesy
from chat.grounding.support import Evidence, Source
from chat.inline import InlineParser, NoAnswer, Text
from knowledge.embedding import Embedder
from knowledge.sentences import sentences

# By how much a figure may be worse than the base's without the adapter being called worse.
TOLERANCE = 0.05


@dataclass(frozen=True)
class Asked:
    """A held-out question with what was wanted (nothing: a refusal), what was said, and what that may rely on."""

    question: str
    wanted: str
    said: str
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Figures:
    """`token_f1` and `grounded` (the share of sentences that a source supports) are over questions that have an answer,
    `refused_wrong` is the share of those that were refused; `refused_right` that of the others."""

    n: int
    answerable: int
    token_f1: float
    grounded: float
    refused_right: float | None
    refused_wrong: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def figures(asked: Sequence[Asked], embedder: Embedder, allowed: Sequence[str] = ()) -> Figures:
    answerable = [each for each in asked if each.wanted]
    others = [each for each in asked if not each.wanted]
    supported = [_supported(each, embedder, allowed) for each in answerable]
    held, said = (sum(pair[i] for pair in supported) for i in (0, 1))
    return Figures(
        len(asked),
        len(answerable),
        round(_mean([token_f1(spoken(each.said), each.wanted) for each in answerable]) or 0.0, 4),
        round(held / said, 4) if said else 0.0,
        _rounded(_mean([float(is_refusal(each.said)) for each in others])),
        round(_mean([float(is_refusal(each.said)) for each in answerable]) or 0.0, 4),
    )


def is_better(tuned: Figures, base: Figures) -> tuple[bool, str]:
    """Whether a tuned adapter is to be published, and why: nearer to the wanted answers, and not worse otherwise."""
    if tuned.token_f1 <= base.token_f1:
        return False, f"Its answers are no nearer to the wanted ones (token F1 {tuned.token_f1} after {base.token_f1})."
    if tuned.grounded < base.grounded - TOLERANCE:
        return False, f"Less of what it says is supported ({tuned.grounded} after {base.grounded})."
    if tuned.refused_wrong > base.refused_wrong + TOLERANCE:
        return False, f"It refuses what it should answer ({tuned.refused_wrong} after {base.refused_wrong})."
    if (tuned.refused_right or 0) < (base.refused_right or 0) - TOLERANCE:
        return False, f"It refuses less of what it should ({tuned.refused_right} after {base.refused_right})."
    return True, f"Its answers are nearer to the wanted ones (token F1 {tuned.token_f1} after {base.token_f1})."


def token_f1(said: str, wanted: str) -> float:
    """Harmonic mean of precision and recall of the words, as in SQuAD (Rajpurkar et al. 2016), articles counted."""
    mine, theirs = _words(said), _words(wanted)
    shared = sum((Counter(mine) & Counter(theirs)).values())
    return 2 * shared / (len(mine) + len(theirs)) if shared else 0.0


def is_refusal(said: str) -> bool:
    """The structured one, and no phrase."""
    return any(isinstance(part, NoAnswer) for part in _parts(said)) and not spoken(said).strip()


def spoken(said: str) -> str:
    """The text without marks and calls."""
    return "".join(part.text for part in _parts(said) if isinstance(part, Text))


def _parts(said: str) -> list[Any]:
    parser = InlineParser()
    return [*parser.feed(said), *parser.end()]


def _supported(asked: Asked, embedder: Embedder, allowed: Sequence[str]) -> tuple[int, int]:
    """How many of the sentences that claim something a source supports, of how many."""
    claims = [each for each in sentences(spoken(asked.said)) if not courtesy.is_bare_answer(each)]
    evidence = Evidence(asked.sources, embedder, allowed)
    return sum(evidence.verdict(each).supported for each in claims), len(claims)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
