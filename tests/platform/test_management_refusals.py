"""The management API's doors: keys, bad input of every kind, and its open description."""

import io
import json

from django.http import JsonResponse
from django.test import AsyncRequestFactory
from rest_framework.test import APIClient
from switchboard.management_api.shared import by_authorization

from tenants.bots import create_api_key
from tenants.models import ApiKey
from tenants.scope import within

WRONG_HEADERS = ["", "Bearer sb_wrong", "Basic abc", "Bearer", "Bearer " + "x" * 5000]
WRONG_FIELDS = [
    ({}, {"bot", "question", "answer"}),
    ({"bot": "no-such-bot", "question": "Q", "answer": "A"}, {"bot"}),
    (
        {"bot": {"a": 1}, "question": ["Q"], "answer": None, "alternates": "x", "enabled": "maybe"},
        {"bot", "question", "answer", "alternates", "enabled"},
    ),
    (
        {"bot": None, "question": "a\0b", "answer": "x" * 8001, "anwser": "A"},
        {"bot", "question", "answer", "anwser"},
    ),
]
WRONG_BODIES = [
    (b"{bad", "application/json", 400),
    (b"\xff\xfe{", "application/json", 400),
    (b"[" * 100_000, "application/json", 400),
    (b"[1]", "application/json", 400),
    (b'{"\\ud800": 1}', "application/json", 400),
    (b"{}", "application/json; charset=hex", 400),
    (b"<a/>", "application/xml", 415),
    (b"a=1", "application/x-www-form-urlencoded", 415),
    (b"x" * (26 * 1024 * 1024), "application/json", 413),
]
WRONG_PARAMETERS = ["limit=0", "limit=201", "limit=x", "offset=-1", "offset=" + "9" * 30, "typo=1", "bot=%00"]
WRONG_ADDRESSES = ["faqs/abc", "faqs/%00", "documents/1", "conversations/x", "faqs/", "nothing"]


def fields_of(response):
    body = response.json()
    assert response.status_code == 400, body
    assert body["code"] == "invalid"
    assert body["message"]
    return body["fields"]


def test_without_a_valid_key_nothing_opens():
    for header in WRONG_HEADERS:
        response = APIClient(headers={"Authorization": header} if header else {}).get("/api/v1/faqs")
        assert response.status_code == 401, header
        assert response.json()["code"] == "unauthorized"
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_revoked_key_is_refused(harbor):
    with within(harbor.scope):
        key, secret = create_api_key(harbor.tenant.id, "Old job")
    client = APIClient(headers={"Authorization": f"Bearer {secret}"})
    assert client.get("/api/v1/bots").status_code == 200
    with within(harbor.scope):
        ApiKey.objects.filter(id=key.id).update(revoked_at=key.created_at)
    assert client.get("/api/v1/bots").status_code == 401


def test_each_bad_field_is_named(harbor, api):
    client = api(harbor)
    for fields, wrong in WRONG_FIELDS:
        assert set(fields_of(client.post("/api/v1/faqs", fields))) == wrong


def test_a_body_that_cannot_be_read_is_explained(harbor, api):
    client = api(harbor)
    for body, content_type, status in WRONG_BODIES:
        response = client.generic("POST", "/api/v1/faqs", body, content_type)
        assert response.status_code == status, (body[:20], content_type)
        assert response.json()["message"]


def test_bad_parameters_are_named(harbor, api):
    client = api(harbor)
    for query in WRONG_PARAMETERS:
        assert list(fields_of(client.get(f"/api/v1/faqs?{query}"))) == [query.split("=")[0]]


def test_addresses_that_lead_nowhere(harbor, api):
    client = api(harbor)
    for address in WRONG_ADDRESSES:
        response = client.get(f"/api/v1/{address}")
        assert response.status_code == 404, address
        assert response.json()["code"] == "not_found"


def test_uploads_say_what_is_wrong_with_them(harbor, api, settle):
    client = api(harbor)

    def send(name, content):
        form = {"bot": harbor.bot.key, "file": _file(name, content)}
        return client.post("/api/v1/documents", form, format="multipart")

    big = send("big.pdf", b"x" * (21 * 1024 * 1024))
    assert (big.status_code, big.json()["code"]) == (413, "too_large")
    assert "20 MB" in big.json()["message"]
    assert "file" in fields_of(send("empty.md", b""))
    assert "title" in fields_of(client.post("/api/v1/documents", {"bot": harbor.bot.key, "text": "No title."}))
    assert "file" in fields_of(client.post("/api/v1/documents", {"bot": harbor.bot.key, "title": "Nothing"}))
    broken = send("broken.pdf", b"%PDF-1.4 nonsense").json()
    settle(harbor)
    seen = client.get(f"/api/v1/documents/{broken['id']}").json()
    assert (seen["state"], seen["filename"]) == ("failed", "broken.pdf")
    assert seen["error"]


def test_the_description_is_open_and_stays_on_this_server():
    schema = APIClient(headers={"Authorization": "Bearer wrong"}).get("/api/schema?format=json").json()
    documented = {path for path in schema["paths"] if path.startswith("/api/v1/")}
    assert {"/api/v1/faqs/import", "/api/v1/search", "/api/v1/conversations/{id}/take"} <= documented
    page = APIClient().get("/api/docs").content.decode()
    assert "swagger-ui-bundle.js" in page
    assert "https://" not in page


def test_without_a_key_a_bot_shows_only_its_public_side(harbor, api):
    address = f"/api/v1/bots/{harbor.bot.key}"
    public, managed = APIClient().get(address), api(harbor).get(address)
    assert (public.status_code, managed.status_code) == (200, 200)
    assert public.json()["greeting"] == managed.json()["greeting"]
    assert "has_identity_secret" in managed.json()
    assert "has_identity_secret" not in public.json()
    assert APIClient().delete(address).status_code == 401


async def test_one_address_serves_the_public_and_the_holder_of_a_key():
    async def public(request, pk):
        return JsonResponse({"side": "public", "pk": pk})

    view = by_authorization(public, lambda request, pk: JsonResponse({"side": "managed", "pk": pk}))
    make = AsyncRequestFactory()
    assert json.loads((await view(make.get("/"), pk="a")).content) == {"side": "public", "pk": "a"}
    assert json.loads((await view(make.get("/", Authorization="Bearer k"), pk="a")).content)["side"] == "managed"
    assert json.loads((await view(make.delete("/"), pk="a")).content)["side"] == "managed"


def _file(name, content):
    file = io.BytesIO(content)
    file.name = name
    return file
