"""Each row of a table as a line that can be read, found and quoted without the rest of the table."""

from __future__ import annotations

from knowledge.parsing.blocks import Rows


def row_texts(rows: Rows, caption: str = "") -> list[str]:
    """`Savings – Account: Saver; Rate: 3.1%`, from the caption, the header and each row under it."""
    if not rows:
        return []
    header, *body = rows
    label = ""
    texts: list[str] = []
    for row in body:
        if len(row) > 2 and row[0] and not any(row[1:]):
            label = row[0]  # a row with one cell across names the rows that follow
            continue
        text = _row(header, row)
        texts.append(f"{label} – {text}" if label and text else text)
    texts = [text for text in texts if text] or ["; ".join(cell for cell in header if cell)]
    return [f"{caption} – {text}" for text in texts] if caption else texts


def _row(header: tuple[str, ...], row: tuple[str, ...]) -> str:
    if any(header):
        return "; ".join(
            f"{name.rstrip(':')}: {cell}" if name else cell for name, cell in zip(header, row, strict=True) if cell
        )
    first, rest = row[0], [cell for cell in row[1:] if cell]
    return f"{first.rstrip(':')}: {' | '.join(rest)}" if first and rest else first or " | ".join(rest)
