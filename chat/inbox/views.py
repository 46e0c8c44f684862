"""The inbox's pages: what waits, one conversation, and what a member does with it."""

from typing import Any, get_args
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from chat import handoff
from chat.inbox.lists import Inbox, Tab, inbox
from chat.inbox.transcript import transcript
from chat.models import Conversation
from tenants.models import Member
from tenants.roles import Access, access

LIST = "admin/inbox/_list.html"
TRANSCRIPT = "admin/inbox/_transcript.html"
CONTROLS = "admin/inbox/_controls.html"


@require_GET
def waiting_list(request: HttpRequest) -> HttpResponse:
    shown = _shown(request, _at_work(request))
    return TemplateResponse(request, "admin/inbox/list.html", {**_page(request, "Inbox"), "inbox": shown})


@require_GET
def waiting_list_live(request: HttpRequest) -> HttpResponse:
    """The list as HTML, if it is no longer what the page has `seen`."""
    shown = _shown(request, _at_work(request))
    answer: dict[str, Any] = {"seen": shown.seen, "waiting": shown.counts["waiting"]}
    if request.GET.get("seen") != shown.seen:
        current = request.GET.get("open", "")
        answer["parts"] = {"list": render_to_string(LIST, {"inbox": shown, "open": current}, request)}
    return JsonResponse(answer)


@require_GET
def conversation(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    return _talk(request, _at_work(request), conversation_id)


@require_GET
def conversation_live(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """Transcript and controls as HTML, if they are no longer what the page has `seen`."""
    context = _conversation(_at_work(request), conversation_id)
    answer: dict[str, Any] = {"seen": context["seen"]}
    if request.GET.get("seen") != context["seen"]:
        parts = {"transcript": TRANSCRIPT, "controls": CONTROLS}
        answer["parts"] = {name: render_to_string(template, context, request) for name, template in parts.items()}
    return JsonResponse(answer)


@require_POST
def act(request: HttpRequest, conversation_id: UUID, verb: str) -> HttpResponse:
    """Take, reply, release or resolve."""
    at_work = _at_work(request)
    if not at_work.changes("conversations"):
        raise PermissionDenied
    found = get_object_or_404(Conversation, id=conversation_id)
    member = Member.objects.get(id=at_work.membership.member_id)
    text = request.POST.get("text", "")
    try:
        with transaction.atomic():
            _do(verb, found, member, text)
    except (handoff.Conflict, ValidationError) as refusal:
        problems = refusal.messages if isinstance(refusal, ValidationError) else [str(refusal)]
        return _talk(request, at_work, conversation_id, problem=" ".join(problems), draft=text)
    if verb in ("release", "resolve"):
        return HttpResponseRedirect(reverse("admin:inbox"))
    return HttpResponseRedirect(reverse("admin:inbox_conversation", args=[conversation_id]) + "?tab=mine")


def _talk(request: HttpRequest, at_work: Access, conversation_id: UUID, **shown: str) -> HttpResponse:
    """One conversation beside the list; after a refusal with its `problem` and the `draft` of the reply."""
    context = _page(request, "Inbox") | _conversation(at_work, conversation_id)
    context |= {"inbox": _shown(request, at_work), "open": str(conversation_id), **shown}
    return TemplateResponse(request, "admin/inbox/conversation.html", context)


def _at_work(request: HttpRequest) -> Access:
    at_work = access(request)
    if at_work is None or not at_work.sees("conversations"):
        raise PermissionDenied
    return at_work


def _shown(request: HttpRequest, at_work: Access) -> Inbox:
    wanted = request.GET.get("tab", "waiting")
    tab: Tab = wanted if wanted in get_args(Tab) else "waiting"  # type: ignore[assignment]
    return inbox(tab, at_work.membership.member_id)


def _page(request: HttpRequest, title: str) -> dict[str, Any]:
    return {**admin.site.each_context(request), "title": title}


def _conversation(at_work: Access, conversation_id: UUID) -> dict[str, Any]:
    conversations = Conversation.objects.select_related("group", "customer", "assignee__user")
    found = conversations.filter(id=conversation_id).first()
    if found is None:
        raise Http404
    mine = found.owner == Conversation.Owner.PERSON and found.assignee_id == at_work.membership.member_id
    may_act = at_work.changes("conversations")
    return {
        "conversation": found,
        "bubbles": transcript(found),
        "mine": mine,
        "may_act": may_act,
        "may_reply": may_act and not found.resolved_at and (mine or found.owner == Conversation.Owner.BOT),
        "seen": f"{found.last_seq}.{found.version}.{found.state}",
    }


def _do(verb: str, found: Conversation, member: Member, text: str) -> None:
    if found.resolved_at and verb in ("reply", "take"):
        raise handoff.Conflict("This conversation is resolved. It opens again when the customer writes.")
    if verb == "reply":
        handoff.reply(found.group_id, found.id, member, text)
    elif verb in ("release", "resolve"):
        if found.owner == Conversation.Owner.PERSON and found.assignee_id not in (None, member.id):
            raise handoff.Conflict(f"{found.assignee} has taken this conversation.")
        (handoff.release if verb == "release" else handoff.resolve)(found.group_id, found.id, member)
    elif verb == "take":
        handoff.take(found.group_id, found.id, member)
    else:
        raise Http404
