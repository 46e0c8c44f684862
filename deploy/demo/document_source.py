"""A document's Markdown source, read into blocks that can be drawn in any format."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token


@dataclass(frozen=True)
class Run:
    text: str
    bold: bool = False
    italic: bool = False


Text = tuple[Run, ...]


@dataclass(frozen=True)
class Block:
    """A heading (level from 1), a paragraph, an item of a list or a table (the first row is its head)."""

    kind: str
    text: Text = ()
    level: int = 0
    number: int = 0
    rows: tuple[tuple[Text, ...], ...] = ()
    aligned: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    title: str
    url: str
    date: str
    publisher: str
    colour: str
    blocks: tuple[Block, ...]


class BadSource(ValueError):
    """What is wrong with a source file."""


def read(path: Path) -> Source:
    parts = path.read_text(encoding="utf-8").split("---\n", 2)
    if len(parts) < 3 or parts[0]:
        raise BadSource(f"{path}: must start with front matter between two lines of ---")
    front: dict[str, Any] = yaml.safe_load(parts[1]) or {}
    if not front.get("title"):
        raise BadSource(f"{path}: the front matter has no `title`")
    fields = {name: str(front.get(name) or "") for name in ("title", "url", "date", "publisher")}
    tokens = MarkdownIt("commonmark").enable("table").parse(parts[2])
    return Source(**fields, colour=str(front.get("colour") or "#1f3a5f"), blocks=tuple(_blocks(tokens)))


def _blocks(tokens: list[Token]) -> Iterator[Block]:
    rows: list[list[Text]] = []
    aligned: list[str] = []
    lists: list[int] = []
    heading = 0
    for token in tokens:
        if token.type == "heading_open":
            heading = int(token.tag[1])
        elif token.type in ("bullet_list_open", "ordered_list_open"):
            lists.append(0)
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            lists.pop()
        elif token.type == "list_item_open":
            lists[-1] = lists[-1] + 1 if token.info else 0
        elif token.type == "table_open":
            rows, aligned = [], []
        elif token.type == "tr_open":
            rows.append([])
        elif token.type == "th_open":
            aligned.append("right" if "right" in str(token.attrs.get("style", "")) else "left")
        elif token.type == "table_close":
            yield Block("table", rows=tuple(map(tuple, rows)), aligned=tuple(aligned))
            rows = []
        elif token.type == "inline" and rows:
            rows[-1].append(_runs(token))
        elif token.type == "inline" and lists:
            yield Block("numbered" if lists[-1] else "bullet", _runs(token), number=lists[-1])
        elif token.type == "inline":
            yield Block("heading" if heading else "paragraph", _runs(token), level=heading)
            heading = 0


def _runs(inline: Token) -> Text:
    found, bold, italic = [], False, False
    for token in inline.children or []:
        if token.type in ("strong_open", "strong_close"):
            bold = token.type == "strong_open"
        elif token.type in ("em_open", "em_close"):
            italic = token.type == "em_open"
        elif token.type in ("text", "code_inline", "softbreak"):
            found.append(Run(token.content or " ", bold, italic))
    return tuple(found)
