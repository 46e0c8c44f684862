"""What customers have confirmed and a colleague must approve: listed with its rules, approved or refused."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from chat import announcing, carrying_out
from knowledge import policies, writes
from knowledge.models import Call
from knowledge.policies import PolicyText
from tenants import enqueue
from tenants.models import Customer, Member
from tenants.roles import Access, access

PAGE = "admin/inbox/approvals.html"
MOST_SHOWN = 100


@dataclass(frozen=True)
class Waiting:
    """One thing to approve, with the rules that govern it."""

    call: Call
    customer: str
    policies: tuple[PolicyText, ...]


def awaiting_count() -> int:
    return Call.objects.filter(state=Call.State.AWAITING).count()


@require_GET
def approvals(request: HttpRequest) -> HttpResponse:
    return _page(request, _at_work(request))


@require_POST
def decide(request: HttpRequest, call_id: UUID, verb: str) -> HttpResponse:
    """Approve or refuse."""
    at_work = _at_work(request)
    if not at_work.changes("conversations"):
        raise PermissionDenied
    found = Call.objects.filter(id=call_id).first()
    if found is None or verb not in ("approve", "refuse"):
        raise Http404
    by = str(Member.objects.get(id=at_work.membership.member_id))[:200]
    try:
        with transaction.atomic():
            _do(verb, call_id, by)
    except writes.NotOpen as refusal:
        return _page(request, at_work, problem=refusal.message)
    return HttpResponseRedirect(reverse("admin:approvals"))


def _do(verb: str, call_id: UUID, by: str) -> None:
    if verb == "refuse":
        call = writes.refuse(call_id, by)
        announcing.announce(call, carrying_out.text_of(call))
        return
    call = writes.approve(call_id, by)
    enqueue.on_commit(
        "worker.look_after_call",
        group_id=str(call.group_id),
        call_id=str(call.id),
        conversation_group_id=str(call.conversation_group_id or call.group_id),
    )


def _at_work(request: HttpRequest) -> Access:
    at_work = access(request)
    if at_work is None or not at_work.sees("conversations"):
        raise PermissionDenied
    return at_work


def _page(request: HttpRequest, at_work: Access, problem: str = "") -> HttpResponse:
    calls = Call.objects.filter(state=Call.State.AWAITING).select_related("group", "action").order_by("decided_at")
    shown = {
        "waiting": [_waiting(call) for call in calls[:MOST_SHOWN]],
        "may_act": at_work.changes("conversations"),
        "problem": problem,
    }
    context = {**admin.site.each_context(request), "title": "Approvals", **shown}
    return TemplateResponse(request, PAGE, context)


def _waiting(call: Call) -> Waiting:
    customer = Customer.objects.filter(id=call.customer_id).first() if call.customer_id else None
    about = f"{call.action.title if call.action else ''} {call.action_name} {call.summary}"
    rules = policies.texts_of(call.group_id, call.action_id, about) if call.action_id else ()
    return Waiting(call, str(customer) if customer else "Anonymous visitor", rules)
