"""What the language model's server serves right now: its base, the adapters that it holds, and how fast it is."""

import json
import time
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from redis.exceptions import RedisError

from chat import llm
from tenants.redis_client import client

SAMPLES = "llm:samples"
KEPT_S = 60
# Counted over at least this long, so that the look of a moment ago says little.
SPAN_S = 10.0
COUNTERS = {
    "vllm:prompt_tokens_total": "prompt",
    "vllm:generation_tokens_total": "generation",
    "vllm:request_prefill_time_seconds_sum": "reading_s",
    "vllm:request_decode_time_seconds_sum": "writing_s",
    "vllm:num_requests_running": "running",
    "vllm:num_requests_waiting": "waiting",
    "process_start_time_seconds": "since",
}


@dataclass(frozen=True)
class Speed:
    """Tokens a second: of all requests together in the last `span_s` seconds, and of one answer on average since the
    server's start. `running` and `waiting` are requests."""

    span_s: float
    prompt: float
    generation: float
    of_one_answer: float | None
    running: int
    waiting: int

    @property
    def span(self) -> str:
        """The time that was counted over, in words."""
        for unit, seconds in (("hours", 3600), ("minutes", 60)):
            if self.span_s >= 2 * seconds:
                return f"{self.span_s / seconds:.0f} {unit}"
        return f"{self.span_s:.0f} seconds"


@dataclass(frozen=True)
class Served:
    """`problem` is empty where the server is reached. `speed` is None where the server has no such figures."""

    problem: str
    bases: tuple[str, ...] = ()
    adapters: tuple[str, ...] = ()
    speed: Speed | None = None

    @property
    def answers(self) -> bool:
        """Whether the model that is to answer is among them."""
        return settings.LLM_MODEL in (*self.bases, *self.adapters)


async def served() -> Served:
    """Ask the server; needs no scope, and must be given none while it waits."""
    try:
        models = await llm.served_models()
    except llm.LlmError as problem:
        return Served(str(problem))
    bases = tuple(model.name for model in models if not model.parent)
    adapters = tuple(sorted(model.name for model in models if model.parent))
    return Served("", bases, adapters, await _speed() if settings.LLM_DIALECT == "vllm" else None)


async def _speed() -> Speed | None:
    try:
        now = _counters(await llm.metrics())
    except (llm.LlmError, ValueError):
        return None
    if not {"prompt", "generation", "since"} <= now.keys():
        return None
    start = {"at": now["since"], "prompt": 0.0, "generation": 0.0}
    try:
        before = await _sample(now) or start
    except RedisError:
        before = start
    span = max(now["at"] - before["at"], 0.001)
    writing = now.get("writing_s", 0.0)
    return Speed(
        span_s=span,
        prompt=(now["prompt"] - before["prompt"]) / span,
        generation=(now["generation"] - before["generation"]) / span,
        of_one_answer=now["generation"] / writing if writing else None,
        running=int(now.get("running", 0)),
        waiting=int(now.get("waiting", 0)),
    )


def _counters(text: str) -> dict[str, float]:
    """The figures by our names, of all engines together, and when they were read."""
    from prometheus_client.parser import text_string_to_metric_families

    found = {"at": time.time()}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if name := COUNTERS.get(sample.name):
                found[name] = found.get(name, 0.0) + sample.value
    return found


async def _sample(now: dict[str, float]) -> dict[str, Any] | None:
    """The newest earlier sample that is old enough, else the oldest; None where this run of the server has none."""
    redis = client()
    kept = [json.loads(each) for each in await redis.lrange(SAMPLES, 0, -1)]
    same_run = [each for each in kept if each["since"] == now["since"] and now["at"] - each["at"] < KEPT_S]
    if not kept or now["at"] - kept[0]["at"] > SPAN_S / 10:
        await redis.lpush(SAMPLES, json.dumps(now))
        await redis.ltrim(SAMPLES, 0, KEPT_S)
        await redis.expire(SAMPLES, KEPT_S)
    old_enough = [each for each in same_run if now["at"] - each["at"] >= SPAN_S]
    return next(iter(old_enough or same_run[-1:]), None)
