"""The vectors of a bot's texts, stored once for each text and space."""

from collections.abc import Collection, Mapping
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from knowledge.models import Vector


def known(group_id: UUID, space: str, hashes: Collection[str]) -> set[str]:
    """Those of the texts that have a vector in the space."""
    stored = Vector.objects.filter(group_id=group_id, space=space, content_hash__in=list(hashes))
    return set(stored.values_list("content_hash", flat=True))


def store(group_id: UUID, space: str, vectors: Mapping[str, NDArray[np.float32]]) -> None:
    """Keep vectors by the hash of their text; what is there already stays."""
    Vector.objects.bulk_create(
        [Vector(group_id=group_id, space=space, content_hash=key, embedding=vector) for key, vector in vectors.items()],
        ignore_conflicts=True,
        batch_size=500,
    )
