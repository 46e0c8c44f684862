"""Words as search sees them: lower-cased, stemmed, without stop words, and their BM25 weights.

BM25 after Robertson and Zaragoza (2009), with a fixed average length so that no stored weight is ever rewritten.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from threading import Lock

import snowballstemmer

from knowledge import stop_words

_NONE: frozenset[str] = frozenset()
K1, B, AVERAGE_LENGTH = 0.9, 0.75, 60
MAX_TERM = 60
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
LANGUAGES = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish", "fr": "french",
    "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian",
    "lt": "lithuanian", "ne": "nepali", "nl": "dutch", "no": "norwegian", "pl": "polish", "pt": "portuguese",
    "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish",
}  # fmt: skip
# "l'abonnement" is a word and its article.
ELIDING = {"fr", "it", "ca"}
_ELISION = re.compile(r"^(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu|dall|dell|nell|sull|all|un|quest|quell|com)'(?=\w\w)")
_stemming = Lock()  # a stemmer keeps the word that it works on in itself
STOP_WORDS = stop_words.STOP_WORDS["en"]


def terms(text: str, language: str = "en") -> list[str]:
    """The stems of the words that carry meaning, in order, with repetitions."""
    empty = STOP_WORDS if language == "en" else stop_words.STOP_WORDS.get(language, _NONE)
    return [_stem(word, language) for word in words(text) if word not in empty]


def asked_terms(text: str, languages: Sequence[str]) -> list[tuple[str, ...]]:
    """For each word of a question the stems that it has in these languages, without repetitions.

    A question is often too short to tell its language, so no language is ruled out; but the words that mean nothing
    are those of the language that it has most of.
    """
    found = words(text)
    counts = {
        language: sum(word in stop_words.STOP_WORDS.get(language, _NONE) for word in found) for language in languages
    }
    most = max(counts.values())
    empty = _NONE.union(
        *(stop_words.STOP_WORDS.get(language, _NONE) for language in languages if counts[language] == most)
    )
    stems = [
        tuple(dict.fromkeys(_stem(word, language) for language in languages)) for word in found if word not in empty
    ]
    return list(dict.fromkeys(stems))


def words(text: str) -> list[str]:
    """Lower-cased words, accents kept apart from compatibility forms only (NFKC)."""
    plain = unicodedata.normalize("NFKC", text).replace("’", "'").lower()
    return [match.group()[:MAX_TERM] for match in _WORD.finditer(plain)]


def weights(text: str, language: str = "en") -> dict[str, float]:
    """Each term's BM25 weight in a passage, without its idf."""
    return term_weights(terms(text, language))


def term_weights(found: Sequence[str]) -> dict[str, float]:
    """The BM25 weights of a passage's terms, given with their repetitions."""
    length = len(found)
    return {
        term: (K1 + 1) * count / (count + K1 * (1 - B + B * length / AVERAGE_LENGTH))
        for term, count in Counter(found).items()
    }


def idf(total: int, containing: int) -> float:
    """Inverse document frequency of a term that `containing` of `total` passages hold."""
    return math.log(1 + (total - containing + 0.5) / (containing + 0.5))


@lru_cache(maxsize=100_000)
def _stem(word: str, language: str) -> str:
    if language in ELIDING:
        word = _ELISION.sub("", word)
    with _stemming:
        return str(_stemmer(LANGUAGES.get(language, "english")).stemWord(word.removesuffix("'s")))


@lru_cache(maxsize=32)
def _stemmer(name: str) -> snowballstemmer.stemmer:  # type: ignore[name-defined]
    return snowballstemmer.stemmer(name)
