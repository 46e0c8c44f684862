"""Adapters in the web admin: a training started and watched, rows decided on, a version brought back with one click."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from chat.models import AdapterVersion, TuningRow, TuningRun
from chat.tuning import publishing, rows, versions
from knowledge.faqs import save_faq
from knowledge.models import Faq
from tenants import enqueue
from tenants.models import Bot
from tenants.scope import within
from tests.conftest import Business
from tests.platform.admin_pages import client_of, page

FIGURES = {
    "tuned": {"n": 9, "token_f1": 0.71, "grounded": 0.8, "refused_right": 0.9, "refused_wrong": 0.01},
    "base": {"n": 9, "token_f1": 0.22, "grounded": 0.1, "refused_right": None, "refused_wrong": 0.0},
    "answers": [{"question": "Open?", "wanted": "From nine.", "tuned": "From nine.", "base": "Never."}],
}


@pytest.fixture
def shop(harbor: Business, settings: Any, tmp_path: Any) -> Business:
    settings.LLM_MODEL = settings.LLM_BASE_MODEL_PATH = "llama"
    settings.LLM_ADAPTERS_DIR = str(tmp_path)
    with within(harbor.scope):
        save_faq(Faq(group=harbor.bot, question="When are you open?", answer="From nine to five."), ["opening hours"])
    return harbor


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = []
    monkeypatch.setattr(enqueue, "now", lambda task, **arguments: tasks.append({"task": task, **arguments}))
    return tasks


def start(client: Client, business: Business, **fields: Any) -> str:
    address = reverse("admin:chat_tuningrun_add")
    return client.post(address, {"bot": business.bot.id, **fields}, follow=True).content.decode()


def test_a_training_is_started_watched_and_stopped(shop: Business, sent: list[dict[str, Any]]) -> None:
    client = client_of(shop, "knowledge_admin")
    assert "8 is the published default" in page(client, "chat_tuningrun_add")
    upload = SimpleUploadedFile("more.csv", b"prompt,completion\nDo you rent boats?,By the hour.\n,Nobody.\n")
    shown = start(client, shop, rank="4", rivals="Peak, Tarn", exchanges=upload)
    assert "Left out: line 3, prompt: This is empty." in shown
    assert "Waiting for a worker" in shown
    with within(shop.scope):
        run = TuningRun.objects.get()
        assert TuningRow.objects.get().completion == "By the hour."
    assert (run.settings["rank"], run.settings["alpha"], run.settings["rivals"]) == (4, 16, ["Peak", "Tarn"])
    assert sent == [{"task": "worker.tune", "group_id": str(shop.bot.id), "run_id": str(run.id)}]
    assert "being trained already" in start(client, shop)

    live = reverse("admin:chat_tuningrun_live", args=[run.id])
    seen = client.get(live).json()["seen"]
    assert client.get(f"{live}?seen={seen}").json() == {"seen": seen}
    with within(shop.scope):
        progress = {"stage": 0, "stages": 1, "step": 30, "steps": 120, "loss": 1.5}
        TuningRun.objects.update(state="training", progress=progress)
    part = client.get(f"{live}?seen={seen}").json()["parts"]["state"]
    assert "Learning: 30 of 120" in part
    assert '<progress class="sb-progress" max="120" value="30">' in part
    client.post(reverse("admin:chat_tuningrun_stop", args=[run.id]))
    assert "Stopped by" in page(client, "chat_tuningrun_change", run.id)


def test_what_cannot_be_started_says_why_at_its_field(shop: Business, sent: list[dict[str, Any]]) -> None:
    client = client_of(shop)
    assert "Give a whole number from 1 to 512." in start(client, shop, rank="0")
    assert "The server takes ranks up to 16." in start(client, shop, rank="64")
    picture = SimpleUploadedFile("picture.csv", b"PK\x03\x04")
    assert "is not a text file" in start(client, shop, exchanges=picture)
    with within(shop.scope):
        assert not TuningRun.objects.exists()
    assert client_of(shop, "agent").get(reverse("admin:chat_tuningrun_add")).status_code == 403


def test_rows_are_filtered_decided_on_and_stay_decided(shop: Business) -> None:
    with within(shop.scope):
        rows.remake(Bot.objects.get(), 1)
        ids = [str(id) for id in TuningRow.objects.filter(kind="faq").values_list("id", flat=True)]
        total = TuningRow.objects.count()
    client = client_of(shop, "knowledge_admin")
    address = reverse("admin:chat_tuningrow_changelist")
    listed = client.get(f"{address}?kind__exact=faq&excluded__exact=0").content.decode()
    assert "opening hours" in listed
    assert "planetarium" not in listed
    shown = client.post(address, {"action": "leave_out", "_selected_action": ids}, follow=True).content.decode()
    assert "2 rows changed" in shown
    client.post(address, {"action": "label_unanswerable", "_selected_action": ids[:1]})
    client.post(reverse("admin:chat_tuningrow_change", args=[ids[1]]), {"label": "answerable"})
    with within(shop.scope):
        rows.remake(Bot.objects.get(), 1)
        decided = {str(row.id): row for row in TuningRow.objects.filter(reviewed=True)}
        assert TuningRow.objects.count() == total
    assert set(decided) == set(ids)
    assert (decided[ids[0]].excluded, decided[ids[0]].label) == (True, "unanswerable")
    assert (decided[ids[1]].excluded, decided[ids[1]].label) == (False, "answerable")
    viewer = client_of(shop, "viewer")
    viewer.post(address, {"action": "leave_out", "_selected_action": ids})
    with within(shop.scope):
        assert TuningRow.objects.filter(excluded=True).count() == 1


def test_figures_stand_side_by_side_and_rollback_is_one_click(shop: Business) -> None:
    with within(shop.scope):
        run = TuningRun.objects.create(group=shop.bot, weights="llama", served_model="llama", state="done",
                                       figures={**FIGURES, "verdict": "Nearer.", "published": True})  # fmt: skip
        old, new = (versions.add(run) for _ in range(2))
        for version in (old, new):
            _publish(version)
            versions.decide(version, FIGURES, True, "Nearer.")
        known = Bot.objects.get().knowledge_version
    client = client_of(shop)
    shown = page(client, "chat_adapterversion_change", old.id)
    for text in ("0.71", "0.22", "Token F1", "Answers beside each other", "Never.", "Answer with this version again"):
        assert text in shown, text
    assert "Published." in page(client, "chat_tuningrun_change", run.id)
    answered = client.post(reverse("admin:chat_adapterversion_roll_back", args=[old.id]), follow=True)
    assert "Version 1 answers from the next question on." in answered.content.decode()
    with within(shop.scope):
        assert {str(v.number): v.state for v in AdapterVersion.objects.all()} == {"1": "live", "2": "retired"}
        assert Bot.objects.get().knowledge_version > known, "every process looks again"
    publishing.remove(new.name)
    refused = client.post(reverse("admin:chat_adapterversion_roll_back", args=[new.id]), follow=True)
    assert "not in the folder of adapters any more" in refused.content.decode()
    client.post(reverse("admin:chat_adapterversion_retire", args=[old.id]))
    with within(shop.scope):
        assert not AdapterVersion.objects.filter(state="live").exists()


def _publish(version: AdapterVersion) -> None:
    def write(folder: Any) -> None:
        (folder / "adapter_config.json").write_text("{}")
        (folder / "adapter_model.safetensors").write_bytes(b"")

    publishing._put(version.name, "llama", write)
