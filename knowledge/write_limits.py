"""How much and how often one customer may have an action done, and when a colleague must approve it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from knowledge.action_request import Refused
from knowledge.action_spec import ActionSpec
from knowledge.models import Call

COUNTED = (Call.State.AWAITING, Call.State.CONFIRMED, Call.State.SENDING, Call.State.DONE, Call.State.UNKNOWN)


def check(
    spec: ActionSpec,
    arguments: Mapping[str, Any],
    customer_id: UUID | None,
    conversation_id: UUID,
    *,
    binding: bool = False,
) -> None:
    """Raise Refused where it would be too much; `binding`: nobody else may be counting at the same time."""
    amount, most = _amount(spec, arguments), spec.limits.most_amount
    if most is not None and amount is not None and amount > most:
        raise Refused("over_limit", f"I can only do that up to {most:,.2f}; a colleague of mine can do more.")
    if spec.limits.most_per_day is None:
        return
    who = {"customer_id": customer_id} if customer_id else {"conversation_id": conversation_id}
    if binding:
        _one_at_a_time(f"{spec.id}:{customer_id or conversation_id}")
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    done = Call.objects.filter(action_id=spec.id, state__in=COUNTED, decided_at__gte=today, **who).count()
    if done >= spec.limits.most_per_day:
        times = "once" if spec.limits.most_per_day == 1 else f"{spec.limits.most_per_day} times"
        raise Refused("over_limit", f"I can do that {times} a day for you, and that is reached for today.")


def needs_approval(spec: ActionSpec, arguments: Mapping[str, Any]) -> bool:
    above, amount = spec.limits.approve_above, _amount(spec, arguments)
    return spec.limits.needs_approval or (above is not None and (amount is None or amount > above))


def _amount(spec: ActionSpec, arguments: Mapping[str, Any]) -> Decimal | None:
    value = arguments.get(spec.limits.amount_parameter)
    return abs(Decimal(str(value))) if isinstance(value, int | float) else None


def _one_at_a_time(what: str) -> None:
    """Until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [what])
