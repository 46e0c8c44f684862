"""Rows from a file of the business's own: prompt and completion, each row checked, the bad ones named."""

import re
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError

from chat.models import TuningRow
from chat.pipelines import prompts
from chat.tuning.drafts import Draft
from knowledge.imports import Row, RowError, rows_of
from tenants.text import check_text

LONGEST_PROMPT, LONGEST_COMPLETION = 4000, 8000
Label, Split = TuningRow.Label, TuningRow.Split


@dataclass
class FileReport:
    drafts: list[Draft] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)


def read(data: bytes, filename: str, company: str, kind: str, split: str = Split.TRAIN) -> FileReport:
    """CSV or JSONL with `prompt` and `completion` (or `question` and `answer`) and, if wanted, `label`. An
    unanswerable row needs no completion. Raises UnreadableFile."""
    report = FileReport()
    lines: dict[str, int] = {}
    for row in rows_of(data, filename, report.errors):
        try:
            draft = _draft(row, filename, company, kind, split)
        except ValidationError as problem:
            for name, messages in problem.message_dict.items():
                report.errors.append(RowError(row.line, name, " ".join(messages)))
            continue
        if draft.digest in lines:
            report.errors.append(RowError(row.line, "prompt", f"Line {lines[draft.digest]} asks the same."))
            continue
        lines[draft.digest] = row.line
        report.drafts.append(draft)
    return report


def _draft(row: Row, filename: str, company: str, kind: str, split: str) -> Draft:
    prompt, completion = (
        _without_company(company, (row.values.get(first) or row.values.get(second) or "").strip())
        for first, second in (("prompt", "question"), ("completion", "answer"))
    )
    label = (row.values.get("label") or "").strip().lower() or Label.ANSWERABLE
    if completion == prompts.REFUSAL:
        label, completion = Label.UNANSWERABLE, ""
    problems: dict[str, str] = {}
    for name, text, longest in (("prompt", prompt, LONGEST_PROMPT), ("completion", completion, LONGEST_COMPLETION)):
        if len(text) > longest:
            problems[name] = f"At most {longest:,} characters; this has {len(text):,}."
    if not prompt:
        problems["prompt"] = "This is empty."
    if label not in Label.values:
        problems["label"] = f"“{label[:40]}” is neither answerable nor unanswerable."
    elif not completion and label == Label.ANSWERABLE:
        problems["completion"] = "This is empty; a question without an answer needs the label unanswerable."
    if problems:
        raise ValidationError(problems)
    check_text(prompt=prompt, completion=completion)
    return Draft(kind, prompt, completion, label, split, f"{filename}, line {row.line}"[:500])


def _without_company(company: str, text: str) -> str:
    """A file may have the words already that are put before question and answer."""
    begins = re.escape(prompts.of_company(company, "").strip())
    return re.sub(rf"^{begins}\s*", "", text)
