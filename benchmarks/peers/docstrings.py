"""Paragraphs that every installation has: the docstrings of installed packages, read without importing them."""

import ast
import importlib.util
import re
from pathlib import Path

PACKAGES = ("django", "numpy", "scipy", "sklearn")
FEWEST_WORDS, MOST_WORDS = 50, 180
# Where prose ends and lists of parameters, examples or formal fields begin.
END_OF_PROSE = re.compile(r"^(Examples?|References|See Also|Returns|Yields|Raises)\b.*$|^>>> |^```|^\.\. ", re.M | re.I)


def paragraphs_with_summaries() -> list[tuple[str, str, str]]:
    """(package, paragraph, summary) of each documented class and function; no two share either text."""
    found: dict[str, tuple[str, str, str]] = {}
    bodies: set[str] = set()
    for package in PACKAGES:
        for path in _sources(package):
            for summary, body in _documented(path):
                if summary not in found and body not in bodies:
                    found[summary] = (package, body, summary)
                    bodies.add(body)
    return sorted(found.values())


def _sources(package: str) -> list[Path]:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.origin:
        return []
    return [path for path in sorted(Path(spec.origin).parent.rglob("*.py")) if "test" not in str(path)]


def _documented(path: Path) -> list[tuple[str, str]]:
    try:
        tree = ast.parse(path.read_text("utf-8"))
    except (SyntaxError, UnicodeDecodeError):
        return []
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
    return [pair for node in nodes if (pair := _split(ast.get_docstring(node) or ""))]


def _split(docstring: str) -> tuple[str, str] | None:
    summary, _, rest = docstring.partition("\n\n")
    summary = " ".join(summary.split())
    body = _prose(rest)
    if not 5 <= len(summary.split()) <= 30 or not summary.isascii() or summary in body:
        return None
    return (summary, body) if len(body.split()) >= FEWEST_WORDS else None


def _prose(text: str) -> str:
    """Whole paragraphs up to the limit, each on one line: a docstring's indents would read as code."""
    end = END_OF_PROSE.search(text)
    kept: list[str] = []
    words = 0
    for paragraph in re.split(r"\n\s*\n", text[: end.start()] if end else text):
        plain = " ".join(re.sub(r"[-=~]{3,}", " ", paragraph).split())
        words += len(plain.split())
        if words > MOST_WORDS:
            break
        kept.append(plain)
    return "\n\n".join(text for text in kept if text)
