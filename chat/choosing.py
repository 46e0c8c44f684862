"""Which of several options a text names: by label, value, position, a word of its own, or with a small typo."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise

from chat import attributes
from knowledge import lexical
from knowledge.values import Option

SIZES = {
    "XS": ("extra small", "x small"), "S": ("small",), "M": ("medium",), "L": ("large",),
    "XL": ("extra large", "x large"), "XXL": ("extra extra large", "double extra large", "2xl", "xx large"),
}  # fmt: skip
ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]
NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
NEGATIONS = frozenset(["not", "except", "without", "isn't", "but"])
ALL_WORDS = frozenset(["all", "every", "everything", "each"])
MIN_TYPO = {True: 4, False: 6}
# "Physio" is enough for physiotherapy.
SHORTENED = 5

_WORD = re.compile(r"\d+(?:[:.,]\d+)+(?![^\W_])|[^\W_]+(?:['’][^\W_]+)*")
_POSITION = re.compile(
    rf"(?:no\.?|the|option|number|choice|answer|#|i'?ll take|take|i'?d like|please|\s)*"
    rf"(?:(?P<ordinal>{'|'.join(ORDINALS)}|last)|(?P<digits>\d{{1,2}})(?:st|nd|rd|th)?|(?P<word>{'|'.join(NUMBERS)}))"
    rf"(?P<one>\s+(?:one|option|choice))?(?:\s|please|thanks|[.!])*",
    re.IGNORECASE,
)
_ORDINAL = re.compile(
    rf"\bthe\s+(?P<ordinal>{'|'.join(ORDINALS)}|last)(?:\s+[\w-]+)?\W*(?:please|thanks|thank you|then)?\W*$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Token:
    text: str
    stem: str
    start: int
    end: int


@dataclass(frozen=True)
class Pick:
    """What was named: a value, or several candidates where the text fits more than one; and where it stands."""

    value: str | None = None
    candidates: tuple[Option, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()


def pick(options: Sequence[Option], text: str, topic: Collection[str], offered: Sequence[Option], today: date) -> Pick:
    """Read the reply to a question. Positions count in what was offered; `topic` holds stems that name no option."""
    shown = offered or options
    return (
        _by_position(shown, text)
        or _by_phrase(options, text, None)
        or _by_attribute(options, text, today)
        or _by_ordinal(shown, text)
        or _by_extreme(shown, text)
        or _by_words(options, text, topic, True)
        or _by_indifference(shown, text)
        or Pick()
    )


def spot(options: Sequence[Option], text: str, topic: Collection[str], has_numbers: bool) -> Pick:
    """Find an option in a sentence that was no reply to it: stricter. `has_numbers`: digits may mean something else."""
    return _by_phrase(options, text, (topic, has_numbers)) or _by_words(options, text, topic, False) or Pick()


def spot_told(options: Sequence[Option], text: str, today: date, *, by_day: bool) -> Pick:
    """An option that a time or date in a sentence tells apart from all others."""
    fitting, spans = attributes.matching(options, text, today, by_day=by_day)
    if len(fitting) == 1 and len(options) > 1:
        return Pick(fitting[0].value, (), tuple(spans))
    best = attributes.extreme(options, text, plainly=True)
    return Pick(best[0].value, (), (best[1],)) if best else Pick()


def is_other(text: str) -> bool:
    """Whether the text wants another one than was chosen, without saying which."""
    return attributes.OTHER.search(text) is not None or attributes.DIFFERENT.search(text) is not None


def is_unwanted(text: str) -> bool:
    """Whether the text says that something is wrong or shall be changed."""
    return attributes.UNWANTED.search(text) is not None


def is_listing(text: str) -> bool:
    """Whether the text asks what there is to choose from."""
    return attributes.LISTING.search(text) is not None


def other_than(value: object, options: Sequence[Option], text: str) -> Pick:
    """What "the other one" is: the only one left, or those left to choose from."""
    found = attributes.OTHER.search(text)
    if not found:
        return Pick()
    return _picked([option for option in options if option.value != str(value)], (found.span(),)) or Pick()


def tokens(text: str) -> list[Token]:
    """The words of a text with their stems; a stop word's stem is empty."""
    found = []
    for match in _WORD.finditer(text):
        word = match.group().lower().replace("’", "'")
        found.append(Token(word, _stem(word), *match.span()))
    return found


def _by_position(offered: Sequence[Option], text: str) -> Pick | None:
    match = _POSITION.fullmatch(text.strip())
    if not match or (match["digits"] and not match["one"] and _is_day(offered, text)):
        return None
    named = {token.stem for option in offered for form in _forms(option) for token in form}
    said = match["ordinal"] or match["digits"] or match["word"]
    numbered = any(option.label.isdigit() for option in offered) and not match["ordinal"]
    if not match["one"] and (numbered or _stem(said.lower()) in named or match["word"] == "one"):
        return None
    if match["ordinal"]:
        last = said.lower() == "last"
        number = len(offered) if last else ORDINALS.index(said.lower()) + 1
    else:
        number = int(said) if match["digits"] else NUMBERS.index(said.lower()) + 1
    if not 1 <= number <= len(offered):
        return None
    return Pick(offered[number - 1].value, (), ((0, len(text)),))


def _is_day(offered: Sequence[Option], text: str) -> bool:
    """Whether "the 12th" is a day that an option is told by, and no position."""
    said = re.search(r"(\d{1,2})(?:st|nd|rd|th)", text)
    return said is not None and any(
        day.day == int(said[1]) for option in offered for day in attributes.told(option).days
    )


def _by_ordinal(offered: Sequence[Option], text: str) -> Pick | None:
    """A position within a longer reply: "the second order please"."""
    match = _ORDINAL.search(text.strip())
    if not match:
        return None
    said = match["ordinal"].lower()
    if any(token.text == said for option in offered for form in _forms(option) for token in form):
        return None
    number = len(offered) if said == "last" else ORDINALS.index(said) + 1
    return Pick(offered[number - 1].value, (), (match.span("ordinal"),)) if 1 <= number <= len(offered) else None


def _by_indifference(offered: Sequence[Option], text: str) -> Pick | None:
    """The first that was offered, where the customer leaves it to the business."""
    return Pick(offered[0].value, (), ((0, len(text)),)) if offered and attributes.ANY.fullmatch(text) else None


def _by_attribute(options: Sequence[Option], text: str, today: date) -> Pick | None:
    """By what a label tells of an option; where other words narrow it down further, they do."""
    fitting, spans = attributes.matching(options, text, today)
    if len(fitting) > 1:
        more = _by_words(fitting, _masked(text, spans), frozenset(), True) or _by_extreme(fitting, text)
        if more and more.value is not None:
            return Pick(more.value, (), (*spans, *more.spans))
    return _picked(fitting, tuple(spans))


def _by_extreme(options: Sequence[Option], text: str) -> Pick | None:
    found = attributes.extreme(options, text)
    return Pick(found[0].value, (), (found[1],)) if found else None


def _masked(text: str, spans: Collection[tuple[int, int]]) -> str:
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text


def _by_phrase(options: Sequence[Option], text: str, strict: tuple[Collection[str], bool] | None) -> Pick | None:
    """An option whose whole label, value or synonym stands in the text; the longest wins over what it contains."""
    words = tokens(text)
    hits: list[tuple[int, int, Option]] = []
    for option in options:
        for form in _forms(option):
            hits += [(at, at + len(form), option) for at in _occurrences(form, words, text)]
    hits = [hit for hit in hits if not _negated(words, hit[0]) and not (strict and _is_weak(text, words, hit, *strict))]
    longest = [hit for hit in hits if not any(_contains(other, hit) for other in hits)]
    return _picked([hit[2] for hit in longest], _spans(words, [index for a, b, _ in longest for index in range(a, b)]))


def _is_weak(
    text: str, words: list[Token], hit: tuple[int, int, Option], topic: Collection[str], has_numbers: bool
) -> bool:
    """A single letter or a number in a sentence names an option only where the sentence says so ("size S", "in 43")."""
    first = words[hit[0]]
    if hit[1] - hit[0] == 1 and first.stem and first.stem in topic:
        return True
    if hit[1] - hit[0] > 1 or not (len(first.text) == 1 or first.text.isdigit()):
        return False
    before = words[hit[0] - 1] if hit[0] else None
    if before and (before.text in ("in", "a", "an") or _plain_stem(before.text) in topic):
        return re.match(r"\s?(?:%|€|£|\$|euro|pound|dollar|eur\b|gbp\b)", text[first.end :], re.IGNORECASE) is not None
    if first.text.isdigit():
        return has_numbers
    return not (text[first.start].isupper() and not text.isupper() and first.text not in ("i", "a"))


def _by_words(options: Sequence[Option], text: str, topic: Collection[str], reply: bool) -> Pick | None:
    """The option that shares the most words with the text; several that share as many are candidates."""
    words = tokens(text)
    vocabulary = {option: _vocabulary(option) - set(topic) for option in options}
    known = frozenset().union(*vocabulary.values())
    meant: dict[int, str] = {}
    for index, word in enumerate(words):
        if _negated(words, index) or not (stem := word.stem):
            continue
        found = stem if stem in known else _closest(stem, known, reply, len(word.text))
        if found:
            meant[index] = found
    if not reply and any(word.text in ALL_WORDS for word in words):
        everything = [option for option in options if option.value.lower() == "all"]
        return _picked(everything, ()) if everything and not meant else _most(vocabulary, words, meant, reply)
    if reply and not meant and any(word.text in ALL_WORDS for word in words):
        return _picked([option for option in options if option.value.lower() == "all"], ((0, len(text)),))
    return _most(vocabulary, words, meant, reply)


# "Can I change my booking" names no option, though one may be told by its changes.
REQUESTS = frozenset(
    lexical.terms("change move cancel switch make book order buy get send check find show look give take tell")
)


def _most(
    vocabulary: dict[Option, frozenset[str]], words: list[Token], meant: dict[int, str], reply: bool
) -> Pick | None:
    scores = {option: len(stems & set(meant.values())) for option, stems in vocabulary.items()}
    best = max(scores.values(), default=0)
    top = [option for option, score in scores.items() if score == best]
    if not best or (len(top) == len(scores) and len(top) > 1):
        return None
    if not reply and len(top) == 1 and best == 1:
        stem = next(stem for stem in meant.values() if stem in vocabulary[top[0]])
        if stem in REQUESTS or not _is_telling(top[0], stem):
            return None
    shared = [index for index, stem in meant.items() if any(stem in vocabulary[option] for option in top)]
    return _picked(top, _spans(words, shared))


def _is_telling(option: Option, stem: str) -> bool:
    """Whether one word of a label is enough in a sentence: the first or last of a part ("Hats, gloves and socks")."""
    for text in re.split(r",|&|/|\band\b", " , ".join((option.label, *option.synonyms))):
        stems = [token.stem for token in tokens(text) if token.stem]
        if stems and stem in (stems[0], stems[-1]) and not stem.isdigit():
            return True
    return False


def _picked(options: list[Option], spans: tuple[tuple[int, int], ...]) -> Pick | None:
    distinct = tuple(dict.fromkeys(options))
    if not distinct:
        return None
    return Pick(distinct[0].value, (), spans) if len(distinct) == 1 else Pick(None, distinct, spans)


@lru_cache(maxsize=4_000)
def _forms(option: Option) -> tuple[tuple[Token, ...], ...]:
    """The texts that name an option, as tokens."""
    texts = [option.label, option.value, *option.synonyms, *SIZES.get(option.value.upper(), ())]
    return tuple(tuple(tokens(text)) for text in dict.fromkeys(texts) if tokens(text))


def _vocabulary(option: Option) -> frozenset[str]:
    return frozenset(token.stem for form in _forms(option) for token in form if token.stem)


def _occurrences(form: Sequence[Token], words: list[Token], text: str) -> Iterator[int]:
    """Where the words of a form follow each other with nothing but spaces and hyphens between them."""
    wanted = [token.stem or token.text for token in form]
    said = [token.stem or token.text for token in words]
    for at in range(len(said) - len(wanted) + 1):
        inside = words[at : at + len(wanted)]
        gaps = (text[left.end : right.start] for left, right in pairwise(inside))
        if said[at : at + len(wanted)] == wanted and all(not gap.strip(" -–") for gap in gaps):
            yield at


def _contains(outer: tuple[int, int, Option], inner: tuple[int, int, Option]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1] and outer[1] - outer[0] > inner[1] - inner[0]


def _negated(words: list[Token], at: int) -> bool:
    return any(word.text in NEGATIONS for word in words[max(0, at - 2) : at])


def _spans(words: list[Token], indices: Collection[int]) -> tuple[tuple[int, int], ...]:
    return tuple((words[index].start, words[index].end) for index in sorted(set(indices)))


def _closest(stem: str, known: frozenset[str], reply: bool, length: int) -> str | None:
    """The one known stem within a small typo, or of which it is the beginning; digits have no typos."""
    if length < MIN_TYPO[reply] or stem.isdigit() or not stem.isalpha():
        return None
    allowed = 2 if length >= 8 else 1
    words = [other for other in known if len(other) > 3 and other.isalpha()]
    near = [other for other in words if _distance(stem, other, allowed)]
    begun = [other for other in words if len(stem) >= SHORTENED and other.startswith(stem)]
    found = near or begun
    return found[0] if len(found) == 1 else None


def _distance(left: str, right: str, allowed: int) -> bool:
    """Whether at most so many letters were typed wrong, left out, added or swapped."""
    if abs(len(left) - len(right)) > allowed:
        return False
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        new = [i]
        for j, b in enumerate(right, 1):
            cost = min(row[j] + 1, new[j - 1] + 1, row[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            new.append(cost)
        before, row = row, new
    return row[-1] <= allowed


@lru_cache(maxsize=20_000)
def _stem(word: str) -> str:
    if word == "one":
        return ""
    if word in NUMBERS:
        return str(NUMBERS.index(word) + 1)
    return next(iter(lexical.terms(word.removesuffix("'s"))), "")


def _plain_stem(word: str) -> str:
    return _stem(word) or word
