"""One page of a 300-page document is replaced: only what changed is embedded, and questions are answered meanwhile."""

import io
import json
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from django.core.management import call_command
from reportlab.pdfgen.canvas import Canvas

from knowledge import chunking
from knowledge.documents import save_document
from knowledge.embedding import get_embedder
from knowledge.models import Chunk
from knowledge.parsing import Block, ParsedDocument
from tenants.scope import within
from tests.conftest import Business

PAGES, REPLACED = 300, 150
QUESTION = "How many fathoms deep is the anchorage of Skerry Sound?"
WORDS = ("ferry", "pier", "cargo", "lantern", "mooring", "tide", "ledger", "permit", "crane", "buoy", "beacon", "rope")
PATIENCE_S = 300


def page(number: int, depth: int | None = None) -> list[str]:
    chance = random.Random(number)
    lines = [
        f"Rule {number}.{line} says that the {chance.choice(WORDS)} and the {chance.choice(WORDS)} are checked "
        f"after {chance.randrange(2, 90)} days."
        for line in range(4)
    ]
    if number == REPLACED:
        lines[2] = f"The anchorage of Skerry Sound is {depth} fathoms deep, and two more words tell so."
    return lines


def printed(depth: int) -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out)
    for number in range(1, PAGES + 1):
        for line, text in enumerate(page(number, depth)):
            canvas.drawString(60, 760 - 16 * line, text)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every passage that is embedded while the test runs."""
    texts: list[str] = []
    kind: Any = type(get_embedder())
    encode = kind.encode_passages

    def noted(self: Any, passages: Sequence[str]) -> Any:
        texts.extend(passages)
        return encode(self, passages)

    monkeypatch.setattr(kind, "encode_passages", noted)
    return texts


def ask(business: Business) -> dict[str, Any]:
    out = io.StringIO()
    call_command("ask", QUESTION, "--bot", business.bot.key, stdout=out)
    return json.loads(out.getvalue())


def test_only_what_changed_is_embedded_and_the_old_revision_answers_meanwhile(
    harbor: Business, settle: Callable[..., None], embedded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with within(harbor.scope):
        document = save_document(harbor.bot.id, filename="rules.pdf", data=printed(17), title="Rules")
    settle(harbor)
    everything = len(embedded)
    assert everything > PAGES / 2
    assert "17 fathoms" in ask(harbor)["text"]
    begun, answered = Event(), Event()
    monkeypatch.setattr(chunking, "chunk", _held_up(chunking.chunk, begun, answered))
    with within(harbor.scope):
        save_document(harbor.bot.id, filename="rules.pdf", data=printed(23), title="Rules", document=document)
    embedded.clear()
    with ThreadPoolExecutor(1) as worker:
        indexing = worker.submit(settle, harbor)
        assert begun.wait(PATIENCE_S)
        meanwhile = ask(harbor)
        answered.set()
        indexing.result()
    assert "17 fathoms" in meanwhile["text"]
    assert meanwhile["citations"][0]["page"] in (REPLACED - 1, REPLACED)
    passages = [text for text in embedded if "\n" in text]
    assert 1 <= len(passages) <= 3, f"{len(passages)} of {everything} passages were embedded again"
    assert all(f"Rule {REPLACED}." in text for text in passages)
    assert "23 fathoms" in ask(harbor)["text"]
    with within(harbor.scope):
        assert set(Chunk.objects.values_list("revision", flat=True)) == {2}


def _held_up(work: Callable[..., Any], begun: Event, answered: Event) -> Callable[..., Any]:
    def held(*args: Any) -> Any:
        begun.set()
        assert answered.wait(PATIENCE_S)
        return work(*args)

    return held


@pytest.mark.parametrize("added", ["", " Much more is written here." * 40])
def test_an_edit_in_a_text_without_headings_or_pages_moves_few_passages(added: str) -> None:
    def passages(added: str) -> set[str]:
        told = [text for number in range(1, PAGES + 1) for text in page(number, 17 if added else 23)]
        told[len(told) // 2] += added
        return {draft.text for draft in chunking.chunk(ParsedDocument("Rules", (Block("paragraph", " ".join(told)),)))}

    before = passages(" ")
    assert len(before) > 100
    changed = len(passages(added) - before)
    assert changed <= 15, f"{changed} of {len(before)} passages are new"
