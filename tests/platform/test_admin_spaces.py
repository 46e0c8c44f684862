"""The admin's page of embedding models: progress, stopping, going back and discarding."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from knowledge import moving
from knowledge.faqs import save_faq
from knowledge.models import EmbeddingSpace, Faq, SpaceMove
from tenants.scope import within
from tests.conftest import Business
from tests.embedding_endpoint import KEY, running_endpoint
from tests.platform.admin_pages import client_of, page

pytestmark = pytest.mark.usefixtures("no_schedule")
LIST = "knowledge_embeddingspace_changelist"


@pytest.fixture
def bank(meridian: Business, settings: Any, settle: Callable[..., None]) -> Iterator[Business]:
    with running_endpoint() as endpoint:
        settings.EMBEDDING_MODELS = {"": {}, "hosted": {"model": "words-96", "base_url": endpoint.base_url}}
        settings.EMBEDDING_API_KEYS = {endpoint.base_url: KEY}
        with within(meridian.scope):
            save_faq(Faq(group=meridian.bot, question="Is there a fee?", answer="No."), ["fees", "costs", "charges"])
        settle(meridian)
        yield meridian


@pytest.fixture
def owner(bank: Business) -> Client:
    return client_of(bank)


def press(client: Client, business: Business, verb: str, **fields: str) -> str:
    address = reverse(f"admin:knowledge_embeddingspace_{verb}", args=[business.bot.id])
    return client.post(address, fields, follow=True).content.decode()


def test_progress_is_shown_and_building_can_be_stopped(
    bank: Business, owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "SLICE_S", 0)
    monkeypatch.setattr(moving, "BATCH", 2)
    assert "Follows the installation" in page(owner, LIST)
    assert "Preparing hosted" in press(owner, bank, "move", model="hosted")
    assert moving.advance(bank.bot.id)
    shown = page(owner, LIST)
    assert "Building hosted: 2 of 5 texts" in shown
    assert '<progress class="sb-progress" max="5" value="2">40 %</progress>' in shown
    assert "Build hosted" not in shown
    press(owner, bank, "move", model="")
    while moving.advance(bank.bot.id):
        pass
    assert "Building" not in page(owner, LIST)
    with within(bank.scope):
        assert EmbeddingSpace.objects.get(active=True).source == {}
        assert not SpaceMove.objects.exists()


def test_one_goes_back_and_discards(bank: Business, owner: Client) -> None:
    with within(bank.scope):
        old = EmbeddingSpace.objects.get().key
    press(owner, bank, "move", model="hosted")
    while moving.advance(bank.bot.id):
        pass
    shown = page(owner, LIST)
    assert shown.count("Answer from this one") == 1
    assert "Chosen for this bot" in shown
    assert "The bot answers from this space" in press(owner, bank, "discard", space=_active(bank))
    press(owner, bank, "move", space=old)
    assert _active(bank) == old
    with within(bank.scope):
        new = EmbeddingSpace.objects.exclude(key=old).get().key
    assert "The space is gone" in press(owner, bank, "discard", space=new)
    assert "There is no model “huge”" in press(owner, bank, "move", model="huge")


@pytest.mark.parametrize("role", ["knowledge_admin", "agent", "viewer"])
def test_only_who_changes_bots_may_choose(bank: Business, role: str) -> None:
    member = client_of(bank, role)
    assert "Build hosted" not in page(member, LIST)
    for verb in ("move", "discard"):
        address = reverse(f"admin:knowledge_embeddingspace_{verb}", args=[bank.bot.id])
        assert member.post(address, {"model": "hosted"}).status_code == 403


def _active(business: Business) -> str:
    with within(business.scope):
        return EmbeddingSpace.objects.get(active=True).key
