"""The running platform as its users reach it: a manager with an API key, and visitors who talk to a bot."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from tests.conftest import Business
from tests.platform_processes import Platform

T = TypeVar("T")
PATIENCE_S = 30.0


@dataclass(frozen=True)
class Seen:
    """One server-sent event."""

    type: str
    data: dict[str, Any]
    id: int | None


@dataclass(frozen=True)
class Visitor:
    """A customer with a conversation of his own."""

    http: httpx.Client
    bot_key: str
    conversation: str
    token: str

    @property
    def address(self) -> str:
        return f"/api/v1/conversations/{self.conversation}"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def post(self, text: str, **fields: Any) -> httpx.Response:
        return self.http.post(f"{self.address}/messages", json={"text": text, **fields}, headers=self.headers)

    def say(self, text: str, **fields: Any) -> dict[str, Any]:
        """The `answer` to a message."""
        response = self.post(text, **fields)
        assert response.status_code == 200, response.text
        return response.json()

    @contextmanager
    def stream(self, text: str, **fields: Any) -> Iterator[Iterator[Seen]]:
        """The events of a message's turn, as they come."""
        headers = {**self.headers, "Accept": "text/event-stream"}
        body = {"text": text, **fields}
        with self.http.stream("POST", f"{self.address}/messages", json=body, headers=headers) as response:
            assert response.status_code == 200, response.read()
            assert response.headers["Content-Type"].startswith("text/event-stream")
            yield read_events(response)

    @contextmanager
    def follow(self, after: int | None = None) -> Iterator[Iterator[Seen]]:
        """Everything that happens in the conversation, as it happens."""
        headers = self.headers if after is None else {**self.headers, "Last-Event-ID": str(after)}
        with self.http.stream("GET", f"{self.address}/events", headers=headers) as response:
            assert response.status_code == 200, response.read()
            yield read_events(response)

    def history(self) -> list[dict[str, Any]]:
        response = self.http.get(f"{self.address}/messages", headers=self.headers)
        assert response.status_code == 200, response.text
        return response.json()["messages"]


@dataclass(frozen=True)
class Manager:
    """Somebody with a tenant's API key."""

    http: httpx.Client
    business: Business

    def post(self, path: str, /, **fields: Any) -> dict[str, Any]:
        return self._done(self.http.post(f"/api/v1/{path}", json=fields))

    def patch(self, path: str, /, **fields: Any) -> dict[str, Any]:
        return self._done(self.http.patch(f"/api/v1/{path}", json=fields))

    def put(self, path: str, /, **fields: Any) -> dict[str, Any]:
        return self._done(self.http.put(f"/api/v1/{path}", json=fields))

    def get(self, path: str) -> dict[str, Any]:
        return self._done(self.http.get(f"/api/v1/{path}"))

    def delete(self, path: str) -> None:
        assert self.http.delete(f"/api/v1/{path}").status_code == 204

    def add_faq(self, question: str, answer: str, **fields: Any) -> str:
        return self.post("faqs", bot=self.business.bot.key, question=question, answer=answer, **fields)["id"]

    def import_faqs(self, table: str) -> dict[str, Any]:
        """A CSV file's content."""
        address = f"/api/v1/faqs/import?bot={self.business.bot.key}"
        return self._done(self.http.post(address, content=table.encode(), headers={"Content-Type": "text/csv"}))

    def add_document(self, title: str, text: str, **fields: Any) -> str:
        return self.post("documents", bot=self.business.bot.key, title=title, text=text, **fields)["id"]

    def wait_until_indexed(self, *paths: str) -> None:
        """Until the workers have caught up with these FAQs and documents."""
        for path in paths:
            until(lambda path=path: self._is_indexed(path), f"{path} is indexed")

    def _is_indexed(self, path: str) -> bool:
        found = self.get(path)
        return found["indexed_revision"] == found["revision"]

    @staticmethod
    def _done(response: httpx.Response) -> dict[str, Any]:
        assert response.status_code in (200, 201), response.text
        return response.json()


def manager(platform: Platform, business: Business) -> Manager:
    headers = {"Authorization": f"Bearer {business.api_key}"}
    return Manager(httpx.Client(base_url=platform.url, timeout=PATIENCE_S, headers=headers), business)


def visitor(platform: Platform, business: Business, *, limited: bool = False) -> Visitor:
    """Somebody new on the business's website; not counted against the limits unless `limited`."""
    headers = {} if limited else {"X-API-Key": business.api_key}
    http = httpx.Client(base_url=platform.url, timeout=PATIENCE_S, headers=headers)
    opened = http.post(f"/api/v1/bots/{business.bot.key}/conversations", json={})
    assert opened.status_code == 201, opened.text
    return Visitor(http, business.bot.key, opened.json()["id"], opened.json()["token"])


def read_events(response: httpx.Response) -> Iterator[Seen]:
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields:
            yield Seen(fields["event"], json.loads(fields["data"]), int(fields["id"]) if "id" in fields else None)
            fields = {}


def until(look: Callable[[], T], what: str, patience_s: float = PATIENCE_S, every_s: float = 0.05) -> T:
    """What `look` finds as soon as it finds something."""
    deadline = time.monotonic() + patience_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"Waited {patience_s:.0f} s in vain until {what}."
        time.sleep(every_s)
    return found
