"""Words as search sees them: lower-cased, stemmed, without stop words, and their BM25 weights.

BM25 after Robertson and Zaragoza (2009), with a fixed average length so that no stored weight is ever rewritten.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import snowballstemmer

K1, B, AVERAGE_LENGTH = 0.9, 0.75, 60
MAX_TERM = 60
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_LANGUAGES = {
    "da": "danish", "de": "german", "en": "english", "es": "spanish", "fi": "finnish", "fr": "french",
    "it": "italian", "nl": "dutch", "no": "norwegian", "pt": "portuguese", "ru": "russian", "sv": "swedish",
}  # fmt: skip
STOP_WORDS = frozenset(
    [
        "a",
        "about",
        "above",
        "after",
        "again",
        "all",
        "also",
        "am",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "because",
        "been",
        "before",
        "being",
        "below",
        "between",
        "both",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "doing",
        "don",
        "down",
        "during",
        "each",
        "few",
        "for",
        "from",
        "further",
        "had",
        "has",
        "have",
        "having",
        "he",
        "her",
        "here",
        "hers",
        "him",
        "his",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "itself",
        "just",
        "let",
        "me",
        "might",
        "more",
        "most",
        "my",
        "myself",
        "no",
        "nor",
        "not",
        "now",
        "of",
        "off",
        "on",
        "once",
        "only",
        "or",
        "other",
        "our",
        "ours",
        "out",
        "over",
        "own",
        "please",
        "same",
        "she",
        "should",
        "so",
        "some",
        "such",
        "than",
        "that",
        "the",
        "their",
        "theirs",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "through",
        "to",
        "too",
        "under",
        "until",
        "up",
        "us",
        "very",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "while",
        "who",
        "whom",
        "why",
        "will",
        "with",
        "would",
        "you",
        "your",
        "yours",
        "yourself",
        "hi",
        "hello",
        "hey",
        "thanks",
        "thank",
        "ok",
        "okay",
        "tell",
        "know",
        "want",
        "need",
        "like",
        "get",
        "got",
        "im",
        "ive",
        "id",
        "whats",
        "hows",
        "cant",
        "dont",
        "doesnt",
        "isnt",
        "wont",
        "wanna",
        "gonna",
        "there's",
        "it's",
        "i'm",
        "i've",
        "i'd",
        "what's",
        "how's",
        "can't",
        "don't",
        "doesn't",
        "isn't",
        "won't",
        "didn't",
    ]
)


def terms(text: str, language: str = "en") -> list[str]:
    """The stems of the words that carry meaning, in order, with repetitions."""
    return [_stem(word, language) for word in words(text) if word not in STOP_WORDS]


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
    stemmer = _stemmer(_LANGUAGES.get(language[:2].lower(), "english"))
    return str(stemmer.stemWord(word.removesuffix("'s")))


@lru_cache(maxsize=16)
def _stemmer(name: str) -> snowballstemmer.stemmer:  # type: ignore[name-defined]
    return snowballstemmer.stemmer(name)
