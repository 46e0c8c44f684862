"""Live data by the management API: operations of an OpenAPI document, actions made of them, and the trail of calls."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from knowledge.actions import ActionResult, load_action, record_call
from knowledge.models import Action
from tenants.scope import within
from tests.conftest import Business
from tests.knowledge.retail_api import DOCUMENT

Clients = Callable[[Business], APIClient]


@pytest.fixture
def client(api: Clients, harbor: Business) -> APIClient:
    return api(harbor)


def add_api(client: APIClient, business: Business, **fields: Any) -> dict[str, Any]:
    given = {"bot": business.bot.key, "name": "Retail", "base_url": "https://retail.example/shop"} | fields
    response = client.post("/api/v1/data-apis", given)
    assert response.status_code == 201, response.content
    found: dict[str, Any] = response.json()
    return found


def test_operations_are_listed_and_picked(client: APIClient, harbor: Business) -> None:
    address = f"/api/v1/data-apis/{add_api(client, harbor)['id']}"
    document = DOCUMENT.read_text(encoding="utf-8")
    listed = client.post(f"{address}/operations", {"document": document}).json()
    assert (listed["title"], len(listed["operations"])) == ("Retail", 14)
    pick = {
        "operation": "PUT /users/{user_id}/address", "name": "move", "title": "I have moved", "answer": "Noted.",
        "parameters": {"user_id": {"source": "customer.sub"}, "x_customer": {"source": "customer.sub"}},
    }  # fmt: skip
    made = client.post(f"{address}/import", {"document": document, "pick": [pick]})
    assert made.status_code == 201, made.content
    (action,) = made.json()
    assert (action["name"], action["method"], action["requires_verified"]) == ("move", "PUT", True)
    again = client.post(f"{address}/import", {"document": document, "pick": [{**pick, "title": "Moved"}]}).json()
    assert [(each["id"], each["title"]) for each in again] == [(action["id"], "Moved")]


@pytest.mark.parametrize(
    ("pick", "field"),
    [
        ({"operation": "GET /nowhere"}, "pick[1].operation"),
        ({"operation": "calculate", "colour": "red"}, "pick[1].colour"),
        ({"operation": "calculate", "parameters": {"x": {}}}, "pick[1].parameters"),
        ({"operation": "calculate", "answer": "{{ response."}, "pick[1].answer"),
        ({"operation": "calculate", "parameters": {"expression": {"type": "colour"}}}, "pick[1].parameters"),
    ],
)
def test_a_wrong_pick_is_named_and_nothing_is_made(
    client: APIClient, harbor: Business, pick: dict[str, Any], field: str
) -> None:
    address = f"/api/v1/data-apis/{add_api(client, harbor)['id']}/import"
    given = {"document": DOCUMENT.read_text(encoding="utf-8"), "pick": [{"operation": "get_item_details"}, pick]}
    refused = client.post(address, given)
    assert refused.status_code == 400
    assert list(refused.json()["fields"]) == [field]
    with within(harbor.scope):
        assert not Action.objects.exists()


def test_a_document_is_sent_or_fetched_and_never_from_inside(client: APIClient, harbor: Business) -> None:
    address = f"/api/v1/data-apis/{add_api(client, harbor)['id']}/operations"
    for given, field in (
        ({}, "document"),
        ({"document": {}, "url": "https://a.example/x"}, "document"),
        ({"url": "http://169.254.169.254/latest"}, "url"),
        ({"url": "file:///etc/passwd"}, "url"),
        ({"document": 5}, "document"),
    ):
        refused = client.post(address, given)
        assert (refused.status_code, list(refused.json()["fields"])) == (400, [field]), given


def test_how_to_sign_in_is_checked(client: APIClient, harbor: Business) -> None:
    given = {"bot": harbor.bot.key, "name": "x", "base_url": "https://a.example", "auth_type": "client_credentials"}
    refused = client.post("/api/v1/data-apis", given)
    assert set(refused.json()["fields"]) == {"token_url", "client_id"}
    full = given | {"token_url": "https://a.example/token", "client_id": "us", "auth_secret": "hush-hush"}
    made = client.post("/api/v1/data-apis", full)
    assert made.status_code == 201
    assert "hush" not in made.content.decode()


def test_the_trail_is_listed_filtered_and_exported(
    client: APIClient, api: Clients, harbor: Business, meridian: Business
) -> None:
    made = client.post("/api/v1/actions", {
        "data_api": add_api(client, harbor)["id"], "name": "look", "title": "Look", "path": "/x", "answer": "x",
        "parameters": [{"name": "word"}],
    }).json()  # fmt: skip
    with within(harbor.scope):
        spec = load_action(harbor.bot.id, made["id"])
        for subject in ("amara", "berta"):
            result = ActionResult(True, 200, {}, 3.0, arguments={"word": f"{subject}'s"})
            record_call(spec, result, conversation_id=None, customer_subject=subject)
    listed = client.get("/api/v1/calls").json()
    assert [each["customer_subject"] for each in listed["results"]] == ["berta", "amara"]
    for query in ("customer=amara", "q=amara", f"call={listed['results'][1]['call_id']}"):
        found = client.get(f"/api/v1/calls?action=look&state=done&{query}").json()
        assert [each["customer_subject"] for each in found["results"]] == ["amara"], query
    assert client.get("/api/v1/calls?state=gone").status_code == 400
    exported = client.get("/api/v1/calls/export?customer=berta")
    assert exported["Content-Type"].startswith("text/csv")
    assert exported.content.decode().count("\r\n") == 2
    assert api(meridian).get("/api/v1/calls").json()["count"] == 0
