"""An OpenAI-compatible server that says what a test tells it to, token by token, and dies when it is told to.

A process of its own: `python -m tests.scripted_llm PORT`. POST /script sets the replies, GET /log tells what was asked.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from switchboard.embedded import processes

from tests.copying_llm import read

ROOT = Path(__file__).parents[1]
MODEL = "scripted"
STARTED_S = 20.0
# Of a text to be gone on with, so much of the end is looked at.
ENDING = 300

End = Literal["stop", "abort", "die", "hang", "refuse", "error"]


@dataclass(frozen=True)
class Reply:
    """What is said to the next request whose last message holds `when`. A reply is used up unless `always`.

    `end`: after the tokens the stream ends well, is aborted, the process dies, or nothing comes any more; or the
    request is refused (400) or fails (500) to begin with. `calls` are tools called after the tokens, each a name and
    its arguments as the model writes them, `cut` letters at a time.
    """

    tokens: Sequence[str]
    when: str = ""
    end: End = "stop"
    gap_ms: float = 0.0
    always: bool = False
    calls: Sequence[tuple[str, str]] = ()
    cut: int = 3


class ScriptedLlm:
    """The running server, as a test sees it."""

    def __init__(self, port: int) -> None:
        self.port, self.url = port, f"http://127.0.0.1:{port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, where it does not run."""
        if self._process is None or self._process.poll() is not None:
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "platform")])}
            words = [sys.executable, "-m", "tests.scripted_llm", str(self.port)]
            self._process = subprocess.Popen(words, cwd=ROOT, env=environment)
            self._wait_until_up()

    def will_say(self, *replies: Reply) -> None:
        httpx.post(f"{self.url}/script", json=[asdict(reply) for reply in replies]).raise_for_status()

    def log(self) -> list[dict[str, Any]]:
        """Each request since the script was set: `body`, `at` and `sent` (seconds of the machine's monotonic clock)."""
        return httpx.get(f"{self.url}/log").raise_for_status().json()

    def prompts(self) -> list[str]:
        return ["\n".join(message["content"] for message in each["body"]["messages"]) for each in self.log()]

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + STARTED_S
        while True:
            with contextlib.suppress(httpx.HTTPError):
                httpx.get(f"{self.url}/log", timeout=1)
                return
            assert self._process is not None
            assert self._process.poll() is None, "The scripted server has ended."
            assert time.monotonic() < deadline, "The scripted server does not start."
            time.sleep(0.02)


@contextlib.contextmanager
def scripted_llm() -> Iterator[ScriptedLlm]:
    """The server while the block runs."""
    server = ScriptedLlm(processes.free_port())
    try:
        server.start()
        yield server
    finally:
        server.kill()


def words_of(text: str) -> list[str]:
    """A text in tokens as models write them: a space belongs to the word after it."""
    found: list[str] = []
    for word in text.split(" "):
        found.append(f" {word}" if found else word)
    return found


@dataclass
class _Script:
    replies: list[Reply] = field(default_factory=list)
    log: list[dict[str, Any]] = field(default_factory=list)

    def next_reply(self, body: dict[str, Any]) -> Reply:
        last = "\n".join(str(message["content"]) for message in body["messages"][-2:])
        for number, reply in enumerate(self.replies):
            if reply.when in last:
                if not reply.always:
                    del self.replies[number]
                return reply
        return Reply((), end="error")


_script = _Script()


async def _set_script(request: Request) -> Response:
    _script.replies = [Reply(**fields) for fields in await request.json()]
    _script.log = []
    return JSONResponse({})


async def _get_log(request: Request) -> Response:
    return JSONResponse(_script.log)


async def _models(request: Request) -> Response:
    return JSONResponse({"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0, "owned_by": "us"}]})


async def _complete(request: Request) -> Response:
    entry: dict[str, Any] = {"at": time.monotonic(), "sent": []}
    body = entry["body"] = await request.json()
    _script.log.append(entry)
    reply = _script.next_reply(body)
    if reply.end in ("refuse", "error"):
        status = 400 if reply.end == "refuse" else 500
        return JSONResponse({"error": {"message": "as scripted", "type": "scripted", "code": None}}, status)
    if body.get("stream"):
        return StreamingResponse(_stream(reply, body, entry["sent"]), media_type="text/event-stream")
    if reply.end == "hang":
        await asyncio.sleep(3600)
    message = {"role": "assistant", "content": "".join(reply.tokens)}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return JSONResponse({**_head("chat.completion"), "choices": [choice], "usage": _usage(reply)})


async def _complete_text(request: Request) -> Response:
    """Completions without a chat: an echo with log probabilities, or the next reply's tokens as that many samples."""
    body = await request.json()
    _script.log.append({"at": time.monotonic(), "sent": [], "body": {**body, "messages": []}})
    if body.get("echo"):
        choices = [{"index": 0, "text": body["prompt"], "finish_reason": "length", "logprobs": read(body["prompt"])}]
    else:
        reply = _script.next_reply({"messages": [{"content": body["prompt"][-ENDING:]}]})
        if reply.end in ("refuse", "error"):
            return JSONResponse({"error": {"message": "as scripted"}}, 400 if reply.end == "refuse" else 500)
        samples = list(reply.tokens)[: body.get("n", 1)]
        choices = [
            {"index": number, "text": text, "finish_reason": "stop", "logprobs": None}
            for number, text in enumerate(samples)
        ]
    return JSONResponse({**_head("text_completion"), "choices": choices})


async def _stream(reply: Reply, body: dict[str, Any], sent: list[float]) -> AsyncIterator[str]:
    for token in reply.tokens:
        if sent and reply.gap_ms:
            await asyncio.sleep(reply.gap_ms / 1000)
        sent.append(time.monotonic())
        yield _chunk({"content": token})
    for number, (name, arguments) in enumerate(reply.calls):
        function = {"name": name, "arguments": ""}
        yield _chunk({"tool_calls": [{"index": number, "id": f"c{number}", "type": "function", "function": function}]})
        for start in range(0, len(arguments), reply.cut):
            function = {"arguments": arguments[start : start + reply.cut]}
            yield _chunk({"tool_calls": [{"index": number, "function": function}]})
    if reply.end == "hang":
        await asyncio.sleep(3600)
    if reply.end == "die":
        await asyncio.sleep(0.05)  # what was said is still delivered
        os.kill(os.getpid(), signal.SIGKILL)
    yield _chunk({}, "tool_calls" if reply.calls and reply.end == "stop" else reply.end)
    if (body.get("stream_options") or {}).get("include_usage"):
        yield f"data: {json.dumps({**_head('chat.completion.chunk'), 'choices': [], 'usage': _usage(reply)})}\n\n"
    yield "data: [DONE]\n\n"


def _chunk(delta: dict[str, Any], finish_reason: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return f"data: {json.dumps({**_head('chat.completion.chunk'), 'choices': [choice]})}\n\n"


def _head(kind: str) -> dict[str, Any]:
    return {"id": "scripted-1", "object": kind, "created": int(time.time()), "model": MODEL}


def _usage(reply: Reply) -> dict[str, int]:
    return {"prompt_tokens": 100, "completion_tokens": len(reply.tokens), "total_tokens": 100 + len(reply.tokens)}


app = Starlette(
    routes=[
        Route("/script", _set_script, methods=["POST"]),
        Route("/log", _get_log),
        Route("/v1/models", _models),
        Route("/v1/completions", _complete_text, methods=["POST"]),
        Route("/v1/chat/completions", _complete, methods=["POST"]),
    ]
)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
