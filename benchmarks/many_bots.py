"""What many bots of skewed sizes cost each other: `python -m benchmarks.many_bots` (some minutes on two cores).

One database holds all bots, another ten of them, others just one each. The same questions are put to the same bots in
all of them in turn, so that whatever else the machine does meets each alike. Recall is measured against the formula of
knowledge.search worked out over all passages of the bot.
"""

import argparse
import math
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from benchmarks import synthetic_bots
from benchmarks.bot_databases import Server, server, working_in
from benchmarks.synthetic_bots import Base, SyntheticBot

K = 10
ALL, TEN = "all_bots", "ten_bots"
# Ranks by size: the largest, one below the line where bots have an index of their own, a middle one, a small one.
MEASURED = {"largest": 0, "large": 2, "middle": 25, "small": 600}
WARM_UP = 8


@dataclass(frozen=True)
class Question:
    text: str
    terms: tuple[str, ...]
    vector: NDArray[np.float32]


@dataclass
class Measured:
    """One bot's figures. `seconds` are by database; `recall` one figure for each question."""

    name: str
    bot: SyntheticBot
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    recall: list[float] = field(default_factory=list)

    @property
    def alone(self) -> str:
        return f"alone_{self.name}"

    def percentile(self, database: str, share: float) -> float:
        return float(np.percentile(self.seconds[database][WARM_UP:], 100 * share)) * 1000


def main() -> None:
    options = _options()
    began = time.monotonic()
    with server(options.models) as running:
        from knowledge.embedding import get_embedder

        source = synthetic_bots.base(get_embedder(), options.questions)
        sizes = synthetic_bots.sizes(options.bots, options.passages, options.largest)
        measured, others = _fill(running, source, sizes)
        print(f"{len(sizes):,} bots with {sum(sizes):,} passages are loaded after {time.monotonic() - began:.0f} s")
        _tend(measured)
        print(f"large bots have their index after {time.monotonic() - began:.0f} s")
        _measure(running, source, measured, others, options.rounds)
        _print(measured)
    print(f"\nall in {time.monotonic() - began:.0f} s")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.many_bots", description=__doc__.splitlines()[0])
    parser.add_argument("--bots", type=int, default=1000, help="how many bots (1000)")
    parser.add_argument("--passages", type=int, default=200_000, help="how many passages they have together (200000)")
    parser.add_argument("--largest", type=int, default=30_000, help="how many the largest has (30000)")
    parser.add_argument("--questions", type=int, default=40, help="how many questions each is asked (40)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each question is put (3)")
    parser.add_argument("--models", type=Path, help="a folder with exported models, to save the export")
    return parser.parse_args()


def _fill(running: Server, source: Base, sizes: list[int]) -> tuple[list[Measured], list[UUID]]:
    """The bots that are measured, and ids of others in the database of all."""
    ranks = {min(rank, len(sizes) - 1): name for name, rank in MEASURED.items()}
    few = set(ranks) | set(np.linspace(1, len(sizes) - 1, 10, dtype=int).tolist()[: 10 - len(ranks)])
    for database in (ALL, TEN, *(f"alone_{name}" for name in ranks.values())):
        running.create(database)
    measured: list[Measured] = []
    others: list[UUID] = []
    for rank, bot in enumerate(synthetic_bots.make(source, sizes)):
        running.load(ALL, [bot])
        if rank in few:
            running.load(TEN, [bot])
        if rank in ranks:
            measured.append(Measured(ranks[rank], bot))
            running.load(measured[-1].alone, [bot])
        else:
            others.append(bot.group_id)
    for database in (ALL, TEN, *(each.alone for each in measured)):
        running.vacuum(database)
    return measured, others


def _tend(measured: Sequence[Measured]) -> None:
    from knowledge import large_bots

    for database in (ALL, TEN, *(each.alone for each in measured)):
        with working_in(database):
            large_bots.tend()


def _measure(running: Server, source: Base, measured: Sequence[Measured], others: Sequence[UUID], rounds: int) -> None:
    from knowledge import lexical

    rng = np.random.default_rng(0)
    questions = [
        Question(text, tuple(sorted(set(lexical.terms(text)))), vector)
        for text, vector in zip(source.questions, source.question_vectors, strict=True)
    ]
    for number in range(rounds):
        for question in questions:
            for each in rng.permutation(np.array(measured, dtype=object)):
                # Somebody else's question comes in between: no bot has the memory for itself.
                _ask(ALL, others[int(rng.integers(len(others)))], question, running.space)
                for database in rng.permutation([ALL, TEN, each.alone]).tolist():
                    seconds, found = _ask(database, each.bot.group_id, question, running.space)
                    each.seconds[database].append(seconds)
                    if number == 0 and database == ALL:
                        best = _exact(each.bot, question)
                        each.recall.append(len(best & found) / len(best))


def _ask(database: str, group_id: UUID, question: Question, space: str) -> tuple[float, set[UUID]]:
    from knowledge.search import search
    from tenants.scope import Scope, within

    with working_in(database), within(Scope(groups=frozenset([group_id]))):
        began = time.perf_counter()
        passages = search(question.text, question.vector, [group_id], space, K)
        return time.perf_counter() - began, {passage.chunk_id for passage in passages}


def _exact(bot: SyntheticBot, question: Question) -> set[UUID]:
    from knowledge import lexical
    from knowledge.search import LEXICAL_SHARE

    held = {term: np.array([found.get(term, 0.0) for found in bot.weights]) for term in question.terms}
    idf = {term: lexical.idf(len(bot.weights), int((weights > 0).sum())) for term, weights in held.items()}
    root = math.sqrt(max(sum(idf.values()), 1e-6))
    scores = bot.vectors @ question.vector
    for term, weights in held.items():
        scores = scores + LEXICAL_SHARE * weights * idf[term] / root
    return {bot.chunk_ids[row] for row in np.argsort(-scores)[:K].tolist()}


def _print(measured: Sequence[Measured]) -> None:
    print(
        "\n| bot | passages | recall@10 | p50 ms alone | p95 ms alone | p50, of alone | p95, of alone | p50, of ten |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for each in measured:
        alone, slow = each.percentile(each.alone, 0.5), each.percentile(each.alone, 0.95)
        here = each.percentile(ALL, 0.5)
        print(
            f"| {each.name} | {len(each.bot.texts):,} | {np.mean(each.recall):.3f} | {alone:.2f} | {slow:.2f} "
            f"| {here / alone:.2f} | {each.percentile(ALL, 0.95) / slow:.2f} | {here / each.percentile(TEN, 0.5):.2f} |"
        )


if __name__ == "__main__":
    main()
