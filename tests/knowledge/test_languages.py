"""Passages in several languages: told apart, stemmed by their own rules, and found by questions in them."""

from collections.abc import Callable

import pytest

from knowledge import languages, lexical, snapshot
from knowledge.documents import save_document
from knowledge.embedding import get_embedder
from knowledge.models import Chunk, Posting
from knowledge.search import Passage, search
from tenants.scope import within
from tests.conftest import Business

GERMAN = """# Lieferung und Rückgabe

## Lieferzeiten

Bestellungen werden innerhalb von drei Werktagen ausgeliefert. Auf die Inseln fahren die Lieferwagen nur mittwochs.

## Rücksendungen

Unbenutzte Artikel können Sie binnen vierzig Tagen zurückschicken. Die Gebühren übernimmt unser Geschäft.
"""
ENGLISH = """# Deliveries and returns

## Delivery times

Orders are delivered within three working days. Vans go to the islands on Wednesdays only.

## Returns

Unused articles may be sent back within forty days. Our shop bears the fees.
"""


def test_each_passage_is_told_by_itself_and_short_ones_by_their_document() -> None:
    assert languages.of_passages([GERMAN, ENGLISH, "A1: 3,50 €"]) == ["de", "en", "de"]
    french = "Les retours sont gratuits pendant quarante jours, et nous remboursons les frais de port."
    assert languages.of_passages([french, "SKU 1", "42"]) == ["fr", "fr", "fr"]
    assert languages.of_passages(["Saver 1; 3.1%", "iPhone 14"]) == ["en", "en"]
    assert languages.of_passages([]) == []


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("de", "Gebühren", "Gebühr"),
        ("fr", "l'abonnement", "abonnements"),
        ("es", "devoluciones", "devolución"),
        ("it", "dell'ordine", "ordini"),
        ("pl", "zwrotów", "zwroty"),
    ],
)
def test_words_meet_their_inflections(language: str, one: str, other: str) -> None:
    assert lexical.terms(one, language) == lexical.terms(other, language)
    assert lexical.terms(one) != lexical.terms(other)


def test_no_language_of_the_bot_is_ruled_out_for_a_question() -> None:
    assert lexical.asked_terms("Wie hoch sind die Gebühren?", ("en", "de")) == [("hoch",), ("gebühren", "gebuhr")]
    # "hat" is a word of German that means nothing, but this question is English.
    assert lexical.asked_terms("Which hat has the fees?", ("en", "de")) == [("hat",), ("fee", "fees")]


@pytest.fixture
def found(meridian: Business, settle: Callable[..., None]) -> Callable[[str], list[Passage]]:
    with within(meridian.scope):
        save_document(meridian.bot.id, filename="lieferung.md", data=GERMAN.encode())
        save_document(meridian.bot.id, filename="delivery.md", data=ENGLISH.encode())
    settle(meridian)

    def ask(question: str) -> list[Passage]:
        embedder = get_embedder()
        vector = embedder.embed_queries([question])[0]
        groups = [meridian.bot.id]
        with within(meridian.scope):
            spoken = snapshot.languages_of(groups)
            return search(question, vector, groups, embedder.space.key, 4, spoken)

    return ask


def test_a_question_in_each_language_matches_the_words_of_its_passages(
    meridian: Business, found: Callable[[str], list[Passage]]
) -> None:
    with within(meridian.scope):
        assert set(Chunk.objects.values_list("language", flat=True)) == {"de", "en"}
        assert not Posting.objects.filter(term__in=["die", "nur", "the", "und"]).exists()
    german, english = found("Wer zahlt die Gebühr?")[0], found("Who pays the fee?")[0]
    assert "Gebühren" in german.text
    assert "fees" in english.text
    assert german.lexical > 0.5
    assert english.lexical > 0.5
    assert found("Wann fährt ein Lieferwagen zur Insel?")[0].lexical > 0.5


def test_the_router_still_knows_the_words_as_it_stems_them(
    meridian: Business, found: Callable[[str], list[Passage]]
) -> None:
    with within(meridian.scope):
        known = snapshot.load(meridian.bot.id, get_embedder().space.key)
    assert known.languages == ("de", "en")
    assert set(lexical.terms("Gebühren Lieferwagen fees")) <= set(known.vocabulary)
    assert known.chunks == 4
