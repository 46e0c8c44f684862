"""The texts and questions that all systems are measured on. What is absent on this machine is left out, and said."""

import csv
import json
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from benchmarks.peers.docstrings import paragraphs_with_summaries
from benchmarks.peers.system import Text

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "deploy" / "demo"
HELD_OUT = ROOT / "tests" / "questions" / "first"
PARAGRAPH_QUESTIONS, FAQ_QUESTIONS, FAQS_AN_INTENT = 200, 300, 8
BANK = "Questions to the bank"
Made = TypeVar("Made")


class Absent(Exception):
    """The data are not on this machine; the message says which."""


@dataclass(frozen=True)
class Corpus:
    """Texts, and questions with the ids of the texts of which any is right."""

    name: str
    kind: str
    texts: tuple[Text, ...]
    questions: tuple[tuple[str, frozenset[str]], ...]


@dataclass(frozen=True)
class Routing:
    """Phrasings to learn from, and questions with the intent that is right, '' for none."""

    name: str
    phrasings: tuple[tuple[str, str], ...]
    questions: tuple[tuple[str, str], ...]


def corpora(data: Path, paragraphs: int, say: Callable[[str], None]) -> list[Corpus]:
    makers = [handbooks, procedures, demo_faqs, bank_faqs, bank_phrasings]
    others = [made for make in makers if (made := _unless_absent(lambda make=make: make(data), say)) is not None]
    return [library(paragraphs), *others]


def routings(data: Path, most: int, say: Callable[[str], None]) -> list[Routing]:
    makers = [bank_halves, clinc]
    return [made for make in makers if (made := _unless_absent(lambda make=make: make(data, most), say)) is not None]


def library(paragraphs: int) -> Corpus:
    """Docstrings of installed packages: the summary is the question, what follows it the paragraph."""
    found = paragraphs_with_summaries()
    random.Random(1).shuffle(found)
    texts = tuple(Text(f"p{row}", title, body) for row, (title, body, _) in enumerate(found[:paragraphs]))
    questions = tuple(
        (summary, frozenset([f"p{row}"]))
        for row, (_, _, summary) in enumerate(found[: min(PARAGRAPH_QUESTIONS, paragraphs)])
    )
    return Corpus("library", "long", texts, questions)


def handbooks(data: Path) -> Corpus:
    """The sections of the demo businesses' documents, and the held-out questions about them."""
    texts: list[Text] = []
    owner: dict[str, str] = {}
    for path in sorted({*DEMO.rglob("sources/*.md"), *DEMO.rglob("documents/*.md")}):
        head, body = path.read_text(encoding="utf-8").removeprefix("---\n").split("\n---\n", 1)
        document = re.search(r"^id: *(.+)$", head, re.M)
        title = re.search(r"^title: *(.+)$", head, re.M)
        for number, section in enumerate(re.split(r"^(?=#{1,3} )", body, flags=re.M)):
            if document and title and len(section.split()) > 12:
                text = Text(f"{document[1]}-{number}", title[1].strip('"'), section.strip())
                texts.append(text)
                owner[text.id] = document[1]
    questions = []
    for row in _lines("documents"):
        right = frozenset(
            text.id for text in texts if owner[text.id] == row["document"] and row["contains"] in text.body
        )
        if right:
            questions.append((row["question"], right))
    return Corpus("handbooks", "long", tuple(texts), tuple(questions))


def procedures(data: Path) -> Corpus:
    """A shop's procedures (ABCD): the occasion is the question, the steps are the text."""
    path = _present(data / "abcd" / "guidelines.json")
    texts, questions = [], []
    for flow, described in json.loads(path.read_text(encoding="utf-8")).items():
        for name, steps in described["subflows"].items():
            id = f"{flow}-{name}".replace(" ", "-").replace("/", "-").lower()
            lines = [line for action in steps["actions"] for line in (action["text"], *action["subtext"])]
            texts.append(Text(id, flow, "\n\n".join(lines)))
            questions.append((f"{name}: {steps['instructions'][0]}", frozenset([id])))
    return Corpus("procedures", "long", tuple(texts), tuple(questions))


def demo_faqs(data: Path) -> Corpus:
    """The demo businesses' FAQs without their further phrasings, and the held-out questions about them."""
    texts = []
    for path in sorted(DEMO.rglob("faqs.csv")):
        with path.open(encoding="utf-8") as file:
            texts += [Text(row["id"], row["question"], row["answer"]) for row in csv.DictReader(file)]
    questions = [(row["question"], frozenset(_several(row["faq"]))) for row in _lines("faqs")]
    return Corpus("demo FAQs", "short", tuple(texts), tuple(questions))


def bank_faqs(data: Path) -> Corpus:
    """BANKING77 with one phrasing of each intent to be found: the hard case."""
    return _bank(data, "bank FAQs, 1 phrasing", 1)


def bank_phrasings(data: Path) -> Corpus:
    """BANKING77 with more phrasings of each intent to be found, any of which is right."""
    return _bank(data, f"bank FAQs, {FAQS_AN_INTENT} phrasings", FAQS_AN_INTENT)


def bank_halves(data: Path, most: int) -> Routing:
    """BANKING77: half of the phrasings to learn from, questions from the other half."""
    rows = _banking(data)
    random.Random(3).shuffle(rows)
    middle = len(rows) // 2
    return Routing("BANKING77 halves", tuple(rows[:middle]), tuple(rows[middle : middle + most]))


def clinc(data: Path, most: int) -> Routing:
    """CLINC150: its training part to learn from; its validation part and all out-of-scope questions to ask."""
    parts = json.loads(_present(data / "clinc150" / "train_val.json").read_text(encoding="utf-8"))
    inside = [(text, intent) for text, intent in parts["val"]]
    random.Random(3).shuffle(inside)
    outside = [(text, "") for part in ("oos_train", "oos_val") for text, _ in parts[part]]
    return Routing("CLINC150", tuple((text, intent) for text, intent in parts["train"]), tuple(inside[:most] + outside))


def _bank(data: Path, name: str, phrasings: int) -> Corpus:
    rows = _banking(data)
    random.Random(2).shuffle(rows)
    by_intent: dict[str, list[str]] = {}
    for text, intent in rows:
        by_intent.setdefault(intent, []).append(text)
    kept = {
        f"{intent}-{row}": text for intent, texts in by_intent.items() for row, text in enumerate(texts[:phrasings])
    }
    asked = [(text, intent) for intent, texts in by_intent.items() for text in texts[phrasings:]]
    random.Random(2).shuffle(asked)
    questions = tuple(
        (text, frozenset(f"{intent}-{row}" for row in range(phrasings))) for text, intent in asked[:FAQ_QUESTIONS]
    )
    return Corpus(name, "short", tuple(Text(id, BANK, text) for id, text in kept.items()), questions)


def _banking(data: Path) -> list[tuple[str, str]]:
    with _present(data / "banking77" / "train.csv").open(encoding="utf-8") as file:
        return [(row["text"].strip(), row["category"]) for row in csv.DictReader(file)]


def _lines(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (HELD_OUT / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def _several(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _present(path: Path) -> Path:
    if not path.exists():
        raise Absent(f"{path} is absent")
    return path


def _unless_absent(make: Callable[[], Made], say: Callable[[str], None]) -> Made | None:
    try:
        return make()
    except Absent as problem:
        say(f"left out: {problem}")
        return None
