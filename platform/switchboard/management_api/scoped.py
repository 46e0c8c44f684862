"""The base of the management views: a handler runs inside the scope of the API key, and sees nothing else."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db.models import Model, QuerySet
from rest_framework import mixins
from rest_framework.exceptions import NotFound, ParseError, UnsupportedMediaType, ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from switchboard.errors import LengthRequired, TooLarge
from switchboard.management_api.described import ContractSchema
from switchboard.management_api.fields import BotField, Strict, as_uuid
from tenants.models import ApiKey
from tenants.resolve import ResolvedKey
from tenants.scope import within

PAGING = ("limit", "offset", "format")
FURTHEST = 10_000_000


class ByBot(Strict):
    """What every list may be narrowed by."""

    unknown = "There is no such parameter."
    bot = BotField(required=False, help_text="Only what belongs to the bot with this key.")


class AlwaysJson(DefaultContentNegotiation):
    """JSON whatever the Accept header says, so that a browser's address bar shows an answer too."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> tuple[Any, str]:
        return renderers[0], renderers[0].media_type


class Pages(LimitOffsetPagination):
    default_limit = 50
    max_limit = 200
    limit_query_description = "How many to return: 1 to 200."
    offset_query_description = "How many to skip."

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        problems = {}
        for name, least, most in (("limit", 1, 200), ("offset", 0, FURTHEST)):
            value = request.query_params.get(name, str(least))
            if not (value.isascii() and value.isdigit() and len(value) < 12 and least <= int(value) <= most):
                problems[name] = f"Give a whole number from {least} to {most:,}."
        if problems:
            raise ValidationError(problems)
        page: list[Any] | None = super().paginate_queryset(queryset, request, view)
        return page


class ScopedViewSet(GenericViewSet):
    """Subclasses name their rows (`get_queryset`), what one is called (`noun`), how lists are narrowed (`filters`)."""

    noun = "thing"
    identified_by = "ID"
    filters: type[Strict] = ByBot
    pagination_class = Pages
    content_negotiation_class = AlwaysJson
    parser_classes = [JSONParser]
    schema = ContractSchema()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # A body is read before the transaction begins.
        read_body(request)
        name = str(request.method).lower()
        if name in self.http_method_names and hasattr(self, name):
            setattr(self, name, self._within_scope(getattr(self, name)))

    def get_object(self) -> Any:
        wanted = self.kwargs["pk"]
        row = self.find(self.get_queryset(), wanted)
        if row is None:
            raise NotFound(f"You have no {self.noun} with the {self.identified_by} “{wanted[:100]}”.")
        return row

    def find(self, rows: QuerySet, wanted: str) -> Model | None:
        number = as_uuid(wanted)
        if self.request.method in ("PUT", "PATCH"):
            rows = rows.select_for_update(of=("self",))
        return rows.filter(id=number).first() if number else None

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        given = {name: value for name, value in self.request.query_params.items() if name not in PAGING}
        wanted = self.filters(data=given)
        wanted.is_valid(raise_exception=True)
        return self.narrow(queryset, wanted.validated_data)

    def narrow(self, rows: QuerySet, wanted: dict[str, Any]) -> QuerySet:
        return rows.filter(group=wanted["bot"]) if "bot" in wanted else rows

    def _within_scope(self, handler: Callable[..., Response]) -> Callable[..., Response]:
        @wraps(handler)
        def scoped(request: Request, *args: Any, **kwargs: Any) -> Response:
            with within(key_of(request).scope):
                return handler(request, *args, **kwargs)

        return scoped


class EditableViewSet(
    mixins.CreateModelMixin,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    ScopedViewSet,
):
    """What can be listed, made, changed and deleted."""

    http_method_names = ["get", "post", "patch", "delete", "head", "options"]


def read_body(request: Request) -> None:
    """Parse the body, and turn whatever a parser may throw into words."""
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    message = f"The request is too large: the most is {most // (1024 * 1024)} MB."
    if request.META.get("HTTP_TRANSFER_ENCODING") and not request.META.get("CONTENT_LENGTH"):
        raise LengthRequired
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdigit() and int(length) > most:
        raise TooLarge(message)
    try:
        _ = request.data
    except UnsupportedMediaType as problem:
        accepted = " or ".join(parser.media_type for parser in request.parsers or [])
        raise UnsupportedMediaType("", f"Send {accepted}, and say so in the Content-Type header.") from problem
    except RequestDataTooBig as problem:
        raise TooLarge(message) from problem
    except (TooManyFieldsSent, TooManyFilesSent) as problem:
        raise ParseError("The form has too many fields.") from problem
    except (LookupError, RecursionError, UnicodeError) as problem:
        raise ParseError("The body could not be read: check its character set and its nesting.") from problem


def key_of(request: Request) -> ResolvedKey:
    """The API key that the request was let in with."""
    key: ResolvedKey = request.auth  # type: ignore[assignment]
    return key


def name_of_key(key: ResolvedKey) -> str:
    """How a program signs what it says. Needs the key's scope."""
    return f"API key {ApiKey.objects.values_list('name', flat=True).get(id=key.key_id)}"
