"""The login page, and what it looks like."""

from pathlib import Path

from django.contrib.auth import login
from django.contrib.auth.models import User
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods

from deploy.demo.meridian import accounts

BACKEND = "django.contrib.auth.backends.ModelBackend"
ASSETS = {
    "sign_in.css": (Path(__file__).parent / "pages" / "sign_in.css", "text/css"),
    "logo.svg": (Path(__file__).parents[1] / "site" / "logo.svg", "image/svg+xml"),
}


@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """One click instead of a password: this is a demonstration, and these customers do not exist."""
    onward = request.POST.get("next") or request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(onward, {request.get_host()}, request.is_secure()):
        onward = ""
    if request.method == "POST":
        login(request, get_object_or_404(User, username=request.POST.get("customer", "")), BACKEND)
        return HttpResponseRedirect(onward or "/login")
    people = [
        (one, ", ".join(_short(account) for account in accounts.accounts(one.id))) for one in accounts.customers()
    ]
    return render(request, "sign_in.html", {"people": people, "next": onward})


@require_GET
def asset(request: HttpRequest, name: str) -> FileResponse:
    path, kind = ASSETS[name]
    return FileResponse(path.open("rb"), content_type=kind)


def _short(account: accounts.Account) -> str:
    return account.name.removesuffix(" Account")
