"""The operator's commands for embedding models and for the database's roles."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from knowledge import moving
from knowledge.faqs import save_faq
from knowledge.models import Faq
from tenants.scope import within
from tests.conftest import Business
from tests.embedding_endpoint import KEY, Endpoint, running_endpoint
from tests.platform.test_commands import run

pytestmark = pytest.mark.usefixtures("no_schedule")
URL = "postgresql://{}:secret@127.0.0.1:1/{}"


@pytest.fixture
def endpoint(settings: Any) -> Iterator[Endpoint]:
    with running_endpoint() as running:
        settings.EMBEDDING_MODELS = {"": {}, "words": {"model": "words-96", "base_url": running.base_url}}
        settings.EMBEDDING_API_KEYS = {running.base_url: KEY}
        yield running


def test_the_spaces_of_a_bot_are_shown_chosen_and_left_again(
    harbor: Business, endpoint: Endpoint, settle: Callable[..., None]
) -> None:
    with within(harbor.scope):
        save_faq(Faq(group=harbor.bot, question="Is there a ferry?", answer="Yes."), [])
    settle(harbor)
    key = harbor.bot.key
    shown, _, code = run("embedding_spaces", "--bot", key)
    assert (code, shown["model"], shown["building"], shown["models"]) == (0, "bundled model", None, ["words"])
    own = shown["spaces"][0]["key"]
    begun, _, _ = run("embedding_spaces", "--bot", key, "--model", "words")
    assert (begun["model"], begun["building"]["model"]) == ("bundled model", "words")
    while moving.advance(harbor.bot.id):
        pass
    moved, _, _ = run("embedding_spaces", "--bot", key, "--wait")
    assert (moved["model"], moved["chosen"], moved["building"]) == ("words", True, None)
    totals, _, _ = run("embedding_spaces")
    assert {line["key"]: line["answering"] for line in totals}[moved["spaces"][0]["key"]] >= 1
    back, _, _ = run("embedding_spaces", "--bot", key, "--space", own)
    assert back["model"] == "bundled model"
    followed, _, _ = run("embedding_spaces", "--bot", key, "--installed")
    assert followed["building"] is not None
    moving.advance(harbor.bot.id)
    assert run("embedding_spaces", "--bot", key)[0]["chosen"] is False


def test_what_it_cannot_do_is_said(harbor: Business, endpoint: Endpoint) -> None:
    assert "There is no model “huge”" in run("embedding_spaces", "--bot", harbor.bot.key, "--model", "huge")[1]
    assert "has no space “other”" in run("embedding_spaces", "--bot", harbor.bot.key, "--space", "other")[1]
    assert "Name the bot" in run("embedding_spaces", "--installed")[1]
    assert "no bot with the key" in run("embedding_spaces", "--bot", "nobodys")[1]


@pytest.mark.parametrize(
    ("owner", "app", "words"),
    [
        ("", URL.format("app", "d"), "Set DATABASE_OWNER_URL"),
        (URL.format("owner", "d"), URL.format("app", "e"), "must name one database"),
        (URL.format("app", "d"), URL.format("app", "d"), "must name two roles"),
        (URL.format("owner", "d"), "postgresql://app@127.0.0.1:1/d", "must hold the roles' passwords"),
        (URL.format("owner", "d"), URL.format("app", "d"), "could not be prepared"),
    ],
)
def test_a_database_that_cannot_be_prepared(monkeypatch: pytest.MonkeyPatch, owner: str, app: str, words: str) -> None:
    for name, value in {
        "DATABASE_ADMIN_URL": URL.format("postgres", "postgres"), "DATABASE_OWNER_URL": owner, "DATABASE_URL": app
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    # What a running demo has published must not step in.
    monkeypatch.setattr("switchboard.environment.PUBLISHED", {})
    _, said, code = run("prepare_database")
    assert code == 1
    assert words in said
    assert "secret" not in said
