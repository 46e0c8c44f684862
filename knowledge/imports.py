"""FAQs from a CSV or JSONL file: good rows are imported, each bad one is named with its field."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from charset_normalizer import from_bytes
from django.core.exceptions import ValidationError
from django.db import transaction

from knowledge import outbox
from knowledge.faqs import save_faq
from knowledge.models import Faq, Phrasing

COLUMNS = {"id", "question", "answer", "alternates", "language", "category", "prompt", "completion"}
MAX_BYTES = 50 * 1024 * 1024


class UnreadableFile(Exception):
    """The file as a whole cannot be read; the message says why."""


@dataclass(frozen=True)
class RowError:
    """`row` is the line number in the file, the header being line 1; for CSV, the line where the row ends."""

    row: int
    field: str
    message: str

    def __str__(self) -> str:
        return f"line {self.row}, {self.field}: {self.message}" if self.field else f"line {self.row}: {self.message}"


@dataclass
class ImportReport:
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    errors: list[RowError] = field(default_factory=list)


@dataclass(frozen=True)
class Row:
    line: int
    values: dict[str, str]


def import_faqs(group_id: UUID, data: bytes, filename: str) -> ImportReport:
    """Import by id, else by question; the same file twice changes nothing. Raises UnreadableFile."""
    report = ImportReport()
    known = _Known(group_id)
    for row in rows_of(data, filename, report.errors):
        try:
            with transaction.atomic(), outbox.much_at_once():
                _import_row(group_id, row, known, report)
        except ValidationError as problem:
            for name, messages in problem.message_dict.items():
                report.errors.append(RowError(row.line, name, " ".join(messages)))
    return report


class _Known:
    """The bot's FAQs by id and by question, read once for the whole file."""

    def __init__(self, group_id: UUID) -> None:
        faqs = list(Faq.objects.filter(group_id=group_id))
        self.by_id = {faq.external_id: faq for faq in faqs if faq.external_id}
        self.by_question = {faq.question: faq for faq in faqs}
        self.phrasings: dict[UUID, set[str]] = {}
        for faq_id, text in Phrasing.objects.filter(group_id=group_id).values_list("faq_id", "text"):
            self.phrasings.setdefault(faq_id, set()).add(text)

    def remember(self, faq: Faq, phrasings: list[str]) -> None:
        if faq.external_id:
            self.by_id[faq.external_id] = faq
        self.by_question[faq.question] = faq
        self.phrasings[faq.id] = set(phrasings)


def _import_row(group_id: UUID, row: Row, known: _Known, report: ImportReport) -> None:
    question = (row.values.get("question") or row.values.get("prompt") or "").strip()
    answer = (row.values.get("answer") or row.values.get("completion") or "").strip()
    problems = {}
    if not question:
        problems["question"] = "This is empty."
    if not answer:
        problems["answer"] = "This is empty."
    if problems:
        raise ValidationError(problems)
    external_id = row.values.get("id", "").strip()
    faq = known.by_id.get(external_id) if external_id else known.by_question.get(question)
    wanted = {
        "question": question,
        "answer": answer,
        "category": row.values.get("category", "").strip(),
        "language": row.values.get("language", "").strip() or "en",
    }
    given = [text.strip() for text in row.values.get("alternates", "").split("|")]
    alternates = [text for text in dict.fromkeys(given) if text and text != question]
    new = faq is None
    faq = faq or Faq(group_id=group_id, external_id=external_id)
    same = all(getattr(faq, name) == value for name, value in wanted.items())
    if not new and same and known.phrasings.get(faq.id, set()) == set(alternates):
        report.unchanged += 1
        return
    for name, value in wanted.items():
        setattr(faq, name, value)
    save_faq(faq, alternates)
    known.remember(faq, alternates)
    if new:
        report.created += 1
    else:
        report.updated += 1


def rows_of(data: bytes, filename: str, errors: list[RowError]) -> Iterator[Row]:
    """The rows of a CSV or JSONL file; those that cannot be read are named in `errors`. Raises UnreadableFile."""
    if len(data) > MAX_BYTES:
        raise UnreadableFile(f"{filename} has {len(data):,} bytes; the limit is {MAX_BYTES:,}.")
    text = _decode(data, filename)
    if not text.strip():
        raise UnreadableFile(f"{filename} is empty.")
    if text.lstrip().startswith("{"):
        return _jsonl_rows(text, errors)
    return _csv_rows(text, filename, errors)


def _decode(data: bytes, filename: str) -> str:
    if data[:4] in (b"PK\x03\x04", b"%PDF"):
        raise UnreadableFile(f"{filename} is not a text file. Export it as CSV (UTF-8) first.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            return data.decode("utf-16", "replace")
        guess = from_bytes(data, cp_isolation=["cp1252", "cp1250", "cp1251"]).best()
        if guess is None:
            raise UnreadableFile(f"{filename} is not text in UTF-8 or a Windows code page.") from None
        return data.decode(guess.encoding, "replace")


def _csv_rows(text: str, filename: str, errors: list[RowError]) -> Iterator[Row]:
    csv.field_size_limit(1_000_000)
    header = text.splitlines()[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    columns = [name.strip().lower() for name in next(reader)]
    if not {"question", "prompt"} & set(columns) or not {"answer", "completion"} & set(columns):
        raise UnreadableFile(
            f"{filename}: the first line must name the columns question and answer (or prompt and completion); "
            f"it names {', '.join(columns)[:200]}."
        )
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as problem:
            errors.append(RowError(reader.line_num, "", f"Not readable as CSV: {problem}."))
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(columns):
            message = f"{len(cells)} cells for {len(columns)} columns; put texts that hold “{delimiter}” in quotes."
            errors.append(RowError(reader.line_num, "", message))
            continue
        yield Row(reader.line_num, dict(zip(columns, cells, strict=False)))


def _jsonl_rows(text: str, errors: list[RowError]) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except ValueError as problem:
            errors.append(RowError(number, "", f"Not readable as JSON: {problem}."))
            continue
        if not isinstance(values, dict):
            errors.append(RowError(number, "", "Each line must be a JSON object."))
            continue
        if isinstance(values.get("alternates"), list):
            values["alternates"] = "|".join(map(str, values["alternates"]))
        bad = [
            name
            for name, value in values.items()
            if name in COLUMNS and value is not None and not isinstance(value, str | int)
        ]
        if bad:
            errors.append(RowError(number, bad[0], "This must be a text."))
            continue
        yield Row(number, {name: str(value) for name, value in values.items() if value is not None})
