"""A JSON API on a free port, as one function from a request to its answer, that keeps what was asked of it."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Answered = tuple[int, dict[str, Any]]
Answer = Callable[[str, list[str], dict[str, str], Any], Answered]


@dataclass
class PlainApi:
    """Where it is, and what was asked of it: method, path, query and body."""

    answer: Answer
    site: str = ""
    seen: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)

    def take(self, method: str, address: str, body: Any) -> Answered:
        parts = urlsplit(address)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.seen.append((method, parts.path, query, body))
        return self.answer(method, [unquote(each) for each in parts.path.split("/")[1:]], query, body)


@contextmanager
def plain_api(answer: Answer) -> Iterator[PlainApi]:
    """`answer` gets the method, the parts of the path, the query and the body."""
    api = PlainApi(answer)

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, content = api.take(self.command, self.path, body)
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 (what the standard library calls them)

        def log_message(self, *args: Any) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api.site = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()


def choices_from(action: str, items: str, value: str, label: str, **arguments: str) -> dict[str, Any]:
    """What makes a parameter a required one whose choices another action lists."""
    source = {"action": action, "items": items, "value": value, "label": label, "arguments": arguments}
    return {"required": True, "choices_from": source}


def action(
    name: str, title: str, path: str, parameters: list[dict[str, Any]], answer: str, *examples: str, **more: Any
) -> dict[str, Any]:
    """An action as the management API takes it; one that speaks of the customer is for signed-in ones."""
    of_customer = any(str(each.get("source", "")).startswith("customer.") for each in parameters)
    fields = {"method": "GET", "requires_verified": of_customer, **more}
    return {"name": name, "title": title, "path": path, "parameters": parameters, "answer": answer,
            "examples": list(examples), **fields}  # fmt: skip
