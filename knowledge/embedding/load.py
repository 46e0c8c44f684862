"""Chooses how an embedding model is run: exported on the CPU, in PyTorch, or by the endpoint that serves it."""

import logging
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .catalogue import Endpoint
from .choice import ModelChoice
from .source import ModelNotFound, ModelSource, source_of
from .space import Embedder, Space, folder_name
from .store import ensure_exported, read_manifest

logger = logging.getLogger(__name__)


def prepare_model(choice: ModelChoice, data_folder: Path, device: str = "") -> None:
    """Does once what would slow down the first start: fetches a model from the hub, and exports it for the CPU."""
    if choice.base_url:
        return
    source = source_of(choice, may_download=True)
    if (device or detected_device()) == "cpu":
        ensure_exported(source, data_folder / "models")


def load_embedder(choice: ModelChoice, data_folder: Path, device: str = "") -> Embedder:
    """An embedder for a model of this machine on `device`: 'cpu', 'cuda', or '' for the best one there is."""
    source = source_of(choice)
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


def load_for_space(space: Space, choice: ModelChoice, data_folder: Path, device: str = "") -> Embedder:
    """The embedder whose vectors are of exactly this space, even if the model has been replaced since: its export may
    still be there."""
    folder = data_folder / "models" / folder_name(space.model, space.revision)
    manifest = read_manifest(folder)
    if manifest and not manifest.rejected and (device or detected_device()) == "cpu":
        return _exported(folder)
    embedder = load_embedder(choice, data_folder, device)
    if embedder.space != space:
        raise ModelNotFound(
            f"The embedding model {choice.title} is not the one any more that the space {space.key} was built with: "
            "put that one back, or wait until the new space is built."
        )
    return embedder


def reach_endpoint(choice: ModelChoice, endpoint: Endpoint, dimension: int = 0) -> Embedder:
    """An embedder whose model is served elsewhere. Nothing is asked of the endpoint yet."""
    from .endpoint_embedder import EndpointEmbedder

    return EndpointEmbedder(choice, endpoint, dimension)


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
