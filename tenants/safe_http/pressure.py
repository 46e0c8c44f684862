"""How much may be asked of others at once: places for each owner, and hosts that fail are left alone for a while."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from tenants.safe_http.request import OutboundError

CALLS_AT_ONCE = 20
FAILURES_IN_A_ROW = 5
PAUSE_S = 15.0
KEPT_CIRCUITS = 2000
DOWN = frozenset({502, 503, 504})


@asynccontextmanager
async def place(owner: str, deadline: float, most: int | None = None) -> AsyncIterator[None]:
    """One of the owner's places in this process; "busy" when none gets free before the deadline (of the loop's clock).

    One tenant whose API hangs must not use up what all tenants share.
    """
    most = most or CALLS_AT_ONCE
    loop = asyncio.get_running_loop()
    of_loop = _places.setdefault(loop, {})
    places = of_loop.get(owner) or of_loop.setdefault(owner, _Places(asyncio.Semaphore(most)))
    places.wanted += 1
    try:
        try:
            async with asyncio.timeout_at(deadline):
                await places.free.acquire()
        except TimeoutError as problem:
            raise OutboundError("busy", f"{most} calls are under way, and none has ended.") from problem
        try:
            yield
        finally:
            places.free.release()
    finally:
        places.wanted -= 1
        if not places.wanted:
            of_loop.pop(owner, None)


def enter(owner: str, host: str) -> None:
    """Ask before calling. Raises OutboundError while the host is left alone; one call then tries whether it is back."""
    circuit = _circuits.get((owner, host))
    if circuit is None or circuit.failures < FAILURES_IN_A_ROW:
        return
    left = circuit.shut_until - time.monotonic()
    if left > 0:
        raise OutboundError("unreachable", f"{host} keeps failing; it is left alone for {left:.0f} more seconds.")
    circuit.shut_until = time.monotonic() + PAUSE_S


def report(owner: str, host: str, *, failed: bool) -> None:
    """How the call went. Each owner has counts of its own: what one tenant does never shuts a host for another."""
    if not failed:
        _circuits.pop((owner, host), None)
        return
    circuit = _circuits.setdefault((owner, host), _Circuit())
    _circuits.move_to_end((owner, host))
    circuit.failures += 1
    circuit.shut_until = time.monotonic() + PAUSE_S
    while len(_circuits) > KEPT_CIRCUITS:
        _circuits.popitem(last=False)


@dataclass
class _Places:
    free: asyncio.Semaphore
    wanted: int = 0


@dataclass
class _Circuit:
    failures: int = 0
    shut_until: float = 0.0


_places: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, _Places]] = WeakKeyDictionary()
_circuits: OrderedDict[tuple[str, str], _Circuit] = OrderedDict()
