"""One system in a process and an environment of its own: reads a request a line, answers a line."""

import importlib
import json
import os
import sys
import threading
import time
from typing import Any

from benchmarks.peers.system import Setting, Text

SYSTEMS = {
    "switchboard": "benchmarks.peers.switchboard_system:Switchboard",
    "limit": "benchmarks.peers.limit:Limit",
    "langchain": "benchmarks.peers.langchain_system:LangChain",
    "llamaindex": "benchmarks.peers.llamaindex_system:LlamaIndex",
    "haystack": "benchmarks.peers.haystack_system:Haystack",
    "semantic-router": "benchmarks.peers.semantic_router_system:SemanticRouter",
    "switchboard-router": "benchmarks.peers.switchboard_router:SwitchboardRouter",
}


def main(name: str, database: str, model: str) -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # a library that prints must not spoil the answers
    module, kind = SYSTEMS[name].split(":")
    system = getattr(importlib.import_module(module), kind)(Setting(database, model))
    answers.write(json.dumps({"modes": getattr(system, "modes", ())}) + "\n")
    answers.flush()
    for line in sys.stdin:
        request = json.loads(line)
        answers.write(json.dumps(VERBS[request.pop("do")](system, **request)) + "\n")
        answers.flush()


def ingest(system: Any, collection: str, texts: list[list[str]]) -> dict[str, float]:
    given = [Text(*text) for text in texts]
    began = time.perf_counter()
    system.ingest(collection, given)
    return {"seconds": time.perf_counter() - began}


def search(system: Any, collection: str, mode: str, questions: list[str], k: int) -> dict[str, Any]:
    found, milliseconds = [], []
    for question in questions:
        began = time.perf_counter()
        found.append(system.search(collection, question, k, mode))
        milliseconds.append((time.perf_counter() - began) * 1000)
    return {"found": found, "milliseconds": milliseconds}


def callers(
    system: Any, collection: str, mode: str, questions: list[str], k: int, callers: int, seconds: float
) -> dict[str, float]:
    """Questions answered a second by so many callers at once, each asking the next as soon as it has its answer.

    No two questions are the same, so that nobody answers from memory. What a caller's thread holds it gives back with
    the system's `leave`, where there is one.
    """
    mark = time.monotonic_ns() % 10_000_000
    done = [0] * callers
    problems: list[Exception] = []
    end = time.perf_counter() + seconds

    def call(number: int) -> None:
        row = number
        try:
            while time.perf_counter() < end:
                system.search(collection, f"{questions[row % len(questions)]} {mark + row}", k, mode)
                row += callers
                done[number] += 1
        except Exception as problem:
            problems.append(problem)
        finally:
            getattr(system, "leave", lambda: None)()

    threads = [threading.Thread(target=call, args=(number,)) for number in range(callers)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]
    return {"per_second": sum(done) / (time.perf_counter() - began)}


def learn(system: Any, phrasings: list[list[str]]) -> dict[str, float]:
    began = time.perf_counter()
    system.learn([(text, intent) for text, intent in phrasings])
    return {"seconds": time.perf_counter() - began}


def choose(system: Any, questions: list[str]) -> dict[str, Any]:
    chosen, milliseconds = [], []
    for question in questions:
        began = time.perf_counter()
        chosen.append(system.choose(question))
        milliseconds.append((time.perf_counter() - began) * 1000)
    return {"chosen": chosen, "milliseconds": milliseconds}


def door(system: Any, collection: str) -> dict[str, str]:
    return system.door(collection)


VERBS = {"ingest": ingest, "search": search, "callers": callers, "learn": learn, "choose": choose, "door": door}

if __name__ == "__main__":
    main(*sys.argv[1:])
