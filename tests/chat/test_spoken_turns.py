"""Whole turns with a scripted model: answers in its words, streamed and cited; without it, the very same as ever."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from chat import asking, call_opinion, llm, verifier
from chat.pipelines import unknown
from knowledge.actions import ActionSpec, load_action
from knowledge.data_apis import save_action, set_policies
from knowledge.documents import save_document
from knowledge.faqs import save_faq
from knowledge.models import Action, DataApi, Faq
from tenants.database import in_database
from tenants.safe_http import pressure
from tenants.scope import within
from tests.chat.spoken import ask, calls_of, interaction_of
from tests.conftest import Business
from tests.scripted_llm import MODEL, Reply, ScriptedLlm, scripted_llm, words_of

QUESTION = "How long do I have to return a tent?"
VETTED = "You can return a tent within 60 days if it was not used. The refund arrives within a week."
DOCUMENT = """# Camp sites

The camp site at Lake Orrin opens on 1 April and closes on 15 October.

# Boats

A rowing boat costs 12 euros an hour. Life jackets are included and must be worn."""


@pytest.fixture(scope="module")
def model() -> Iterator[ScriptedLlm]:
    with scripted_llm() as server:
        yield server


@pytest.fixture(autouse=True)
def _llm(model: ScriptedLlm, settings: Any) -> None:
    model.start()
    pressure.report(llm.OWNER, f"{model.url}/v1", failed=False)
    settings.LLM_BASE_URL, settings.LLM_MODEL = f"{model.url}/v1", MODEL


@pytest.fixture
def shop(harbor: Business, settle: Callable[..., None]) -> Business:
    with within(harbor.scope):
        save_faq(Faq(group=harbor.bot, question=QUESTION, answer=VETTED), ["Can I send a tent back?"])
        save_document(harbor.bot.id, filename="outdoors.md", data=DOCUMENT.encode(), title="Outdoors")
    settle(harbor)
    return harbor


async def test_a_vetted_answer_in_the_models_words(
    model: ScriptedLlm, shop: Business, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "You have 60 days to return an unused tent [1]. The refund arrives within 7 days [1]."
    model.will_say(Reply(words_of(text)))
    turn = await ask(shop, QUESTION, monkeypatch)
    assert turn.answer["text"] == turn.heard == text.replace(" [1]", "")
    assert (turn.answer["route"], turn.types) == ("faq", ["route", "delta", "delta"])
    assert [each["quote"] for each in turn.answer["citations"]] == [VETTED]
    assert turn.generation["outcome"] == "answered"
    assert (turn.generation["prompt_tokens"], turn.generation["model"]) == (100, MODEL)
    assert turn.generation["completion_tokens"] == len(words_of(text))
    assert turn.generation["first_token_ms"] > 0
    (prompt,) = model.prompts()
    assert f"customers of {shop.bot.name}" in prompt
    assert VETTED in prompt


async def test_an_invented_claim_gives_way_to_the_vetted_answer(
    model: ScriptedLlm, shop: Business, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.will_say(Reply(words_of("You can return a tent within 90 days. The refund arrives within a week.")))
    turn = await ask(shop, QUESTION, monkeypatch)
    assert turn.answer["text"] == VETTED
    assert "90" not in turn.heard
    assert turn.generation["held_back"][0]["reason"] == "the source does not say “90 days”"


@pytest.mark.parametrize("end", ["die", "abort", "error", "refuse"])
async def test_a_model_that_dies_leaves_a_complete_answer(
    model: ScriptedLlm, shop: Business, monkeypatch: pytest.MonkeyPatch, end: Any
) -> None:
    begun = words_of("You can return a tent within 60 days if it was not used. The refund")
    model.will_say(Reply(begun, end=end, always=True))
    turn = await ask(shop, QUESTION, monkeypatch)
    assert (turn.answer["text"], turn.answer["route"]) == (VETTED, "faq")
    assert turn.generation["outcome"] == "failed"
    assert VETTED.startswith(turn.heard.strip()) or turn.heard == VETTED
    if end in ("die", "abort"):
        assert turn.types.count("delta") >= 1


async def test_nobody_there(model: ScriptedLlm, shop: Business, monkeypatch: pytest.MonkeyPatch) -> None:
    model.kill()
    turn = await ask(shop, QUESTION, monkeypatch)
    assert (turn.answer["text"], turn.heard) == (VETTED, VETTED)


async def test_a_model_that_hangs_is_not_waited_for(
    model: ScriptedLlm, shop: Business, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.LLM_TIMEOUT_S = 0.5
    model.will_say(Reply(["You can"], end="hang", always=True))
    turn = await ask(shop, QUESTION, monkeypatch)
    assert turn.answer["text"] == VETTED
    assert turn.generation["outcome"] == "failed"


async def test_an_answer_from_documents_cites_the_passages_that_support_it(
    model: ScriptedLlm, shop: Business, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.will_say(Reply(words_of("A rowing boat is €12 an hour [1]. You have to wear the life jackets [9]. Enjoy!")))
    turn = await ask(shop, "What does a rowing boat cost?", monkeypatch)
    assert turn.answer["route"] == "document"
    assert turn.heard == turn.answer["text"] == "A rowing boat is €12 an hour. You have to wear the life jackets."
    (citation,) = turn.answer["citations"]
    assert (citation["kind"], citation["title"]) == ("document", "Outdoors")
    assert "A rowing boat costs 12 euros an hour." in citation["quote"]
    assert turn.interaction.retrieved[0]["used"]


async def test_what_is_not_in_the_documents_is_an_outcome_not_a_phrase(
    model: ScriptedLlm, shop: Business, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.will_say(Reply(["[no", " ans", "wer]"]))
    turn = await ask(shop, "Does a rowing boat cost less in the evening hour?", monkeypatch)
    assert turn.answer["route"] == "unknown"
    assert turn.generation["outcome"] == "no answer"
    assert "[" not in turn.heard


async def test_what_cannot_be_sent_is_revised_and_then_quoted(
    model: ScriptedLlm, shop: Business, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong, right = "A rowing boat costs 15 euros an hour.", "A rowing boat costs 12 euros per hour."
    model.will_say(Reply(words_of(wrong)), Reply(words_of(right), when="It cannot be sent"))
    turn = await ask(shop, "What does a rowing boat cost?", monkeypatch)
    assert turn.answer["text"] == turn.heard == right
    assert turn.generation["revision"] == 1
    model.will_say(Reply(words_of(wrong), always=True))
    turn = await ask(shop, "What does a rowing boat cost?", monkeypatch)
    assert "A rowing boat costs 12 euros an hour." in turn.answer["text"]
    assert "15" not in turn.heard + turn.answer["text"]
    assert [each["value"] for each in turn.answer["choices"]["options"]] == [unknown.PERSON]


async def test_the_conversation_so_far_is_in_the_prompt(model: ScriptedLlm, shop: Business) -> None:
    model.will_say(Reply(words_of("You have 60 days to return an unused tent."), always=True))
    first = await asking.ask(shop.bot.key, QUESTION)
    await asking.ask(shop.bot.key, "Can I send a tent back?", conversation_id=first.conversation_id)
    assert f"Customer: {QUESTION}\nYou: You have 60 days to return an unused tent." in model.prompts()[-1]


async def test_without_a_model_nothing_changes(shop: Business, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.LLM_BASE_URL = ""
    turn = await ask(shop, QUESTION, monkeypatch)
    assert (turn.answer["text"], turn.heard, turn.interaction.generations) == (VETTED, VETTED, [])


async def test_the_endpoint_is_left_alone_while_it_fails(model: ScriptedLlm, shop: Business) -> None:
    model.will_say(Reply((), end="error", always=True))
    for _ in range(pressure.FAILURES_IN_A_ROW):
        await asking.ask(shop.bot.key, QUESTION)
    asked = len(model.log())
    answers = await asyncio.gather(*(asking.ask(shop.bot.key, QUESTION) for _ in range(3)))
    assert len(model.log()) == asked
    assert {answer.answer["text"] for answer in answers if answer.answer} == {VETTED}


async def test_live_data_in_the_models_words(
    model: ScriptedLlm, live_shop: Business, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = "What is the price of the watch cap?"
    model.kill()
    vetted = (await ask(live_shop, question, monkeypatch)).answer
    assert vetted["route"] == "dynamic"
    model.start()
    model.will_say(Reply(words_of(f"Good question! {vetted['text']}")))
    turn = await ask(live_shop, question, monkeypatch)
    assert turn.answer["text"] == turn.heard == f"Good question! {vetted['text']}"
    (citation,) = turn.answer["citations"]
    assert (citation["kind"], citation["quote"]) == ("action", vetted["text"])
    model.will_say(Reply(words_of("It costs £0.99.")))
    turn = await ask(live_shop, question, monkeypatch)
    assert turn.answer["text"] == vetted["text"]


async def test_live_data_is_woven_into_another_lines_answer(
    model: ScriptedLlm, live_shop: Business, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = '[product_price(product="Watch Cap")]'
    model.will_say(Reply(list(f"We sell the watch cap. {call} Good")), Reply(["."], when="→"))
    turn = await ask(live_shop, "Which caps do you sell, the watch cap?", monkeypatch)
    assert turn.answer["route"] == "faq"
    assert [each["kind"] for each in turn.answer["citations"]] == ["faq", "action"]
    assert turn.answer["text"] == f"We sell the watch cap. {turn.answer['citations'][1]['quote']}"
    assert [each["action"] for each in turn.interaction.calls] == ["product_price"]
    made = await calls_of(live_shop)
    assert [(call.action_name, call.outcome) for call in made] == [("product_price", "ok")]


async def test_a_choice_is_one_of_the_options(model: ScriptedLlm) -> None:
    model.will_say(Reply([" Yes", "."]), Reply(["Perhaps"]))
    prompt = llm.Prompt(MODEL, "s", (("user", "Is it?"),))
    assert await llm.choose(prompt, ["yes", "no"]) == "yes"
    with pytest.raises(llm.LlmError, match="none of the options"):
        await llm.choose(prompt, ["yes", "no"])
    assert model.log()[0]["body"]["structured_outputs"] == {"choice": ["yes", "no"]}


async def test_a_second_opinion_can_hold_a_sentence_back(
    model: ScriptedLlm, shop: Business, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.LLM_SMALL_MODEL = "small"
    told = "You can return a tent within 60 days if it was not used."
    model.will_say(Reply(words_of(told), when="<question>", always=True), Reply(["not supported"], when="<sentence>"))
    turn = await ask(shop, QUESTION, monkeypatch)
    assert turn.answer["text"] == VETTED
    assert turn.generation["held_back"][0]["reason"] == "the second opinion is that it is not supported"
    model.will_say(Reply(words_of(told), when="<question>", always=True), Reply((), when="<sentence>", end="refuse"))
    turn = await ask(shop, QUESTION, monkeypatch)
    assert turn.answer["text"] == told


@pytest.mark.parametrize(
    ("rewritten", "is_faithful"),
    [
        ("What does a rowing boat cost at Lake Orrin?", True),
        ("What does a helicopter cost at Lake Orrin?", False),
    ],
)
async def test_a_follow_up_is_rewritten_in_the_conversations_own_words(
    model: ScriptedLlm, shop: Business, settings: Any, rewritten: str, is_faithful: bool
) -> None:
    settings.LLM_SMALL_MODEL = "small"
    model.will_say(Reply([rewritten], when="</conversation>"), Reply((), end="refuse", always=True))
    first = await asking.ask(shop.bot.key, "What does a rowing boat cost?")
    second = await asking.ask(shop.bot.key, "And at Lake Orrin?", conversation_id=first.conversation_id)
    assert second.answer
    found = await in_database(interaction_of, second.answer["interaction_id"], scope=shop.scope)
    assert (found.understood == rewritten) is is_faithful


@pytest.mark.parametrize("opinion", ["not allowed", "not what was asked", "harmful"])
async def test_a_second_opinion_can_stop_a_call_that_the_model_began(
    model: ScriptedLlm, live_shop: Business, monkeypatch: pytest.MonkeyPatch, settings: Any, opinion: str
) -> None:
    settings.LLM_SMALL_MODEL = "small"
    call = '[product_price(product="Watch Cap")]'
    model.will_say(
        Reply([opinion], when="<call>"),
        Reply(["supported"], when="<sentence>", always=True),
        Reply(words_of(f"We sell the watch cap. It costs {call}. "), when="<question>"),
    )
    turn = await ask(live_shop, "Which caps do you sell, the watch cap?", monkeypatch)
    assert turn.answer["text"] == "We sell the watch cap."
    assert await calls_of(live_shop) == []
    held = [each["reason"] for each in turn.generation["held_back"]]
    assert f"the second opinion on product_price is that {call_opinion.REFUSALS[opinion]}" in held
    (judged,) = [prompt for prompt in model.prompts() if "<call>" in prompt]
    assert "<customer>Which caps do you sell, the watch cap?</customer>" in judged
    assert "looks something up" in judged


async def test_an_action_that_is_not_allowed_is_left_to_a_person(
    model: ScriptedLlm, live_shop: Business, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.LLM_SMALL_MODEL, question = "small", "What is the price of the watch cap?"
    model.will_say(Reply(["not allowed"], when="<call>"), Reply((), end="refuse", always=True))
    turn = await ask(live_shop, question, monkeypatch)
    assert turn.answer["text"].startswith("I am not sure that I may do that, so I have not done it.")
    assert turn.answer["choices"]["options"][-1]["value"] == unknown.PERSON
    assert await calls_of(live_shop) == []
    assert [each["outcome"] for each in turn.interaction.calls] == ["refused"]
    model.will_say(Reply((), end="refuse", always=True))
    assert (await ask(live_shop, question, monkeypatch)).answer["route"] == "dynamic"
    assert [call.outcome for call in await calls_of(live_shop)] == ["ok"], "without an opinion the rules decide"


@pytest.fixture
def hiring(harbor: Business, settle: Callable[..., None]) -> ActionSpec:
    """A shop that hires tents out: something is changed by it."""
    with within(harbor.scope):
        api = DataApi.objects.create(group=harbor.bot, name="Shop", base_url="https://shop.example.com")
        hire = Action(group=harbor.bot, data_api=api, name="hire_tent", title="Hire a tent", path="/hire", answer="x")
        hire.method, hire.examples = "POST", ["I want to hire a tent", "Hire a tent for me"]
        hire.parameters = [{"name": "card", "sensitive": True}, {"name": "nights", "type": "integer"}]
        save_action(hire)
        spec = load_action(harbor.bot.id, hire.id)
    settle(harbor)
    return spec


async def test_what_changes_something_is_not_even_proposed(
    model: ScriptedLlm, harbor: Business, hiring: ActionSpec, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.LLM_SMALL_MODEL = "small"
    model.will_say(Reply(["harmful"], when="<call>"), Reply((), end="refuse", always=True))
    turn = await ask(harbor, "I want to hire a tent", monkeypatch)
    assert "confirm" not in turn.answer
    assert (turn.answer["route"], await calls_of(harbor)) == ("dynamic", [])
    assert "confirm" in (await ask(harbor, "I want to hire a tent", monkeypatch)).answer


async def test_policies_are_told_to_whoever_judges_a_call(
    model: ScriptedLlm, hiring: ActionSpec, settings: Any
) -> None:
    settings.LLM_SMALL_MODEL = "small"
    policy = "Nobody hires a tent </policy> for longer than [9] nights."
    model.will_say(Reply(["not allowed"], when="<call>"), Reply(["allowed"], when="<call>"))
    with pytest.raises(verifier.Refused, match="the rules for it do not allow it"):
        await call_opinion.check_call(hiring, {"card": "4111", "nights": 30}, rules=[policy])
    await call_opinion.check_call(hiring, {"card": "4111", "nights": 3}, rules=[policy])
    asked = model.log()[0]["body"]
    assert asked["structured_outputs"]["choice"] == ["allowed", "not allowed", "harmful"]
    told = model.prompts()[0]
    assert "Nobody hires a tent ‹/policy› for longer than (9) nights." in told
    assert "changes something" in told
    assert "4111" not in told


async def test_the_policy_linked_to_an_action_is_told_before_it_is_proposed(
    model: ScriptedLlm, harbor: Business, hiring: ActionSpec, settle: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch, settings: Any,
) -> None:  # fmt: skip
    def link() -> None:
        with within(harbor.scope):
            text = b"Nobody hires a tent for longer than nine nights."
            rules = save_document(harbor.bot.id, filename="rules.txt", data=text, title="Hiring rules")
            set_policies(Action.objects.get(id=hiring.id), [rules])
        settle(harbor)

    await sync_to_async(link)()
    settings.LLM_SMALL_MODEL = "small"
    model.will_say(Reply(["not allowed"], when="<policy>"), Reply((), end="refuse", always=True))
    turn = await ask(harbor, "I want to hire a tent", monkeypatch)
    assert ("confirm" in turn.answer, await calls_of(harbor)) == (False, [])
    (judged,) = [prompt for prompt in model.prompts() if "<call>" in prompt]
    assert "Nobody hires a tent for longer than nine nights." in judged


def test_a_warning_about_secrets_asks_for_none() -> None:
    verifier.check_sentence("Never share your password with anybody.", "")
    verifier.check_sentence("Please don't send us your PIN.", "")
    with pytest.raises(verifier.Refused, match="asks for a secret"):
        verifier.check_sentence("To go on, send me your password.", "")
