"""Documents of a bot that repeat each other, for its admins to see."""

from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from knowledge.likeness import likeness
from knowledge.models import Chunk, Document

ALIKE = 0.7
PAIRS_COMPARED = 5000
LEAST_SHARE, LEAST_PASSAGES = 0.3, 10


@dataclass(frozen=True)
class Overlap:
    """Another document that has `passages` of the `of` passages of a document, word for word or nearly."""

    document_id: UUID
    title: str
    passages: int
    of: int

    def __str__(self) -> str:
        if self.passages == self.of:
            return "has all of this text too, word for word or nearly."
        return f"has {self.passages:,} of these {self.of:,} passages too, word for word or nearly."


def overlaps(document: Document) -> list[Overlap]:
    """The other documents of the bot that repeat much of this one, the most first. Needs its scope."""
    group_id = document.group_id
    with connection.cursor() as cursor:
        cursor.execute(_ALIKE, {"group": group_id, "document": document.id, "most": PAIRS_COMPARED})
        pairs = cursor.fetchall()
    shared: dict[UUID, set[UUID]] = defaultdict(set)
    for own_id, own, other_id, other in pairs:
        if own_id not in shared[other_id] and likeness(own, other) >= ALIKE:
            shared[other_id].add(own_id)
    total = Chunk.objects.filter(group_id=group_id, document=document).count()
    least = min(LEAST_PASSAGES, max(1, LEAST_SHARE * total))
    titles = dict(Document.objects.filter(group_id=group_id, id__in=shared).values_list("id", "title"))
    found = [Overlap(id_, title, len(shared[id_]), total) for id_, title in titles.items() if len(shared[id_]) >= least]
    return sorted(found, key=lambda each: (-each.passages, each.title))


_BAND = """
SELECT c.document_id, c.text FROM knowledge_chunk c
WHERE c.group_id = %(group)s AND c.band_{0} = own.band_{0} AND c.document_id <> own.document_id
"""
_ALIKE = f"""
SELECT own.id, own.text, other.document_id, other.text
FROM knowledge_chunk own CROSS JOIN LATERAL ({" UNION ".join(_BAND.format(number) for number in (1, 2, 3))}) other
WHERE own.group_id = %(group)s AND own.document_id = %(document)s LIMIT %(most)s
"""
