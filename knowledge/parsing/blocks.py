"""What every reader produces: a document as a flat run of blocks, and its form on the wire between processes."""

from __future__ import annotations

import dataclasses
import datetime
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["heading", "paragraph", "list_item", "table", "code"]
Rows = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Block:
    """`level` is a heading's rank or a list item's depth, from 1. In a table, `rows[0]` is the header; its cells are
    all empty where the table has none, and `caption` is what the table says of itself as a whole."""

    kind: Kind
    text: str
    level: int | None = None
    page: int | None = None
    rows: Rows | None = None
    caption: str = ""


@dataclass(frozen=True)
class Meta:
    """What the document says of itself, in front matter or in the head of a web page."""

    title: str | None = None
    url: str | None = None
    id: str | None = None
    date: datetime.date | None = None


@dataclass(frozen=True)
class ParsedDocument:
    """`notes` tell the person who uploaded the file what of it could not be read, a sentence each."""

    title: str
    blocks: tuple[Block, ...]
    pages: int | None = None
    meta: Meta = Meta()
    notes: tuple[str, ...] = ()


def to_wire(document: ParsedDocument) -> dict[str, Any]:
    wire = dataclasses.asdict(document)
    wire["meta"]["date"] = document.meta.date.isoformat() if document.meta.date else None
    return wire


def from_wire(wire: dict[str, Any]) -> ParsedDocument:
    meta = wire["meta"]
    date = datetime.date.fromisoformat(meta["date"]) if meta["date"] else None
    blocks = tuple(
        Block(**{**block, "rows": tuple(tuple(row) for row in block["rows"]) if block["rows"] else None})
        for block in wire["blocks"]
    )
    return ParsedDocument(
        wire["title"], blocks, wire["pages"], Meta(**{**meta, "date": date}), notes=tuple(wire["notes"])
    )
