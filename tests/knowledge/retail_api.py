"""The recorded retail data behind an HTTP API, and the platform's conversation with it as a signed-in customer."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import yaml

DOCUMENT = Path(__file__).with_name("retail_openapi.yaml")
Request = tuple[str, str, dict[str, Any]]


@dataclass
class RetailApi:
    """Knows every operation by its method and path; keeps what reached it: who asked, the operation, its arguments."""

    db: dict[str, Any]
    seen: list[Request] = field(default_factory=list)
    site: str = ""
    routes: list[tuple[str, re.Pattern[str], str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for path, item in yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))["paths"].items():
            pattern = re.compile("/shop" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))
            operations = {method: each for method, each in item.items() if method != "parameters"}
            self.routes += [(method.upper(), pattern, each["operationId"]) for method, each in operations.items()]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = json.loads(await reader.readexactly(int(headers.get("content-length", 0))) or b"{}")
            method, target, _ = first.split(" ")
            status, answer = self._answer(method, urlsplit(target), headers.get("x-customer", ""), body)
            content = json.dumps(answer).encode()
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n".encode())
            writer.write(content)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _answer(self, method: str, url: Any, customer: str, body: dict[str, Any]) -> tuple[int, Any]:
        for wanted, pattern, name in self.routes:
            found = pattern.fullmatch(url.path)
            if wanted == method and found:
                in_path = {key: unquote(value) for key, value in found.groupdict().items()}
                arguments = {**in_path, **dict(parse_qsl(url.query, keep_blank_values=True)), **body}
                self.seen.append((customer, name, arguments))
                return self._of_own(customer, name, arguments)
        return 404, {"message": "There is nothing here."}

    def _of_own(self, customer: str, name: str, arguments: dict[str, Any]) -> tuple[int, Any]:
        """Nobody gets, or changes, what belongs to another: as a business's API should have it."""
        order = self.db["orders"].get(arguments.get("order_id"), {})
        if order.get("user_id", customer) != customer or arguments.get("user_id", customer) != customer:
            return 403, {"message": "This is somebody else's."}
        return 200, {"status": "done", "operation": name, "owner": customer}


@asynccontextmanager
async def retail_api(db: dict[str, Any]) -> AsyncIterator[RetailApi]:
    api = RetailApi(db)
    server = await asyncio.start_server(api.serve, "127.0.0.1", 0)
    api.site = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield api
    finally:
        server.close()
