"""Reads Markdown: front matter, headings, lists, tables and code, by its own syntax tree."""

from __future__ import annotations

from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from knowledge.parsing import front_matter, html, tables
from knowledge.parsing.blocks import Block, ParsedDocument
from knowledge.parsing.clean import characters
from knowledge.parsing.encoding import decode
from knowledge.parsing.errors import Limits

SYNTAX = MarkdownIt("commonmark").enable(["table", "strikethrough"])
DEEPEST = 12


def read(data: bytes, limits: Limits) -> ParsedDocument:
    meta, text = front_matter.split(characters(decode(data)))
    tree = SyntaxTreeNode(SYNTAX.parse(text))
    return ParsedDocument("", tuple(_blocks(tree, 0)), meta=meta)


def _blocks(parent: SyntaxTreeNode, depth: int) -> Iterator[Block]:
    for node in parent.children:
        match node.type:
            case "heading":
                yield Block("heading", _inline(node), level=int(node.tag[1]))
            case "paragraph":
                yield Block("paragraph", _inline(node))
            case "bullet_list" | "ordered_list":
                yield from _items(node, depth + 1)
            case "table":
                yield from _table(node)
            case "fence" | "code_block":
                yield Block("code", node.content)
            case "html_block":
                yield from html.fragment(node.content)
            case "blockquote" if depth < DEEPEST:
                yield from _blocks(node, depth + 1)


def _items(node: SyntaxTreeNode, depth: int) -> Iterator[Block]:
    number = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
    for item in node.children:
        marker = f"{number}. " if number is not None else ""
        number = number + 1 if number is not None else None
        for index, block in enumerate(_blocks(item, depth) if depth < DEEPEST else ()):
            if block.kind == "paragraph":
                yield Block("list_item", (marker if index == 0 else "") + block.text, level=depth)
            else:
                yield block


def _table(node: SyntaxTreeNode) -> list[Block]:
    rows = [[_inline(cell) for cell in row.children] for part in node.children for row in part.children]
    return tables.blocks(rows, header=any(rows[0]) if rows else None)


def _inline(node: SyntaxTreeNode) -> str:
    return "".join(_pieces(node)).strip()


def _pieces(node: SyntaxTreeNode) -> Iterator[str]:
    for part in node.walk(include_self=False):
        match part.type:
            case "text" | "code_inline":
                yield part.content
            case "softbreak":
                yield " "
            case "hardbreak":
                yield "\n"
            case "html_inline" if part.content.lower().startswith("<br"):
                yield "\n"
