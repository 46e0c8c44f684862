"""What tuning for support questions changed in the bundled model: low-rank differences, added when it is loaded.

`benchmarks/tune_embedder.py` makes them, and says from what.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

WEIGHTS = Path(__file__).with_name("tuning.safetensors")
# A changed tensor NAME is stored as NAME.up and NAME.down, whose product is added, or whole under its own name.
UP, DOWN = ".up", ".down"
# What all token vectors have in common.
CENTRE = "centre"


def apply(model: "SentenceTransformer") -> None:
    """Tunes a freshly loaded bundled model in place."""
    from safetensors.torch import load_file

    tuned = load_file(WEIGHTS)
    transformer: torch.nn.Module = model[0].auto_model  # type: ignore[assignment]
    state: dict[str, torch.Tensor] = transformer.state_dict()
    for name, tensor in tuned.items():
        if name.endswith(DOWN):
            changed = name.removesuffix(DOWN)
            state[changed] += (tuned[changed + UP].float() @ tensor.float()).to(state[changed].device)
        elif not name.endswith(UP) and name != CENTRE:
            state[name].copy_(tensor)


def centre() -> NDArray[np.float32]:
    """(dimension,), for late interaction."""
    from safetensors.numpy import load_file

    return load_file(WEIGHTS)[CENTRE].astype(np.float32)
