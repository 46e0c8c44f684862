"""Training as a process of its own, so that its memory and its death are its own: started, watched, gone on with."""

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO

from django.conf import settings as django_settings

from chat.tuning.settings import TuningSettings
from chat.tuning.trainer import FINISHED, PROGRESS, Job

ROOT = Path(__file__).parents[2]
JOB = "job.json"
LINES_KEPT = 40


class TrainingFailed(Exception):
    """The process gave no adapter; the message is what it said last."""


@dataclass(frozen=True)
class Progress:
    """Where the training is: `step` of `steps` in the file with the number `stage` of `stages`."""

    stage: int
    stages: int
    step: int
    steps: int
    loss: float | None


@dataclass(frozen=True)
class Trained:
    """`adapter` is a folder as peft writes it. `left_out` rows were longer than the length that was set."""

    adapter: Path
    steps: int
    loss: float | None
    rows: int
    left_out: int
    seconds: float
    device: str


def train(
    rows: Sequence[Path],
    base: str,
    folder: Path,
    chosen: TuningSettings,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> Trained:
    """An adapter on `base` (a folder, or a name in the local model cache) from files as rows_file writes them, learnt
    one after the other.

    All that is written lies in `folder`; called again with the same folder it goes on from the last checkpoint.
    Raises TrainingFailed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    job = Job(tuple(path.resolve() for path in rows), base, folder.resolve(), chosen)
    if not (folder / FINISHED).exists():
        (folder / JOB).write_text(json.dumps(job.as_json()), encoding="utf-8")
        run_module(_launcher(), "chat.tuning.trainer", folder / JOB, on_progress)
    try:
        return Trained(job.adapter, **json.loads((folder / FINISHED).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as problem:
        raise TrainingFailed(f"The training ended without an adapter: {problem}") from problem


def _launcher() -> list[str]:
    """This Python; or what TUNING_LAUNCHER names, such as `accelerate launch --num_processes 4`."""
    return shlex.split(django_settings.TUNING_LAUNCHER) or [sys.executable]


def run_module(launcher: Sequence[str], module: str, job: Path, on_progress: Callable[[Progress], None]) -> None:
    """A process for one job, watched until it ends, and ended with this one. Raises TrainingFailed."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    environment = {**os.environ, "PYTHONPATH": path, "HF_HUB_OFFLINE": "1", "NO_COLOR": "1"}
    # Threads that wait by spinning take the cores from everybody, themselves included.
    environment.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # This one is for many small matrices beside each other; here one computation has the machine.
    environment.pop("OPENBLAS_NUM_THREADS", None)
    process = subprocess.Popen(
        [*launcher, "-m", module, str(job)], cwd=ROOT, env=environment, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True,
    )  # fmt: skip
    complaints: deque[str] = deque(maxlen=LINES_KEPT)
    assert process.stdin
    assert process.stdout
    assert process.stderr
    reading = Thread(target=_keep, args=(process.stderr, complaints), daemon=True)
    reading.start()
    try:
        for line in process.stdout:
            if line.startswith(PROGRESS):
                on_progress(Progress(**json.loads(line.removeprefix(PROGRESS))))
        status = process.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdin.close()
    reading.join(timeout=5)
    if status:
        raise TrainingFailed(_last_words(complaints, status))


def _keep(lines: IO[str], kept: deque[str]) -> None:
    kept.extend(line.rstrip() for line in lines)


def _last_words(complaints: deque[str], status: int) -> str:
    if status < 0:
        return f"The training was killed (signal {-status}); if nobody did it, the machine has too little memory."
    said = next((line for line in reversed(complaints) if line.strip()), "it said nothing")
    return f"The training failed: {said[:500]}"
