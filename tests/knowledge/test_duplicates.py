"""The same text twice: shown to admins, and told to customers once."""

from collections.abc import Callable

import pytest

from knowledge.documents import delete_document, save_document
from knowledge.duplicates import Overlap, overlaps
from knowledge.embedding import get_embedder
from knowledge.likeness import bands, distinct, likeness
from knowledge.models import Document
from knowledge.search import Passage, search
from tenants.scope import within
from tests.conftest import Business
from tests.platform.admin_pages import client_of, page

RULES = [
    "A lantern may be returned within {} days as long as the glass is whole and the wick was never lit",
    "Ropes are cut to length on the pier, so a rope can be returned only if it is shorter than was ordered",
    "Whoever hires a canoe pays a deposit of eighty euros at the boathouse and gets it back in the evening",
    "Parcels to the islands leave with the mail boat on Tuesdays and Fridays, weather and tide permitting",
    "The sail loft mends jibs and spinnakers between November and March and asks for a name on every bag",
]
PAGE = "\n\n".join(f"# Topic {number}\n\n{rule}. Ask at counter {number}." for number, rule in enumerate(RULES))


def save(business: Business, name: str, text: str) -> Document:
    return save_document(business.bot.id, filename=f"{name}.md", data=text.encode(), title=name)


def found(business: Business, question: str, k: int) -> list[Passage]:
    embedder = get_embedder()
    vector = embedder.embed_queries([question])[0]
    with within(business.scope):
        return search(question, vector, [business.bot.id], embedder.space.key, k)


def test_copies_are_named_with_how_much_they_share(harbor: Business, settle: Callable[..., None]) -> None:
    with within(harbor.scope):
        first = save(harbor, "Rules", PAGE.format(30))
        save(harbor, "Rules as sent to Cork", PAGE.format(30).replace(". Ask", " .\n\nAsk"))
        save(harbor, "Half of the rules", PAGE.format(45)[: len(PAGE) // 2])
        save(harbor, "Something else", "# Hours\n\nThe museum of lighthouses opens at ten on every day but Monday.")
    settle(harbor)
    with within(harbor.scope):
        first.refresh_from_db()
        shown = [(each.title, each.passages, each.of) for each in overlaps(first)]
        assert shown[0] == ("Rules as sent to Cork", 5, 5)
        assert shown[1][0] == "Half of the rules"
        assert 2 <= shown[1][1] <= 3
        assert len(shown) == 2
        delete_document(Document.objects.get(title="Rules as sent to Cork"))
        assert [each.title for each in overlaps(first)] == ["Half of the rules"]


def test_a_repeated_text_is_found_once_and_makes_room_for_others(harbor: Business, settle: Callable[..., None]) -> None:
    with within(harbor.scope):
        for name in ("Rules", "Copy", "Copy of the copy"):
            save(harbor, name, PAGE.format(30))
    settle(harbor)
    texts = [passage.text for passage in found(harbor, "How many days to return a lantern?", 4)]
    assert len(texts) == 4
    assert len(set(texts)) == 4
    assert "within 30 days" in texts[0]


def test_other_figures_are_another_statement(harbor: Business, settle: Callable[..., None]) -> None:
    with within(harbor.scope):
        save(harbor, "Old rules", PAGE.format(30))
        save(harbor, "New rules", PAGE.format(45))
    settle(harbor)
    said = {passage.text for passage in found(harbor, "How many days to return a lantern?", 2)}
    assert {("30 days" in text, "45 days" in text) for text in said} == {(True, False), (False, True)}


def test_the_admin_page_says_so(harbor: Business, settle: Callable[..., None]) -> None:
    with within(harbor.scope):
        first = save(harbor, "Rules", PAGE.format(30))
        save(harbor, "Copy", PAGE.format(30))
    settle(harbor)
    shown = page(client_of(harbor), "knowledge_document_change", first.id)
    assert "Much of this text is in the bot twice" in shown
    assert "has all of this text too, word for word or nearly." in shown


@pytest.mark.parametrize(
    ("passages", "of", "said"),
    [
        (5, 5, "has all of this text too, word for word or nearly."),
        (2, 5, "has 2 of these 5 passages too, word for word or nearly."),
    ],
)
def test_words(harbor: Business, passages: int, of: int, said: str) -> None:
    assert str(Overlap(harbor.bot.id, "Copy", passages, of)) == said


def test_hashes_meet_where_texts_are_alike() -> None:
    words = [f"word{number}" for number in range(100)]
    one = " ".join(words)
    nearly, other = " ".join([*words[:-1], "changed"]), " ".join(f"other{number}" for number in range(100))
    assert likeness(one, nearly) > 0.95
    assert set(bands(one).items()) & set(bands(nearly).items())
    assert not set(bands(one).items()) & set(bands(other).items())
    assert bands("") == bands("")
    assert likeness("one two", "three") == 0
    assert distinct([]) == []
