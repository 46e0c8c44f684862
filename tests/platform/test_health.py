"""/healthz, /readyz and /metrics of the running platform."""

import os
import signal

import httpx

from tests.embedded_services import SERVICES
from tests.platform_processes import Platform


def test_it_is_alive_and_ready(platform: Platform) -> None:
    assert httpx.get(f"{platform.url}/healthz").json() == {"status": "alive"}
    ready = httpx.get(f"{platform.url}/readyz", timeout=10)
    assert ready.status_code == 200, ready.text
    assert {name: ready.json()[name] for name in ("database", "broker", "workers")} == dict.fromkeys(
        ("database", "broker", "workers"), "ok"
    )
    assert "llm" in ready.json()


def test_it_says_which_part_is_not_ready(platform: Platform) -> None:
    redis = SERVICES.supervisor.pid_of("redis")
    os.kill(redis, signal.SIGSTOP)
    try:
        answer = httpx.get(f"{platform.url}/readyz", timeout=10)
        assert httpx.get(f"{platform.url}/healthz").status_code == 200
    finally:
        os.kill(redis, signal.SIGCONT)
    assert answer.status_code == 503
    assert answer.json()["database"] == "ok"
    assert answer.json()["broker"] != "ok"
    platform.wait_until_ready()


def test_the_figures_are_prometheus_text(platform: Platform) -> None:
    figures = httpx.get(f"{platform.url}/metrics")
    assert figures.status_code == 200
    assert figures.headers["Content-Type"].startswith("text/plain")
    assert "# TYPE " in figures.text
