"""The one door to language models: any OpenAI-compatible endpoint, never waited for long, left alone while it fails."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

from django.conf import settings

from tenants.safe_http import OutboundError, pressure

if TYPE_CHECKING:
    import openai

OWNER = "llm"
CONNECT_S = 2.0
QUEUE_S = 2.0
CHOICE_S = 4.0
RETRIES = 1
LONGEST_ANSWER = 500
CONTINUE = "Go on from exactly where you stopped. Do not repeat anything."
ENDED = frozenset({"stop", "length", "tool_calls"})


class LlmError(Exception):
    """The model gave nothing, or broke off; the text says why, for the log."""


@dataclass(frozen=True)
class Tool:
    """A function that a model may call; `parameters` is a JSON Schema."""

    name: str
    description: str
    parameters: dict[str, Any] = field(hash=False)


@dataclass(frozen=True)
class ToolCall:
    """A call as the model wrote it: `arguments` should be JSON, but need not be."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class ToolRound:
    """What a model wrote before it called tools, and each call with its result."""

    text: str
    results: tuple[tuple[ToolCall, str], ...]


@dataclass(frozen=True)
class Prompt:
    """What a model is given. `begun` is the beginning of its answer, which it goes on from; `rounds` are the tools that
    it has called so far."""

    model: str
    system: str
    turns: tuple[tuple[Literal["user", "assistant"], str], ...]
    begun: str = ""
    longest: int = LONGEST_ANSWER
    tools: tuple[Tool, ...] = ()
    rounds: tuple[ToolRound, ...] = ()


@dataclass
class Usage:
    """What one generation took. Where the endpoint does not count the tokens, the pieces that came are counted."""

    model: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    first_token_ms: float | None = None
    total_ms: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """As the Interaction keeps it."""
        return asdict(self)


class Generation:
    """The text as the model writes it; raises LlmError when it breaks off. Leaving it early stops the model.

    `tool_calls` are complete once the text has ended.
    """

    def __init__(self, stream: Any, usage: Usage, began: float) -> None:
        self._stream, self._began = stream, began
        self._called: dict[int, ToolCall] = {}
        self.usage = usage

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        return tuple(call for _, call in sorted(self._called.items()))

    async def __aiter__(self) -> AsyncIterator[str]:
        finished = ""
        pieces = 0
        async for chunk in self._stream:
            if chunk.usage:
                self.usage.prompt_tokens = chunk.usage.prompt_tokens
                self.usage.completion_tokens = chunk.usage.completion_tokens
            for choice in chunk.choices:
                finished = choice.finish_reason or finished
                for part in choice.delta.tool_calls or ():
                    pieces += 1
                    self._note(pieces)
                    self._add(part)
                if choice.delta.content:
                    pieces += 1
                    self._note(pieces)
                    yield choice.delta.content
        # A server that is stopped ends the stream in good order, but says that it has not finished.
        if finished not in ENDED:
            raise LlmError(f"The model broke off ({finished or 'no reason given'}).")

    def _add(self, part: Any) -> None:
        """One piece of a call: its name comes with the first, its arguments in any number."""
        known = self._called.get(part.index) or ToolCall(f"call_{part.index}", "", "")
        function = part.function
        self._called[part.index] = ToolCall(
            part.id or known.id,
            known.name + ((function and function.name) or ""),
            known.arguments + ((function and function.arguments) or ""),
        )

    def _note(self, pieces: int) -> None:
        self.usage.total_ms = round((time.perf_counter() - self._began) * 1000, 2)
        self.usage.completion_tokens = max(self.usage.completion_tokens, pieces)
        if self.usage.first_token_ms is None:
            self.usage.first_token_ms = self.usage.total_ms


def is_configured() -> bool:
    return bool(settings.LLM_BASE_URL and settings.LLM_MODEL)


@asynccontextmanager
async def generating(prompt: Prompt) -> AsyncIterator[Generation]:
    """A generation that is under way while the block runs. Raises LlmError."""
    async with _asking():
        began = time.perf_counter()
        usage = Usage(prompt.model)
        stream = await _streamed(
            {
                "model": prompt.model,
                "messages": _messages(prompt),
                "stream_options": _stream_options(),
                "max_tokens": prompt.longest,
                "temperature": 0.0,
                **_continuing(prompt),
                **_tools(prompt),
            }
        )
        async with stream:
            yield Generation(stream, usage, began)


async def choose(prompt: Prompt, options: Sequence[str]) -> str:
    """One of the options, and nothing else. Raises LlmError."""
    return (await chosen(prompt, options))[0]


async def chosen(prompt: Prompt, options: Sequence[str], seconds: float = CHOICE_S) -> tuple[str, Usage]:
    """The same, and what it took; given up after so many seconds."""
    async with _asking(), asyncio.timeout(seconds):
        began = time.perf_counter()
        reply = await _client().chat.completions.create(
            model=prompt.model,
            messages=_messages(prompt),
            # A token is a character at least.
            max_tokens=max(map(len, options)) + 1,
            temperature=0.0,
            extra_body=_one_of(options),
        )
    took = round((time.perf_counter() - began) * 1000, 2)
    usage = Usage(prompt.model, first_token_ms=took, total_ms=took)
    if reply.usage:
        usage.prompt_tokens, usage.completion_tokens = reply.usage.prompt_tokens, reply.usage.completion_tokens
    said = (reply.choices[0].message.content or "").strip().strip('."').casefold()
    found = next((option for option in options if option.casefold() == said), None)
    if found is None:
        raise LlmError(f"The model chose {said[:40]!r}, which is none of the options.")
    return found, usage


async def complete(prompt: Prompt) -> str:
    """A short text as a whole. Raises LlmError."""
    async with generating(prompt) as generation:
        try:
            async with asyncio.timeout(CHOICE_S):
                return "".join([piece async for piece in generation]).strip()
        except TimeoutError as problem:
            raise LlmError(f"Not complete after {CHOICE_S:g} s.") from problem


async def completions(**asked: Any) -> list[Any]:
    """What the endpoint's completions say to a text without a chat: its choices. Raises LlmError."""
    async with _asking():
        return list((await _client().completions.create(**asked)).choices)


@dataclass(frozen=True)
class ServedModel:
    """A name that the endpoint answers to; `parent` is the base model of an adapter, and empty for a base."""

    name: str
    parent: str


async def served_models() -> list[ServedModel]:
    """What the endpoint answers to at the moment. Raises LlmError."""
    async with _asking():
        return [
            ServedModel(model.id, str((model.model_extra or {}).get("parent") or ""))
            async for model in _client().models.list()
        ]


async def metrics() -> str:
    """vLLM's figures in Prometheus' text format. Raises LlmError where there are none."""
    async with _asking():
        address = settings.LLM_BASE_URL.rstrip("/").removesuffix("/v1") + "/metrics"
        answer = await _client().get(address, cast_to=_raw_response())
        return str(answer.text)


@asynccontextmanager
async def _asking() -> AsyncIterator[None]:
    """One of the places, while the endpoint is not being left alone; every failure comes out as LlmError."""
    import openai

    host = settings.LLM_BASE_URL
    try:
        async with pressure.place(OWNER, asyncio.get_running_loop().time() + QUEUE_S, settings.LLM_AT_ONCE):
            pressure.enter(OWNER, host)
            try:
                yield
            except openai.APIStatusError as problem:
                # What the server refuses it has understood: it is there.
                pressure.report(OWNER, host, failed=problem.status_code >= 500)
                raise
            except (LlmError, openai.APIError, OSError, TimeoutError, _transport_error()):
                pressure.report(OWNER, host, failed=True)
                raise
            pressure.report(OWNER, host, failed=False)
    except (OutboundError, openai.APIError, OSError, TimeoutError, _transport_error()) as problem:
        raise LlmError(f"{type(problem).__name__}: {problem}") from problem


def _transport_error() -> type[Exception]:
    import httpx2

    return httpx2.HTTPError


async def _streamed(body: dict[str, Any]) -> Any:
    """What create() does, without its pass over every message to tell what kind of argument it is: the prompt leaves
    milliseconds earlier."""
    import openai
    from openai.types.chat import ChatCompletionChunk

    return await _client().post(
        "/chat/completions",
        cast_to=ChatCompletionChunk,
        body={**body, "stream": True},
        stream=True,
        stream_cls=openai.AsyncStream[ChatCompletionChunk],
    )


def _raw_response() -> type[Any]:
    import httpx2

    return httpx2.Response


_clients: "WeakKeyDictionary[asyncio.AbstractEventLoop, openai.AsyncOpenAI]" = WeakKeyDictionary()


def _client() -> "openai.AsyncOpenAI":
    """One client for each event loop: connections belong to the loop that opened them."""
    # Imported when first needed: half a second that a process without a model need not spend.
    import openai

    loop = asyncio.get_running_loop()
    if loop not in _clients:
        _clients[loop] = openai.AsyncOpenAI(
            base_url=settings.LLM_BASE_URL,
            api_key=settings.LLM_API_KEY or "none",
            timeout=openai.Timeout(settings.LLM_TIMEOUT_S, connect=CONNECT_S),
            max_retries=RETRIES,
        )
    return _clients[loop]


def _messages(prompt: Prompt) -> Any:
    messages: list[dict[str, Any]] = [{"role": "system", "content": prompt.system}]
    messages += [{"role": role, "content": text} for role, text in prompt.turns]
    messages += [message for each in prompt.rounds for message in _round(each)]
    if prompt.begun:
        messages.append({"role": "assistant", "content": prompt.begun})
        if settings.LLM_DIALECT != "vllm":
            messages.append({"role": "user", "content": CONTINUE})
    return messages


def _round(made: ToolRound) -> list[dict[str, Any]]:
    calls = [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call, _ in made.results
    ]
    results = [{"role": "tool", "tool_call_id": call.id, "content": result} for call, result in made.results]
    return [{"role": "assistant", "content": made.text, "tool_calls": calls}, *results]


def _tools(prompt: Prompt) -> dict[str, Any]:
    if not prompt.tools:
        return {}
    return {"tools": [{"type": "function", "function": asdict(each)} for each in prompt.tools]}


def _stream_options() -> Any:
    options = {"include_usage": True}
    # A generation that is left early has no last chunk to count its tokens.
    return options | {"continuous_usage_stats": True} if settings.LLM_DIALECT == "vllm" else options


def _continuing(prompt: Prompt) -> dict[str, Any]:
    if prompt.begun and settings.LLM_DIALECT == "vllm":
        return {"continue_final_message": True, "add_generation_prompt": False}
    return {}


def _one_of(options: Sequence[str]) -> dict[str, Any] | None:
    return {"structured_outputs": {"choice": list(options)}} if settings.LLM_DIALECT == "vllm" else None
