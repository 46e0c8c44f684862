"""The figures of turns and streams for Prometheus."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import Counter, Gauge, Histogram

TURNS = Counter("switchboard_turns", "Turns answered, by the route of the answer.", ["route"])
FAILED_TURNS = Counter("switchboard_failed_turns", "Attempts at a turn that ended in an error.")
TURN_SECONDS = Histogram(
    "switchboard_turn_seconds",
    "From claiming a turn to its stored answer.",
    buckets=(0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
)
LLM_FAILURES = Counter("switchboard_llm_failures", "Answers that a model was asked for and did not give.")
STREAMS = Gauge("switchboard_open_streams", "Clients that follow a conversation.")


@asynccontextmanager
async def following() -> AsyncIterator[None]:
    """Count a stream while the block runs."""
    with STREAMS.track_inprogress():
        yield
