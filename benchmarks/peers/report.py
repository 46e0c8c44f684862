"""The figures as tables, and each aim with what was reached."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.peers.measure import Results

US, BAR = "switchboard/hybrid", "limit/dense"
TIMED = "library"


@dataclass(frozen=True)
class Aim:
    """`reached` and `wanted` are ratios; `most` says that smaller is better."""

    what: str
    reached: float
    wanted: float
    most: bool = False

    @property
    def met(self) -> bool:
        return self.reached <= self.wanted if self.most else self.reached >= self.wanted


def aims(results: Results, kinds: Mapping[str, str]) -> list[Aim]:
    """Against the best peer in each single figure, whichever of its modes that is."""
    found = []
    for corpus, times in results.query_ms.items():
        best = min(_medians(_peers(times)).values(), default=float("nan"))
        ours = statistics.median(times[US])
        found.append(Aim(f"query time on {corpus}, to the limit's", ours / statistics.median(times[BAR]), 1.3, True))
        found.append(Aim(f"query speed on {corpus}, to the best peer's", best / ours, 6))
    for corpus, rates in results.callers_per_s.items():
        best = max(_medians(_peers(rates)).values(), default=float("nan"))
        found.append(Aim(f"8 callers on {corpus}, to the best peer's", statistics.median(rates[US]) / best, 8))
    for way, rates in results.ingest.items():
        best = max(_medians(_peers(rates)).values(), default=float("nan"))
        ours = statistics.median(rates["switchboard"])
        found.append(Aim(f"ingest of {way}, to the best peer's", ours / best, 2.4))
    found += _work(results)
    for corpus, ways in results.quality.items():
        best = max((way["mrr10"] for name, way in ways.items() if not _is_ours(name)), default=float("nan"))
        found.append(Aim(f"MRR@10 on {corpus} ({kinds[corpus]}), to the best peer's", ways[US]["mrr10"] / best, 1))
    for line, times in results.turn_ms.items():
        best = min(_medians(_peers(results.query_ms[TIMED])).values(), default=float("nan"))
        ours = statistics.median(times)
        found.append(Aim(f"a turn over HTTP ({line}), to the best peer's bare retrieval", ours / best, 1, True))
    return found


def _work(results: Results) -> list[Aim]:
    """The same by processor time, which is what bounds eight callers or an import on a machine that is full."""
    found = []
    for corpus, work in results.query_cpu_ms.items():
        best, ours = min(_medians(_peers(work)).values(), default=float("nan")), statistics.median(work[US])
        found.append(
            Aim(f"processor time, question on {corpus}: the limit's", ours / statistics.median(work[BAR]), 1.3, True)
        )
        found.append(Aim(f"processor time, question on {corpus}: the best peer's to ours", best / ours, 8))
    for way, work in results.ingest_cpu_ms.items():
        best = min(_medians(_peers(work)).values(), default=float("nan"))
        found.append(
            Aim(f"processor time, {way}: the best peer's to ours", best / statistics.median(work["switchboard"]), 2.4)
        )
    return found


def tables(results: Results, kinds: Mapping[str, str]) -> str:
    parts = [
        _rounds("Texts ingested a second", results.ingest, 1),
        _rounds("Processor milliseconds a text ingested", results.ingest_cpu_ms, 1),
        _rounds("Milliseconds a question, median", results.query_ms, 2),
        _rounds("Processor milliseconds a question", results.query_cpu_ms, 1),
        _rounds("Questions a second, 8 callers", results.callers_per_s, 1),
        _rounds("Milliseconds a whole turn over HTTP, median", {"turn": results.turn_ms}, 1),
        _table("MRR@10 (right first)", results.quality, lambda cell: f"{cell['mrr10']:.3f} ({cell['hit1']:.2f})"),
        _table(
            "Routing: right / wrong in scope, refused out of scope, ms",
            results.routing,
            lambda cell: f"{cell['right']:.3f} / {cell['wrong']:.3f}, {cell['refused']:.2f}, {cell['ms']:.1f}",
        ),
        _aims(aims(results, kinds)),
    ]
    return "\n".join(part for part in parts if part)


def _aims(found: Sequence[Aim]) -> str:
    lines = ["| aim | reached | wanted | |", "| --- | --- | --- | --- |"]
    for aim in found:
        wanted = f"{'at most' if aim.most else 'at least'} {aim.wanted:g}"
        lines.append(f"| {aim.what} | {aim.reached:.2f} | {wanted} | {'met' if aim.met else 'MISSED'} |")
    return "\n### Aims\n\n" + "\n".join(lines) + "\n"


def _rounds(title: str, figures: Mapping[str, Mapping[str, Sequence[float]]], digits: int) -> str:
    return _table(
        f"{title} (lowest and highest round)",
        figures,
        lambda cell: f"{statistics.median(cell):.{digits}f} ({min(cell):.{digits}f}-{max(cell):.{digits}f})",
    )


def _table(title: str, figures: Mapping[str, Mapping[str, Any]], write: Callable[[Any], str]) -> str:
    columns = [name for name, cells in figures.items() if cells]
    if not columns:
        return ""
    rows = _distinct(row for column in columns for row in figures[column])
    lines = [f"| | {' | '.join(columns)} |", "| --- " * (len(columns) + 1) + "|"]
    for row in rows:
        cells = [write(figures[column][row]) if row in figures[column] else "" for column in columns]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return f"\n### {title}\n\n" + "\n".join(lines) + "\n"


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _is_ours(name: str) -> bool:
    return name.split("/")[0] in ("switchboard", "limit")


def _peers(figures: Mapping[str, Sequence[float]]) -> dict[str, Sequence[float]]:
    return {name: rounds for name, rounds in figures.items() if not _is_ours(name)}


def _medians(figures: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {name: statistics.median(rounds) for name, rounds in figures.items()}
