"""The shop's guides: the same Markdown files that its bot has read, as pages of the site."""

from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

DOCUMENTS = Path(__file__).with_name("documents")
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


@dataclass(frozen=True)
class Guide:
    title: str
    url: str
    date: str
    html: str


def read_guides() -> dict[str, Guide]:
    """Every Markdown document, by the address that its front matter gives it."""
    guides = (_read(path) for path in sorted(DOCUMENTS.glob("*.md")))
    return {guide.url: guide for guide in guides}


def _read(path: Path) -> Guide:
    _, front, body = path.read_text(encoding="utf-8").split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in front.splitlines() if line)
    html = _MARKDOWN.render(body.strip().split("\n", 1)[1])  # the page shows the title itself
    html = html.replace("<table>", '<div class="table"><table>').replace("</table>", "</table></div>")
    return Guide(fields["title"], fields["url"], fields["date"], html)
