"""What an adapter is to learn, made from what a bot knows: FAQs in many phrasings, several at once, given sources, and
questions that have no answer."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from random import Random
from typing import Any

from chat.grounding.support import Source
from chat.models import TuningRow
from chat.tuning import absent
from chat.tuning.rephrasing import lower_first, rephrased
from knowledge import lexical
from knowledge.sentences import sentences

Kind, Label, Split = TuningRow.Kind, TuningRow.Label, TuningRow.Split
# One phrasing in so many is held out, where an FAQ has at least this many.
ONE_IN, FEWEST = 8, 3
REPHRASINGS = 2
SOURCES_SHOWN = 3
MOST_PASSAGES = 200
LONGEST_COMBINED = 900


@dataclass(frozen=True)
class KnownFaq:
    """`name` is how a row says what it was made from."""

    name: str
    question: str
    answer: str
    category: str
    phrasings: tuple[str, ...]


@dataclass(frozen=True)
class Knowledge:
    """What a bot knows, as far as an adapter learns from it. `passages` are (title, text); `objections` (what is said,
    the reply); `rivals` are names."""

    company: str
    faqs: tuple[KnownFaq, ...]
    passages: tuple[tuple[str, str], ...] = ()
    objections: tuple[tuple[str, str], ...] = ()
    rivals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Draft:
    """A row to be. `context` may hold "sources" [{"title", "text"}] and "exchanges" [[question, answer]]."""

    kind: str
    prompt: str
    completion: str = ""
    label: str = Label.ANSWERABLE
    split: str = Split.TRAIN
    source: str = ""
    excluded: bool = False
    context: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def digest(self) -> str:
        """The same for the same question in the same context, whatever its answer is now."""
        return sha256(
            repr((self.kind, self.prompt, sorted(self.context.items()))).encode("utf-8", "replace")
        ).hexdigest()


def made_from(known: Knowledge, seed: int) -> list[Draft]:
    """All drafts, none twice; where a question would be both, it is answerable, and held out rather than trained."""
    drafts = [
        *_of_faqs(known, seed),
        *_combined(known, Random(seed)),
        *_with_sources(known, Random(seed + 1)),
        *(Draft(Kind.PLAYBOOK, said, reply, source="playbook") for said, reply in known.objections),
        *_absent(known, seed),
    ]
    return _distinct(drafts)


def _of_faqs(known: Knowledge, seed: int) -> Iterator[Draft]:
    for faq in known.faqs:
        enough = len(faq.phrasings) >= FEWEST
        held_out = _held_out(faq.phrasings) if enough else frozenset()
        for text in (faq.question, *faq.phrasings):
            split = Split.HELD_OUT if text in held_out else Split.TRAIN
            yield Draft(Kind.FAQ, text, faq.answer, split=split, source=faq.name)
            if split == Split.HELD_OUT:
                # What is made from a question that is held out would give it away.
                continue
            for other in rephrased(text, REPHRASINGS, seed):
                split_of_other = Split.TRAIN if enough else _split(other)
                yield Draft(Kind.REPHRASED, other, faq.answer, split=split_of_other, source=faq.name)


def _combined(known: Knowledge, chance: Random) -> Iterator[Draft]:
    """Two questions at once, mostly of one category, answered by both answers."""
    by_category: dict[str, list[KnownFaq]] = {}
    for faq in known.faqs:
        by_category.setdefault(faq.category, []).append(faq)
    for faqs in by_category.values():
        shuffled = chance.sample(faqs, len(faqs))
        for first, second in pairwise(shuffled):
            answer = f"{first.answer} {second.answer}"
            if len(answer) <= LONGEST_COMBINED:
                question = f"{first.question.rstrip('?.! ')}, and {lower_first(second.question)}"
                yield Draft(Kind.COMBINED, question, answer, source=f"{first.name} + {second.name}")


def _with_sources(known: Knowledge, chance: Random) -> Iterator[Draft]:
    """Questions with sources in the prompt: the answer from the right one alone; none where it is not among them."""
    exchanges = [(faq.question, faq.answer) for faq in known.faqs]
    shown = [*exchanges, *known.passages]
    for faq in known.faqs:
        held_out = _held_out(faq.phrasings) if len(faq.phrasings) >= FEWEST else frozenset()
        text = chance.choice([faq.question, *(each for each in faq.phrasings if each not in held_out)])
        others = [each for each in _some(shown, chance) if each[1] != faq.answer]
        yield _from_sources(text, (faq.question, faq.answer), others, faq.answer, faq.name, chance)
        if others and chance.random() < 1 / 3:
            context = {"sources": [{"title": title, "text": part} for title, part in others]}
            split = _split(f"without {text}")
            yield Draft(Kind.PASSAGE, text, label=Label.UNANSWERABLE, split=split, source=faq.name, context=context)
    for title, text in _some(known.passages, chance, MOST_PASSAGES):
        said = " ".join(sentences(text)[:2])
        subject = title.rpartition(" › ")[2]
        others = [each for each in _some(shown, chance) if each[1] != text]
        yield _from_sources(f"What do you say about {subject}?", (title, text), others, said, title, chance)


def _from_sources(
    question: str,
    right: tuple[str, str],
    others: Sequence[tuple[str, str]],
    answer: str,
    name: str,
    chance: Random,
) -> Draft:
    shown = chance.sample([right, *others], len(others) + 1)
    number = 1 + shown.index(right)
    marked = " ".join(f"{sentence.rstrip()} [{number}]" for sentence in sentences(answer))
    context = {"sources": [{"title": title, "text": text} for title, text in shown]}
    return Draft(Kind.PASSAGE, question, marked, split=_split(f"with {question}"), source=name, context=context)


def _absent(known: Knowledge, seed: int) -> Iterator[Draft]:
    texts = [text for faq in known.faqs for text in (faq.question, faq.answer, *faq.phrasings)]
    texts += [f"{title} {text}" for title, text in known.passages]
    vocabulary = frozenset(term for text in texts for term in lexical.terms(text))
    for question in absent.questions(vocabulary, seed):
        yield Draft(Kind.ABSENT, question, label=Label.UNANSWERABLE, split=_split(question))
    for question in absent.comparisons(known.company, known.rivals):
        yield Draft(Kind.COMPETITOR, question, label=Label.UNANSWERABLE, split=_split(question))


def _distinct(drafts: Sequence[Draft]) -> list[Draft]:
    held_out = {_folded(each.prompt) for each in drafts if each.split == Split.HELD_OUT and not each.context}
    found: dict[str, Draft] = {}
    taken: set[str] = set()
    for draft in drafts:
        key = _folded(draft.prompt) + repr(draft.context)
        kept_back = draft.split == Split.TRAIN and _folded(draft.prompt) in held_out
        if key not in taken and not kept_back:
            taken.add(key)
            found.setdefault(draft.digest, draft)
    return list(found.values())


def _held_out(phrasings: Sequence[str]) -> frozenset[str]:
    """About one in so many of an FAQ's phrasings, and at least one."""
    by_lot = [text for text in phrasings if _split(text) == Split.HELD_OUT]
    return frozenset(by_lot or [min(phrasings, key=_lot)])


def _split(text: str) -> str:
    """Always the same for the same text, so that what was held out is so in the next run too."""
    return Split.HELD_OUT if _lot(text)[0] % ONE_IN == 0 else Split.TRAIN


def _lot(text: str) -> bytes:
    return sha256(text.encode("utf-8", "replace")).digest()


def _some(shown: Sequence[tuple[str, str]], chance: Random, most: int = SOURCES_SHOWN - 1) -> list[tuple[str, str]]:
    return chance.sample(list(shown), min(most, len(shown)))


def _folded(text: str) -> str:
    return re.sub(r"\W+", " ", text.casefold()).strip()


def as_sources(context: dict[str, Any]) -> list[Source]:
    """The sources of a row as prompts number them."""
    return [Source(number, each["text"], each["title"]) for number, each in enumerate(context.get("sources", ()), 1)]
