"""Members and API keys in the web admin."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST
from unfold.decorators import display
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from tenants import bots, members
from tenants.admin_base import ScopedAdmin
from tenants.admin_fields import NewSecretField
from tenants.models import ApiKey, Member, User
from tenants.roles import access

ROLE_COLORS = {"Owner": "primary", "Admin": "primary", "Knowledge admin": "info", "Agent": "success"}


class NewMemberForm(forms.ModelForm):
    email = forms.EmailField(max_length=254, widget=UnfoldAdminEmailInputWidget)
    name = forms.CharField(max_length=150, required=False, widget=UnfoldAdminTextInputWidget)
    password = NewSecretField(
        label="First password",
        help_text="At least 10 characters. Leave it empty for somebody who already signs in to Switchboard.",
    )

    class Meta:
        model = Member
        fields = ("role",)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        email, password = cleaned.get("email", "").lower(), cleaned.get("password")
        if email and not User.objects.filter(email=email).exists():
            if not password:
                self.add_error("password", "This person has no account yet: choose a first password.")
            else:
                try:
                    validate_password(password)
                except ValidationError as problem:
                    self.add_error("password", problem)
        return cleaned


@admin.register(Member)
class MemberAdmin(ScopedAdmin):
    area = "people"
    fixed_after_creation = ("person",)
    list_display = ("person", "role_label", "created_at")
    list_filter = ("role",)
    search_fields = ("user__email", "user__name")
    search_help_text = "Search by name or email"
    ordering = ("user__email",)
    fieldsets = ((None, {"fields": ("person", "role")}),)
    add_fieldsets = ((None, {"fields": ("email", "name", "role", "password")}),)
    list_before_template = "admin/tenants/member/roles.html"

    @display(description="Person", header=True, ordering="user__email")
    def person(self, member: Member) -> list[str]:
        return [member.user.name or member.user.email, member.user.email]

    @display(description="Role", ordering="role", label=ROLE_COLORS)
    def role_label(self, member: Member) -> str:
        return str(member.get_role_display())

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("user")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None:
            kwargs["form"] = NewMemberForm
        return super().get_form(request, obj, change, **kwargs)

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["choices"] = [choice for choice in Member.Role.choices if members.may_grant(choice[0], _role(request))]
        kwargs["widget"] = UnfoldAdminSelectWidget()
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or members.may_grant(obj.role, _role(request)))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj) and (obj is None or obj.user_id != request.user.pk)

    def save_model(self, request: HttpRequest, obj: Member, form: Any, change: bool) -> None:
        if change:
            members.change_role(obj, obj.role, _role(request))
            return
        given = form.cleaned_data
        password = given["password"] or None
        made = bots.add_member(_tenant_id(request), given["email"], given["name"], given["role"], password)
        obj.pk, obj.user, obj.tenant_id = made.pk, made.user, made.tenant_id

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        try:
            return super().delete_view(request, object_id, extra_context)
        except ValidationError as refusal:
            messages.error(request, " ".join(refusal.messages))
            return HttpResponseRedirect(reverse("admin:tenants_member_changelist"))

    def delete_model(self, request: HttpRequest, obj: Member) -> None:
        members.remove(obj, _role(request))


@admin.register(ApiKey)
class ApiKeyAdmin(ScopedAdmin):
    area = "people"
    list_display = ("name", "starts_with", "state", "created_at")
    search_fields = ("name", "prefix")
    ordering = ("-created_at",)
    empty_icon = "key"
    empty_text = "A key lets a program of yours manage bots and knowledge. It is shown once."
    add_fieldsets = ((None, {"fields": ("name",), "description": "Name it after the program that will use it."}),)
    fieldsets = ((None, {"fields": ("name", "starts_with", "state", "created_at", "revoked_at")}),)
    readonly_fields = ("starts_with", "state", "created_at", "revoked_at")
    fixed_after_creation = ("name",)
    change_form_outer_after_template = "admin/tenants/apikey/revoke.html"
    warn_unsaved_form = False

    @display(description="Starts with")
    def starts_with(self, key: ApiKey) -> str:
        return f"{key.prefix}…"

    @display(description="State", label={"Active": "success", "Revoked": "danger"})
    def state(self, key: ApiKey) -> str:
        return "Revoked" if key.revoked_at else "Active"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def own_pages(self) -> Any:
        return [("<uuid:key_id>/revoke/", require_POST(self.revoke), "tenants_apikey_revoke")]

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        made, secret = bots.create_api_key(_tenant_id(request), form.cleaned_data["name"])
        obj.pk, obj.prefix = made.pk, made.prefix
        request.new_secret = secret  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        """The only page that ever shows the secret; it goes into no redirect, message or session."""
        context = {
            **self.admin_site.each_context(request),
            "title": "New API key",
            "opts": self.opts,
            "key": obj,
            "secret": request.new_secret,  # type: ignore[attr-defined]
        }
        return TemplateResponse(request, "admin/tenants/apikey/created.html", context)

    def revoke(self, request: HttpRequest, key_id: Any) -> HttpResponse:
        if not super().has_change_permission(request):
            raise PermissionDenied
        key = ApiKey.objects.filter(id=key_id).first()
        if key is None:
            raise Http404
        key.revoked_at = key.revoked_at or timezone.now()
        key.save(update_fields=["revoked_at"])
        messages.success(request, f"The key “{key.name}” no longer opens anything.")
        return HttpResponseRedirect(reverse("admin:tenants_apikey_changelist"))


def _role(request: HttpRequest) -> str:
    at_work = access(request)
    return at_work.membership.role if at_work else ""


def _tenant_id(request: HttpRequest) -> Any:
    at_work = access(request)
    if at_work is None:
        raise PermissionDenied
    return at_work.membership.tenant_id
