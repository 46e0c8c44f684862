"""Which language each passage of a document is written in, among those whose words can be stemmed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from threading import Lock

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from knowledge import lexical

DEFAULT = "en"
SURE, LIKELY = 0.9, 0.5
LEAST_LETTERS = 20
SAMPLE = 20_000
_loading = Lock()


def of_passages(texts: Sequence[str]) -> list[str]:
    """A language code for each; a passage too short to tell has the language of them all."""
    common = _detected("\n".join(texts)[:SAMPLE], LIKELY) or DEFAULT
    return [_detected(text, SURE) or common for text in texts] if len(texts) > 1 else [common] * len(texts)


def _detected(text: str, least: float) -> str | None:
    if sum(letter.isalpha() for letter in text) < LEAST_LETTERS:
        return None
    language, probability = _identifier().classify(text)
    return str(language) if probability >= least else None


def _identifier() -> LanguageIdentifier:
    with _loading:
        return _load()


@cache
def _load() -> LanguageIdentifier:
    """Half a second and 80 MB, spent by workers only, at the first document."""
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(sorted(lexical.LANGUAGES))
    return identifier
