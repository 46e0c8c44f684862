"""Every address of the platform, tried with one business's credentials on another's things."""

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.urls import URLPattern, URLResolver, get_resolver

from knowledge.models import Faq
from tests.conftest import Business
from tests.over_http import Manager, manager, visitor
from tests.platform.admin_pages import client_of, faq_form
from tests.platform.treasure import WORD, Treasure, bury
from tests.platform_processes import Platform

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
REFUSED = {401, 403, 404, 405}
VERBS = ("take", "reply", "release", "resolve")

# Addresses without anything of a tenant's; signing in and out among them.
NOTHING = {
    "", "widget.js", "widget-more.js", "healthz", "readyz", "metrics", "api/schema", "api/docs", "admin/login/",
    "admin/logout/", "admin/password_change/", "admin/password_change/done/", "admin/jsi18n/",
}  # fmt: skip
# Addresses that show whoever calls his own things; with the queries that ask for more.
OWN = {
    "api/v1/bots", "api/v1/faqs", "api/v1/documents", "api/v1/data-apis", "api/v1/actions", "api/v1/conversations",
    "api/v1/interactions", "api/v1/calls", "api/v1/calls/export", "admin/approvals/",
    "admin/knowledge/callrecord/export/", "api/v1/search", "api/v1/faqs/import", "v1/chat/completions",
    "admin/", "admin/search/",
    "admin/inbox/", "admin/inbox/live/", "admin/autocomplete/", "admin/knowledge/faq/import/",
    "admin/knowledge/embeddingspace/live/", "admin/language-model/", "admin/language-model/live/",
    "admin/^(?P<app_label>auth|account|socialaccount|tenants|knowledge|chat)/$", "admin/(?P<url>.*)$",
}  # fmt: skip
OF_ADMIN = re.compile(r"admin/(?:tenants|knowledge|chat|auth|account|socialaccount)/(\w+)/(add/|<path:object_id>/.*)?$")
# Addresses of one thing: how the address names it, and which thing of the other business's it is.
ONE_THING = {
    "api/v1/bots/<str:pk>": "bot",
    "api/v1/bots/<slug:key>/conversations": "bot",
    "api/v1/bots/<str:key>/embedding": "bot",
    "api/v1/bots/<str:key>/embedding/<str:space>": "bot",
    "api/v1/faqs/<str:pk>": "faq",
    "api/v1/documents/<str:pk>": "document",
    "api/v1/data-apis/<str:pk>": "dataapi",
    "api/v1/data-apis/<str:pk>/operations": "dataapi",
    "api/v1/data-apis/<str:pk>/import": "dataapi",
    "api/v1/actions/<str:pk>": "action",
    "api/v1/calls/<str:pk>": "callrecord",
    "api/v1/conversations/<str:pk>": "conversation",
    **{f"api/v1/conversations/<str:pk>/{verb}": "conversation" for verb in VERBS},
    "api/v1/interactions/<str:pk>": "interaction",
    "api/v1/messages/<uuid:message_id>/feedback": "message",
    "api/v1/conversations/<uuid:conversation_id>/messages": "conversation",
    "api/v1/conversations/<uuid:conversation_id>/events": "conversation",
    "api/v1/conversations/<uuid:conversation_id>/identity": "conversation",
    "api/v1/conversations/<uuid:conversation_id>/handoff": "conversation",
    "api/v1/conversations/<uuid:conversation_id>/confirmations/<uuid:confirmation_id>": "conversation",
    "api/v1/conversations/<uuid:conversation_id>/sign-in/<slug:method>": "conversation",
    "api/v1/bots/<slug:key>/sign-in/callback": "bot",
    "admin/tenant/<uuid:tenant_id>/": "tenant",
    "admin/inbox/<uuid:conversation_id>/": "conversation",
    "admin/approvals/<uuid:call_id>/<slug:verb>/": "call",
    "admin/knowledge/action/<uuid:action_id>/try/": "action",
    "admin/knowledge/dataapi/<uuid:api_id>/import/": "dataapi",
    "admin/inbox/<uuid:conversation_id>/live/": "conversation",
    "admin/inbox/<uuid:conversation_id>/<slug:verb>/": "conversation",
    "admin/tenants/apikey/<uuid:key_id>/revoke/": "apikey",
    "admin/knowledge/document/<uuid:document_id>/retry/": "document",
    "admin/knowledge/embeddingspace/of/<uuid:group_id>/move/": "bot",
    "admin/knowledge/embeddingspace/of/<uuid:group_id>/discard/": "bot",
    "admin/chat/tuningrun/<uuid:run_id>/live/": "tuningrun",
    "admin/chat/tuningrun/<uuid:run_id>/stop/": "tuningrun",
    "admin/chat/adapterversion/<uuid:version_id>/roll-back/": "adapterversion",
    "admin/chat/adapterversion/<uuid:version_id>/retire/": "adapterversion",
    "admin/r/<path:content_type_id>/<path:object_id>/": "faq",
}
TEXT = "This is ours now."
BODY = {"text": TEXT, "answer": TEXT, "title": TEXT, "name": TEXT, "helpful": True, "token": "x.y.z", "decision": "yes"}


@dataclass
class Thief:
    """Somebody of the other business, with one kind of credential; `wrong` collects what should not have worked."""

    name: str
    http: httpx.Client
    mark: str
    wrong: list[str] = field(default_factory=list)

    def try_on(self, method: str, address: str, allowed: set[int], **sent: Any) -> None:
        with self.http.stream(method, f"/{address}", **sent) as response:
            what = f"{self.name}: {method} /{address} -> {response.status_code}"
            if response.status_code not in allowed:
                self.wrong.append(what)
            if "event-stream" not in response.headers.get("Content-Type", "") and self.mark in response.read().decode():
                self.wrong.append(f"{what} shows what is not theirs")


@pytest.fixture
def boss(platform: Platform, meridian: Business) -> Iterator[Manager]:
    owner = manager(platform, meridian)
    yield owner
    owner.http.close()


@pytest.fixture
def treasure(boss: Manager) -> Treasure:
    return bury(boss, f"mark{secrets.token_hex(6)}")


@pytest.fixture
def thieves(platform: Platform, harbor: Business, treasure: Treasure) -> Iterator[list[Thief]]:
    token = visitor(platform, harbor).token
    headers = {
        "API key": {"Authorization": f"Bearer {harbor.api_key}"},
        "visitor": {"Authorization": f"Bearer {token}", "X-API-Key": harbor.api_key},
        "owner": _signed_in(harbor),
    }
    thieves = [
        Thief(name, httpx.Client(base_url=platform.url, timeout=30, headers=each), treasure.mark)
        for name, each in headers.items()
    ]
    yield thieves
    for thief in thieves:
        thief.http.close()


def test_every_address_is_classified() -> None:
    unknown = [pattern for pattern in patterns() if not _is_known(pattern)]
    assert unknown == [], "say in this test whose things are at these addresses"
    assert (NOTHING | OWN | set(ONE_THING)) <= set(patterns()), "this test knows addresses that are gone"


def test_nothing_of_another_business_can_be_seen_or_changed(
    harbor: Business, treasure: Treasure, thieves: list[Thief]
) -> None:
    before = treasure.snapshot()
    for thief in thieves:
        for pattern in patterns():
            if pattern in NOTHING:
                thief.try_on("GET", pattern, {200, 302, 405, 503})
            elif pattern not in OWN and not _is_list(pattern):
                _try_one_thing(thief, pattern, treasure)
        _try_own_addresses(thief, harbor, treasure)
        assert thief.wrong == []
    after = treasure.snapshot()
    for table, rows in before.items():
        assert after[table] == rows, f"{table} has been changed"


def test_their_owner_does_see_them(platform: Platform, boss: Manager, treasure: Treasure) -> None:
    """Without this, the test above could pass because nothing was there to be seen."""
    signed_in = httpx.Client(base_url=platform.url, timeout=30, headers=_signed_in(treasure.business))
    for pattern, thing in ONE_THING.items():
        if pattern.startswith("api/v1/") and pattern.endswith("<str:pk>") and thing != "bot":
            assert treasure.mark in boss.http.get(f"/{_fill(pattern, treasure.ids[thing])}").text, pattern
    for app, names in {
        "knowledge": ("faq", "document", "dataapi", "action"),
        "chat": ("conversation", "interaction", "tuningrow", "tuningrun", "adapterversion"),
    }.items():
        for name in names:
            shown = signed_in.get(f"/admin/{app}/{name}/{treasure.ids[name]}/change/")
            assert treasure.mark in shown.text, name
    assert treasure.mark in signed_in.get(f"/admin/inbox/{treasure.ids['conversation']}/").text
    own = {"Authorization": f"Bearer {treasure.token}"}
    said = httpx.get(f"{platform.url}/api/v1/conversations/{treasure.ids['conversation']}/messages", headers=own)
    assert treasure.mark in said.text
    assert treasure.mark in boss.http.get(f"/api/v1/search?bot={treasure.business.bot.key}&q={WORD}").text


def patterns() -> list[str]:
    return list(dict.fromkeys(_walk(get_resolver())))


def _walk(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    for each in resolver.url_patterns:
        address = prefix + str(each.pattern)
        if isinstance(each, URLPattern):
            yield address
        else:
            yield from _walk(each, address)


def _is_known(pattern: str) -> bool:
    return pattern in NOTHING or pattern in OWN or pattern in ONE_THING or bool(OF_ADMIN.match(pattern))


def _is_list(pattern: str) -> bool:
    found = OF_ADMIN.match(pattern)
    return bool(found) and found[2] in (None, "add/")


def _fill(pattern: str, thing: str, verb: str = "take") -> str:
    address = pattern.replace("<uuid:confirmation_id>", str(uuid4())).replace("<slug:method>", "identity")
    address = address.replace("<slug:verb>", verb)
    address = address.replace("<path:content_type_id>", str(ContentType.objects.get_for_model(Faq).pk))
    return re.sub(r"<\w+:\w+>", thing, address)


def _try_one_thing(thief: Thief, pattern: str, treasure: Treasure) -> None:
    name = ONE_THING.get(pattern) or OF_ADMIN.match(pattern)[1]  # type: ignore[index]
    things = [treasure.ids.get(name, "1")] + ([treasure.business.bot.key] if name == "bot" else [])
    # The admin answers what is not there, or not allowed, by going back to its front page.
    allowed = REFUSED | ({302} if pattern.startswith("admin/") else set())
    for thing in things:
        for verb in VERBS if "<slug:verb>" in pattern else VERBS[:1]:
            address = _fill(pattern, thing, verb)
            for method in METHODS:
                if _is_public(thief, method, pattern):
                    continue
                body = {} if pattern.endswith("/conversations") else BODY
                sent = {"data": {"post": "yes", "text": TEXT}} if address.startswith("admin/") else {"json": body}
                thief.try_on(method, address, allowed, **({} if method == "GET" else sent))


def _is_public(thief: Thief, method: str, pattern: str) -> bool:
    """A bot's key is public: anybody may read its settings and talk to it, unless he shows another tenant's key."""
    if pattern == "api/v1/bots/<slug:key>/conversations":
        return method == "POST" and "X-API-Key" not in thief.http.headers
    return pattern == "api/v1/bots/<str:pk>" and method == "GET" and "Authorization" not in thief.http.headers


def _try_own_addresses(thief: Thief, harbor: Business, treasure: Treasure) -> None:
    """Lists, searches and forms of one's own, asked for the other's things."""
    bot, ids = treasure.business.bot, treasure.ids
    for pattern in patterns():
        if pattern in OWN or _is_list(pattern):
            address = re.sub(r"\^\(\?P<app_label>.*\$", "knowledge/", _fill(pattern, ""))
            address = address.replace("(?P<url>.*)$", "knowledge/faq")
            for query in ("", f"?q={WORD}&s={WORD}", f"?bot={bot.key}&q={WORD}", f"?group__id__exact={bot.id}"):
                thief.try_on("GET", address + query, {200, 301, 302, 400, *REFUSED})
    for model, name in (
        ("action", "data_api"),
        ("faq", "group"),
        ("conversation", "group"),
        ("conversation", "assignee"),
    ):
        query = f"?app_label=knowledge&model_name={model}&field_name={name}&term={WORD}"
        thief.try_on("GET", f"admin/autocomplete/{query}", {200, 302, *REFUSED})
    asked = [{"role": "user", "content": f"Where is the {WORD}?"}]
    wrong = {400, *REFUSED}
    for address, sent in {
        "api/v1/faqs": {"bot": bot.key, "question": TEXT, "answer": TEXT},
        "api/v1/documents": {"bot": bot.key, "title": TEXT, "text": TEXT},
        "api/v1/data-apis": {"bot": bot.key, "name": TEXT, "base_url": "https://harbor.example"},
        "api/v1/actions": {"data_api": ids["dataapi"], "name": "x", "title": TEXT, "path": "/", "answer": TEXT},
        "api/v1/bots": {"key": bot.key, "name": TEXT},
        "v1/chat/completions": {"model": bot.key, "messages": asked},
    }.items():
        thief.try_on("POST", address, wrong, json=sent)
    thief.try_on("POST", "v1/chat/completions", wrong, json={"model": bot.key, "messages": asked, "stream": True})
    thief.try_on("PATCH", f"api/v1/bots/{harbor.bot.key}", wrong, json={"fronted_by": bot.key})
    thief.try_on("POST", f"api/v1/faqs/import?bot={bot.key}", {415, *wrong}, content="question,answer\nA,B\n",
                 headers={"Content-Type": "text/csv"})  # fmt: skip
    # Not by the form's own choices: the other's bot in a form of one's own.
    thief.try_on("POST", "admin/knowledge/faq/add/", {200, *REFUSED} | ({302} if thief.name != "owner" else set()),
                 data=json.loads(json.dumps(faq_form(treasure.business), default=str)))  # fmt: skip


def _signed_in(business: Business) -> dict[str, str]:
    session = client_of(business).cookies[settings.SESSION_COOKIE_NAME].value
    token = secrets.token_hex(16)
    return {"Cookie": f"sessionid={session}; csrftoken={token}", "X-CSRFToken": token}
