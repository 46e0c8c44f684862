"""Public questions, each a whole turn of its own, to bots that learnt the other part of the same data, with every
setting at its default.

    PYTHONPATH=platform:. python -m benchmarks.public_questions --data FOLDER    # beside a running bin/demo

FOLDER holds banking77, clinc150 and bitext in their published form. It leaves a bot for each data set behind.
"""

import argparse
import asyncio
import csv
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.corpora import bank_halves, clinc
from benchmarks.peers.switchboard_router import as_csv
from benchmarks.peers.switchboard_system import make_bot, wait_until_indexed

from chat import asking  # isort: skip  # Django is set up by the import above
from knowledge.imports import import_faqs  # isort: skip
from tenants.scope import within  # isort: skip

SEED = 7
SLIPS = (0, 1, 2, 3)
HUMAN, UNKNOWN = "human", "unknown"
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Questions:
    """Questions of one kind with what is right for each: a FAQ's ID, or a route."""

    kind: str
    asked: tuple[tuple[str, str], ...]


def main() -> None:
    parser = argparse.ArgumentParser(description="Put public questions to bots, through whole turns.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=800, help="how many of each data set, at most")
    options = parser.parse_args()
    print("| questions | right | else |\n| --- | --- | --- |", flush=True)
    for name, phrasings, kinds in _sets(options.data, options.questions):
        asyncio.run(_measure(name, phrasings, kinds))


def _sets(data: Path, most: int) -> Iterator[tuple[str, Sequence[tuple[str, str]], list[Questions]]]:
    """(name, phrasings with the FAQ of each, questions)."""
    bank = bank_halves(data, most)
    yield "BANKING77, the other half", bank.phrasings, [Questions("the right FAQ first", bank.questions)]
    intents = clinc(data, most)
    inside = tuple((text, intent) for text, intent in intents.questions if intent)
    outside = tuple((text, UNKNOWN) for text, intent in intents.questions if not intent)
    kinds = [Questions("in scope: the right FAQ first", inside), Questions("out of scope: unknown", outside)]
    yield "CLINC150", intents.phrasings, kinds
    rows = {part: _bitext(data / "bitext" / f"{part}.csv") for part in ("train", "dev")}
    wishes = [text for part in rows.values() for text, intent in part if intent == "contact_human_agent"]
    others = [(text, intent) for text, intent in rows["dev"] if not intent.startswith("contact_")]
    rng = random.Random(SEED)
    kinds = [
        Questions(f"asking for a person, {slips} slips each: human", _with_slips(wishes, slips, rng)) for slips in SLIPS
    ]
    kinds.append(Questions("others: not human", tuple((text, f"not {HUMAN}") for text, _ in others[:most])))
    yield "Bitext", [row for row in rows["train"] if not row[1].startswith("contact_")], kinds


def _bitext(path: Path) -> list[tuple[str, str]]:
    with path.open(encoding="utf-8") as file:
        return [(row["utterance"], row["intent"]) for row in csv.DictReader(file)]


def _with_slips(texts: Sequence[str], slips: int, rng: random.Random) -> tuple[tuple[str, str], ...]:
    found = []
    for text in texts:
        for _ in range(slips):
            text = _slip(text, rng)
        found.append((text, HUMAN))
    return tuple(found)


def _slip(text: str, rng: random.Random) -> str:
    """One letter is left out, typed twice, replaced, or changes places with the next."""
    at = rng.choice([place for place, letter in enumerate(text) if letter.isalpha()])
    before, letter, after = text[:at], text[at], text[at + 1 :]
    swapped = after[:1] + letter + after[1:]
    return before + rng.choice((after, letter + letter + after, rng.choice(LETTERS) + after, swapped))


async def _measure(name: str, phrasings: Sequence[tuple[str, str]], kinds: Sequence[Questions]) -> None:
    key = f"public-{random.SystemRandom().randrange(10**9)}"
    await asyncio.to_thread(_prepare, key, phrasings)
    for each in kinds:
        said: Counter[str] = Counter()
        for text, right in each.asked:
            said[await _outcome(key, text, right)] += 1
        share = f"{said.pop('right', 0) / len(each.asked):.3f} of {len(each.asked)}"
        print(f"| {name}: {each.kind} | {share} | {dict(said.most_common())} |", flush=True)


def _prepare(key: str, phrasings: Sequence[tuple[str, str]]) -> None:
    bot, _ = make_bot(key)
    with within(bot.scope):
        report = import_faqs(bot.group_id, as_csv(phrasings), "faqs.csv")
    if report.errors:
        raise ValueError(str(report.errors[0]))
    wait_until_indexed(bot)


async def _outcome(key: str, text: str, right: str) -> str:
    """`right`, `another FAQ`, or the route of an answer that cites none."""
    answer = (await asking.ask(key, text)).answer or {"route": "", "citations": []}
    cited = next((each["external_id"] for each in answer["citations"] if each["kind"] == "faq"), "")
    route = str(answer["route"])
    if right in (cited, route) or (right == f"not {HUMAN}" and route != HUMAN):
        return "right"
    return "another FAQ" if cited else route


if __name__ == "__main__":
    main()
