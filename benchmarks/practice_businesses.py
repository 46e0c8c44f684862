"""Imaginary businesses with what their customers really type (benchmarks/practice), as bots of several sizes."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.practice import Page, Practice, PreparedFaq, Vectors, make

FOLDER = Path(__file__).with_name("practice")
# Kept from the tuning of the embedding model: what its cosines are worth is measured on these.
KEPT_APART = frozenset(
    {"a-pawsley-vets", "b-nursery", "a-greenpot-mealkits", "b-carrental", "b-optician", "b-gardencentre"}
)
PHRASINGS_GIVEN = 3
TAKEN_AWAY = 4
ASKED_IN_VAIN = 12
SMALL = 5
OTHER_PAGES = 100
LARGE = "large library"


@dataclass(frozen=True)
class Business:
    name: str
    faqs: tuple[PreparedFaq, ...]
    more_phrasings: dict[str, tuple[str, ...]]
    asked: dict[str, tuple[str, ...]]
    pages: tuple[Page, ...]
    asked_of_pages: tuple[tuple[str, str], ...]
    absent: tuple[str, ...]


def read_businesses() -> tuple[list[Business], list[Business]]:
    """Those for tuning, and those kept apart."""
    tuning, apart = [], []
    for path in sorted(FOLDER.glob("*.json")):
        business = read(json.loads(path.read_text(encoding="utf-8")))
        (apart if path.stem in KEPT_APART else tuning).append(business)
    return tuning, apart


def pages_of(businesses: Sequence[Business]) -> list[Page]:
    """All pages of some businesses, each with an id of its own."""
    return [replace(page, id=f"{business.name}, {page.id}") for business in businesses for page in business.pages]


def read(stored: dict[str, Any]) -> Business:
    """One business as it is stored: see benchmarks/README.md for the fields."""
    sections = [(document, section) for document in stored["documents"] for section in document["sections"]]
    return Business(
        stored["name"],
        tuple(
            PreparedFaq(f"faq {number}", (faq["question"], *faq["phrasings"]), faq["answer"])
            for number, faq in enumerate(stored["faqs"])
        ),
        {f"faq {number}": tuple(faq.get("more_phrasings", ())) for number, faq in enumerate(stored["faqs"])},
        {f"faq {number}": tuple(faq["asked"]) for number, faq in enumerate(stored["faqs"])},
        tuple(
            Page(f"page {number}", document["title"], section["heading"], section["text"])
            for number, (document, section) in enumerate(sections)
        ),
        tuple(
            (asked["q"], f"page {number}") for number, (_, section) in enumerate(sections) for asked in section["asked"]
        ),
        tuple(stored["absent"]),
    )


def bots(business: Business, others: Sequence[Page], vectors: Vectors, rng: random.Random) -> Iterator[Practice]:
    """The whole business with one phrasing a FAQ, with few, with more and with many, with a part of its knowledge taken
    away, with FAQs or pages alone, tiny, and among pages of `others`."""
    everything = [(text, id) for id, texts in business.asked.items() for text in texts]
    everything += [*business.asked_of_pages, *((text, "") for text in business.absent)]
    bare = [replace(faq, texts=faq.texts[:1]) for faq in business.faqs]
    yield make(f"{business.name}, one phrasing", bare, business.pages, everything, vectors)
    yield make(f"{business.name}, few phrasings", business.faqs, business.pages, everything, vectors)
    yield make(f"{business.name}, FAQs alone", business.faqs, [], everything, vectors)
    yield make(f"{business.name}, pages alone", [], business.pages, everything, vectors)
    yield _with_more_phrasings(business, list(business.faqs), list(business.pages), everything, vectors, rng)
    faqs, pages = list(business.faqs), list(business.pages)
    rng.shuffle(faqs)
    rng.shuffle(pages)
    fewer = faqs[len(faqs) // TAKEN_AWAY :], pages[len(pages) // TAKEN_AWAY :]
    yield make(f"{business.name}, few phrasings", *fewer, everything, vectors)
    yield _with_more_phrasings(business, *fewer, everything, vectors, rng)
    yield from _with_many_phrasings(business, everything, vectors, rng)
    yield from _in_a_large_library(business, everything, others, vectors, rng)
    bare = [faq for faq in bare if faq.id in {each.id for each in faqs[:SMALL]}]
    for some_faqs, some_pages in ((bare[:1], []), (bare, []), (faqs[:2], pages[:1]), ([], pages[:2])):
        own = {each.id for each in (*some_faqs, *some_pages)}
        questions = [(text, id) for text, id in everything if id in own]
        others = [(text, id) for text, id in everything if id not in own]
        questions += rng.sample(others, ASKED_IN_VAIN) + _nearest(others, some_faqs, some_pages, vectors)
        yield make(f"{business.name}, tiny", some_faqs, some_pages, questions, vectors)


def _in_a_large_library(
    business: Business, questions: list[tuple[str, str]], others: Sequence[Page], vectors: Vectors, rng: random.Random
) -> Iterator[Practice]:
    """With pages of other businesses beside its own: among many, the nearest few are nearer to each other."""
    pages = [*business.pages, *rng.sample(others, OTHER_PAGES)]
    name = f"{business.name}, {LARGE}"
    yield make(f"{name} alone", [], pages, questions, vectors)
    yield make(f"{name} and few phrasings", business.faqs, pages, questions, vectors)
    richer = _with_more_phrasings(business, list(business.faqs), pages, questions, vectors, rng)
    yield replace(richer, name=f"{name} and more phrasings")
    if any(business.more_phrasings.values()):
        faqs = [replace(faq, texts=(*faq.texts, *business.more_phrasings[faq.id])) for faq in business.faqs]
        yield make(f"{name} and many phrasings", faqs, pages, questions, vectors)


def _nearest(
    questions: list[tuple[str, str]], faqs: list[PreparedFaq], pages: list[Page], vectors: Vectors
) -> list[tuple[str, str]]:
    """Those that are easily taken for what the bot knows."""
    known = [f"{faq.texts[0]} {faq.answer}" for faq in faqs]
    known += [f"{page.title}\n{page.heading}\n{page.text}" for page in pages]
    near = (vectors.of([text for text, _ in questions]) @ vectors.of(known).T).max(axis=1)
    return [questions[place] for place in np.argsort(-near)[:ASKED_IN_VAIN]]


def _with_many_phrasings(
    business: Business, questions: list[tuple[str, str]], vectors: Vectors, rng: random.Random
) -> Iterator[Practice]:
    if not any(business.more_phrasings.values()):
        return
    name = f"{business.name}, many phrasings"
    faqs = [replace(faq, texts=(*faq.texts, *business.more_phrasings[faq.id])) for faq in business.faqs]
    pages = list(business.pages)
    yield make(name, faqs, pages, questions, vectors)
    yield make(f"{business.name}, many FAQs alone", faqs, [], questions, vectors)
    for _ in range(TAKEN_AWAY // 2):
        rng.shuffle(faqs)
        rng.shuffle(pages)
        yield make(name, faqs[len(faqs) // TAKEN_AWAY :], pages[len(pages) // TAKEN_AWAY :], questions, vectors)


def _with_more_phrasings(
    business: Business,
    faqs: list[PreparedFaq],
    pages: list[Page],
    questions: list[tuple[str, str]],
    vectors: Vectors,
    rng: random.Random,
) -> Practice:
    """Some of what customers asked has become phrasings, and is not asked again."""
    given = {id: set(rng.sample(texts, PHRASINGS_GIVEN)) for id, texts in business.asked.items()}
    richer = [PreparedFaq(faq.id, (*faq.texts, *sorted(given[faq.id])), faq.answer) for faq in faqs]
    kept = {faq.id for faq in faqs}
    left = [(text, id) for text, id in questions if id not in kept or text not in given[id]]
    return make(f"{business.name}, more phrasings", richer, pages, left, vectors)
