"""The gate before customers: the tuned adapter beside its base, and beside the version that answers now."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from chat.grounding.support import Source
from chat.models import TuningRow
from chat.pipelines import prompts
from chat.tuning import rows, scoring
from chat.tuning.drafts import as_sources
from chat.tuning.rows_file import Example
from chat.tuning.scoring import Asked, Figures
from knowledge.embedding import get_embedder
from tenants.playbook import Playbook
from tenants.text import storable

MOST_ASKED, SHOWN = 300, 25
# So many of those that have no answer, be the others ever so few: one of them alone must not decide.
FEWEST_UNANSWERABLE = 24
# What is asked whom, in the order of the columns.
TUNED, BASE, LIVE = "tuned", "base", "live"

Ask = Callable[[Sequence[Example]], dict[str, list[str]]]


class NothingHeldOut(Exception):
    """There is nothing to measure an adapter on."""


@dataclass(frozen=True)
class Outcome:
    """`figures` has those of each, `answers` shows some of what they said beside each other."""

    better: bool
    verdict: str
    figures: dict[str, Any]


def check(held_out: Sequence[TuningRow]) -> None:
    """Raises NothingHeldOut where an adapter could not be measured, so that it need not be trained."""
    if not any(rows.wanted_answer(row) != prompts.REFUSAL for row in held_out):
        raise NothingHeldOut(
            "No question with an answer is held out, so nothing can be measured: give FAQs more phrasings, or a file "
            "of held-out questions."
        )


def judge(held_out: Sequence[TuningRow], company: str, playbook: Playbook, ask: Ask, seed: int) -> Outcome:
    """Ask the held-out questions and compare. `ask` gives the answers of "tuned", "base" and maybe "live"."""
    chosen = _chosen(held_out, seed)
    said = ask([rows.example(row, company, playbook) for row in chosen])
    asked = {who: [_asked(row, text, company) for row, text in zip(chosen, said[who], strict=True)] for who in said}
    embedder = get_embedder()
    found = {who: scoring.figures(each, embedder, (company,)) for who, each in asked.items()}
    better, verdict = _verdict(found)
    shown = [
        {"question": row.prompt, "wanted": rows.wanted_answer(row), **{who: asked[who][i].said for who in asked}}
        for i, row in enumerate(chosen[:SHOWN])
    ]
    # A model may write what cannot be stored.
    figures = storable({**{who: each.as_json() for who, each in found.items()}, "answers": shown})
    return Outcome(better, verdict, figures)


def _chosen(held_out: Sequence[TuningRow], seed: int) -> list[TuningRow]:
    """Where the business has given held-out questions of its own, those; and as large a part that have no answer as
    among the rows that are learnt."""
    unanswerable = [row for row in held_out if rows.wanted_answer(row) == prompts.REFUSAL]
    answerable = [row for row in held_out if rows.wanted_answer(row) != prompts.REFUSAL]
    own = [row for row in answerable if row.kind == TuningRow.Kind.FILE]
    chance = random.Random(seed)
    most = own or answerable
    asked = min(MOST_ASKED, round(len(most) / (1 - rows.UNANSWERABLE_SHARE)))
    share = max(FEWEST_UNANSWERABLE, round(asked * rows.UNANSWERABLE_SHARE))
    few = chance.sample(unanswerable, min(len(unanswerable), share))
    return [*chance.sample(most, min(len(most), MOST_ASKED - len(few))), *few]


def _asked(row: TuningRow, said: str, company: str) -> Asked:
    wanted = rows.wanted_answer(row)
    answer = "" if wanted == prompts.REFUSAL else scoring.spoken(wanted)
    sources = as_sources(row.context) or ([Source(1, answer, row.prompt)] if answer else [])
    return Asked(row.prompt, answer, prompts.without_company(company, said), tuple(sources))


def _verdict(found: dict[str, Figures]) -> tuple[bool, str]:
    better, verdict = scoring.is_better(found[TUNED], found[BASE])
    live = found.get(LIVE)
    if better and live and found[TUNED].token_f1 < live.token_f1 - scoring.TOLERANCE:
        return False, f"The version that answers now is nearer to the wanted answers (token F1 {live.token_f1})."
    return better, verdict
