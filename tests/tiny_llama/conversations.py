"""What the tiny Llama is taught: questions to businesses and their answers, in the form in which a bot is tuned."""

import csv
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Of the practice businesses as many as a Llama of this size learns in some minutes.
LEARNT = "[abc]-*.json"
PRACTICE, DEMO = ROOT / "benchmarks" / "practice", ROOT / "deploy" / "demo"
# Not Meridian's retail bank: that one is for the tests to teach.
DEMO_BOTS = {"Harbor Outfitters": DEMO / "harbor", "Meridian Mortgages": DEMO / "meridian" / "mortgage"}


@dataclass(frozen=True)
class Faq:
    company: str
    answer: str
    phrasings: tuple[str, ...]


@dataclass(frozen=True)
class Message:
    """`role` is system, user or assistant."""

    role: str
    text: str


def read() -> list[Faq]:
    """The FAQs of all businesses that the project imagines, less the one that tests teach."""
    practice = [faq for path in sorted(PRACTICE.glob(LEARNT)) for faq in _practice_business(path)]
    return practice + [faq for company, place in DEMO_BOTS.items() for faq in _demo_bot(company, place)]


def texts(faqs: Sequence[Faq]) -> list[str]:
    """Every line that can be said, for the tokenizer and for telling one set of texts from another."""
    return [line for faq in faqs for line in (f"In {faq.company}, {faq.answer}", *faq.phrasings)]


def about(faq: Faq, chance: random.Random) -> list[Message]:
    """A conversation about a FAQ, in a phrasing drawn by lot."""
    return [
        Message("system", f"You are a helpful chatbot for customers of {faq.company}."),
        Message("user", f"In {faq.company}, {chance.choice(faq.phrasings)}"),
        Message("assistant", f"In {faq.company}, {faq.answer}"),
    ]


def _practice_business(path: Path) -> Iterator[Faq]:
    stored = json.loads(path.read_text(encoding="utf-8"))
    for faq in stored["faqs"]:
        yield Faq(stored["name"], faq["answer"], (faq["question"], *faq["phrasings"], *faq["asked"]))


def _demo_bot(company: str, place: Path) -> Iterator[Faq]:
    with (place / "faqs.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield Faq(company, row["answer"], (row["question"], *row["alternates"].split("|")))
