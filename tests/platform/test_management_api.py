"""The management API over HTTP: what it stores and finds, and that tenants never meet in it."""

import io
import json
from uuid import uuid4

from chat import handoff, store
from chat.models import Interaction
from tenants.scope import within

JACKETS = "# Returns\n\nYou have sixty days to return a jacket."


def upload(name, content):
    file = io.BytesIO(content)
    file.name = name
    return file


def add_faq(client, business, **fields):
    fields = {"bot": business.bot.key, "question": "How long do returns take?", "answer": "Three days."} | fields
    response = client.post("/api/v1/faqs", fields)
    assert response.status_code == 201, response.content
    return response.json()


def add_document(client, business, **fields):
    fields = {"bot": business.bot.key, "title": "Returns", "text": JACKETS} | fields
    response = client.post("/api/v1/documents", fields)
    assert response.status_code == 201, response.content
    return response.json()


def add_action(client, business):
    shop = {"bot": business.bot.key, "name": f"Shop {uuid4().hex[:6]}", "base_url": "https://shop.example/api"}
    made = client.post("/api/v1/data-apis", shop | {"auth_type": "bearer", "auth_secret": "hush-hush"})
    assert made.status_code == 201, made.content
    action = client.post(
        "/api/v1/actions",
        {
            "data_api": made.json()["id"],
            "name": f"order_{uuid4().hex[:6]}",
            "title": "Where is my order?",
            "path": "/orders/{number}",
            "parameters": [{"name": "number", "in": "path", "type": "string", "required": True, "prompt": "Which?"}],
            "examples": ["Where is my parcel?"],
            "answer": "Order {{ arguments.number }} is {{ response.status }}.",
        },
    )
    assert action.status_code == 201, action.content
    return made.json(), action.json()


def open_conversation(business, waiting=True):
    with within(business.scope):
        conversation, _ = store.open_conversation(business.bot)
        store.save_question(business.bot.id, conversation.id, "Can somebody help me?", None, None)
        if waiting:
            handoff.ask_for_person(business.bot.id, conversation.id, "asked for")
        Interaction.objects.create(
            group=business.bot, conversation_group=business.bot, conversation=conversation, question="Can you?",
            question_id=uuid4(), route="human", confidence=0.9, reason="A person was asked for.",
        )  # fmt: skip
    return str(conversation.id)


def fields_of(response):
    body = response.json()
    assert response.status_code == 400, body
    assert body["code"] == "invalid"
    assert body["message"]
    return body["fields"]


def test_a_bot_is_made_changed_and_deleted(harbor, meridian, api):
    client, key = api(harbor), f"new-{uuid4().hex[:8]}"
    made = client.post("/api/v1/bots", {"key": key, "identity_secret": "s" * 40, "theme": {"color": "#123456"}})
    assert made.status_code == 201
    assert made.json()["has_identity_secret"] is True
    assert "s" * 40 not in made.content.decode()
    assert "taken" in fields_of(client.post("/api/v1/bots", {"key": key}))["key"]
    changed = client.patch(f"/api/v1/bots/{key}", {"name": "Nova", "fronted_by": harbor.bot.key})
    assert (changed.json()["name"], changed.json()["fronted_by"]) == ("Nova", harbor.bot.key)
    assert client.get(f"/api/v1/bots/{harbor.bot.id}").json()["fronts"] == [key]
    assert "fronted_by" in fields_of(client.patch(f"/api/v1/bots/{key}", {"fronted_by": meridian.bot.key}))
    assert "key" in fields_of(client.patch(f"/api/v1/bots/{key}", {"key": "another"}))
    add_faq(client, harbor, bot=key)
    assert client.delete(f"/api/v1/bots/{key}").status_code == 204
    assert client.get(f"/api/v1/bots/{key}").status_code == 404
    assert "bot" in fields_of(client.get(f"/api/v1/faqs?bot={key}"))


def test_an_faq_keeps_its_alternates_unless_they_are_given(harbor, api):
    client = api(harbor)
    faq = add_faq(client, harbor, alternates=["When is my money back?"], external_id=uuid4().hex)
    address = f"/api/v1/faqs/{faq['id']}"
    changed = client.patch(address, {"answer": "Four days."}).json()
    assert (changed["answer"], changed["alternates"]) == ("Four days.", ["When is my money back?"])
    assert changed["revision"] > faq["revision"]
    assert client.patch(address, {"alternates": []}).json()["alternates"] == []
    found = client.get(f"/api/v1/faqs?bot={harbor.bot.key}&external_id={faq['external_id']}").json()
    assert [row["id"] for row in found["results"]] == [faq["id"]]
    assert client.delete(address).status_code == 204
    assert client.delete(address).status_code == 404


def test_lists_are_paged(harbor, api):
    client = api(harbor)
    for number in range(3):
        add_faq(client, harbor, question=f"Paged question {number}?", category="paged")
    first = client.get("/api/v1/faqs?category=paged&limit=2").json()
    rest = client.get(first["next"]).json()
    assert (first["count"], first["previous"], len(first["results"]), rest["next"]) == (3, None, 2, None)
    assert len({row["id"] for row in first["results"] + rest["results"]}) == 3


def test_an_import_takes_the_good_rows_and_names_the_bad(harbor, api):
    client, address = api(harbor), f"/api/v1/faqs/import?bot={harbor.bot.key}"
    content = (
        "id,question,answer,alternates\nq-1,Where are you?,In Galway.,Your address?|Where is the shop?\nq-2,,Lost.\n"
    )
    response = client.generic("POST", address, content, "text/csv")
    assert response.status_code == 422
    assert (response.json()["created"], response.json()["errors"][0]["row"]) == (1, 3)
    assert response.json()["errors"][0]["field"] == "question"
    form = {"bot": harbor.bot.key, "file": upload("faqs.csv", content.rsplit("q-2", 1)[0].encode())}
    again = client.post("/api/v1/faqs/import", form, format="multipart")
    assert (again.status_code, again.json()["unchanged"], again.json()["created"]) == (200, 1, 0)
    line = json.dumps({"question": "Do you deliver?", "answer": "Yes."})
    assert client.generic("POST", address, line, "application/jsonl").json()["created"] == 1
    assert "file" in fields_of(client.generic("POST", address, "%PDF-1.7", "text/csv"))
    assert "bot" in fields_of(client.generic("POST", "/api/v1/faqs/import", content, "text/csv"))


def test_a_document_is_read_found_replaced_and_forgotten(harbor, meridian, api, settle):
    client = api(harbor)
    document = add_document(client, harbor, external_id=uuid4().hex, url="https://harbor.example/returns")
    assert (document["state"], document["error"]) == ("queued", "")
    settle(harbor)
    address = f"/api/v1/documents/{document['id']}"
    assert client.get(address).json()["state"] == "ready"
    question = f"/api/v1/search?bot={harbor.bot.key}&q=how+long+to+return+a+jacket&k=3"
    results = client.get(question).json()["results"]
    assert [each["score"] for each in results] == sorted((each["score"] for each in results), reverse=True)
    best = results[0]
    assert (best["document_id"], best["external_id"]) == (document["id"], document["external_id"])
    assert min(best["score"], best["cosine"], best["lexical"], best["late"]) > 0
    assert all(
        found["document_id"] != document["id"]
        for found in api(meridian).get(question.replace(harbor.bot.key, meridian.bot.key)).json()["results"]
    )
    put = client.put(address, {"title": "Returns", "text": JACKETS.replace("sixty", "ninety")})
    assert (put.status_code, put.json()["revision"]) == (200, document["revision"] + 1)
    assert client.patch(address, {"url": ""}).json()["url"] == ""
    settle(harbor)
    assert "ninety days" in client.get(question).json()["results"][0]["text"]
    assert client.delete(address).status_code == 204
    assert all(found["document_id"] != document["id"] for found in client.get(question).json()["results"])


def test_a_front_searches_the_bots_behind_it(harbor, api, settle):
    client, front = api(harbor), f"front-{uuid4().hex[:8]}"
    assert client.post("/api/v1/bots", {"key": front}).status_code == 201
    add_document(client, harbor)
    settle(harbor)
    client.patch(f"/api/v1/bots/{harbor.bot.key}", {"fronted_by": front})
    assert "sixty days" in client.get(f"/api/v1/search?bot={front}&q=return+a+jacket").json()["results"][0]["text"]
    client.patch(f"/api/v1/bots/{harbor.bot.key}", {"fronted_by": None})


def test_secrets_of_a_data_api_are_never_shown(harbor, api):
    client = api(harbor)
    shop, action = add_action(client, harbor)
    seen = client.get(f"/api/v1/data-apis/{shop['id']}")
    assert seen.json()["has_secret"] is True
    assert "hush-hush" not in seen.content.decode()
    assert action["bot"] == harbor.bot.key
    assert client.patch(f"/api/v1/actions/{action['id']}", {"enabled": False}).json()["enabled"] is False
    assert "parameters" in fields_of(client.patch(f"/api/v1/actions/{action['id']}", {"parameters": [{"a\0": 1}]}))
    assert "answer" in fields_of(client.patch(f"/api/v1/actions/{action['id']}", {"answer": "{{ broken"}))
    assert client.delete(f"/api/v1/data-apis/{shop['id']}").status_code == 204
    assert client.get(f"/api/v1/actions/{action['id']}").status_code == 404


def test_a_person_takes_over_and_hands_back(harbor, meridian, api):
    client, address = api(harbor), f"/api/v1/conversations/{open_conversation(harbor)}"
    sam = harbor.members["agent"]
    email = sam.user.email
    waiting = client.get(f"/api/v1/conversations?bot={harbor.bot.key}&state=waiting").json()["results"]
    assert address.rsplit("/", 1)[1] in [row["id"] for row in waiting]
    taken = client.post(f"{address}/take", {"member": email})
    assert (taken.status_code, taken.json()["state"], taken.json()["assignee"]["email"]) == (200, "person", email)
    assert client.post(f"{address}/take").status_code == 409
    assert "member" in fields_of(
        client.post(f"{address}/reply", {"text": "Hi", "member": harbor.members["viewer"].user.email})
    )
    reply = client.post(f"{address}/reply", {"text": "Hello, this is Sam.", "member": email})
    assert (reply.status_code, reply.json()["author"]) == (201, str(sam))
    assert client.post(f"{address}/release").json()["state"] == "bot"
    by_key = client.post(f"{address}/reply", {"text": "Your parcel has been found."})
    assert by_key.json()["author"].startswith("API key ")
    said = client.get(address).json()["messages"]
    assert [message["role"] for message in said] == ["customer", "person", "person"]
    assert client.post(f"{address}/resolve").json()["state"] == "resolved"


def test_interactions_are_found_by_route_and_time(harbor, api):
    client = api(harbor)
    open_conversation(harbor)
    query = f"/api/v1/interactions?bot={harbor.bot.key}&route=human"
    newest = client.get(f"{query}&since=2020-01-01T00:00:00+01:00").json()["results"][0]
    assert newest["reason"] == "A person was asked for."
    assert client.get(f"/api/v1/interactions/{newest['id']}").json() == newest
    assert client.get(f"{query}&since=2999-01-01").json()["count"] == 0
    assert set(fields_of(client.get("/api/v1/interactions?route=x&since=soon"))) == {"route", "since"}


def test_what_belongs_to_somebody_else_is_not_there(harbor, meridian, api):
    own, other = api(harbor), api(meridian)
    shop, action = add_action(own, harbor)
    conversation = open_conversation(harbor)
    interaction = own.get("/api/v1/interactions").json()["results"][0]["id"]
    addresses = [
        f"bots/{harbor.bot.key}", f"bots/{harbor.bot.id}", f"faqs/{add_faq(own, harbor)['id']}",
        f"documents/{add_document(own, harbor)['id']}", f"data-apis/{shop['id']}", f"actions/{action['id']}",
        f"conversations/{conversation}", f"interactions/{interaction}",
    ]  # fmt: skip
    for address in addresses:
        assert own.get(f"/api/v1/{address}").status_code == 200
        for method in ("get", "patch", "delete"):
            assert getattr(other, method)(f"/api/v1/{address}").status_code in (404, 405), (method, address)
        assert other.get(f"/api/v1/{address}").status_code == 404
        listed = other.get(f"/api/v1/{address.split('/')[0]}?limit=200").json()["results"]
        assert not {row["id"] for row in listed} & {line.split("/")[1] for line in addresses}
    for verb in ("take", "reply", "release", "resolve"):
        assert other.post(f"/api/v1/conversations/{conversation}/{verb}", {"text": "x"}).status_code == 404
    assert "bot" in fields_of(other.get(f"/api/v1/search?bot={harbor.bot.key}&q=x"))
    assert "bot" in fields_of(other.post("/api/v1/faqs", {"bot": harbor.bot.key, "question": "Q", "answer": "A"}))
    assert "data_api" in fields_of(
        other.post("/api/v1/actions", {"data_api": shop["id"], "name": "x", "title": "x", "path": "/", "answer": "x"})
    )
