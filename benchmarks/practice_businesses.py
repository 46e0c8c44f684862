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
# Of many phrasings in a business' file, so many are what a bot with few of them has.
FEW = 6
PHRASINGS_GIVEN = 3
# What the harder and the fuller ones are for shows in their files' names.
TUNED_ON, FITTED, UNSEEN = "c-", "d-", "e-"
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
    actions: tuple[PreparedFaq, ...] = ()
    asked_of_actions: tuple[tuple[str, str], ...] = ()


def for_tuning() -> list[Path]:
    """The files that the embedding model is tuned on."""
    return [path for path in sorted(FOLDER.glob("*.json")) if path.stem not in KEPT_APART] + _of("fuller", TUNED_ON)


def for_fitting() -> list[Path]:
    """The files that the router's weights are fitted on: the embedding model knows those that it was tuned on too
    well."""
    return [FOLDER / f"{name}.json" for name in sorted(KEPT_APART)] + _of("harder", FITTED) + _of("fuller", FITTED)


def for_measuring() -> list[Path]:
    """The files that nothing was tuned or fitted on."""
    return _of("harder", UNSEEN) + _of("fuller", UNSEEN)


def _of(folder: str, part: str) -> list[Path]:
    return sorted((FOLDER / folder).glob(f"{part}*.json"))


def other_pages() -> list[Page]:
    """Pages to mix among a business' own, each with an id of its own."""
    businesses = [read(path) for path in for_tuning() if path.parent == FOLDER]
    return [replace(page, id=f"{business.name}, {page.id}") for business in businesses for page in business.pages]


def read(path: Path) -> Business:
    """One business as it is stored: see benchmarks/README.md for the fields."""
    stored = json.loads(path.read_text(encoding="utf-8"))
    sections = [(document, section) for document in stored["documents"] for section in document["sections"]]
    faqs, actions = _numbered("faq", stored["faqs"]), _numbered("action", stored.get("actions", ()))
    return Business(
        stored["name"],
        tuple(PreparedFaq(id, (faq["question"], *faq["phrasings"][:FEW]), faq["answer"]) for id, faq in faqs),
        {id: (*faq["phrasings"][FEW:], *faq.get("more_phrasings", ())) for id, faq in faqs},
        {id: tuple(faq["asked"]) for id, faq in faqs},
        tuple(
            Page(id, document["title"], section["heading"], section["text"])
            for id, (document, section) in _numbered("page", sections)
        ),
        tuple((asked["q"], id) for id, (_, section) in _numbered("page", sections) for asked in section["asked"]),
        tuple(stored["absent"]),
        tuple(PreparedFaq(id, (each["title"], *each["phrasings"]), each["description"]) for id, each in actions),
        tuple((text, id) for id, each in actions for text in each["asked"]),
    )


def _numbered(kind: str, stored: Sequence[Any]) -> list[tuple[str, Any]]:
    """(id, what is stored)"""
    return [(f"{kind} {number}", each) for number, each in enumerate(stored)]


def bots(business: Business, others: Sequence[Page], vectors: Vectors, rng: random.Random) -> Iterator[Practice]:
    """The whole business with one phrasing a FAQ, with few, with more and with many, with a part of its knowledge taken
    away, with FAQs or pages alone, tiny, and among pages of `others`."""
    maker = _Maker(business, vectors, rng)
    faqs, pages = list(business.faqs), list(business.pages)
    yield maker.make("one phrasing", [_bare(each) for each in faqs], pages, actions=[*map(_bare, business.actions)])
    yield maker.make("few phrasings", faqs, pages, actions=[*map(_with_few, business.actions)])
    yield maker.make("FAQs alone", faqs, [])
    yield maker.make("pages alone", [], pages)
    yield maker.with_more_phrasings("more phrasings", faqs, pages)
    rng.shuffle(faqs)
    rng.shuffle(pages)
    fewer = _without_some(faqs), _without_some(pages)
    yield maker.make("few phrasings", *fewer, actions=[*map(_with_few, business.actions)])
    yield maker.with_more_phrasings("more phrasings", *fewer)
    if maker.has_many:
        yield from maker.with_many_phrasings()
    yield from maker.in_a_large_library(others)
    yield from maker.tiny(faqs, pages)


class _Maker:
    """Makes bots of one business' knowledge, which are asked all that its customers ask."""

    def __init__(self, business: Business, vectors: Vectors, rng: random.Random) -> None:
        self._business, self._vectors, self._rng = business, vectors, rng
        self._questions = [(text, id) for id, texts in business.asked.items() for text in texts]
        self._questions += [*business.asked_of_pages, *business.asked_of_actions]
        self._questions += [(text, "") for text in business.absent]
        self.has_many = any(business.more_phrasings.values())

    def make(
        self,
        name: str,
        faqs: Sequence[PreparedFaq],
        pages: Sequence[Page],
        questions: Sequence[tuple[str, str]] | None = None,
        actions: Sequence[PreparedFaq] = (),
    ) -> Practice:
        asked = self._questions if questions is None else questions
        return make(f"{self._business.name}, {name}", faqs, pages, asked, self._vectors, actions)

    def with_more_phrasings(self, name: str, faqs: Sequence[PreparedFaq], pages: Sequence[Page]) -> Practice:
        """Some of what customers asked has become phrasings, and is not asked again."""
        given = {
            id: set(self._rng.sample(texts, min(PHRASINGS_GIVEN, len(texts) - 1)))
            for id, texts in self._business.asked.items()
        }
        richer = [replace(faq, texts=(*faq.texts, *sorted(given[faq.id]))) for faq in faqs]
        kept = {faq.id for faq in faqs}
        left = [(text, id) for text, id in self._questions if id not in kept or text not in given[id]]
        return self.make(name, richer, pages, left, self._business.actions)

    def with_many_phrasings(self) -> Iterator[Practice]:
        faqs, pages, actions = self._many(), list(self._business.pages), self._business.actions
        yield self.make("many phrasings", faqs, pages, actions=actions)
        yield self.make("many FAQs alone", faqs, [])
        for _ in range(TAKEN_AWAY // 2):
            self._rng.shuffle(faqs)
            self._rng.shuffle(pages)
            yield self.make("many phrasings", _without_some(faqs), _without_some(pages), actions=actions)

    def in_a_large_library(self, others: Sequence[Page]) -> Iterator[Practice]:
        """With pages of other businesses beside its own: among many, the nearest few are nearer to each other."""
        faqs, pages = self._business.faqs, [*self._business.pages, *self._rng.sample(others, OTHER_PAGES)]
        actions = self._business.actions
        yield self.make(f"{LARGE} alone", [], pages)
        yield self.make(f"{LARGE} and few phrasings", faqs, pages, actions=[*map(_with_few, actions)])
        yield self.with_more_phrasings(f"{LARGE} and more phrasings", faqs, pages)
        if self.has_many:
            yield self.make(f"{LARGE} and many phrasings", self._many(), pages, actions=actions)

    def tiny(self, faqs: Sequence[PreparedFaq], pages: Sequence[Page]) -> Iterator[Practice]:
        bare = [_bare(faq) for faq in faqs[:SMALL]]
        for some_faqs, some_pages in ((bare[:1], []), (bare, []), (faqs[:2], pages[:1]), ([], pages[:2])):
            own = {each.id for each in (*some_faqs, *some_pages)}
            questions = [(text, id) for text, id in self._questions if id in own]
            others = [(text, id) for text, id in self._questions if id not in own]
            questions += self._rng.sample(others, ASKED_IN_VAIN) + self._nearest(others, some_faqs, some_pages)
            yield self.make("tiny", some_faqs, some_pages, questions)

    def _many(self) -> list[PreparedFaq]:
        more = self._business.more_phrasings
        return [replace(faq, texts=(*faq.texts, *more[faq.id])) for faq in self._business.faqs]

    def _nearest(
        self, questions: list[tuple[str, str]], faqs: Sequence[PreparedFaq], pages: Sequence[Page]
    ) -> list[tuple[str, str]]:
        """Those that are easily taken for what the bot knows."""
        known = [f"{faq.texts[0]} {faq.answer}" for faq in faqs]
        known += [f"{page.title}\n{page.heading}\n{page.text}" for page in pages]
        near = (self._vectors.of([text for text, _ in questions]) @ self._vectors.of(known).T).max(axis=1)
        return [questions[place] for place in np.argsort(-near)[:ASKED_IN_VAIN]]


def _bare(prepared: PreparedFaq) -> PreparedFaq:
    return replace(prepared, texts=prepared.texts[:1])


def _with_few(prepared: PreparedFaq) -> PreparedFaq:
    return replace(prepared, texts=prepared.texts[: 1 + FEW])


def _without_some(things: Sequence[Any]) -> Sequence[Any]:
    return things[len(things) // TAKEN_AWAY :]
