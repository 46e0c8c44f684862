"""What every page of the web admin has in common: permissions by role, and refusals of a domain verb as form errors."""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models
from django.forms import Field, ModelForm
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from unfold.admin import ModelAdmin

from tenants.roles import Area, access


class ScopedAdmin(ModelAdmin):
    """Rows are those of the member's scope already; this says what the member's role may do with them."""

    area: ClassVar[Area]
    editable: ClassVar[bool] = True
    # Fields of the form that are no fields of the model, and what stands for them where the member may only look.
    form_only: ClassVar[dict[str, str]] = {}
    # Where a domain verb names a field that the form calls otherwise.
    refusal_fields: ClassVar[dict[str, str]] = {}
    fixed_after_creation: ClassVar[tuple[str, ...]] = ("group",)
    list_per_page = 50
    actions = None
    empty_icon = "inbox"
    empty_text = "What you add appears here."
    compressed_fields = False
    warn_unsaved_form = True

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        at_work = access(request)
        return at_work is not None and at_work.sees(self.area)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        at_work = access(request)
        return self.editable and at_work is not None and at_work.changes(self.area)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fixed = self.fixed_after_creation if obj else ()
        return (*super().get_readonly_fields(request, obj), *fixed)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[tuple[str | None, dict[str, Any]]]:
        fieldsets = super().get_fieldsets(request, obj)
        if self.has_change_permission(request, obj):
            return list(fieldsets)
        return [(title, options | {"fields": self._to_look_at(options["fields"])}) for title, options in fieldsets]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> type[ModelForm]:
        form: type[ModelForm] = super().get_form(request, obj, change, **kwargs)
        refusal: ValidationError | None = getattr(request, "refusal", None)
        return _refused(form, refusal, self.refusal_fields) if refusal else form

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """A ValidationError of the domain verb undoes what was written and comes back in the form."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except ValidationError as refusal:
            request.refusal = refusal  # type: ignore[attr-defined]
            return super().changeform_view(request, object_id, form_url, extra_context)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Field | None:
        if isinstance(db_field, models.URLField):
            kwargs["assume_scheme"] = "https"
        field: Field | None = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """The objects themselves; what belongs to them goes with them and needs no list."""
        names = [str(each) for each in objs]
        return names, {str(self.opts.verbose_name_plural): len(names)}, set(), []

    def get_urls(self) -> list[URLPattern]:
        own = [path(route, self.admin_site.admin_view(view), name=name) for route, view, name in self.own_pages()]
        opened = [path(route, self.admin_site.open_view(view), name=name) for route, view, name in self.open_pages()]
        return [*own, *opened, *super().get_urls()]

    def own_pages(self) -> Iterable[tuple[str, Callable[..., HttpResponse], str]]:
        """Pages beyond list, form and deletion: route, view and name."""
        return ()

    def open_pages(self) -> Iterable[tuple[str, Callable[..., HttpResponse], str]]:
        """The same for pages that ask other servers: they run in no scope, and take one around their queries alone."""
        return ()

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse:
        """What belongs to somebody else, or is gone, is simply not there."""
        raise Http404

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        raise Http404

    # Django's log of the admin knows no tenants, so nothing is written to it.
    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        return None

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:
        return None

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:
        return None

    def log_deletion(self, request: HttpRequest, obj: Any, object_repr: str) -> None:
        return None

    def _to_look_at(self, names: Iterable[Any]) -> list[Any]:
        flat = [name for each in names for name in (each if isinstance(each, list | tuple) else (each,))]
        return [shown for name in flat if (shown := self.form_only.get(name, name))]


def _refused(form: type[ModelForm], refusal: ValidationError, names: dict[str, str]) -> type[ModelForm]:
    """The form with the errors with which the domain verb has refused it."""

    class Refused(form):  # type: ignore[misc,valid-type]
        def full_clean(self) -> None:
            super().full_clean()
            for verb_name, problems in _by_field(refusal).items():
                name = names.get(verb_name, verb_name)
                self.add_error(name if name in self.fields else None, problems)

    return Refused


def _by_field(refusal: ValidationError) -> dict[str, list[ValidationError]]:
    if hasattr(refusal, "error_dict"):
        return dict(refusal.error_dict)
    return {NON_FIELD_ERRORS: refusal.error_list}


def lines_of(field: str, description: str) -> Callable[[Any, Any], str]:
    """A column or read-only field that shows a list as lines."""

    def shown(self: ScopedAdmin, obj: Any) -> str:
        return "\n".join(map(str, getattr(obj, field) or ()))

    shown.short_description = description  # type: ignore[attr-defined]
    return shown


def count_of(rows: models.QuerySet[Any]) -> models.Subquery:
    """How many of these rows belong to each row outside.

    A join would be grouped by `id`, which is not the tables' whole key, so the database refuses it.
    """
    counted = rows.order_by().annotate(count_of=models.Func(models.F("pk"), function="COUNT"))
    return models.Subquery(counted.values("count_of"), output_field=models.IntegerField())
