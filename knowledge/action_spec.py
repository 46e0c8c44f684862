"""An action as a call needs it: its definition with its data API's, read once; and what came of a call."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from knowledge.api_auth import ApiAuth
from knowledge.models import Action, ActionPolicy
from knowledge.parameters import parse_parameters
from knowledge.values import Parameter

LONGEST_S = 30.0


@dataclass(frozen=True)
class Limits:
    """What one customer may have done; `approve_above` is the amount from which a colleague must approve."""

    amount_parameter: str = ""
    most_amount: Decimal | None = None
    approve_above: Decimal | None = None
    most_per_day: int | None = None
    needs_approval: bool = False


@dataclass(frozen=True)
class Policy:
    """A document whose rules govern an action."""

    document_id: UUID
    title: str
    url: str


@dataclass(frozen=True)
class ActionSpec:
    """Everything that a call and its answer need. Secrets are not shown."""

    id: UUID
    group_id: UUID
    name: str
    title: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    answer: str
    requires_verified: bool
    base_url: str
    allowed_hosts: tuple[str, ...]
    timeout_s: float
    auth: ApiAuth = field(default_factory=ApiAuth)
    only_reads: bool = False
    results: Mapping[str, str] = field(default_factory=dict)
    confirmation: str = ""
    limits: Limits = field(default_factory=Limits)
    policies: tuple[Policy, ...] = ()
    honours_keys: bool = False
    status_action_id: UUID | None = None
    status_answer: str = ""
    revision: int = 1

    @property
    def writes(self) -> bool:
        return self.method != "GET" and not self.only_reads

    @property
    def needs_customer(self) -> bool:
        of_customer = any(parameter.claimed for parameter in self.parameters)
        return self.requires_verified or of_customer or self.auth.needs_customer

    @property
    def definition(self) -> str:
        """What is confirmed stands for this very call: its digest changes with anything of the action or its API."""
        secret = hashlib.sha256(self.auth.secret.encode()).hexdigest()
        shown = tuple(replace(each, choices=()) if each.choices_from else each for each in self.parameters)
        return hashlib.sha256(f"{replace(self, parameters=shown)!r} {secret}".encode()).hexdigest()

    @property
    def can_tell(self) -> bool:
        """Whether the API can be asked what became of a call whose answer was lost."""
        return self.honours_keys or self.status_action_id is not None


@dataclass(frozen=True)
class ActionResult:
    """What came of a call. `message` is a sentence for the customer where it failed; `arguments` are those sent.

    `certain` is false where the call may have had its effect although it failed.
    """

    ok: bool
    status: int | None
    data: Any
    duration_ms: float
    error_code: str = ""
    message: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    certain: bool = True

    @property
    def outcome(self) -> str:
        return "ok" if self.ok else self.error_code


def load_action(group_id: UUID, action_id: UUID) -> ActionSpec:
    """The enabled action with its data API. Needs the bot's scope; raises Action.DoesNotExist."""
    action = Action.objects.select_related("data_api").get(group_id=group_id, id=action_id, enabled=True)
    return spec_of(action)


def load_action_named(group_id: UUID, name: str) -> ActionSpec:
    """The same by its name, as choices speak of it."""
    return spec_of(Action.objects.select_related("data_api").get(group_id=group_id, name=name, enabled=True))


def spec_of(action: Action) -> ActionSpec:
    """The same for an action at hand, enabled or not."""
    api = action.data_api
    return ActionSpec(
        action.id,
        action.group_id,
        action.name,
        action.title,
        action.method,
        action.path,
        parse_parameters(action.parameters),
        action.answer,
        action.requires_verified,
        api.base_url.rstrip("/"),
        tuple(api.allowed_hosts) or (urlsplit(api.base_url).hostname or "",),
        min(max(api.timeout_s, 0.1), LONGEST_S),
        ApiAuth.of(api),
        action.only_reads,
        action.results,
        action.confirmation,
        Limits(
            action.amount_parameter,
            action.most_amount,
            action.approve_above,
            action.most_per_day,
            action.needs_approval,
        ),
        _policies(action),
        api.honours_keys,
        action.status_action_id,
        action.status_answer,
        action.revision,
    )


def _policies(action: Action) -> tuple[Policy, ...]:
    rows = ActionPolicy.objects.filter(group_id=action.group_id, action_id=action.id).select_related("document")
    return tuple(Policy(row.document_id, row.document.title, row.document.url) for row in rows)
