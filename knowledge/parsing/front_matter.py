"""The few lines between `---` at the top of a Markdown or text file: title, url, id, date."""

from __future__ import annotations

import datetime
import re

from knowledge.parsing import clean
from knowledge.parsing.blocks import Meta

FENCED = re.compile(r"\A\s*---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
FIELD = re.compile(r"^(\w[\w -]{0,40}):(?:[ \t]+(.*))?$")
WRITTEN_DATES = ("%Y-%m-%d", "%Y/%m/%d", "%d %B %Y", "%d %b %Y", "%B %d, %Y", "%b %d, %Y", "%B %d %Y", "%d.%m.%Y")


def split(text: str) -> tuple[Meta, str]:
    """The front matter, and the text without it."""
    found = FENCED.match(text)
    if not found:
        return Meta(), text
    lines = [line for line in found.group(1).split("\n") if line.strip() and not line.lstrip().startswith("#")]
    fields = [FIELD.match(line) for line in lines if not line.startswith((" ", "\t", "-"))]
    if not fields or not all(fields):
        return Meta(), text
    values = {field.group(1).lower(): _value(field.group(2) or "") for field in fields if field}
    meta = Meta(values.get("title"), values.get("url"), values.get("id"), parse_date(values.get("date") or ""))
    return meta, text[found.end() :]


def parse_date(text: str) -> datetime.date | None:
    text = text.strip()
    for form in WRITTEN_DATES:
        try:
            return datetime.datetime.strptime(text, form).date()
        except ValueError:
            continue
    try:
        return datetime.datetime.fromisoformat(text).date()
    except ValueError:
        return None


def _value(raw: str) -> str | None:
    value = clean.line(raw)
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1].strip() or None
    return re.sub(r"\s+#.*$", "", value) or None
