"""What is quoted of a passage where no model speaks: the rows and sentences that are asked about."""

import uuid

import pytest

from chat import asking
from chat.exchange import Question
from chat.pipelines.document import quote
from knowledge.embedding import Embedder, get_embedder
from knowledge.search import Passage
from tests.platform_processes import Platform

HEADER = "Jacket | Water column | Pockets"
SKERRY = "Jacket: Skerry Shell; Water column: 20,000 mm; Pockets: 4"
GANNET = "Jacket: Gannet Ultralight; Water column: 12,000 mm; Pockets: 1"
SMOCK = "Jacket: Breakwater Smock; Water column: 18,000 mm; Pockets: 2"
JACKETS = "\n".join((HEADER, SKERRY, GANNET, SMOCK))
PAYING_IN = """Where: Branch counter; Limit: £5,000 a day without notice; more by appointment; Fee: £0
Where: Branch deposit machine; Limit: 200 notes for each visit; Fee: £0
Where: Post office counter; Limit: £1,000 a day, £8,000 a calendar year; Fee: £0
Where: Foreign notes; Limit: Not accepted; Fee: –"""


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return get_embedder()


def quoted(embedder: Embedder, asked: str, text: str, kind: str = "table", longest: int = 600) -> str:
    passage = Passage(
        uuid.uuid4(), uuid.uuid4(), uuid.uuid4(), "", "Guide", "", None, 1, None, (), kind, text, 0.5, 0.5, 0.0
    )
    return quote(Question(asked, asked, embedder.embed_queries([asked])[0]), passage, longest, embedder)


@pytest.mark.parametrize(
    ("asked", "rows"),
    [
        ("What is the water column of the Skerry?", SKERRY),
        ("Has the Skerry more pockets than the Breakwater?", f"{SKERRY}\n…\n{SMOCK}"),
        ("What water columns do your jackets have?", f"{SKERRY}\n{GANNET}\n{SMOCK}"),
    ],
)
def test_of_a_table_the_rows_that_are_asked_about_are_quoted(embedder: Embedder, asked: str, rows: str) -> None:
    assert quoted(embedder, asked, JACKETS) == rows


def test_a_row_that_means_what_is_asked_is_quoted_beside_those_that_share_a_word(embedder: Embedder) -> None:
    said = quoted(embedder, "Do you take foreign currency over the counter?", PAYING_IN)
    assert "Foreign notes" in said
    assert "Post office counter" in said
    assert "deposit machine" not in said


def test_a_table_of_which_nothing_fits_better_is_quoted_within_the_limit(embedder: Embedder) -> None:
    rows = [f"Size: {number}; Chest: {number * 2} cm" for number in range(40, 60)]
    said = quoted(embedder, "Which sizes are there?", "\n".join(rows), longest=100)
    assert set(said.split("\n")) <= {*rows, "…"}
    assert 0 < len(said) <= 120


def test_prose_is_quoted_whole_when_short_and_else_by_its_best_sentences(embedder: Embedder) -> None:
    wanted = "A zip is replaced free of charge for two years."
    text = f"We are open daily. {wanted} The workshop stands in Galway. Parking is behind the house."
    assert quoted(embedder, "Do you mend zips?", text, "text") == text
    assert wanted in quoted(embedder, "Do you mend zips?", text, "text", longest=60)


async def test_a_row_that_says_all_that_is_asked_comes_first(platform: Platform) -> None:
    """The router may think another passage likelier."""
    asked = await asking.ask("harbor-shop", "What is the water column of the Skerry?")
    assert asked.answer is not None
    assert len(asked.answer["citations"]) > 1
    first = asked.answer["text"].split("\n")[1]
    assert first.startswith("Jacket: Skerry Shell Jacket; Water column: 20,000 mm")
    assert asked.answer["citations"][0]["quote"].startswith(first)
