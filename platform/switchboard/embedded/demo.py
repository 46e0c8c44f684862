"""The whole platform on one machine: `python -m switchboard.embedded.demo`, which bin/demo runs."""

import argparse
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from switchboard.embedded import EmbeddedError, commands, detached, processes, services, vllm
from switchboard.embedded.commands import ROOT, Places
from switchboard.embedded.folder import DataFolder
from switchboard.embedded.services import Services
from switchboard.embedded.supervisor import PLATFORM, Command

READY_S = 240.0
LAST_PORT = 65535 - 3


def main() -> int:
    options = _parse()
    folder = DataFolder(options.data)
    _listen_to_signals()
    try:
        if options.stop:
            return detached.stop(folder)
        model = vllm.checked(options.llm) if options.llm else None
        if options.detach:
            return detached.start(folder, options.port, model)
        _Demo(Places(options.port, folder.path), model).run()
    except EmbeddedError as problem:
        print(f"\n{problem}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/demo", description="Start Switchboard with two demo businesses.")
    parser.add_argument("--port", type=_port, default=8000, help="port of the platform; the next three are used too")
    parser.add_argument("--data", type=Path, default=ROOT / ".data", metavar="DIR", help="data folder (.data)")
    parser.add_argument("--llm", metavar="MODEL", help="a local folder or a hub name of a model to serve")
    parser.add_argument("--detach", action="store_true", help="return when ready and go on in the background")
    parser.add_argument("--stop", action="store_true", help="stop the one that runs on this data folder")
    return parser.parse_args()


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1 to {LAST_PORT}")
    return int(text)


def _listen_to_signals() -> None:
    # Explicitly, because a shell starts its background jobs with SIGINT ignored; nohup's wish is respected.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.default_int_handler)


class _Demo:
    def __init__(self, places: Places, model: str | None) -> None:
        self._places, self._model = places, model
        self._llm: vllm.Endpoint | None = None
        self._began = time.monotonic()

    def run(self) -> None:
        """Start everything, say when it is ready, and keep it running until a signal ends it."""
        self._say("starting PostgreSQL and Redis")
        self._services = services.start(self._places.data, given=os.environ, say=self._say)
        self._supervisor = self._services.supervisor
        try:
            self._bring_up()
            self._supervisor.watch()
        finally:
            self._stop()

    def _bring_up(self) -> None:
        self._check_ports()
        self._environment = environment(self._services, self._places)
        shared = ["ALLOW_PRIVATE_ADDRESSES", "ALLOWED_HOSTS", "PUBLIC_URL"]
        if self._model:
            self._say(f"starting vLLM with {self._model}")
            self._llm = vllm.start(self._supervisor, self._model)
            self._environment |= self._llm.environment()
            shared += self._llm.environment()
        # Commands run by hand must be able to do what the platform's own processes can.
        self._supervisor.publish(
            {"url": self._places.url, **{name.lower(): self._environment[name] for name in shared}}
        )
        self._say("bringing the database up to date")
        self._supervisor.run(self._command("migrate", commands.MIGRATE))
        self._say("starting web, worker, beat and the demo businesses")
        tuned = self._model or os.environ.get("LLM_MODEL")
        for name, words in (commands.LONG_RUNNING | (commands.WITH_MODEL if tuned else {})).items():
            self._supervisor.start(self._command(name, words))
        self._say("filling in the demo businesses")
        logins = self._supervisor.run(self._command("seed", commands.SEED))
        self._say("waiting until everything answers")
        self._wait_until_ready()
        if self._llm:
            self._say(f"waiting for the language model (its log: {self._services.supervisor.folder.log(vllm.NAME)})")
            vllm.wait(self._supervisor, self._llm)
        self._say("everything is up")
        print(f"\n{logins.strip()}\n\nready {self._places.url}", flush=True)

    def _check_ports(self) -> None:
        for owner, port in self._places.ports.items():
            if not processes.port_is_free(port):
                raise EmbeddedError(
                    f"Port {port} (for {owner}) is taken by another program: choose others with --port N, "
                    "which uses N to N+3."
                )

    def _command(self, name: str, words: tuple[str, ...]) -> Command:
        return Command(name, (sys.executable, *self._places.fill(words)), env=self._environment, cwd=ROOT)

    def _wait_until_ready(self) -> None:
        readiness = _Readiness(self._places.url + "readyz")
        try:
            self._supervisor.wait_for("web", readiness.is_ready, READY_S)
        except EmbeddedError as problem:
            raise EmbeddedError(f"{problem}\n/readyz said: {readiness.last}") from problem

    def _say(self, line: str) -> None:
        print(f"{time.monotonic() - self._began:6.1f} s  {line}", flush=True)

    def _stop(self) -> None:
        # A second Ctrl-C must not cut this short; the guardian would finish it all the same.
        for stop_signal in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(stop_signal, signal.SIG_IGN)
        self._say("stopping")
        self._services.stop()
        self._say("stopped")


class _Readiness:
    def __init__(self, url: str) -> None:
        self._url = url
        # Without the proxy that the environment may name: this is an address of this machine.
        self._client = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self.last = "nothing"

    def is_ready(self) -> bool:
        try:
            with self._client.open(self._url, timeout=5) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as problem:
            self.last = problem.read(2000).decode(errors="replace")
        except OSError as problem:
            self.last = f"no answer ({problem})"
        time.sleep(0.2)
        return False


def environment(running: Services, places: Places) -> dict[str, str]:
    """What the demo's processes find in their environment; what the caller has set himself goes first."""
    _, meridian, harbor, meridian_sign_in = places.ports.values()
    private = ",".join(f"127.0.0.1:{port}" for port in (meridian, harbor, meridian_sign_in))
    chosen = {
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "ALLOW_PRIVATE_ADDRESSES": private,
        "SWITCHBOARD_URL": places.url.rstrip("/"),
        "PUBLIC_URL": places.url.rstrip("/"),
        "MERIDIAN_URL": f"http://127.0.0.1:{meridian}",
        "MERIDIAN_SIGN_IN_URL": f"http://127.0.0.1:{meridian_sign_in}",
        "HARBOR_URL": f"http://127.0.0.1:{harbor}",
        "DEMO": "1",
    }
    kept = {name: os.environ.get(name) or value for name, value in chosen.items()}
    path = os.pathsep.join([str(PLATFORM), str(ROOT)])
    return {**kept, **running.environment(), "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


if __name__ == "__main__":
    sys.exit(main())
