"""Live data in the web admin: test calls, actions from an OpenAPI document, approvals, the trail and its export."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from chat import store
from knowledge import writes
from knowledge.actions import ActionResult, load_action, record_call
from knowledge.models import Action, Call, CallRecord, Chunk, DataApi, Document
from tenants.scope import within
from tests.conftest import Business
from tests.knowledge.demo_apis import running_service
from tests.knowledge.retail_api import DOCUMENT
from tests.platform.admin_pages import client_of, page

SECRET = "harbor-demo-key"


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with running_service("harbor") as address:
        yield address


@pytest.fixture
def api(harbor: Business) -> DataApi:
    with within(harbor.scope):
        return DataApi.objects.create(
            group=harbor.bot, name="Shop", base_url="http://127.0.0.1:9/api", auth_type="bearer", auth_secret=SECRET
        )


def add_action(api: DataApi, **fields: Any) -> Action:
    common = {"group_id": api.group_id, "data_api": api, "name": "price", "title": "What does it cost?"}
    product = [{"name": "product", "in": "path", "required": True}]
    answer = "It costs {{ response.price | money('EUR') }}."
    rest = {"path": "/products/{product}", "parameters": product, "answer": answer}
    return Action.objects.create(**{**common, **rest, **fields})


def test_a_test_call_shows_everything_but_the_secret(harbor: Business, api: DataApi, site: str) -> None:
    with within(harbor.scope):
        DataApi.objects.filter(id=api.id).update(base_url=f"{site}/api")
        action = add_action(api)
    owner = client_of(harbor)
    address = reverse("admin:knowledge_action_try", args=[action.pk])
    assert "Test call" in page(owner, "knowledge_action_change", action.pk)
    shown = owner.post(address, {"p_product": "watch-cap"}).content.decode()
    assert "It costs €" in shown
    assert "GET " in shown
    assert "/products/watch-cap" in shown
    assert "HTTP 200" in shown
    assert "Authorization: •••" in shown
    assert SECRET not in shown
    missing = owner.post(address, {"p_product": "submarine"}).content.decode()
    assert "could not find that" in missing
    assert "required" in owner.post(address, {}).content.decode()
    with within(harbor.scope):
        lines = list(CallRecord.objects.order_by("at"))
    assert [line.state for line in lines] == ["done", "failed"]
    assert lines[0].made_by.startswith("Test call by ")
    assert client_of(harbor, "viewer").get(address).status_code == 403


def test_what_changes_something_is_tried_only_on_purpose(harbor: Business, api: DataApi) -> None:
    with within(harbor.scope):
        action = add_action(api, method="DELETE")
    address = reverse("admin:knowledge_action_try", args=[action.pk])
    assert "Yes, really do it" in client_of(harbor).post(address, {"p_product": "x"}).content.decode()
    with within(harbor.scope):
        assert not CallRecord.objects.exists()


def test_actions_are_picked_from_an_openapi_document(harbor: Business, api: DataApi) -> None:
    owner, address = client_of(harbor), reverse("admin:knowledge_dataapi_import", args=[api.pk])
    upload = SimpleUploadedFile("retail.yaml", DOCUMENT.read_bytes())
    shown = owner.post(address, {"file": upload}).content.decode()
    assert "14 operations" in shown
    assert "POST /orders/{order_id}/cancellation" in shown
    document = json.dumps(yaml.safe_load(DOCUMENT.read_text(encoding="utf-8")))
    number = shown.split("POST /orders/{order_id}/cancellation")[0].count('name="pick_') - 1
    picked = {
        "document": document, f"pick_{number}": "on", f"name_{number}": "cancel", f"title_{number}": "Cancel it",
        f"source_{number}_x_customer": "customer.sub",
    }  # fmt: skip
    assert owner.post(address, picked).status_code == 302
    with within(harbor.scope):
        action = Action.objects.get(name="cancel")
        spec = load_action(harbor.bot.id, action.id)
    assert (action.title, action.method, action.requires_verified, spec.writes) == ("Cancel it", "POST", True, True)
    assert [(each.name, each.source) for each in spec.parameters] == [
        ("order_id", ""), ("x_customer", "customer.sub"), ("reason", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"{", "neither JSON nor YAML: line "),
        (b"a: &a [1]\nb: *a", "YAML aliases"),
        (b"swagger: '2.0'", "openapi: must be a version 3.0 or 3.1; it is missing."),
        (b"openapi: 3.0.0\npaths: {}", "info"),
        (
            b'openapi: 3.0.0\ninfo: {title: x, version: "1"}\npaths: {/a: {get: {responses: {"200": {$ref: '
            b'"http://evil.example/x"}}}}}',
            "paths./a.get.responses.200.$ref: “http://evil.example/x” leads out of the document",
        ),
        (
            b'openapi: 3.0.0\ninfo: {title: x, version: "1"}\npaths: {/a: {get: {parameters: [{in: query}], '
            b'responses: {"200": {description: x}}}}}',
            "paths./a.get.parameters[0]",
        ),
    ],
)
def test_a_document_that_is_wrong_is_refused_by_place(
    harbor: Business, api: DataApi, content: bytes, problem: str
) -> None:
    address = reverse("admin:knowledge_dataapi_import", args=[api.pk])
    shown = client_of(harbor).post(address, {"file": SimpleUploadedFile("x.yaml", content)}).content.decode()
    assert problem in shown.replace("&#x27;", "'").replace("&quot;", '"')


def test_a_colleague_approves_or_refuses(harbor: Business, api: DataApi) -> None:
    with within(harbor.scope):
        document = Document.objects.create(group=harbor.bot, title="Rules for returns", url="https://rules.example/")
        rules = "Our shop is in Galway. A product may be sent back for 60 days. Prices change on Mondays."
        Chunk.objects.create(group=harbor.bot, document=document, revision=1, position=0, text=rules, content_hash="x")
        action = add_action(api, method="DELETE", needs_approval=True)
        action.policies.create(group=harbor.bot, document=document)
        conversation, _ = store.open_conversation(harbor.bot)
        asker = writes.Asker(conversation.id, harbor.bot.id)
        spec = load_action(harbor.bot.id, action.id)
        calls = []
        for product in ("a", "b"):
            calls.append(writes.propose(spec, {"product": product}, asker))
            writes.decide(calls[-1].id, asker, yes=True)
    assert "Rules for returns" in calls[0].summary
    agent = client_of(harbor, "agent")
    shown = page(agent, "approvals")
    assert shown.count("Approve</button>") == 2
    assert "Rules for returns" in shown
    assert "<blockquote" in shown
    assert "A product may be sent back for 60 days." in shown
    assert "Our shop is in Galway" not in shown
    viewer: Client = client_of(harbor, "viewer")
    refused = viewer.post(reverse("admin:approval_decide", args=[calls[0].id, "approve"]))
    assert refused.status_code == 403
    for call, verb in zip(calls, ("approve", "refuse"), strict=True):
        assert agent.post(reverse("admin:approval_decide", args=[call.id, verb])).status_code == 302
    with within(harbor.scope):
        states = {call.id: call for call in Call.objects.all()}
        assert [states[call.id].state for call in calls] == ["confirmed", "refused"]
        assert {call.approved_by for call in states.values()} == {str(harbor.members["agent"])}
    again = agent.post(reverse("admin:approval_decide", args=[calls[1].id, "approve"])).content.decode()
    assert "does not wait for approval any more" in again


def test_the_trail_is_searched_and_exported(harbor: Business, api: DataApi) -> None:
    with within(harbor.scope):
        spec = load_action(harbor.bot.id, add_action(api).id)
        for product in ("needle", "=cmd()", "hay"):
            result = ActionResult(True, 200, {}, 2.0, arguments={"product": product})
            record_call(spec, result, conversation_id=None, customer_subject=product)
    owner = client_of(harbor)
    listed = page(owner, "knowledge_callrecord_changelist")
    assert listed.count("price</") >= 3
    address = reverse("admin:knowledge_callrecord_export")
    found = list(csv.DictReader(io.StringIO(owner.get(address, {"q": "needle"}).content.decode())))
    assert [row["customer"] for row in found] == ["needle"]
    assert owner.get(address, {"colour": "red"}).status_code == 302
    everything = owner.get(address).content.decode()
    assert "'=cmd()" in everything
    assert SECRET not in everything
