"""On the running platform: a bot moves to another embedding model while it is asked, edited, and its worker killed."""

import os
import signal
from collections.abc import Iterator

import httpx
import pytest
from django.utils import timezone

from knowledge.models import SpaceMove, Vector
from knowledge.moving import LEASE_WHILE_LOADING
from tenants.scope import within
from tests.conftest import Business
from tests.embedded_services import SERVICES
from tests.embedding_endpoint import KEY, Endpoint, running_endpoint
from tests.over_http import Manager, manager, until, visitor
from tests.platform.admin_pages import client_of
from tests.platform_processes import Platform

QUESTION, ANSWER = "What does engraving a compass cost?", "Engraving a compass costs 12 euros."
PHRASINGS = 60
MOVED_WITHIN_S = 120.0


@pytest.fixture(scope="module")
def endpoint(platform: Platform) -> Iterator[Endpoint]:
    with running_endpoint(platform.embedding_port) as running:
        yield running


@pytest.fixture
def shop(platform: Platform, harbor: Business) -> Iterator[Manager]:
    boss = manager(platform, harbor)
    faq = boss.add_faq(QUESTION, ANSWER, alternates=[f"compass engraving, way {n}" for n in range(PHRASINGS)])
    boss.wait_until_indexed(f"faqs/{faq}")
    yield boss
    boss.http.close()


def test_a_bot_answers_all_the_time_while_it_moves_and_goes_back_at_once(
    platform: Platform, shop: Manager, endpoint: Endpoint
) -> None:
    bot = shop.business.bot.key
    customer = visitor(platform, shop.business)
    before = shop.get(f"bots/{bot}/embedding")
    assert (before["model"], before["chosen"], before["building"], before["models"]) == (
        "bundled model", False, None, ["words"],
    )  # fmt: skip
    endpoint.plan(*[{"wait_s": 0.4}] * 8)
    begun = shop.post(f"bots/{bot}/embedding", model="words")
    assert begun["building"]["model"] == "words"
    building = until(lambda: (shop.get(f"bots/{bot}/embedding")["building"] or {}).get("done"), "some texts are done")
    assert 0 < building <= PHRASINGS + 2
    os.killpg(SERVICES.supervisor.pid_of("worker"), signal.SIGKILL)
    _end_the_lease(shop)
    assert customer.say(QUESTION)["text"] == ANSWER
    faq = shop.add_faq("Do you repair sextants?", "We repair sextants in winter.")
    after = until(lambda: _arrived(shop), "the bot has moved", MOVED_WITHIN_S)
    assert after["model"] == "words"
    assert [line["answering"] for line in after["spaces"]] == [True, False]
    assert customer.say(QUESTION)["text"] == ANSWER
    shop.wait_until_indexed(f"faqs/{faq}")
    assert customer.say("Do you repair sextants?")["text"] == "We repair sextants in winter."
    asked = shop.get(f"interactions?bot={bot}&limit=1")["results"][0]
    assert asked["versions"]["space"] == after["spaces"][0]["key"]
    back = shop.post(f"bots/{bot}/embedding", space=before["spaces"][0]["key"])
    back = back if back["building"] is None else until(lambda: _arrived(shop), "the bot has gone back")
    assert (back["model"], back["chosen"]) == ("bundled model", True)
    assert customer.say("Do you repair sextants?")["text"] == "We repair sextants in winter."


def test_what_cannot_be_chosen_is_refused_with_its_reason(shop: Manager) -> None:
    address = f"/api/v1/bots/{shop.business.bot.key}/embedding"
    own = shop.get(f"bots/{shop.business.bot.key}/embedding")["spaces"][0]["key"]
    for sent, field, words in (
        ({"model": "huge"}, "model", "There is no model “huge”. The operator has set up: “words”."),
        ({"space": "other-1-2"}, "space", "This bot has no space “other-1-2”."),
        ({}, "model", "Give either a model or a space."),
        ({"model": "words", "space": own}, "model", "Give either a model or a space."),
        ({"modell": "words"}, "modell", "There is no such field."),
    ):
        refused = shop.http.post(address, json=sent)
        assert (refused.status_code, refused.json()["fields"][field]) == (400, words)
    assert shop.http.delete(f"{address}/{own}").status_code == 400
    assert shop.http.delete(f"{address}/other-1-2").status_code == 404
    assert shop.http.get("/api/v1/bots/nobodys/embedding").status_code == 404


def test_the_admin_shows_the_progress_the_problem_and_the_way_back(
    platform: Platform, shop: Manager, endpoint: Endpoint
) -> None:
    owner, agent = client_of(shop.business), client_of(shop.business, "agent")
    list_of = "/admin/knowledge/embeddingspace/"
    move = f"{list_of}of/{shop.business.bot.id}/move/"
    assert agent.post(move, {"model": "words"}).status_code == 403
    assert "Answer from" not in agent.get(list_of).content.decode()
    endpoint.plan({"status": 401})
    owner_on_platform = httpx.Client(base_url=platform.url, cookies={"sessionid": owner.cookies["sessionid"].value})
    shop.post(f"bots/{shop.business.bot.key}/embedding", model="words")
    page = until(lambda: _with(owner_on_platform, list_of, "Waiting to go on with words"), "the problem is shown")
    assert "answered 401" in page
    assert KEY not in page
    assert "Until it is complete, the bot answers from bundled model." in page
    until(lambda: _arrived(shop), "the bot has moved", MOVED_WITHIN_S)
    page = owner_on_platform.get(list_of).text
    assert "Answer from this one" in page
    live = owner_on_platform.get(f"{list_of}live/").json()
    assert "Chosen for this bot" in live["parts"]["bots"]
    assert "parts" not in owner_on_platform.get(f"{list_of}live/", params={"seen": live["seen"]}).json()
    old = next(line for line in shop.get(f"bots/{shop.business.bot.key}/embedding")["spaces"] if not line["answering"])
    discard = f"{list_of}of/{shop.business.bot.id}/discard/"
    assert owner.post(discard, {"space": old["key"]}).status_code == 302
    with within(shop.business.scope):
        assert not Vector.objects.filter(space=old["key"]).exists()
    owner_on_platform.close()


def _end_the_lease(shop: Manager) -> None:
    """Whoever was killed keeps others out, but not for ever; that time is not waited for here."""
    with within(shop.business.scope):
        now = timezone.now()
        assert all(move.due_at <= now + LEASE_WHILE_LOADING for move in SpaceMove.objects.all())
        SpaceMove.objects.update(due_at=now)


def _arrived(shop: Manager) -> dict | None:
    shown = shop.get(f"bots/{shop.business.bot.key}/embedding")
    return shown if shown["building"] is None else None


def _with(client: httpx.Client, address: str, words: str) -> str | None:
    page = client.get(address).text
    return page if words in page else None
