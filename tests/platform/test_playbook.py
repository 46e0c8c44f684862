"""A bot's playbook: kept by the management API and the web admin, told to the model of its own bot, and no source."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from chat import asking, llm
from chat.models import Interaction, TuningRow
from chat.pipelines import prompts
from chat.tuning import rows
from knowledge.faqs import save_faq
from knowledge.models import Faq
from tenants import playbook
from tenants.database import in_database
from tenants.models import Bot
from tenants.safe_http import pressure
from tenants.scope import within
from tests.conftest import Business
from tests.platform.admin_pages import client_of
from tests.scripted_llm import MODEL, Reply, ScriptedLlm, scripted_llm, words_of

QUESTION, VETTED = "How long can I keep a hired tent?", "You can keep a hired tent for 14 days."
PLAYBOOK = {
    "playbook_goals": "Get the customer to book a fitting appointment.",
    "playbook_next_questions": "Shall I find a shop near you?\nDo you need a groundsheet as well?",
    "playbook_objections": "That is too dear: Hiring lets you try a tent before you buy one.\n"
    "I will think about it: Reserving costs 0.99 euros and you get a refund of it [book()].",
}


@pytest.fixture(scope="module")
def model() -> Iterator[ScriptedLlm]:
    with scripted_llm() as server:
        yield server


@pytest.fixture(autouse=True)
def _llm(model: ScriptedLlm, settings: Any) -> None:
    pressure.report(llm.OWNER, f"{model.url}/v1", failed=False)
    settings.LLM_BASE_URL, settings.LLM_MODEL = f"{model.url}/v1", MODEL


@pytest.fixture
def shops(
    harbor: Business, meridian: Business, api: Callable[[Business], APIClient], settle: Callable[..., None]
) -> tuple[Business, Business]:
    """Two businesses that know the same; the first has a playbook."""
    for business in (harbor, meridian):
        with within(business.scope):
            save_faq(Faq(group=business.bot, question=QUESTION, answer=VETTED), [])
    assert api(harbor).patch(f"/api/v1/bots/{harbor.bot.key}", PLAYBOOK).status_code == 200
    settle(harbor, meridian)
    return harbor, meridian


async def ask(business: Business) -> tuple[str, dict[str, Any]]:
    answer = (await asking.ask(business.bot.key, QUESTION)).answer
    assert answer
    found = await in_database(lambda: Interaction.objects.get(id=answer["interaction_id"]), scope=business.scope)
    return answer["text"], found.generations[0]


async def test_it_is_in_every_prompt_of_its_bot_and_of_no_other(
    model: ScriptedLlm, shops: tuple[Business, Business]
) -> None:
    model.will_say(Reply(words_of(VETTED), always=True))
    for business in shops:
        await ask(business)
    guided, other = (each["body"]["messages"][0]["content"] for each in model.log())
    for line in (*PLAYBOOK["playbook_goals"].splitlines(), *PLAYBOOK["playbook_next_questions"].splitlines()):
        assert f"- {line}" in guided
        assert line not in other
    assert "- That is too dear: Hiring lets you try a tent before you buy one." in guided
    assert "[book()]" not in guided
    assert "(book())" in guided
    assert guided.index("Rules:") < guided.index("How to lead the conversation")


async def test_its_wordings_may_be_said_after_an_answer(model: ScriptedLlm, shops: tuple[Business, Business]) -> None:
    text = f"{VETTED} Hiring lets you try a tent before you buy one. Shall I find a shop near you?"
    model.will_say(Reply(words_of(text), always=True))
    assert (await ask(shops[0]))[0] == text
    said, record = await ask(shops[1])
    assert said == VETTED
    assert len(record["held_back"]) == 2


@pytest.mark.parametrize(
    "claim",
    [
        "Reserving costs 0.99 euros.",
        "You get a refund of it.",
        "Get the customer to book a fitting appointment.",
        "Shall I give you a discount?",
    ],
)
async def test_its_facts_promises_and_goals_are_not_said(
    model: ScriptedLlm, shops: tuple[Business, Business], claim: str
) -> None:
    model.will_say(Reply(words_of(f"{VETTED} {claim}")))
    said, record = await ask(shops[0])
    assert said == VETTED
    assert [each["sentence"] for each in record["held_back"]] == [claim]


async def test_a_wording_alone_is_no_answer(model: ScriptedLlm, shops: tuple[Business, Business]) -> None:
    model.will_say(Reply(words_of("Hiring lets you try a tent before you buy one.")))
    assert (await ask(shops[0]))[0] == VETTED


def test_what_is_wrong_names_the_field_and_the_line(harbor: Business, api: Callable[[Business], APIClient]) -> None:
    client, address = api(harbor), f"/api/v1/bots/{harbor.bot.key}"
    refused = client.patch(
        address, {"playbook_next_questions": "Which size?\n\nTell me more.", "playbook_objections": "a: b\nToo dear"}
    ).json()
    assert refused["fields"]["playbook_next_questions"] == "Line 3 is no question: end it with a question mark."
    assert refused["fields"]["playbook_objections"] == "Line 2 needs an objection, a colon and the reply to it."
    assert "playbook_goals" in client.patch(address, {"playbook_goals": "g" * 1001}).json()["fields"]
    half = client.generic("PATCH", address, r'{"playbook_goals": "half \ud800"}', "application/json")
    assert "playbook_goals" in half.json()["fields"]
    assert client.get(address).json()["playbook_goals"] == ""


def test_a_member_writes_it_in_the_web_admin(harbor: Business, meridian: Business) -> None:
    form = {"key": harbor.bot.key, "name": harbor.bot.name, "greeting": "Hi", "openid_scope": "openid", **PLAYBOOK}
    address = reverse("admin:tenants_bot_change", args=[harbor.bot.id])
    assert client_of(meridian).post(address, form).status_code == 404
    wrong = client_of(harbor).post(address, form | {"playbook_objections": "Too dear"})
    assert "Line 1 needs an objection, a colon and the reply to it." in wrong.content.decode()
    assert client_of(harbor).post(address, form).status_code == 302
    with within(harbor.scope):
        bot = Bot.objects.get(id=harbor.bot.id)
    assert bot.playbook.objections[0] == ("That is too dear", "Hiring lets you try a tent before you buy one.")
    assert bot.playbook.next_questions == ("Shall I find a shop near you?", "Do you need a groundsheet as well?")
    assert "Shall I find a shop near you?" in client_of(harbor, "viewer").get(address).content.decode()


def test_an_adapter_learns_under_it_what_it_is_asked_under_it() -> None:
    given = playbook.read(*PLAYBOOK.values())
    row = TuningRow(kind="faq", label="answerable", prompt=QUESTION, completion=VETTED, context={})
    asked = prompts.from_memory("", "Harbor", QUESTION, playbook=given)
    assert rows.example(row, "Harbor", given).prompt == (("system", asked.system), *asked.turns)
    assert "- Shall I find a shop near you?" in asked.system
