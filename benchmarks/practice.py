"""What practice bots have in common: a bot's knowledge in memory, and questions to it of which the answer is known."""

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chat.router.candidates import Candidate
from knowledge import lexical
from knowledge.embedding import NO_TOKENS, Embedder, Encoded, TokenVectors
from knowledge.embedding.late_interaction import pack
from knowledge.search import COMPARED_FURTHER, LEXICAL_SHARE, Passage, compared
from knowledge.snapshot import ActionEntry, FaqEntry, Snapshot, Texts, reading

FOUND = 8
NO_TEXTS = Texts((), np.zeros(0, np.int64), np.zeros((0, 0), np.float32))


@dataclass(frozen=True)
class PreparedFaq:
    """`texts` are its question and other phrasings; `id` says which questions it answers. An action is prepared alike:
    its title and examples, and its description for an answer."""

    id: str
    texts: tuple[str, ...]
    answer: str = ""


@dataclass(frozen=True)
class Page:
    """A passage of a document; `id` says which questions it answers."""

    id: str
    title: str
    heading: str
    text: str


@dataclass(frozen=True)
class Asked:
    """A question with the passages found for it; `answer` is the id of what answers it, '' where nothing does."""

    text: str
    vector: NDArray[np.float32]
    passages: tuple[Passage, ...]
    answer: str


@dataclass(frozen=True)
class Practice:
    """A bot, and questions to it. A FAQ's id is its entry's external id, an action's its name, a page's that of its
    passage."""

    name: str
    snapshot: Snapshot
    questions: tuple[Asked, ...]

    def id_of(self, candidate: Candidate) -> str:
        """Whether a candidate answers a question is told by this."""
        if candidate.match is None:
            return candidate.passage.external_id if candidate.passage else ""
        number = candidate.match.entry - len(self.snapshot.faqs)
        return self.snapshot.actions[number].name if number >= 0 else self.snapshot.faqs[number].external_id


class Vectors:
    """Embeds each text once."""

    def __init__(self, embedder: Embedder, *, with_tokens: bool = True) -> None:
        self._embedder, self._with_tokens = embedder, with_tokens
        self._known: dict[str, Encoded] = {}

    def of(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, dimension)"""
        return np.array([each.vector for each in self._encoded(texts)], np.float32).reshape(
            len(texts), self._embedder.space.dimension
        )

    def tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        return [each.tokens if self._with_tokens else NO_TOKENS for each in self._encoded(texts)]

    def _encoded(self, texts: Sequence[str]) -> list[Encoded]:
        missing = [text for text in dict.fromkeys(texts) if text not in self._known]
        if missing:
            self._known.update(zip(missing, self._embedder.encode_passages(missing), strict=True))
        return [self._known[text] for text in texts]


def make(
    name: str,
    faqs: Sequence[PreparedFaq],
    pages: Sequence[Page],
    questions: Sequence[tuple[str, str]],
    vectors: Vectors,
    actions: Sequence[PreparedFaq] = (),
) -> Practice:
    """`questions` are (text, id of what answers it); an id that the bot does not have counts as ''."""
    library = _Library(pages, vectors)
    known = {each.id for each in (*faqs, *actions, *pages)}
    asked_for = [text for text, _ in questions]
    asked = tuple(
        Asked(text, vector, library.search(text, vector, tokens), answer if answer in known else "")
        for (text, answer), vector, tokens in zip(
            questions, vectors.of(asked_for), vectors.tokens(asked_for), strict=True
        )
    )
    return Practice(name, _snapshot(name, faqs, actions, library, vectors), asked)


class _Library:
    """Searches pages as knowledge/search does, without a database."""

    def __init__(self, pages: Sequence[Page], vectors: Vectors) -> None:
        self._pages = pages
        embedded = [f"{page.title}\n{page.heading}\n{page.text}" for page in pages]
        self._vectors = vectors.of(embedded)
        self._tokens = [pack(tokens) for tokens in vectors.tokens(embedded)]
        self._weights = [lexical.weights(f"{page.heading} {page.text}") for page in pages]
        self.frequency = Counter(term for weights in self._weights for term in weights)
        self.size = len(pages)

    def search(self, question: str, vector: NDArray[np.float32], tokens: TokenVectors) -> tuple[Passage, ...]:
        rarity = {term: lexical.idf(self.size, self.frequency[term]) for term in set(lexical.terms(question))}
        mass = max(sum(rarity.values()), 1e-6) ** 0.5
        found = []
        for page, weights, own, told in zip(self._pages, self._weights, self._vectors, self._tokens, strict=True):
            cosine = float(own @ vector)
            worded = sum(weights.get(term, 0.0) * idf for term, idf in rarity.items()) / mass
            found.append(_passage(page, cosine + LEXICAL_SHARE * worded, cosine, worded, told))
        best = sorted(found, key=lambda passage: -passage.score)[: FOUND + COMPARED_FURTHER]
        return tuple(compared(best, tokens)[:FOUND])


def _passage(page: Page, score: float, cosine: float, worded: float, tokens: bytes) -> Passage:
    place = uuid.uuid5(uuid.NAMESPACE_OID, page.id)
    heading = (page.heading,) if page.heading else ()
    return Passage(
        place, place, place, page.id, page.title, "", None, 1, None, heading, "text", page.text, score, cosine, worded,
        tokens=tokens,
    )  # fmt: skip


def _snapshot(
    name: str, faqs: Sequence[PreparedFaq], actions: Sequence[PreparedFaq], library: _Library, vectors: Vectors
) -> Snapshot:
    group = uuid.uuid4()
    told = [reading(each.texts[0], each.answer) for each in (*faqs, *actions) if each.answer]
    texts = [*told, *(text for each in (*faqs, *actions) for text in each.texts)]
    return Snapshot(
        group,
        "",
        name,
        "",
        1,
        "",
        tuple(FaqEntry(uuid.uuid4(), group, faq.id, faq.texts[0], faq.answer, "", 1) for faq in faqs),
        _texts(faqs, vectors),
        tuple(ActionEntry(uuid.uuid4(), group, each.id, each.texts[0], each.answer, False) for each in actions),
        _texts(actions, vectors),
        dict(library.frequency),
        library.size,
        dict(zip(told, vectors.of(told), strict=True)),
        tokens={text: pack(tokens) for text, tokens in zip(texts, vectors.tokens(texts), strict=True)},
    )


def _texts(prepared: Sequence[PreparedFaq], vectors: Vectors) -> Texts:
    texts = [text for each in prepared for text in each.texts]
    owners = [number for number, each in enumerate(prepared) for _ in each.texts]
    return Texts(tuple(texts), np.array(owners, np.int64), vectors.of(texts)) if texts else NO_TEXTS
