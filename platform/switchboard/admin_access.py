"""From a member's session to what it opens: the tenant at work, its scope, and signing in."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from allauth.account.adapter import get_adapter
from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from unfold.forms import AuthenticationForm

from tenants import resolve
from tenants.models import Tenant
from tenants.roles import Access
from tenants.scope import Scope, within

TENANT_IN_SESSION = "tenant"
View = Callable[..., HttpResponse]


def find_access(request: HttpRequest) -> Access | None:
    """The access of the signed-in member, found once for a request; None for everybody else."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or not user.is_active:
        return None
    known: Access | None = getattr(request, "access", None)
    if known is None or known.user_id != user.pk:
        known = _choose(request, user.pk)
        request.access = known  # type: ignore[attr-defined]
    return known


def scoped(view: View) -> View:
    """The view and the rendering of its response (templates are lazy, and query) inside the member's scope."""

    def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        access = find_access(request)
        if access is None:
            return view(request, *args, **kwargs)
        with within(access.scope):
            response = view(request, *args, **kwargs)
            render = getattr(response, "render", None)
            return render() if callable(render) else response

    return update_wrapper(run, view)


class SignInForm(AuthenticationForm):
    """Email and password, slowed down after failures; for members of a tenant only."""

    username = forms.EmailField(
        label="Email", max_length=254, widget=forms.EmailInput(attrs={"autofocus": True, "autocomplete": "username"})
    )
    error_messages = {
        "invalid_login": "This email and password do not match. Check both; capital letters count in the password.",
        "inactive": "This account has been switched off.",
        "no_member": "This account does not belong to any business. Ask the owner of yours to add you.",
    }

    def clean(self) -> dict[str, Any]:
        email, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if email and password:
            user = get_adapter().authenticate(self.request, email=email, password=password)
            if user is None:
                raise self.get_invalid_login_error()
            self.confirm_login_allowed(user)
            self.user_cache = user
        return self.cleaned_data

    def confirm_login_allowed(self, user: Any) -> None:
        for code, refused in (("inactive", not user.is_active), ("no_member", not resolve.memberships(user.pk))):
            if refused:
                raise ValidationError(self.error_messages[code], code=code)

    def get_invalid_login_error(self) -> ValidationError:
        return ValidationError(self.error_messages["invalid_login"], code="invalid_login")


def _choose(request: HttpRequest, user_id: int) -> Access | None:
    memberships = resolve.memberships(user_id)
    if not memberships:
        return None
    tenants = frozenset(each.tenant_id for each in memberships)
    with within(Scope(tenants)):
        names = dict(Tenant.objects.order_by("name").values_list("pk", "name"))
    wanted = request.session.get(TENANT_IN_SESSION)
    tenant_id = next((each for each in names if str(each) == wanted), next(iter(names)))
    chosen = next(each for each in memberships if each.tenant_id == tenant_id)
    others = tuple((other, name) for other, name in names.items() if other != tenant_id)
    return Access(user_id, chosen, names[tenant_id], others)
