"""An API with something to change, that can be told to fail at each step; and a conversation to change it from."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from chat import store
from chat.exchange import Asker, CustomerIdentity
from chat.models import Conversation
from knowledge.models import Action, DataApi
from tenants.database import in_database
from tenants.models import Customer
from tenants.scope import within
from tests.conftest import Business

API_TIMEOUT_S = 1.0


@dataclass
class ChangingApi:
    """What was asked of it, what it did (once for each key where it `honours_keys`), and what it does next.

    `mood`: "well"; "deaf" hangs up before it does anything; "lost" does it and hangs up; "late" does it and answers
    too late; "cut" does it, and the line breaks in the middle of its answer; "reset" does it, and the connection is
    reset; "broken" answers 500 and "refusing" 422, both without doing it.
    """

    mood: str = "well"
    honours_keys: bool = True
    requests: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    done: list[Any] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    site: str = ""
    acted: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = json.loads(await reader.readexactly(int(headers.get("content-length", 0))) or b"null")
            method, path, _ = first.split(" ")
            self.requests.append((method, path, headers, body))
            await self._answer(method, headers, body, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, method: str, headers: dict[str, str], body: Any, writer: asyncio.StreamWriter) -> None:
        if self.mood == "deaf":
            return
        status, answer = 200, {"state": "cancelled" if self.done else "open", "id": "T-1"}
        if self.mood in ("broken", "refusing"):
            status, answer = (500, {}) if self.mood == "broken" else (422, {"message": "It has been sent already."})
        elif method != "GET":
            key = headers.get("idempotency-key", "")
            if not (self.honours_keys and key in self.keys):
                self.done.append(body)
                self.keys.add(key)
            self.acted.set()
            answer["state"] = "cancelled"
        if self.mood == "lost":
            return
        if self.mood == "cut":
            writer.write(b'HTTP/1.1 200 X\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"sta')
            await writer.drain()
            return
        if self.mood == "reset":
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
            return
        if self.mood == "late":
            await asyncio.sleep(3)
        content = json.dumps(answer).encode()
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n"
                     "Connection: close\r\n\r\n".encode() + content)  # fmt: skip
        await writer.drain()

    def sent(self, method: str = "POST") -> list[Any]:
        """The bodies of the requests that came with this method."""
        return [body for each, _, _, body in self.requests if each == method]


@asynccontextmanager
async def changing_api(**how: Any) -> AsyncIterator[ChangingApi]:
    api = ChangingApi(**how)
    server = await asyncio.start_server(api.serve, "127.0.0.1", 0)
    api.site = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield api
    finally:
        server.close()


async def cancelling(business: Business, site: str, **how: Any) -> Action:
    """An action that cancels a ticket; with `lookup`, one that tells whether it is cancelled."""
    return await in_database(_cancelling, business, site, scope=None, **how)


async def talk_of(business: Business, subject: str = "amara") -> "Talk":
    """A conversation of a customer who is signed in."""
    return await in_database(_talk_of, business, subject, scope=None)


def _cancelling(business: Business, site: str, *, keys: bool = False, lookup: bool = False, **fields: Any) -> Action:
    with within(business.scope):
        api = DataApi.objects.create(
            group=business.bot, name=f"Tickets {uuid4().hex[:6]}", base_url=site, allowed_hosts=["127.0.0.1"],
            timeout_s=API_TIMEOUT_S, honours_keys=keys, auth_type="bearer", auth_secret="hush-hush",
        )  # fmt: skip
        mine = {"name": "owner", "in": "query", "source": "customer.sub", "required": True}
        ticket = {"name": "ticket", "in": "body", "required": True, "prompt": "Which ticket?", "pattern": "T-[0-9]+"}
        common = {"group": business.bot, "data_api": api, "requires_verified": True}
        if lookup:
            fields["status_action"] = Action.objects.create(
                name=f"look-{uuid4().hex[:6]}", title="Look", path="/ticket", answer="x", **common,
                parameters=[mine, {**ticket, "in": "query"}],
            )  # fmt: skip
            fields["status_answer"] = "{{ 'yes' if response.state == 'cancelled' else 'no' }}"
        return Action.objects.create(
            **{"name": f"cancel-{uuid4().hex[:6]}", "title": "Cancel a ticket", "method": "POST", "path": "/cancel",
               "parameters": [mine, ticket], "answer": "Ticket {{ arguments.ticket }} is {{ response.state }}.",
               **common, **fields},
        )  # fmt: skip


@dataclass(frozen=True)
class Talk:
    """A signed-in customer's conversation."""

    business: Business
    conversation: UUID
    token: str
    asker: Asker

    def now(self) -> Conversation:
        with within(self.business.scope):
            return Conversation.objects.get(id=self.conversation)


def _talk_of(business: Business, subject: str) -> Talk:
    with within(business.scope):
        customer, _ = Customer.objects.get_or_create(group=business.bot, issuer="", subject=subject)
        conversation, token = store.open_conversation(business.bot, customer=customer)
    identity = CustomerIdentity(subject, subject.title(), "", {}, customer.id)
    return Talk(business, conversation.id, token, Asker(conversation.id, business.bot.id, business.scope, identity))
