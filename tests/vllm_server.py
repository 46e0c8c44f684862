"""A pytest plugin: the real vLLM with the tiny Llama, started for the first test of a process that wants it.

A test that takes the fixture `vllm` gets it when it answers. One that kills it is marked `last`; it is started again.
"""

import atexit
import json
import os
import shutil
import signal
import tempfile
import threading
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from switchboard.embedded import vllm as embedded
from switchboard.embedded.folder import DataFolder
from switchboard.embedded.supervisor import Supervisor

from tests import tiny_llama

PYTHON = "VLLM_PYTHON"
PATIENCE_S = 90.0


@dataclass(frozen=True)
class Vllm:
    """`model` is the string under which the base is served, `adapters` the folder that the server looks in."""

    endpoint: embedded.Endpoint
    supervisor: Supervisor = field(repr=False, compare=False)

    @property
    def url(self) -> str:
        return f"{self.endpoint.url}/v1"

    @property
    def key(self) -> str:
        return self.endpoint.key

    @property
    def model(self) -> str:
        return self.endpoint.model

    @property
    def adapters(self) -> Path:
        return self.endpoint.adapters

    def settings(self) -> dict[str, Any]:
        """Those of a platform that uses it, and patience: it may share two cores with a training."""
        return {**self.endpoint.environment(), "LLM_TIMEOUT_S": PATIENCE_S}

    def ask(self, model: str, question: str) -> str:
        """What the base or an adapter says, asked without the platform."""
        asked = {"model": model, "messages": [{"role": "user", "content": question}], "max_tokens": 20}
        answer = httpx.post(
            f"{self.url}/chat/completions",
            json=asked,
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=PATIENCE_S,
        )
        answer.raise_for_status()
        return str(answer.json()["choices"][0]["message"]["content"])

    def kill(self) -> None:
        """End it with its engine, as the kernel would."""
        os.killpg(self.supervisor.pid_of(embedded.NAME), signal.SIGKILL)

    def wait(self) -> None:
        """Return once it answers, also after it was killed: then it is being started again."""
        deadline = time.monotonic() + embedded.READY_S
        while not embedded.is_healthy(self.endpoint):
            assert time.monotonic() < deadline, "vLLM does not answer"

    def publish_zero_adapter(self, name: str) -> str:
        """An adapter that changes nothing, published as any other: written beside its place, then renamed."""
        import torch
        from safetensors.torch import save_file

        hidden = json.loads((Path(self.model) / "config.json").read_text())["hidden_size"]
        draft = self.adapters / f".{name}"
        draft.mkdir()
        layer = "base_model.model.model.layers.0.self_attn.q_proj.lora_{}.weight"
        weights = {layer.format("A"): torch.zeros(8, hidden), layer.format("B"): torch.zeros(hidden, 8)}
        save_file(weights, draft / "adapter_model.safetensors")
        described = {
            "peft_type": "LORA", "base_model_name_or_path": self.model, "r": 8, "lora_alpha": 16, "lora_dropout": 0.0,
            "target_modules": ["q_proj"], "bias": "none", "task_type": "CAUSAL_LM",
        }  # fmt: skip
        (draft / "adapter_config.json").write_text(json.dumps(described))
        draft.rename(self.adapters / name)
        return name


@pytest.fixture
def vllm() -> Vllm:
    if not os.environ.get(PYTHON):
        pytest.skip(f"{PYTHON} names no Python that has vLLM; bin/test installs one")
    server = _begun()
    server.wait()
    return server


@cache
def _begun() -> Vllm:
    model = tiny_llama.folder()
    data = Path(tempfile.mkdtemp(prefix="switchboard-vllm-"))
    supervisor = Supervisor(DataFolder(data))

    def end() -> None:
        supervisor.stop()
        shutil.rmtree(data, ignore_errors=True)

    atexit.register(end)
    given = {PYTHON: os.environ[PYTHON], "VLLM_CPU_KVCACHE_SPACE": "1"}
    endpoint = embedded.start(supervisor, str(model), given)
    embedded.wait(supervisor, endpoint)
    threading.Thread(target=supervisor.watch, daemon=True).start()
    return Vllm(endpoint, supervisor)
