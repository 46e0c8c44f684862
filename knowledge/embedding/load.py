"""Chooses how an embedding model is run on this machine: exported on the CPU, or in PyTorch."""

import logging
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .source import ModelSource, locate
from .space import Embedder
from .store import ensure_exported

logger = logging.getLogger(__name__)


def prepare_model(model: str, data_folder: Path, device: str = "") -> None:
    """Does once what would slow down the first start: fetches a model from the hub, and exports it for the CPU."""
    source = locate(model, may_download=True)
    if (device or detected_device()) == "cpu":
        ensure_exported(source, data_folder / "models")


def load_embedder(model: str, data_folder: Path, device: str = "") -> Embedder:
    """An embedder for `model` (see `source.locate`) on `device`: 'cpu', 'cuda', or '' for the best one there is."""
    source = locate(model)
    chosen = device or detected_device()
    if chosen != "cpu":
        try:
            return _in_pytorch(source, chosen)
        except (RuntimeError, AssertionError) as error:
            logger.warning("The embedding model %s runs on the CPU: %s is not usable: %s", source.name, chosen, error)
    folder = ensure_exported(source, data_folder / "models")
    if folder is not None:
        try:
            return _exported(folder)
        except Exception as error:  # ONNX Runtime raises many types for a damaged file
            logger.warning("The embedding model %s runs in PyTorch: its export is damaged: %s", source.name, error)
    return _in_pytorch(source, "cpu")


def detected_device() -> str:
    """'cuda' where a GPU and a PyTorch that can use it are present. Found out without importing PyTorch."""
    try:
        cpu_only = version("torch").endswith("+cpu")
    except PackageNotFoundError:
        cpu_only = True
    return "cpu" if cpu_only or not Path("/dev/nvidia0").exists() else "cuda"


def _exported(folder: Path) -> Embedder:
    from .onnx_embedder import OnnxEmbedder

    return OnnxEmbedder(folder)


def _in_pytorch(source: ModelSource, device: str) -> Embedder:
    from .torch_embedder import TorchEmbedder

    return TorchEmbedder(source, device)
