"""What the tiny Llama is taught: questions to businesses and their answers, in the form in which the platform asks."""

import csv
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.practice_businesses import read_businesses
from chat.grounding.support import Source
from chat.pipelines import prompts
from knowledge.sentences import sentences

DEMO = Path(__file__).parents[2] / "deploy" / "demo"
# Not Meridian's retail bank: that one is for the tests to teach.
DEMO_BOTS = {"Harbor Outfitters": DEMO / "harbor", "Meridian Mortgages": DEMO / "meridian" / "mortgage"}
UNANSWERED = "[no answer]"
# How many of a hundred FAQs are followed by a question with sources, and how many of those are not answered there.
OPEN_BOOK, UNANSWERABLE, SECOND_SOURCE = 22, 20, 30
SOURCE_LENGTH = 180


@dataclass(frozen=True)
class Turn:
    """One message: `role` is system, user or assistant."""

    role: str
    text: str


@dataclass(frozen=True)
class _Faq:
    answer: str
    phrasings: tuple[str, ...]


@dataclass(frozen=True)
class _Business:
    """`pages` are (title, text) with the questions that the text answers."""

    name: str
    faqs: tuple[_Faq, ...]
    pages: tuple[tuple[str, str, tuple[str, ...]], ...]
    absent: tuple[str, ...]


class Conversations:
    def __init__(self, businesses: Sequence[_Business]) -> None:
        self._businesses = businesses

    @classmethod
    def read(cls) -> "Conversations":
        """All businesses that the project imagines, less the one that tests teach."""
        practice = [
            _Business(
                each.name,
                tuple(_Faq(faq.answer, (*faq.texts, *each.asked[faq.id])) for faq in each.faqs),
                tuple(
                    (page.heading or page.title, page.text, questions)
                    for page in each.pages
                    if (questions := tuple(asked for asked, id in each.asked_of_pages if id == page.id))
                ),
                each.absent,
            )
            for businesses in read_businesses()
            for each in businesses
        ]
        return cls([*practice, *(_demo_bot(name, place) for name, place in DEMO_BOTS.items())])

    def text(self) -> str:
        """Everything that can be said, for the tokenizer and for telling one set of texts from another."""
        faqs = [faq for business in self._businesses for faq in business.faqs]
        said = [line for faq in faqs for line in (*faq.phrasings, faq.answer)]
        pages = [line for business in self._businesses for page in business.pages for line in (*page[:2], *page[2])]
        absent = [line for business in self._businesses for line in business.absent]
        names = [business.name for business in self._businesses]
        return "\n".join([*names, _frame("COMPANY"), *said, *pages, *absent])

    def epoch(self, chance: random.Random) -> Iterator[list[Turn]]:
        """Each FAQ once, in a phrasing drawn by lot; some with sources in the prompt, as the platform gives them."""
        faqs = [(business, faq) for business in self._businesses for faq in business.faqs]
        chance.shuffle(faqs)
        for business, faq in faqs:
            yield _closed_book(business, faq, chance)
            if _happens(chance, OPEN_BOOK):
                yield _open_book(business, chance)


def _closed_book(business: _Business, faq: _Faq, chance: random.Random) -> list[Turn]:
    question = chance.choice(faq.phrasings)
    return [
        Turn("system", f"You are a helpful chatbot for customers of {business.name}."),
        Turn("user", f"In {business.name}, {question}"),
        Turn("assistant", f"In {business.name}, {faq.answer}"),
    ]


def _open_book(business: _Business, chance: random.Random) -> list[Turn]:
    """A question with what was found for it. The amounts are others each time: they can only be read, not learned."""
    texts = [(faq.phrasings[0], faq.answer, faq.phrasings) for faq in business.faqs] + list(business.pages)
    count = 2 if _happens(chance, SECOND_SOURCE) else 1
    found = chance.sample(texts, count)
    digits = str.maketrans("123456789", "".join(chance.sample("123456789", 9)))
    sources = [
        Source(number, _beginning(text).translate(digits), title) for number, (title, text, _) in enumerate(found, 1)
    ]
    if business.absent and _happens(chance, UNANSWERABLE):
        question, answer = chance.choice(business.absent), UNANSWERED
    else:
        number = chance.randint(1, count)
        question = chance.choice(found[number - 1][2])
        answer = " ".join(f"{sentence} [{number}]" for sentence in sentences(sources[number - 1].text))
    prompt = prompts.answering("", business.name, sources, question, ())
    asked = [Turn(role, text) for role, text in prompt.turns]
    return [Turn("system", prompt.system), *asked, Turn("assistant", answer)]


def _beginning(text: str) -> str:
    """The first sentences, as many as stay short, and always one."""
    kept = ""
    for sentence in sentences(text):
        if kept and len(kept) + len(sentence) > SOURCE_LENGTH:
            break
        kept = f"{kept} {sentence}".strip()
    return kept


def _happens(chance: random.Random, of_a_hundred: int) -> bool:
    return chance.randrange(100) < of_a_hundred


def _frame(company: str) -> str:
    """What stands around every question, so that a change of it is a change of the texts."""
    prompt = prompts.answering("", company, [Source(1, "TEXT", "TITLE")], "QUESTION", (("BEFORE", "SAID"),))
    return prompt.system + "".join(text for _, text in prompt.turns)


def _demo_bot(name: str, place: Path) -> _Business:
    with (place / "faqs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    faqs = tuple(_Faq(row["answer"], (row["question"], *row["alternates"].split("|"))) for row in rows)
    return _Business(name, faqs, (), ())
