"""Every error in the contract's form: {"code", "message", "fields"?}."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core import exceptions as django
from django.db import DataError, IntegrityError, OperationalError
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.views import defaults
from rest_framework import exceptions as rest
from rest_framework.response import Response

from chat.handoff import Conflict
from knowledge.imports import UnreadableFile

NOT_FIELDS = ("non_field_errors", "__all__")
# The API's names for what the models call otherwise.
PUBLIC_NAMES = {"group": "bot", "phrasings": "alternates", "data": "file"}
CODES = {
    400: "invalid",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    411: "length_required",
    413: "too_large",
    415: "unsupported_media_type",
    429: "too_many_requests",
    503: "unavailable",
}


class TooLarge(rest.APIException):
    status_code = 413


class LengthRequired(rest.APIException):
    status_code = 411
    default_detail = "Send a Content-Length header: bodies sent in chunks are not read."


@dataclass(frozen=True)
class Problem:
    """What goes out. A message ends with a full stop and says what to do where that is not plain."""

    status: int
    message: str
    fields: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        body: dict[str, Any] = {"code": CODES.get(self.status, "error"), "message": _clean(self.message)}
        if self.fields:
            body["fields"] = {_clean(name): _clean(text) for name, text in self.fields.items()}
        return body


def as_contract(error: Exception, context: dict[str, Any]) -> Response | None:
    """The exception handler of the REST framework; None leaves an unknown error to `server_error` and the log."""
    problem = _translate(error)
    return Response(problem.as_json(), problem.status, headers=problem.headers) if problem else None


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if not _is_api(request):
        return defaults.bad_request(request, exception)
    return _json(_translate(exception) or Problem(400, "The request could not be understood."))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if not _is_api(request):
        return defaults.permission_denied(request, exception)
    return _json(Problem(403, "You may not do this."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if not _is_api(request):
        return defaults.page_not_found(request, exception)
    hint = " Addresses of this API end without a slash." if request.path.endswith("/") else ""
    return _json(Problem(404, f"There is nothing at {request.path[:200]}.{hint}"))


def server_error(request: HttpRequest) -> HttpResponseBase:
    if not _is_api(request):
        return defaults.server_error(request)
    return _json(Problem(500, "Something went wrong on our side. It has been logged; please try again."))


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith(("/api/", "/v1/"))


def _json(problem: Problem) -> JsonResponse:
    return JsonResponse(problem.as_json(), status=problem.status)


def _translate(error: Exception) -> Problem | None:
    if isinstance(error, rest.ValidationError):
        return _invalid(dict(_flat(error.detail)))
    if isinstance(error, django.ValidationError):
        given = error.message_dict if hasattr(error, "error_dict") else {"__all__": error.messages}
        return _invalid(dict(_flat(given)))
    if isinstance(error, rest.APIException):
        return _of_framework(error)
    if isinstance(error, Conflict):
        return Problem(409, str(error))
    if isinstance(error, UnreadableFile):
        return _invalid({"file": str(error)})
    if isinstance(error, RecursionError):
        return Problem(400, "This is nested too deeply to be read.")
    if isinstance(error, Http404 | django.ObjectDoesNotExist):
        return Problem(404, "There is no such thing, or it is not yours.")
    if isinstance(error, django.PermissionDenied):
        return Problem(403, "You may not do this.")
    if isinstance(error, django.RequestDataTooBig):
        return Problem(413, "The request is too large.")
    if isinstance(error, django.SuspiciousOperation):
        return Problem(400, "The request could not be understood.")
    return _of_database(error)


def _of_framework(error: rest.APIException) -> Problem:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if seconds := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(seconds) + 1)
    if isinstance(error, rest.NotAuthenticated):
        return Problem(401, "Send your API key in the header “Authorization: Bearer KEY”.", headers=headers)
    message = str(error.detail).replace("JSON parse error - ", "The body is not valid JSON: ")
    return Problem(error.status_code, message, headers=headers)


def _of_database(error: Exception) -> Problem | None:
    """What slips past validation, or happens only when two change the same thing at once."""
    if isinstance(error, IntegrityError):
        return Problem(409, "This clashes with something that exists, or that was changed at the same moment.")
    if isinstance(error, DataError):
        return Problem(400, "A value cannot be stored: it is out of range or holds characters that text may not have.")
    if isinstance(error, OperationalError):
        return Problem(503, "The database cannot be reached just now. Please try again.", headers={"Retry-After": "5"})
    return None


def _invalid(found: dict[str, str]) -> Problem:
    general = " ".join(text for name, text in found.items() if name in NOT_FIELDS)
    fields = {PUBLIC_NAMES.get(name, name[:100]): text for name, text in found.items() if name not in NOT_FIELDS}
    if general:
        return Problem(400, general, fields)
    if len(fields) == 1:
        return Problem(400, "{}: {}".format(*next(iter(fields.items()))), fields)
    return Problem(400, f"These fields need another look: {', '.join(list(fields)[:20])}.", fields)


def _flat(detail: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Errors by the full name of their field, such as `parameters.0.name`; several of one field are joined."""
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            own = str(key) not in NOT_FIELDS
            yield from _flat(inner, f"{name}.{key}" if name and own else name or str(key))
    elif isinstance(detail, list | tuple) and any(isinstance(inner, Mapping | list | tuple) for inner in detail):
        for number, inner in enumerate(detail):
            yield from _flat(inner, f"{name}.{number}" if name else str(number))
    elif isinstance(detail, list | tuple):
        if detail:
            yield name or NOT_FIELDS[0], " ".join(map(str, detail))
    else:
        yield name or NOT_FIELDS[0], str(detail)


def _clean(text: str) -> str:
    """Half characters (lone surrogates) that somebody sent cannot be sent back."""
    return text.encode("utf-8", "replace").decode()
