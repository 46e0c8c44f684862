"""Moving a bot to another embedding model: the old space answers until the new one is complete, and again on demand."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from knowledge import embedding, indexing, moving, prepared_texts, snapshot, spaces
from knowledge.documents import save_document
from knowledge.faqs import save_faq
from knowledge.models import Chunk, Document, EmbeddingSpace, Faq, IndexJob, SpaceMove, Vector
from knowledge.search import search
from knowledge.text_hash import text_hash
from tenants import bots
from tenants.scope import current, within
from tests.conftest import Business
from tests.embedding_endpoint import KEY, Endpoint, running_endpoint

pytestmark = pytest.mark.usefixtures("no_schedule")
PAGE = "# Ferries\n\n" + "\n\n".join(
    f"## Boat {number}\n\nBoat number {number} leaves from pier {number} at noon." for number in range(6)
)
FERRY = "When does boat 3 leave?"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    with running_endpoint() as running:
        yield running


@pytest.fixture(autouse=True)
def models(settings: Any, tiny: Path, endpoint: Endpoint) -> dict[str, dict[str, str]]:
    """What the operator has set up: the bundled model, a tiny one, and one behind an endpoint."""
    models = {
        "": {},
        "tiny": {"model": str(tiny)},
        "words": {"model": "words-96", "base_url": endpoint.base_url},
    }
    settings.EMBEDDING_MODELS = models
    settings.EMBEDDING_API_KEYS = {endpoint.base_url: KEY}
    return models


@pytest.fixture
def shop(harbor: Business, settle: Callable[..., None]) -> Business:
    """A business that knows something, answering from the bundled model's space."""
    fill(harbor, settle)
    return harbor


def fill(business: Business, settle: Callable[..., None]) -> None:
    with within(business.scope):
        save_faq(Faq(group=business.bot, question="Is there a ferry?", answer="Yes."), ["Do boats go there?"])
        save_document(business.bot.id, filename="ferries.md", data=PAGE.encode(), title="Ferries")
    settle(business)


def work_off(business: Business) -> None:
    """What the worker's slices do, one after another."""
    while moving.advance(business.bot.id):
        pass


def answering(business: Business) -> spaces.InUse:
    with within(business.scope):
        return spaces.answering([business.bot.id])


def found(business: Business, question: str = FERRY) -> list[str]:
    """The passages that the bot would answer from now."""
    in_use = answering(business)
    vector = in_use.embedder().embed_queries([question])[0]
    with within(business.scope):
        return [passage.text for passage in search(question, vector, [business.bot.id], in_use.key)]


def choose(business: Business, name: str) -> None:
    with within(business.scope):
        spaces.move_to_model(business.bot, name)


@pytest.mark.parametrize(("name", "model", "dimension"), [("tiny", "tiny", 48), ("words", "words-96", 96)])
def test_the_old_space_answers_until_the_new_one_is_complete(
    shop: Business, name: str, model: str, dimension: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = answering(shop).key
    version = _version(shop)
    monkeypatch.setattr(moving, "SLICE_S", 0)
    monkeypatch.setattr(moving, "BATCH", 3)
    choose(shop, name)
    progress = []
    while moving.advance(shop.bot.id):
        assert answering(shop).key == before
        assert "Boat number 3 leaves" in found(shop)[0]
        with within(shop.scope):
            move = SpaceMove.objects.get()
        progress.append((move.done, move.total))
    assert progress == [(3, 9), (6, 9), (9, 9)]
    after = answering(shop)
    assert after.space is not None
    assert (after.space.model, after.space.dimension) == (model, dimension)
    assert _version(shop) > version
    with within(shop.scope):
        assert not SpaceMove.objects.exists()
        assert prepared_texts.count(shop.bot.id, after.key) == (9, 9)
        loaded = snapshot.load(shop.bot.id, after.key)
        assert loaded.faq_texts.vectors.shape == (2, dimension)
        assert len(loaded.readings) == 1
    assert "Boat number 3 leaves" in " ".join(found(shop))


def test_queries_and_passages_get_their_prompts(shop: Business) -> None:
    choose(shop, "tiny")
    work_off(shop)
    in_use = answering(shop)
    embedder = in_use.embedder()
    with within(shop.scope):
        question, chunk = Faq.objects.get().question, Chunk.objects.order_by("position").first()
        assert chunk is not None
        stored = dict(Vector.objects.filter(space=in_use.key).values_list("content_hash", "embedding"))
        asked, read = (text_hash(question), chunk.content_hash)
        text = next(each for each in prepared_texts.missing(shop.bot.id, "none", 99) if each.key == read).text
    assert stored[asked] @ embedder.embed_queries([question])[0] > 0.999
    assert stored[asked] @ embedder.embed_passages([question])[0] < 0.999
    assert stored[read] @ embedder.embed_passages([text])[0] > 0.999


def test_going_back_is_at_once_and_forward_again_too(shop: Business) -> None:
    old = answering(shop).key
    choose(shop, "words")
    work_off(shop)
    new = answering(shop).key
    assert new != old
    for key in (old, new, old):
        with within(shop.scope):
            spaces.move_to_space(shop.bot, key)
            assert spaces.answering([shop.bot.id]).key == key
        assert "Boat number 3 leaves" in found(shop)[0]
    with within(shop.scope):
        assert not SpaceMove.objects.exists()
        assert EmbeddingSpace.objects.get(chosen=True).key == old
    assert shop.bot.id not in moving.lagging()


def test_what_was_edited_since_is_embedded_before_going_back(shop: Business, settle: Callable[..., None]) -> None:
    old = answering(shop).key
    choose(shop, "words")
    work_off(shop)
    _edit(shop, settle, "leaves from the new harbour")
    with within(shop.scope):
        spaces.move_to_space(shop.bot, old)
        assert spaces.answering([shop.bot.id]).key != old, "an edited passage has no vector there yet"
    work_off(shop)
    assert answering(shop).key == old
    assert "leaves from the new harbour" in found(shop)[0]


def test_edits_made_while_building_are_answered_before_and_after(
    shop: Business, settle: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "SLICE_S", 0)
    choose(shop, "words")
    assert moving.advance(shop.bot.id)
    _edit(shop, settle, "leaves from the old harbour")
    with within(shop.scope):
        faq = Faq.objects.get()
        save_faq(faq, ["Is there a boat to the islands?"])
    assert "leaves from the old harbour" in found(shop)[0]
    work_off(shop)
    assert answering(shop).choice.model == "words-96"
    assert "leaves from the old harbour" in found(shop)[0]
    settle(shop)
    with within(shop.scope):
        read = snapshot.load(shop.bot.id, answering(shop).key)
    assert set(read.faq_texts.texts) == {"Is there a ferry?", "Is there a boat to the islands?"}
    assert not read.tokens, "this model has none, and the router is to know that"


def test_what_is_indexed_while_the_bot_moves_is_indexed_again(
    shop: Business, settle: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last slice ends between the embedding of an edit and the swap: its passages lack vectors in the new space."""
    embed = prepared_texts.embed
    moved: list[bool] = []

    def embed_and_move(*arguments: object) -> object:
        space = embed(*arguments)  # type: ignore[arg-type]
        if not moved:
            moved.append(True)
            work_off(shop)
        return space

    choose(shop, "words")
    monkeypatch.setattr(prepared_texts, "embed", embed_and_move)
    _edit(shop, settle, "leaves from the far harbour")
    assert answering(shop).choice.model == "words-96"
    assert "leaves from the far harbour" in found(shop)[0]
    with within(shop.scope):
        assert not IndexJob.objects.exists()
        assert not prepared_texts.missing(shop.bot.id, answering(shop).key, 1)


def test_a_change_of_the_installations_model_moves_every_bot_that_has_not_chosen(
    shop: Business, meridian: Business, settle: Callable[..., None], models: dict[str, dict[str, str]]
) -> None:
    fill(meridian, settle)
    with within(meridian.scope):
        spaces.move_to_space(meridian.bot, answering(meridian).key)
    mine = answering(shop).key
    models[""] = models["tiny"]
    _advance_all(shop, meridian)
    assert answering(shop).choice.model == models["tiny"]["model"]
    assert answering(meridian).key == mine, "this one has been told to stay"
    models[""] = {}
    _advance_all(shop, meridian)
    assert answering(shop).key == mine
    choose(meridian, "")
    work_off(meridian)
    with within(meridian.scope):
        assert not EmbeddingSpace.objects.filter(chosen=True).exists()


def test_a_bot_and_those_that_it_fronts_move_together(
    shop: Business, settle: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with within(shop.scope):
        front = bots.create_bot(shop.tenant.id, f"front-{shop.bot.key}")
        second = bots.create_bot(shop.tenant.id, f"second-{shop.bot.key}", fronted_by=front)
        shop.bot.fronted_by = front
        bots.save_bot(shop.bot)
        save_faq(Faq(group=second, question="Do you sell maps?", answer="Yes."), [])
        scope = current()
        assert scope is not None
        jobs = list(IndexJob.objects.values_list("group_id", "kind", "object_id"))
    for job in jobs:
        indexing.index(*job)
    monkeypatch.setattr(moving, "SLICE_S", 0)
    monkeypatch.setattr(moving, "BATCH", 4)
    with within(scope):
        with pytest.raises(ValidationError, match="choose there, for all of them together"):
            spaces.move_to_model(second, "words")
        spaces.move_to_model(front, "words")
    keys = set()
    while moving.advance(front.id):
        with within(scope):
            keys |= {spaces.answering([bot.id]).choice.model for bot in (shop.bot, second)}
    assert keys == {""}, "none of them has gone ahead"
    with within(scope):
        for bot in (front, shop.bot, second):
            assert spaces.answering([bot.id]).choice.model == "words-96"
        assert spaces.answering([front.id, second.id]).key == spaces.answering([shop.bot.id]).key


def test_a_bot_put_behind_another_follows_it(shop: Business) -> None:
    with within(shop.scope):
        front = bots.create_bot(shop.tenant.id, f"front-{shop.bot.key}")
        scope = current()
        assert scope is not None
        spaces.move_to_model(front, "words")
    while moving.advance(front.id):
        pass
    with within(scope):
        shop.bot.fronted_by = front
        bots.save_bot(shop.bot)
        assert spaces.answering([shop.bot.id]).choice.model == ""
    assert front.id in _lagging()
    while moving.advance(front.id):
        pass
    with within(scope):
        assert spaces.answering([shop.bot.id]).choice.model == "words-96"


def test_a_model_that_is_not_to_be_had_is_said_and_tried_again(shop: Business, endpoint: Endpoint) -> None:
    choose(shop, "words")
    endpoint.plan({"status": 401}, {"status": 401})
    work_off(shop)
    with within(shop.scope):
        move = SpaceMove.objects.get()
        assert "answered 401" in move.error
        assert KEY not in move.error
        assert (move.attempts, move.due_at > timezone.now()) == (1, True)
        SpaceMove.objects.update(due_at=timezone.now())
    assert answering(shop).choice.model == ""
    endpoint.plan()
    work_off(shop)
    assert answering(shop).choice.model == "words-96"


def test_while_one_works_on_a_move_another_leaves_it_alone(shop: Business) -> None:
    choose(shop, "words")
    with within(shop.scope):
        SpaceMove.objects.update(due_at=timezone.now() + timedelta(seconds=30))
    assert not moving.advance(shop.bot.id)
    assert answering(shop).choice.model == ""
    assert _lagging() == []


def test_another_choice_meanwhile_wins(shop: Business, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "SLICE_S", 0)
    old = answering(shop).key
    choose(shop, "words")
    assert moving.advance(shop.bot.id)
    with within(shop.scope):
        spaces.move_to_space(shop.bot, old)
    work_off(shop)
    assert answering(shop).key == old


def test_a_discarded_space_is_gone_with_its_vectors(shop: Business) -> None:
    old = answering(shop).key
    choose(shop, "words")
    with within(shop.scope), pytest.raises(ValidationError, match="answers from this space"):
        spaces.discard(shop.bot, old)
    work_off(shop)
    with within(shop.scope):
        spaces.discard(shop.bot, old)
        assert set(Vector.objects.values_list("space", flat=True)) == {answering(shop).key}
        with pytest.raises(ValidationError, match="has no space"):
            spaces.move_to_space(shop.bot, old)
        with pytest.raises(ValidationError, match=r"There is no model “huge”.*“tiny”, “words”"):
            spaces.move_to_model(shop.bot, "huge")


def test_a_bot_answers_from_its_space_although_the_models_folder_has_changed(
    shop: Business, tmp_path: Path, models: dict[str, dict[str, str]], tiny: Path
) -> None:
    """An upgrade replaced the weights in place: what was exported before still answers."""
    choose(shop, "tiny")
    work_off(shop)
    in_use = answering(shop)
    expected = in_use.embedder().embed_queries([FERRY])
    weights = next(tiny.rglob("*.safetensors"))
    kept = weights.read_bytes()
    try:
        weights.write_bytes(kept[:-8] + b"\0" * 8)
        embedding._loaded.clear()
        assert (in_use.embedder().embed_queries([FERRY]) == expected).all()
    finally:
        weights.write_bytes(kept)


def test_two_businesses_move_each_for_itself(shop: Business, meridian: Business, settle: Callable[..., None]) -> None:
    fill(meridian, settle)
    choose(shop, "words")
    choose(meridian, "tiny")
    work_off(shop)
    assert answering(meridian).choice.model == ""
    work_off(meridian)
    assert answering(shop).choice.model == "words-96"
    keys = {business.bot.id: answering(business).key for business in (shop, meridian)}
    for business, other in ((shop, meridian), (meridian, shop)):
        with within(business.scope):
            assert set(Vector.objects.values_list("group_id", flat=True)) == {business.bot.id}
            with pytest.raises(ValidationError, match="has no space"):
                spaces.move_to_space(business.bot, keys[other.bot.id])


def _edit(business: Business, settle: Callable[..., None], words: str) -> None:
    with within(business.scope):
        document = Document.objects.get()
        page = PAGE.replace("leaves from pier 3", words)
        save_document(business.bot.id, filename="ferries.md", data=page.encode(), document=document)
    settle(business)


def _version(business: Business) -> int:
    with within(business.scope):
        business.bot.refresh_from_db()
    return business.bot.knowledge_version


def _lagging() -> list[object]:
    moving._identity.cache_clear()
    return list(moving.lagging())


def _advance_all(*businesses: Business) -> None:
    """Until none of these businesses is left behind, whatever other tests have left."""
    moving._identity.cache_clear()
    for business in businesses:
        work_off(business)
