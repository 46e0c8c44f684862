"""What the router learns from a bot's snapshot, once for each version of its knowledge."""

import math
from collections import Counter, OrderedDict
from dataclasses import dataclass
from threading import Lock
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from chat.router import answers, classifier, person
from chat.router.answers import Answers
from chat.router.classifier import Classifier
from chat.router.separator import Separator
from chat.router.spelling import Spellings
from chat.router.words import WordIndex
from knowledge import lexical
from knowledge.embedding import Embedder
from knowledge.snapshot import Snapshot, Texts

KEPT_BOTS = 200
COMPARED_AT_MOST = 1_000
# An entry that was given in so many phrasings knows its customers' words; more add little.
MANY_PHRASINGS = 20
# Where a bot is too small to say: the medians of bots whose phrasings people wrote.
USUAL_OWN, USUAL_OTHER, USUAL_WEIGHT = 0.66, 0.52, 10


@dataclass(frozen=True)
class Nearness:
    """How near a phrasing of this bot typically is to its nearest neighbour of its own FAQ, and of any other FAQ."""

    own: float
    other: float

    def place(self, cosine: float) -> float:
        """0 where unrelated questions of this bot typically lie, 1 where phrasings of one FAQ do."""
        return (cosine - self.other) / max(self.own - self.other, 0.05)


@dataclass(frozen=True)
class Learned:
    """Entries are the FAQs and, numbered after them, the actions: what a question may be matched with.

    `entry_terms` are the terms of each entry's texts and answer; `known` those of all entries and documents; `unheard`
    is how likely a further word of the same kind of text is none of them.
    """

    snapshot: Snapshot
    texts: Texts
    words: WordIndex
    classifier: Classifier | None
    nearness: Nearness
    answers: Answers
    person: Separator
    entry_terms: tuple[frozenset[str], ...]
    known: frozenset[str]
    unheard: float
    spellings: Spellings

    @property
    def entries(self) -> int:
        return len(self.entry_terms)

    @property
    def variety(self) -> float:
        """0 where each entry was given in one phrasing, or there are none; 1 where in MANY_PHRASINGS or more."""
        each = len(self.texts.owners) / max(self.entries, 1)
        return min(math.log(max(each, 1.0)) / math.log(MANY_PHRASINGS), 1.0)

    def rarity(self, term: str) -> float:
        """The term's idf over the prepared texts and the documents together."""
        chunks = self.snapshot.vocabulary.get(term, 0)
        return lexical.idf(self.words.size + self.snapshot.chunks, self.words.frequency[term] + chunks)


def learn(snapshot: Snapshot, embedder: Embedder) -> Learned:
    """The learned state of a snapshot, kept until its knowledge changes. Safe to call from many threads."""
    key = (snapshot.group_id, snapshot.space)
    with _lock:
        learned = _kept.get(key)
        if learned and learned.snapshot.version == snapshot.version:
            _kept.move_to_end(key)
            return learned
    learned = _learn(snapshot, embedder)
    with _lock:
        _kept[key] = learned
        while len(_kept) > KEPT_BOTS:
            _kept.popitem(last=False)
    return learned


_kept: OrderedDict[tuple[UUID, str], Learned] = OrderedDict()
_lock = Lock()


def _learn(snapshot: Snapshot, embedder: Embedder) -> Learned:
    texts = _entries(snapshot)
    entries = [f"{faq.question} {faq.answer} {faq.category}" for faq in snapshot.faqs]
    entries += [f"{action.title}. {action.description} {action.speaks_of}" for action in snapshot.actions]
    terms = [set(lexical.terms(entry)) for entry in entries]
    told = Counter(term for own in terms for term in own)
    for text, owner in zip(texts.texts, texts.owners.tolist(), strict=True):
        terms[owner].update(lexical.terms(text))
    known = frozenset(set().union(*terms, snapshot.vocabulary))
    words = WordIndex(texts.texts)
    return Learned(
        snapshot,
        texts,
        words,
        classifier.train(texts.vectors, texts.owners, len(entries)) if len(np.unique(texts.owners)) > 1 else None,
        nearness(texts),
        answers.read(snapshot, embedder),
        person.learn(texts.vectors, embedder),
        tuple(frozenset(found) for found in terms),
        known,
        _unheard(Counter(snapshot.vocabulary) + words.frequency + told),
        Spellings({word for text in (*entries, *texts.texts) for word in lexical.words(text)}, known),
    )


def _unheard(heard: Counter[str]) -> float:
    """From what was heard once: Good, "The population frequencies of species and the estimation of population
    parameters" (1953). A bot that has heard nothing yet would be surprised by no word."""
    once = sum(count == 1 for count in heard.values())
    return max(once, 1) / max(heard.total(), 1)


def _entries(snapshot: Snapshot) -> Texts:
    """The texts of the FAQs and, numbered after them, those of the actions."""
    faqs, actions = snapshot.faq_texts, snapshot.action_texts
    if not len(actions.owners):
        return faqs
    moved = Texts(actions.texts, actions.owners + len(snapshot.faqs), actions.vectors)
    if not len(faqs.owners):
        return moved
    return Texts(
        faqs.texts + moved.texts,
        np.concatenate([faqs.owners, moved.owners]),
        np.concatenate([faqs.vectors, moved.vectors]),
    )


def nearness(texts: Texts) -> Nearness:
    """Measured on the bot's own phrasings, each compared with all others."""
    if len(texts.owners) < 2:
        return Nearness(USUAL_OWN, USUAL_OTHER)
    step = -(-len(texts.owners) // COMPARED_AT_MOST)
    rows = np.arange(0, len(texts.owners), step)
    cosines = texts.vectors[rows] @ texts.vectors.T
    cosines[np.arange(len(rows)), rows] = -1
    same = texts.owners[rows, np.newaxis] == texts.owners
    return Nearness(
        _median(np.where(same, cosines, -1).max(axis=1), USUAL_OWN),
        _median(np.where(same, -1, cosines).max(axis=1), USUAL_OTHER),
    )


def _median(cosines: NDArray[np.float32], usual: float) -> float:
    found = cosines[cosines > -1]
    if not len(found):
        return usual
    return (float(np.median(found)) * len(found) + usual * USUAL_WEIGHT) / (len(found) + USUAL_WEIGHT)
