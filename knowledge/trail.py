"""The trail of calls, searched and exported: who, where, which action, with what, what came of it, approved by whom."""

import csv
import io
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from knowledge.models import CallRecord

MOST_EXPORTED = 50_000
COLUMNS = (
    "time", "bot", "call", "action", "method", "state", "outcome", "http_status", "milliseconds", "customer",
    "conversation", "arguments", "approved_by", "made_by",
)  # fmt: skip


def matching(rows: QuerySet[CallRecord], text: str) -> QuerySet[CallRecord]:
    """Those with this text in the action, the customer, the arguments, or who approved or tried it."""
    words = Q(action_name__icontains=text) | Q(customer_subject__icontains=text) | Q(outcome__icontains=text)
    people = Q(approved_by__icontains=text) | Q(made_by__icontains=text)
    return rows.filter(words | people | Q(arguments__icontains=text))


def between(rows: QuerySet[CallRecord], since: datetime | None, until: datetime | None) -> QuerySet[CallRecord]:
    if since:
        rows = rows.filter(at__gte=since)
    return rows.filter(at__lt=until) if until else rows


def as_csv(rows: QuerySet[CallRecord]) -> str:
    """The newest lines, as a spreadsheet reads them."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    newest = rows.select_related("group").order_by("-at", "id")[:MOST_EXPORTED]
    writer.writerows(_harmless(_columns(each)) for each in newest)
    return text.getvalue()


def _columns(record: CallRecord) -> list[Any]:
    return [
        record.at.isoformat(timespec="milliseconds"),
        record.group.key,
        record.call_id,
        record.action_name,
        record.method,
        record.state,
        record.outcome,
        record.status,
        round(record.duration_ms, 1),
        record.customer_subject,
        record.conversation_id,
        json.dumps(record.arguments, ensure_ascii=False),
        record.approved_by,
        record.made_by,
    ]


def _harmless(values: Iterable[Any]) -> list[Any]:
    """No text that a spreadsheet would take for a formula."""
    risky = tuple("=+-@\t\r")
    return [f"'{value}" if isinstance(value, str) and value.startswith(risky) else value for value in values]
