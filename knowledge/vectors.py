"""The vectors of a bot's texts, stored once for each text and space."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from knowledge import search_index
from knowledge.embedding import Encoded
from knowledge.embedding.late_interaction import pack
from knowledge.models import ChunkVector, Vector


def known(group_id: UUID, space: str, hashes: Collection[str]) -> set[str]:
    """Those of the texts that have a vector in the space."""
    stored = Vector.objects.filter(group_id=group_id, space=space, content_hash__in=list(hashes))
    return set(stored.values_list("content_hash", flat=True))


def store(group_id: UUID, space: str, encoded: Mapping[str, Encoded]) -> None:
    """Keep vectors by the hash of their text, and give them to the chunks that hold it; what is there already stays."""
    Vector.objects.bulk_create(
        [
            Vector(group_id=group_id, space=space, content_hash=key, embedding=each.vector, tokens=pack(each.tokens))
            for key, each in sorted(encoded.items())  # in one order, for others may be storing some of them
        ],
        ignore_conflicts=True,
        batch_size=500,
    )
    search_index.add_vectors(group_id, space, encoded.keys())


def forget(groups: Sequence[UUID], space: str) -> None:
    """Delete all vectors of a space."""
    ChunkVector.objects.filter(group_id__in=groups, space=space).delete()
    Vector.objects.filter(group_id__in=groups, space=space).delete()
