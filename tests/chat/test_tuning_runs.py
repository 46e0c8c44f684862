"""Trainings that go wrong or are interrupted: nothing is lost, nothing is published, and each says why."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.utils import timezone

from chat.models import AdapterVersion, TuningRow, TuningRun
from chat.tuning import publishing, rows_file, runs, settings, training, versions
from knowledge.faqs import save_faq
from knowledge.models import Faq
from tenants import enqueue
from tenants.scope import within
from tests.conftest import Business

ROOT = Path(__file__).parents[2]
EXAMPLES = [rows_file.Example((("system", "You help."), ("user", f"What is {i}?")), f"It is {i}.") for i in range(24)]


@pytest.fixture(scope="module")
def random_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama that knows nothing: for what does not depend on what is learnt."""
    return make_random_llama(tmp_path_factory.mktemp("llama"))


@pytest.fixture
def shop(harbor: Business, settings: Any, tmp_path: Path) -> Business:
    settings.LLM_MODEL = settings.LLM_BASE_MODEL_PATH = str(tmp_path / "no model")
    settings.LLM_ADAPTERS_DIR = str(tmp_path / "adapters")
    with within(harbor.scope):
        phrasings = ["opening hours", "are you open now", "when do you close"]
        save_faq(Faq(group=harbor.bot, question="When are you open?", answer="From nine to five."), phrasings)
    return harbor


def test_a_killed_training_goes_on_from_its_last_checkpoint(random_llama: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows_file.write(rows, EXAMPLES)
    chosen = settings.read({"batch": 2, "epochs": 2, "rank": 2})
    job = f"""
import os
from pathlib import Path
from chat.tuning import settings, training
def tell(progress):
    if progress.step >= 15:
        os.kill(os.getpid(), 9)
training.train([Path({str(rows)!r})], {str(random_llama)!r}, Path({str(tmp_path / "work")!r}),
               settings.read({chosen.as_json()!r}), tell)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "platform"), str(ROOT)])}
    prepared = "import django; django.setup()\n" + job
    environment |= {"DJANGO_SETTINGS_MODULE": "switchboard.settings", "SECRET_KEY": "x"}
    killed = subprocess.run([sys.executable, "-c", prepared], env=environment, cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "work" / "trained.json").exists()
    _wait_until_gone(tmp_path / "work")
    seen: list[int] = []
    trained = training.train([rows], str(random_llama), tmp_path / "work", chosen, lambda each: seen.append(each.step))
    assert min(seen) > 1, "it did not begin again"
    assert trained.steps == 24
    assert {path.name for path in trained.adapter.iterdir()} >= {"adapter_config.json", "adapter_model.safetensors"}
    again = training.train([rows], str(random_llama), tmp_path / "work", chosen)
    assert again == trained, "what is done is not done again"


def test_what_the_training_complains_of_is_told(shop: Business, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"The training failed: .*no model"):
        call_command("finetune", bot=shop.bot.key)
    with within(shop.scope):
        run = TuningRun.objects.get()
        assert (run.state, run.lease) == ("failed", None)
        assert TuningRow.objects.filter(kind="faq").count() == 4, "the rows are there to be looked at"
        assert not AdapterVersion.objects.exists()


def test_without_a_server_the_weights_themselves_are_asked_and_nothing_is_published(
    shop: Business, random_llama: Path, settings: Any, tmp_path: Path
) -> None:
    settings.LLM_BASE_MODEL_PATH, settings.LLM_ADAPTERS_DIR = str(random_llama), ""
    held_out = tmp_path / "held_out.csv"
    held_out.write_text("prompt,completion,label\nopen when?,From nine to five.,\nDo you fly?,,unanswerable\n")
    with pytest.raises(CommandError, match="LLM_ADAPTERS_DIR is not set"):
        call_command("finetune", bot=shop.bot.key, held_out=held_out, epochs=0.1, batch=2, length=256)
    with within(shop.scope):
        run = TuningRun.objects.get()
        assert not AdapterVersion.objects.exists()
    assert run.state == "done"
    assert [run.figures[who]["answerable"] for who in ("tuned", "base")] == [1, 1]
    assert Path(run.figures["training"]["adapter"], "adapter_model.safetensors").is_file()


def test_what_could_not_be_measured_is_not_trained(meridian: Business, shop: Business) -> None:
    with within(meridian.scope):
        save_faq(Faq(group=meridian.bot, question="Is there a fee?", answer="No."), [])
        TuningRow.objects.create(group=meridian.bot, kind="file", prompt="a", completion="b", digest="c")
    with pytest.raises(CommandError, match="No question with an answer is held out"):
        call_command("finetune", bot=meridian.bot.key, without="rephrased")


def test_nothing_is_begun_that_cannot_be_trained(shop: Business, meridian: Business, settings: Any) -> None:
    def refused(business: Business, match: str, **options: Any) -> None:
        with pytest.raises(CommandError, match=match):
            call_command("finetune", bot=business.bot.key, **options)

    refused(meridian, "nothing to learn")
    refused(shop, "ranks up to 16", rank=64)
    refused(shop, "--dropout: Give from 0 to 0.9", dropout=2.0)
    refused(shop, "no rows of the kind poems", without="poems")
    refused(shop, "No such file", data=Path("nowhere.csv"))
    settings.LLM_BASE_MODEL_PATH = ""
    refused(shop, "no model to tune")
    with pytest.raises(CommandError, match="no bot"):
        call_command("finetune", bot="nobody")
    with within(shop.scope):
        assert not TuningRun.objects.exists()


def test_bad_rows_of_a_file_are_named_and_the_good_ones_kept(
    shop: Business, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "more.csv"
    path.write_text("prompt,completion\nDo you rent boats?,By the hour.\n,Nobody asked.\n")
    with pytest.raises(CommandError):
        call_command("finetune", bot=shop.bot.key, data=path, rank=64)
    assert "more.csv: line 3, prompt: This is empty." in capsys.readouterr().err
    with within(shop.scope):
        assert TuningRow.objects.get(kind="file").prompt == "Do you rent boats?"


def test_one_training_at_a_time_and_a_dead_workers_is_taken_up_again(
    shop: Business, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(enqueue, "now", lambda task, **arguments: sent.append({"task": task, **arguments}))
    with within(shop.scope):
        run = runs.start(shop.bot, settings.TuningSettings())
        with pytest.raises(ValidationError, match="being trained already"):
            runs.start(shop.bot, settings.TuningSettings())
    wanted = {"task": "worker.tune", "group_id": str(shop.bot.id), "run_id": str(run.id)}
    assert sent == [wanted]
    runs.take_up_again()
    assert sent == [wanted], "it waits for its worker"
    _update(shop, run, lease=uuid4(), state="training", due_at=timezone.now() + timedelta(seconds=20))
    runs.work_off(shop.bot.id, run.id)
    with within(shop.scope):
        assert TuningRun.objects.get().state == "training", "another has it"
    _update(shop, run, due_at=timezone.now() - timedelta(seconds=1))
    runs.take_up_again()
    runs.take_up_again()
    assert sent == [wanted, wanted]
    with within(shop.scope):
        assert TuningRun.objects.get().lease is None


def test_a_training_that_is_stopped_ends_and_publishes_nothing(shop: Business, monkeypatch: pytest.MonkeyPatch) -> None:
    with within(shop.scope):
        run = runs.start(shop.bot, settings.TuningSettings(), enqueued=False)

    def train(*args: Any) -> None:
        with within(shop.scope):
            runs.stop(run, by="Ada")
        args[-1](training.Progress(0, 1, 1, 10, None))

    monkeypatch.setattr(training, "train", train)
    runs.work_off(shop.bot.id, run.id)
    with within(shop.scope):
        run.refresh_from_db()
        assert (run.state, run.error) == ("failed", "Stopped by Ada.")
        assert not AdapterVersion.objects.exists()


def test_names_are_never_used_twice_and_what_lies_under_one_never_changes(
    shop: Business, random_llama: Path, tmp_path: Path
) -> None:
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text('{"base_model_name_or_path": "/elsewhere", "r": 8}')
    (adapter / "adapter_model.safetensors").write_bytes(b"weights")
    with within(shop.scope):
        run = runs.start(shop.bot, settings.TuningSettings(), enqueued=False)
        first = versions.add(run)
        versions.decide(first, {}, False, "Worse.")
        second = versions.add(run)
    assert [first.name, second.name] == [f"{shop.bot.id}-1", f"{shop.bot.id}-2"]
    publishing.publish(first.name, adapter, "the served model")
    with pytest.raises(publishing.PublishingError, match="never changes"):
        publishing.publish(first.name, adapter, "the served model")
    publishing.publish_base(str(random_llama), "the served model")
    folder = Path(tmp_path / "adapters")
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [first.name, publishing.base_name("the served model")]
    ), "nothing half-done is left"
    with within(shop.scope), pytest.raises(ValidationError, match="rejected"):
        versions.roll_back(shop.bot.id, first.id)


def make_random_llama(folder: Path) -> Path:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {text: number for number, text in enumerate(["<end>", "<user>", "<assistant>", "<system>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>", pad_token="<end>")
    fast.add_special_tokens({"additional_special_tokens": ["<user>", "<assistant>", "<system>"]})
    fast.chat_template = (
        "{% for message in messages %}<{{ message['role'] }}>{{ message['content'] }}<end>{% endfor %}"
        "{% if add_generation_prompt %}<assistant>{% endif %}"
    )
    fast.save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(vocabulary), hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=512, eos_token_id=0, pad_token_id=0, bos_token_id=None,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def _wait_until_gone(folder: Path) -> None:
    """Its trainer ends by itself when whoever started it is dead."""
    deadline = time.monotonic() + 20
    while subprocess.run(["pgrep", "-f", str(folder / "job.json")], capture_output=True, check=False).stdout:
        assert time.monotonic() < deadline, "the trainer outlives the worker"
        time.sleep(0.1)


def _update(business: Business, run: TuningRun, **fields: Any) -> None:
    with within(business.scope):
        TuningRun.objects.filter(id=run.id).update(**fields)
