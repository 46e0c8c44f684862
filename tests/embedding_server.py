"""An OpenAI-compatible embeddings server of a few lines, for tests: `python -m tests.embedding_server PORT KEY`.

Its vectors count hashed words, so texts with the same words are near each other. What it was asked, and what it is to
do wrong next, go over HTTP as well: GET /asked, POST /next.
"""

import hashlib
import json
import re
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DIMENSION = 96


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked: list[dict[str, Any]] = []
    planned: list[dict[str, Any]] = []
    key = ""

    def do_GET(self) -> None:
        self._answer(200, {"asked": Handler.asked})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/next":
            Handler.planned = body
            Handler.asked.clear()
            return self._answer(200, {})
        Handler.asked.append({**body, "path": self.path})
        plan = Handler.planned.pop(0) if Handler.planned else {}
        time.sleep(plan.get("wait_s", 0))
        if self.headers.get("Authorization") != f"Bearer {Handler.key}":
            said = {"error": {"message": f"Incorrect API key: {self.headers.get('Authorization')}"}}
            return self._answer(401, said)
        if "status" in plan:
            return self._answer(plan["status"], {"error": plan.get("said", "no")}, plan.get("headers"))
        data = [
            {"object": "embedding", "index": index, "embedding": embed(text, body.get("dimensions", DIMENSION))}
            for index, text in enumerate(body["input"])
        ]
        self._answer(200, {"object": "list", "data": data[::-1]} | plan.get("instead", {}))

    def log_message(self, *args: Any) -> None:
        pass

    def _answer(self, status: int, content: object, headers: dict[str, str] | None = None) -> None:
        sent = json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(sent)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(sent)


def embed(text: str, dimension: int) -> list[float]:
    vector = [0.0] * dimension
    for word in re.findall(r"\w+", text.lower()) or [""]:
        digest = hashlib.sha256(word.encode()).digest()
        vector[int.from_bytes(digest[:4], "big") % dimension] += 1.0 if digest[4] % 2 else -1.0
    return vector if any(vector) else [1.0] * dimension


if __name__ == "__main__":
    Handler.key = sys.argv[2]
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
