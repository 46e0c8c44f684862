"""The admin's page of the language model: its server's state, and of the live adapters only one's own."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from chat import llm
from tenants.safe_http import pressure
from tests.conftest import Business
from tests.platform.admin_pages import client_of, page
from tests.vllm_server import Vllm


def test_without_a_model_it_says_so(meridian: Business) -> None:
    assert "No language model is set up" in page(client_of(meridian), "language_model")


def test_a_server_that_is_away_is_named_with_the_reason(meridian: Business, settings: Any) -> None:
    settings.LLM_BASE_URL, settings.LLM_MODEL = "http://127.0.0.1:9/v1", "llama"
    try:
        shown = page(client_of(meridian, "admin"), "language_model")
    finally:
        pressure.report(llm.OWNER, settings.LLM_BASE_URL, failed=False)
    assert "Not reached" in shown
    assert "Connection error" in shown


@pytest.mark.parametrize("role", ["knowledge_admin", "agent", "viewer"])
def test_it_is_for_owners_and_admins(meridian: Business, role: str) -> None:
    client = client_of(meridian, role)
    for name in ("language_model", "language_model_live"):
        assert client.get(reverse(f"admin:{name}")).status_code == 403
    assert reverse("admin:language_model") not in page(client, "index")
    assert Client().get(reverse("admin:language_model")).status_code == 302


def test_of_the_live_adapters_only_ones_own_are_shown(
    vllm: Vllm, meridian: Business, harbor: Business, settings: Any
) -> None:
    for name, value in vllm.settings().items():
        setattr(settings, name, value)
    names = {business.bot.id: vllm.publish_zero_adapter(f"{business.bot.id}-3") for business in (meridian, harbor)}
    for name in names.values():
        vllm.ask(name, "hello")
    for own, other in ((meridian, harbor), (harbor, meridian)):
        shown = page(client_of(own), "language_model")
        assert "tokens a second written" in shown
        assert vllm.model in shown
        assert names[own.bot.id] in shown
        assert str(other.bot.id) not in shown
        live = client_of(own).get(reverse("admin:language_model_live"), {"seen": "something older"}).json()
        assert names[own.bot.id] in live["parts"]["state"]
        assert str(other.bot.id) not in live["parts"]["state"]
