"""`python -m benchmarks.peers.run`: everything measured in one go; see benchmarks/README.md."""

import argparse
import dataclasses
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from benchmarks.peers import measure
from benchmarks.peers.corpora import corpora, routings
from benchmarks.peers.environment import ROOT, Bench, bench, peers_environment
from benchmarks.peers.measure import Results
from benchmarks.peers.report import TIMED, aims, tables

PARTS = ("quality", "speed", "ingest", "turns", "routing")
RETRIEVERS = ("switchboard", "limit", "langchain", "llamaindex", "haystack")
CHOOSERS = ("switchboard-router", "semantic-router")
SHORT = "bank FAQs, 8 phrasings"
WARM_UP = [["w", "Warming up", "A first text, so that nobody's model is loaded while the clock runs."]]


def main() -> None:
    options = _parse()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    peers = peers_environment(options.peers)
    folder = Path(tempfile.mkdtemp(prefix="switchboard-peers-"))
    folder.chmod(0o755)  # the database server runs as another user
    try:
        with bench(folder, options.models, peers, "turns" in options.parts) as running:
            results, kinds = _measure(running, options)
    finally:
        if options.keep_logs:
            shutil.copytree(folder / "logs", options.keep_logs, dirs_exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
    text = tables(results, kinds)
    print(text)
    if options.out:
        figures = dataclasses.asdict(results) | {
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
            "aims": [dataclasses.asdict(aim) | {"met": aim.met} for aim in aims(results, kinds)],
            "torch": metadata.version("torch"),
        }
        options.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure Switchboard beside other systems.")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of public data sets")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--systems", nargs="+", choices=(*RETRIEVERS, *CHOOSERS), default=[*RETRIEVERS, *CHOOSERS])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--paragraphs", type=int, default=800, help="how many texts the library has")
    parser.add_argument("--documents", type=int, default=200, help="how many texts each round of the ingest takes")
    parser.add_argument("--questions", type=int, default=800, help="how many in-scope questions are routed")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    parser.add_argument("--peers", type=Path, default=ROOT / ".data" / "peers", help="the peers' virtual environment")
    parser.add_argument("--models", type=Path, default=ROOT / ".data" / "models", help="where exported models are kept")
    parser.add_argument("--keep-logs", type=Path, metavar="FOLDER")
    return parser.parse_args()


def _measure(running: Bench, options: argparse.Namespace) -> tuple[Results, dict[str, str]]:
    results = Results()
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {line}", file=sys.stderr, flush=True)

    found = corpora(options.data, options.paragraphs, say) if set(options.parts) - {"routing"} else []
    systems = [running.system(name) for name in RETRIEVERS if name in options.systems and found]
    for system in systems:
        say(f"warming up {system.name}")
        system.ask("ingest", collection="warm-up", texts=WARM_UP)
        for mode in system.modes:
            system.ask("search", collection="warm-up", mode=mode, questions=["What is warm?"], k=1)
    for corpus in found:
        wanted = "quality" in options.parts or corpus.name in (TIMED, SHORT)
        if wanted:
            say(f"loading {corpus.name}: {len(corpus.texts)} texts, {len(corpus.questions)} questions")
            measure.load(systems, corpus)
        if "quality" in options.parts:
            measure.quality(results, systems, corpus)
        if "speed" in options.parts and corpus.name in (TIMED, SHORT):
            say(f"timing questions on {corpus.name}")
            measure.speed(results, systems, corpus, options.rounds, asked=30, seconds=2.0)
    if "turns" in options.parts and found:
        say("timing whole turns over HTTP")
        asked = [question for question, _ in found[0].questions[:100]]
        measure.turns(
            results, "documents", running.url, systems[0].ask("door", collection=TIMED), asked, options.rounds
        )
    if "ingest" in options.parts and found:
        say("timing the ingest")
        measure.ingest(results, systems, found[0], options.documents, max(1, options.rounds // 2))
    if "routing" in options.parts:
        _route(running, options, results, say)
    say("done")
    return results, {corpus.name: corpus.kind for corpus in found}


def _route(running: Bench, options: argparse.Namespace, results: Results, say: Callable[[str], None]) -> None:
    systems = [running.system(name) for name in CHOOSERS if name in options.systems]
    for given in routings(options.data, options.questions, say):
        say(f"routing {given.name}: {len(given.phrasings)} phrasings, {len(given.questions)} questions")
        measure.routing(results, systems, given)
        if "turns" in options.parts and systems and systems[0].name == CHOOSERS[0]:
            asked = [question for question, right in given.questions if right][:100]
            door = systems[0].ask("door", collection="")
            measure.turns(results, f"FAQs, {given.name}", running.url, door, asked, options.rounds)


if __name__ == "__main__":
    main()
