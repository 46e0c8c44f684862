"""Reads a web page: its main content, without navigation, scripts, footers and what is hidden."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator

from bs4 import BeautifulSoup, MarkupResemblesLocatorWarning, XMLParsedAsHTMLWarning
from bs4.element import NavigableString, PageElement, PreformattedString, Tag

from knowledge.parsing import tables
from knowledge.parsing.blocks import Block, Meta, ParsedDocument
from knowledge.parsing.clean import characters, line
from knowledge.parsing.encoding import decode
from knowledge.parsing.errors import Limits
from knowledge.parsing.front_matter import parse_date

warnings.filterwarnings("ignore", category=XMLParsedAsHTMLWarning)
warnings.filterwarnings("ignore", category=MarkupResemblesLocatorWarning)

NEVER = (
    "script, style, noscript, template, svg, iframe, object, canvas, audio, video, head, "
    "button, select, input, textarea"
)
AROUND = (
    "nav, footer, aside, dialog, [hidden], [aria-hidden=true], [role=navigation], [role=contentinfo], [role=search], "
    "[role=dialog], [role=alertdialog], [role=menu], [role=menubar]"
)
INVISIBLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
CHROME = re.compile(
    r"(?:^|[\s_-])(?:cookies?|consent|breadcrumbs?|skip-link|site-nav|navbar|pagination|share)(?:$|[\s_-])", re.I
)
HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
BLOCKS = HEADINGS | {
    "address", "article", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "form", "header", "hgroup", "hr", "html", "legend", "li", "main", "ol",
    "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
}  # fmt: skip
LAST = '</script></style></textarea></title><p data-last="yes"></p>'
SURELY_FITS = 1024 * 1024
MAX_SPAN = 60
MAX_ROWSPAN = 500


def read(data: bytes, limits: Limits) -> ParsedDocument:
    source = characters(decode(data, html=True))
    soup = BeautifulSoup(f"{source}{LAST}", "lxml", multi_valued_attributes=None)
    # When memory runs out, the parser drops the rest of the page and says nothing.
    if len(source) > SURELY_FITS and not soup.find("p", {"data-last": "yes"}):
        raise MemoryError
    meta = _meta(soup)
    title = line(soup.title.get_text()) if soup.title else ""
    _drop(soup, NEVER)
    fallback = str(soup)
    _drop(soup, AROUND)
    _drop_invisible(soup)
    blocks = tuple(_Walk().blocks(_main(soup)))
    if not blocks:
        blocks = tuple(_Walk().blocks(BeautifulSoup(fallback, "lxml")))
    return ParsedDocument(_page_title(title, blocks), blocks, meta=meta)


def fragment(source: str) -> list[Block]:
    """The blocks of a piece of HTML inside another format."""
    soup = BeautifulSoup(source, "lxml")
    _drop(soup, NEVER)
    return list(_Walk().blocks(soup))


def _meta(soup: BeautifulSoup) -> Meta:
    def content(*names: str) -> str | None:
        for name in names:
            found = soup.select_one(f'meta[name="{name}"], meta[property="{name}"]')
            if found and str(found.get("content") or "").strip():
                return line(str(found["content"]))
        return None

    canonical = soup.select_one("link[rel=canonical][href]")
    url = str(canonical["href"]) if canonical else content("og:url")
    date = content("article:modified_time", "last-modified", "article:published_time", "dcterms.modified", "date")
    return Meta(None, url if url and url.startswith(("http://", "https://")) else None, None, parse_date(date or ""))


def _drop(soup: BeautifulSoup, selector: str) -> None:
    for element in soup.select(selector):
        if element.name not in {"html", "body", "main"}:
            element.extract()


def _drop_invisible(soup: BeautifulSoup) -> None:
    for element in soup.find_all(True):
        names = f"{element.get('class') or ''} {element.get('id') or ''}"
        chrome = element.name in {"div", "section", "ul", "ol", "a", "p"} and CHROME.search(names)
        if chrome or INVISIBLE.search(str(element.get("style") or "")):
            element.extract()
    for header in soup.select("header, [role=banner]"):
        if not header.find_parent(["main", "article", "section"]) and not header.find("h1"):
            header.extract()


def _main(soup: BeautifulSoup) -> Tag:
    for selector in ("main", "[role=main]", "article"):
        found = soup.select(selector)
        if len(found) == 1 and len(found[0].get_text(strip=True)) > 40:
            return found[0]
    return soup.body or soup


def _page_title(title: str, blocks: tuple[Block, ...]) -> str:
    """The main heading where there is one: a `<title>` carries the site's name as well."""
    tops = [block.text for block in blocks if block.kind == "heading" and block.level == 1]
    return tops[0] if len(tops) == 1 else title


class _Walk:
    """Goes through the tree without recursion, as pages may be nested deeper than Python's stack."""

    def __init__(self) -> None:
        self.inline: list[str] = []
        self.lists: list[list[int]] = []
        self.marker: str | None = None
        self.heading = 0

    def blocks(self, root: Tag) -> Iterator[Block]:
        stack: list[tuple[PageElement, bool]] = [(root, False)]
        while stack:
            node, closing = stack.pop()
            if isinstance(node, NavigableString):
                if not isinstance(node, PreformattedString):
                    self.inline.append(re.sub(r"\s+", " ", node))
                continue
            if not isinstance(node, Tag):
                continue
            if closing:
                yield from self._close(node)
                continue
            if node.name == "br":
                self.inline.append("\n")
            elif node.name == "table" and not node.find("table"):
                yield from self._flush("div")
                yield from _table(node)
            elif node.name == "pre":
                yield from self._flush("div")
                yield Block("code", node.get_text())
            else:
                yield from self._open(node)
                stack.append((node, True))
                stack.extend((child, False) for child in reversed(node.contents))

    def _open(self, node: Tag) -> Iterator[Block]:
        if node.name in BLOCKS:
            yield from self._flush("div")
        if node.name in {"ul", "ol", "dl"}:
            start = str(node.get("start") or "")
            self.lists.append([int(start) if start.isdecimal() and len(start) < 6 else 1, int(node.name == "ol")])
        elif node.name == "li":
            self.marker = ""
            if self.lists and self.lists[-1][1]:
                self.marker = f"{self.lists[-1][0]}. "
                self.lists[-1][0] += 1

    def _close(self, node: Tag) -> Iterator[Block]:
        if node.name in BLOCKS:
            yield from self._flush(node.name)
        if node.name in {"ul", "ol", "dl"} and self.lists:
            self.lists.pop()
        if node.name == "li":
            self.marker = None

    def _flush(self, name: str) -> Iterator[Block]:
        text = "".join(self.inline).strip()
        self.inline = []
        if not text:
            return
        if name in HEADINGS:
            self.heading = int(name[1])
            yield Block("heading", text, level=self.heading)
        elif name == "summary":
            yield Block("heading", text, level=min(self.heading + 1, 6))
        elif name == "dt":
            self.marker = f"{text.rstrip(':')}: "
        elif self.marker is not None or name == "dd":
            yield Block("list_item", (self.marker or "") + text, level=max(len(self.lists), 1))
            self.marker = "" if name != "dd" and self.marker is not None else None
        else:
            yield Block("paragraph", text)


def _table(node: Tag) -> list[Block]:
    grid: list[list[str]] = []
    pending: dict[int, tuple[int, str]] = {}
    heads: list[list[bool]] = []
    for tr in node.find_all("tr"):
        row: list[str] = []
        cells = tr.find_all(["td", "th"], recursive=False)
        header = not grid and all(cell.name == "th" for cell in cells)
        for cell in cells:
            _fill_from_above(row, pending)
            text = line(cell.get_text(" "))
            across, down = _span(cell, "colspan", MAX_SPAN), _span(cell, "rowspan", MAX_ROWSPAN)
            for offset in range(min(across, MAX_SPAN - len(row))):
                value = text if offset == 0 or header else ""
                if down > 1:
                    pending[len(row)] = (down - 1, value)
                row.append(value)
        _fill_from_above(row, pending)
        grid.append(row)
        heads.append([cell.name == "th" for cell in cells])
    caption = line(node.caption.get_text(" ")) if node.caption else ""
    marked = any(any(flags) for flags in heads)
    named = (bool(heads[0]) and all(heads[0][1:])) if marked else None
    return tables.blocks(grid, header=named, caption=caption)


def _fill_from_above(row: list[str], pending: dict[int, tuple[int, str]]) -> None:
    while len(row) in pending:
        column = len(row)
        left, text = pending[column]
        row.append(text)
        if left > 1:
            pending[column] = (left - 1, text)
        else:
            del pending[column]


def _span(cell: Tag, name: str, most: int) -> int:
    value = str(cell.get(name) or "1").strip()
    return min(int(value), most) if value.isdecimal() and len(value) < 9 and int(value) > 0 else 1
