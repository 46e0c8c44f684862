"""The measurements. Systems take turns in short rounds, so that a busy moment of the machine hits all of them."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from benchmarks.peers.corpora import Corpus, Routing
from benchmarks.peers.environment import System
from benchmarks.peers.system import Text

K, CALLERS = 10, 8
SECTIONS = 40


@dataclass
class Results:
    """Lists are one figure a round; keys are `system` or `system/mode`."""

    ingest: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    quality: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    ingest_cpu_ms: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    query_ms: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    query_cpu_ms: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    callers_per_s: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    turn_ms: dict[str, list[float]] = field(default_factory=dict)
    routing: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)


def load(systems: Sequence[System], corpus: Corpus) -> None:
    for system in systems:
        system.ask("ingest", collection=_name(corpus), texts=_wire(corpus.texts))


def ingest(results: Results, systems: Sequence[System], corpus: Corpus, count: int, rounds: int) -> None:
    """Texts a second: each text as a document, and bound into manuals of many sections that each system cuts itself."""
    texts = corpus.texts[:count]
    for title, given in ((f"{count} documents", texts), (f"{count // SECTIONS} manuals", _manuals(corpus, texts))):
        rates = results.ingest.setdefault(title, {})
        work = results.ingest_cpu_ms.setdefault(title, {})
        for number in range(rounds):
            for system in systems:
                name = f"in-{title.replace(' ', '-')}-{number}"
                done = system.ask("ingest", collection=name, texts=_wire(given))
                rates.setdefault(system.name, []).append(len(texts) / done["seconds"])
                work.setdefault(system.name, []).append(done["cpu_seconds"] * 1000 / len(texts))


def quality(results: Results, systems: Sequence[System], corpus: Corpus) -> None:
    """Mean reciprocal rank of the first right text among the first ten, and how often it is the very first."""
    questions = [question for question, _ in corpus.questions]
    for system in systems:
        for mode in system.modes:
            # More than ten, since some cut a text into several passages.
            found = system.ask("search", collection=_name(corpus), mode=mode, questions=questions, k=2 * K)["found"]
            ranks = [_rank(ids, right) for ids, (_, right) in zip(found, corpus.questions, strict=True)]
            results.quality.setdefault(corpus.name, {})[f"{system.name}/{mode}"] = {
                "mrr10": statistics.mean(1 / rank if rank else 0.0 for rank in ranks),
                "hit1": statistics.mean(rank == 1 for rank in ranks),
                "questions": len(ranks),
            }


def speed(results: Results, systems: Sequence[System], corpus: Corpus, rounds: int, asked: int, seconds: float) -> None:
    """The time of a question asked alone, and questions a second by eight callers."""
    questions = [question for question, _ in corpus.questions]
    alone = results.query_ms.setdefault(corpus.name, {})
    work = results.query_cpu_ms.setdefault(corpus.name, {})
    together = results.callers_per_s.setdefault(corpus.name, {})
    ways = [(system, mode) for system in systems for mode in system.modes]
    for number in range(rounds):
        start = number * asked % len(questions)
        # Each is new to all, so that nobody answers from memory.
        some = [f"{question} {number}" for question in (questions * 2)[start : start + asked]]
        for system, mode in ways:
            done = system.ask("search", collection=_name(corpus), mode=mode, questions=some, k=K)
            alone.setdefault(f"{system.name}/{mode}", []).append(statistics.median(done["milliseconds"]))
            work.setdefault(f"{system.name}/{mode}", []).append(done["cpu_seconds"] * 1000 / len(some))
        for system, mode in ways:
            done = system.ask(
                "callers", collection=_name(corpus), mode=mode, questions=some, k=K, callers=CALLERS, seconds=seconds
            )
            together.setdefault(f"{system.name}/{mode}", []).append(done["per_second"])


def turns(results: Results, name: str, url: str, door: dict[str, str], questions: Sequence[str], rounds: int) -> None:
    """Whole turns over HTTP, each in a conversation of its own that is already open."""
    headers = {"X-API-Key": door["api_key"]}
    with httpx.Client(base_url=url, timeout=60, headers=headers) as client:
        each = max(1, len(questions) // rounds)
        for number in range(rounds):
            took = [_turn(client, door["bot"], text) for text in questions[number * each : (number + 1) * each]]
            results.turn_ms.setdefault(name, []).append(statistics.median(took))


def routing(results: Results, systems: Sequence[System], given: Routing) -> None:
    for system in systems:
        system.ask("learn", phrasings=[list(pair) for pair in given.phrasings])
        answered = system.ask("choose", questions=[question for question, _ in given.questions])
        pairs = [(chosen, right) for chosen, (_, right) in zip(answered["chosen"], given.questions, strict=True)]
        inside = [chosen == right for chosen, right in pairs if right]
        outside = [chosen == "" for chosen, right in pairs if not right]
        results.routing.setdefault(given.name, {})[system.name] = {
            "right": statistics.mean(inside),
            "wrong": statistics.mean(chosen not in ("", right) for chosen, right in pairs if right),
            "refused": statistics.mean(outside) if outside else float("nan"),
            "ms": statistics.median(answered["milliseconds"]),
        }


def _turn(client: httpx.Client, bot: str, text: str) -> float:
    opened = client.post(f"/api/v1/bots/{bot}/conversations", json={}).raise_for_status().json()
    headers = {"Authorization": f"Bearer {opened['token']}", "Accept": "application/json"}
    began = time.perf_counter()
    answer = client.post(f"/api/v1/conversations/{opened['id']}/messages", json={"text": text}, headers=headers)
    took = (time.perf_counter() - began) * 1000
    answer.raise_for_status()
    return took


def _manuals(corpus: Corpus, texts: Sequence[Text]) -> list[Text]:
    headings = {id: question for question, right in corpus.questions for id in right}
    sections = [f"## {headings.get(text.id, text.id)}\n\n{text.body}" for text in texts]
    return [
        Text(f"m{start}", f"Manual {start // SECTIONS + 1}", "\n\n".join(sections[start : start + SECTIONS]))
        for start in range(0, len(sections), SECTIONS)
    ]


def _rank(found: Sequence[str], right: frozenset[str]) -> int:
    """1 for the first place; 0 where no right text is among the first ten."""
    distinct = list(dict.fromkeys(found))[:K]
    return next((place for place, id in enumerate(distinct, 1) if id in right), 0)


def _name(corpus: Corpus) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in corpus.name.lower().replace(", ", "-"))


def _wire(texts: Sequence[Text]) -> list[list[Any]]:
    return [[text.id, text.title, text.body] for text in texts]
