"""The page behind an action's Test call button."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from knowledge import trial
from knowledge.action_spec import ActionSpec, spec_of
from knowledge.actions import record_call
from knowledge.models import Action
from tenants.admin_base import ScopedAdmin
from tenants.roles import Access, access
from tenants.scope import within

PAGE = "admin/knowledge/action/try.html"


def try_page(admin: ScopedAdmin) -> Callable[..., HttpResponse]:
    """The view; it takes the member's scope around its queries, and none while the API is called."""

    def view(request: HttpRequest, action_id: UUID) -> HttpResponse:
        at_work = access(request)
        if at_work is None or not at_work.changes(admin.area):
            raise PermissionDenied
        with within(at_work.scope):
            action, spec = _found(action_id)
        form = TrialForm(spec, request.POST if request.method == "POST" else None)
        made = None
        if request.method == "POST" and form.is_valid():
            made = async_to_sync(trial.attempt)(spec, form.words(), form.cleaned_data["customer"])
        with within(at_work.scope):
            if made is not None and made.result.status is not None:
                _record(spec, made, form.cleaned_data["customer"], at_work, request)
            context = {**admin.admin_site.each_context(request), "title": f"Test call: {action}", "opts": admin.opts}
            context |= {"original": action, "form": form, "trial": made, "spec": spec}
            return TemplateResponse(request, PAGE, context).render()

    return view


class TrialForm(forms.Form):
    """A field for each value that a customer would give, and who the customer is."""

    def __init__(self, spec: ActionSpec, data: Any) -> None:
        super().__init__(data)
        self.spec = spec
        self.fields["customer"] = forms.CharField(
            required=spec.needs_customer,
            max_length=255,
            label="As the customer with the ID",
            widget=UnfoldAdminTextInputWidget,
            help_text="The subject (sub) that your sign-in gives a customer.",
        )
        for each in spec.parameters:
            if each.askable or (each.source and not each.claimed):
                self.fields[f"p_{each.name}"] = forms.CharField(
                    required=each.required,
                    label=each.name.replace("_", " ").capitalize(),
                    help_text=each.description,
                    widget=UnfoldAdminTextInputWidget,
                )
        if spec.writes:
            self.fields["really"] = forms.BooleanField(
                label="Yes, really do it", help_text="This changes something.", widget=UnfoldBooleanSwitchWidget
            )

    def words(self) -> dict[str, Any]:
        given = {name.removeprefix("p_"): value for name, value in self.cleaned_data.items() if name.startswith("p_")}
        kinds = {each.name: each.type for each in self.spec.parameters}
        truth = {"yes": True, "true": True, "no": False, "false": False}
        return {
            name: truth.get(value.lower(), value) if kinds[name] == "boolean" else value
            for name, value in given.items()
            if value != ""
        }


def _found(action_id: UUID) -> tuple[Action, ActionSpec]:
    action = Action.objects.select_related("data_api", "group").filter(id=action_id).first()
    if action is None:
        raise Http404
    try:
        return action, spec_of(action)
    except ValidationError as problem:
        raise Http404 from problem


def _record(spec: ActionSpec, made: trial.Trial, subject: str, at_work: Access, request: HttpRequest) -> None:
    by = f"Test call by {request.user}"[:200]
    record_call(spec, made.result, conversation_id=None, customer_subject=subject, made_by=by)
