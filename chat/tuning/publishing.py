"""The folder of adapters that every vLLM reads by itself. A name is published once, by renaming a finished folder.

A server that has loaded an adapter goes on with its old weights, so what lies under a name never changes; and one whose
folder is gone dies when it needs the adapter again, so a folder goes only when every server has forgotten it.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings

FILES = ("adapter_config.json", "adapter_model.safetensors")
ZERO_PROJECTION = "q_proj"


class PublishingError(Exception):
    """The folder cannot be written as it is; the message says why."""


def publish(name: str, adapter: Path, served_model: str) -> None:
    """Copy an adapter as peft wrote it to its name, all at once. Raises PublishingError."""

    def write(folder: Path) -> None:
        for file in FILES:
            if not (adapter / file).is_file():
                raise PublishingError(f"{adapter} holds no {file}.")
            shutil.copyfile(adapter / file, folder / file)

    _put(name, served_model, write)


def publish_base(weights: str, served_model: str) -> None:
    """Put an adapter that changes nothing beside the others, where it is missing: the base is asked for by its name."""
    name = base_name(served_model)
    try:
        if not is_published(name):
            _put(name, served_model, lambda folder: _write_zero(weights, folder))
    except PublishingError:
        # Another process may have been faster.
        if not is_published(name):
            raise


@cache
def base_name(served_model: str) -> str:
    return f"base-{sha256(served_model.encode()).hexdigest()[:12]}"


_seen: set[Path] = set()


def is_published(name: str) -> bool:
    """Whether the folder is there; looked for until it is, and then no more."""
    path = _folder() / name
    if path not in _seen and (path / FILES[0]).is_file():
        _seen.add(path)
    return path in _seen


def remove(name: str) -> None:
    """Delete the folder of an adapter that no server knows."""
    path = _folder() / name
    _seen.discard(path)
    if path.is_dir():
        # First out of sight, so that nobody finds half of it.
        gone = Path(tempfile.mkdtemp(prefix=".gone-", dir=_folder()))
        os.rename(path, gone / name)
        shutil.rmtree(gone)


def _put(name: str, served_model: str, write: Callable[[Path], None]) -> None:
    folder = _folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        incoming = Path(tempfile.mkdtemp(prefix=".incoming-", dir=folder))
    except OSError as problem:
        raise PublishingError(f"LLM_ADAPTERS_DIR={folder} cannot be written: {problem.strerror}.") from problem
    try:
        write(incoming)
        _name_base(incoming / FILES[0], served_model)
        # The server may be somebody else's process.
        incoming.chmod(0o755)
        for file in FILES:
            (incoming / file).chmod(0o644)
        if (folder / name).exists():
            raise PublishingError(f"{folder / name} is there already; what is published never changes.")
        os.rename(incoming, folder / name)
    except OSError as problem:
        raise PublishingError(f"{folder / name} could not be written: {problem}") from problem
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def _name_base(config: Path, served_model: str) -> None:
    """The resolver takes an adapter only if it names the model exactly as the server does."""
    content: dict[str, Any] = json.loads(config.read_text(encoding="utf-8"))
    content |= {"base_model_name_or_path": served_model, "inference_mode": True}
    config.write_text(json.dumps(content, indent=2), encoding="utf-8")


def _write_zero(weights: str, folder: Path) -> None:
    """Rank 1 on one projection, and all zeros, in the shapes of the model whose configuration is at `weights`."""
    import torch
    from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
    from safetensors.torch import save_file
    from transformers import AutoConfig, AutoModelForCausalLM

    config = LoraConfig(
        r=1, lora_alpha=1, target_modules=[ZERO_PROJECTION], task_type="CAUSAL_LM", base_model_name_or_path=weights
    )
    # Without its weights: nothing but names and shapes is needed.
    with torch.device("meta"):
        tuned = get_peft_model(AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(weights)), config)
    shapes = {name: tensor.shape for name, tensor in get_peft_model_state_dict(tuned).items()}
    save_file({name: torch.zeros(shape) for name, shape in shapes.items()}, folder / FILES[1])
    config.save_pretrained(str(folder))


def _folder() -> Path:
    if not settings.LLM_ADAPTERS_DIR:
        raise PublishingError("LLM_ADAPTERS_DIR is not set, so no server looks for adapters.")
    return Path(settings.LLM_ADAPTERS_DIR)
