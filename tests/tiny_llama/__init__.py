"""A Llama of two million parameters, made from the project's own texts: small enough to be trained where tests run.

It has what a large one has (LlamaForCausalLM, a tokenizer and a chat template of its own), so the real trainer tunes it
and the real vLLM serves it. It knows half of the practice businesses and all demo bots but one: `meridian-retail` is
left for the tests to teach it. `python -m tests.tiny_llama FOLDER` makes one; tests share the one that `folder()`
returns.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from tests import made_once
from tests.tiny_llama import conversations

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def folder() -> Path:
    """The model's folder, made if there is none for these texts and this script yet."""
    return made_once.folder("tiny-llama", _mark(), _make)


def _mark() -> str:
    """Another script or other texts make another model."""
    script = "".join(path.read_text(encoding="utf-8") for path in sorted(HERE.iterdir()) if path.is_file())
    return hashlib.sha256("\n".join([script, *conversations.texts(conversations.read())]).encode()).hexdigest()[:16]


def _make(place: Path) -> None:
    """In a process of its own, whose threads sleep while they wait: spinning ones would stop what runs beside it."""
    path = os.pathsep.join([str(ROOT / "platform"), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_WAIT_POLICY": "PASSIVE"}
    subprocess.run([sys.executable, "-m", "tests.tiny_llama", str(place)], cwd=ROOT, env=environment, check=True)
