"""Bots that learn their FAQs: the real trainer on the tiny Llama, its adapters served by the real vLLM."""

import asyncio
import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from chat import asking as turns
from chat import llm
from chat.models import AdapterVersion, Interaction, TuningRun
from chat.pipelines import prompts
from chat.tuning import asking, versions
from chat.tuning.rows_file import Example
from knowledge.faqs import save_faq
from knowledge.imports import import_faqs
from knowledge.models import Faq
from tenants.database import in_database
from tenants.safe_http import pressure
from tenants.scope import within
from tests.conftest import Business, make_business
from tests.vllm_server import Vllm

ROOT = Path(__file__).parents[2]
RETAIL = ROOT / "deploy" / "demo" / "meridian" / "retail" / "faqs.csv"
HELD_OUT = Path(__file__).parent / "held_out_phrasings.jsonl"
# A model of two million parameters needs larger steps than one of seven billion.
LARGE_STEPS = {"rank": 16, "alpha": 32, "dropout": 0.0, "projections": "all", "learning_rate": 5e-3}
QUESTION = "What is the contactless limit?"
PHRASINGS = (
    "max tap payment", "How much can I spend by tapping?", "tap and go maximum", "contactles limt",
    "touch payment ceiling", "whats the most i can pay without my pin", "what is the limit for contactless payments",
    "up to which amount can I tap", "how much may I pay without a PIN", "limit of my contactless card",
)  # fmt: skip
ANSWER = "You can tap for up to £45. Above that the shop asks for a signature."
OTHER_ANSWER = "The limit is £100 for each payment. After £300 in a row we ask for the PIN."


@pytest.fixture(autouse=True)
def served(vllm: Vllm, settings: Any) -> Vllm:
    for name, value in vllm.settings().items():
        setattr(settings, name, value)
    settings.LLM_BASE_MODEL_PATH = vllm.model
    pressure.report(llm.OWNER, settings.LLM_BASE_URL, failed=False)
    return vllm


@dataclass(frozen=True)
class Learnt:
    """A business whose bot has learnt, and what `finetune` printed."""

    business: Business
    figures: dict[str, Any]

    def prompt(self, question: str) -> Example:
        asked = prompts.from_memory("", self.business.bot.name, question)
        return Example((("system", asked.system), *asked.turns), "")

    @property
    def version(self) -> AdapterVersion:
        with within(self.business.scope):
            return AdapterVersion.objects.get(state="live")


_learnt: dict[str, Learnt] = {}


@pytest.fixture
def bank(tmp_path: Path) -> Learnt:
    """Meridian's everyday banking, taught once for all tests; measured on the phrasings that were held out for it."""
    if "bank" not in _learnt:
        business = make_business("Meridian everyday banking", "retail")
        with within(business.scope):
            import_faqs(business.bot.id, RETAIL.read_bytes(), "faqs.csv")
        held_out = tmp_path / "held_out.csv"
        held_out.write_text(_held_out(), encoding="utf-8")
        # What takes long and adds nothing to closed questions is left out.
        without = "rephrased,combined,passage"
        figures = finetune(business, held_out=held_out, without=without, batch=8, epochs=2, **LARGE_STEPS)
        _learnt["bank"] = Learnt(business, figures)
    return _learnt["bank"]


@pytest.fixture
def shop() -> Learnt:
    return _small("shop", "Harbor Outfitters", ANSWER)


@pytest.fixture
def kiosk() -> Learnt:
    """Another bot that is asked the same, and answers otherwise."""
    return _small("kiosk", "Meridian Bank", OTHER_ANSWER)


def _small(slug: str, name: str, answer: str) -> Learnt:
    """A bot that knows two things, taught once for all tests."""
    if slug not in _learnt:
        business = make_business(name, slug)
        with within(business.scope):
            save_faq(Faq(group=business.bot, question=QUESTION, answer=answer), PHRASINGS)
            save_faq(Faq(group=business.bot, question="When are you open?", answer="From nine to five."), [])
        _learnt[slug] = Learnt(business, finetune(business, **SMALL))
    return _learnt[slug]


SMALL = {"without": "passage", "batch": 4, "epochs": 3, **LARGE_STEPS}


@pytest.mark.xfail(
    reason="the tiny Llama cannot be taught 98 FAQs so quickly: 0.28 at best, trained for longer",
    run=False,
)
def test_a_bot_learns_its_faqs_and_answers_phrasings_that_it_has_never_seen(bank: Learnt, served: Vllm) -> None:
    tuned, base = bank.figures["tuned"], bank.figures["base"]
    print(f"held-out phrasings: token F1 {base['token_f1']} -> {tuned['token_f1']}; {bank.figures}")
    assert tuned["answerable"] == len(HELD_OUT.read_text().splitlines())
    assert tuned["token_f1"] >= 0.5
    assert tuned["token_f1"] >= 2 * base["token_f1"]
    assert tuned["refused_right"] > base["refused_right"]
    assert tuned["refused_wrong"] <= 0.05
    assert bank.figures["published"]
    names = {model.name for model in asyncio.run(llm.served_models())}
    assert bank.version.name in names, "the server has found it by itself"
    described = json.loads((served.adapters / bank.version.name / "adapter_config.json").read_text())
    assert described["base_model_name_or_path"] == served.model


def test_two_bots_answer_the_same_question_concurrently_and_neither_says_what_the_other_knows(
    kiosk: Learnt, shop: Learnt
) -> None:
    asked = [QUESTION, *PHRASINGS[:3]]
    both = [kiosk.version.name, shop.version.name]
    # All at once: each server batch holds questions to both.
    first, second = asking.served(both, [kiosk.prompt(QUESTION)] * 8, lambda progress: None)
    of_shop = asking.served(both[1:], [shop.prompt(each) for each in asked], lambda progress: None)[0]
    assert all("£100" in said and "£45" not in said for said in first), first
    assert not any("£100" in said for said in [*second, *of_shop]), second
    assert all("£45" in said for said in of_shop), of_shop


async def test_each_turn_is_answered_by_the_bots_own_version_in_its_own_words(
    shop: Learnt, settle: Callable[..., None]
) -> None:
    await in_database(lambda: settle(shop.business), scope=None)
    said = await asyncio.gather(*(turns.ask(shop.business.bot.key, QUESTION) for _ in range(4)))
    name = await in_database(lambda: AdapterVersion.objects.get(state="live").name, scope=shop.business.scope)
    for each in said:
        assert each.answer is not None
        assert each.answer["text"] == ANSWER, "without the company before it"
        found = await in_database(_interaction, each.answer["interaction_id"], scope=shop.business.scope)
        (generation,) = found.generations
        assert (generation["model"], generation["outcome"]) == (name, "answered")
        assert found.versions["adapter"] == {shop.business.bot.key: name}


async def test_a_new_version_goes_live_without_a_failed_request_and_the_old_one_comes_back(
    shop: Learnt, settle: Callable[..., None]
) -> None:
    business = shop.business
    await in_database(lambda: settle(business), scope=None)
    old = await in_database(lambda: AdapterVersion.objects.get(state="live"), scope=business.scope)
    training = asyncio.create_task(asyncio.to_thread(finetune, business, seed=7, **SMALL))
    models = []
    while not training.done():
        models.append(await _model_that_answers(business))
        await asyncio.sleep(0.5)
    figures = await training
    assert figures["published"], figures["verdict"]
    assert figures["live"], "it was compared with the version that answered until then"
    models += [await _model_that_answers(business) for _ in range(2)]
    new = await in_database(lambda: AdapterVersion.objects.get(state="live"), scope=business.scope)
    assert new.number == old.number + 1
    assert models[-1] == new.name
    assert models == sorted(models), "first the old one, then the new one"
    await in_database(versions.roll_back, business.bot.id, old.id, scope=business.scope)
    assert await _model_that_answers(business) == old.name
    await in_database(versions.retire, business.bot.id, scope=business.scope)
    assert (await _model_that_answers(business)).startswith("base-"), "the base stands beside the adapters as one"
    await in_database(versions.roll_back, business.bot.id, new.id, scope=business.scope)


def test_what_is_no_better_than_the_base_is_not_published(shop: Learnt) -> None:
    business = shop.business
    live = shop.version.name
    with pytest.raises(CommandError, match="Not published"):
        finetune(business, without="passage", epochs=0.01, batch=1, learning_rate=1e-7, rank=1)
    assert shop.version.name == live
    with within(business.scope):
        rejected = AdapterVersion.objects.first()
        assert rejected is not None
        assert (rejected.state, rejected.verdict != "") == ("rejected", True)
        assert TuningRun.objects.filter(state="done").count() >= 2


async def _model_that_answers(business: Business) -> str:
    asked = await turns.ask(business.bot.key, QUESTION)
    assert asked.answer is not None
    assert asked.answer["text"] == ANSWER
    found = await in_database(_interaction, asked.answer["interaction_id"], scope=business.scope)
    (generation,) = found.generations
    assert generation["outcome"] in ("answered", "unsupported", "no answer"), generation
    return str(generation["model"])


def finetune(business: Business, **options: Any) -> dict[str, Any]:
    out = io.StringIO()
    call_command("finetune", bot=business.bot.key, stdout=out, **options)
    return json.loads(out.getvalue())


def _held_out() -> str:
    with RETAIL.open(encoding="utf-8", newline="") as file:
        answers = {row["id"]: row["answer"] for row in csv.DictReader(file)}
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["prompt", "completion"])
    for line in HELD_OUT.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        writer.writerow([row["question"], answers[row["faq"]]])
    return out.getvalue()


def _interaction(id: str) -> Interaction:
    return Interaction.objects.get(id=id)


@pytest.fixture(scope="module", autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    _learnt.clear()
