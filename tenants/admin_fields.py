"""Form fields of the web admin: a list as lines, readable JSON, and secrets that are never shown."""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextareaWidget


class VerbForm(forms.ModelForm):
    """A form whose domain verb says in words what the database's constraints would say by name."""

    def _post_clean(self) -> None:
        self.instance.validate_constraints = lambda exclude=None: None
        super()._post_clean()  # type: ignore[misc]
        del self.instance.validate_constraints


class LinesField(forms.CharField):
    """A list of short texts, one per line."""

    def __init__(self, *, rows: int = 4, item_max_length: int = 1000, **kwargs: Any) -> None:
        kwargs.setdefault("widget", UnfoldAdminTextareaWidget(attrs={"rows": rows}))
        kwargs.setdefault("required", False)
        super().__init__(**kwargs)
        self.item_max_length = item_max_length

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> Any:
        lines = (line.strip() for line in (super().to_python(value) or "").splitlines())
        return list(dict.fromkeys(line for line in lines if line))

    def validate(self, value: Any) -> None:
        super().validate(value)
        for number, line in enumerate(value, start=1):
            if len(line) > self.item_max_length:
                raise ValidationError(f"Entry {number} is too long: at most {self.item_max_length} characters fit.")

    def run_validators(self, value: Any) -> None:
        """The length of a line is checked above; validators of a text do not apply to a list."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.to_python(data) != list(initial or [])


class ReadableJSONField(forms.JSONField):
    """JSON in a roomy text area, indented; errors name the line."""

    def __init__(self, *, rows: int = 12, **kwargs: Any) -> None:
        attrs = {"rows": rows, "class": "sb-code", "spellcheck": "false"}
        kwargs.setdefault("widget", UnfoldAdminTextareaWidget(attrs=attrs))
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values:
            return []
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError as problem:
            raise ValidationError(_explain(problem), code="invalid") from problem

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != initial)
        except ValidationError:
            return True


class NewSecretField(forms.CharField):
    """A secret to be set: always empty when shown; leaving it empty keeps the one that is stored."""

    def __init__(self, **kwargs: Any) -> None:
        widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})
        super().__init__(required=False, widget=widget, max_length=2000, **kwargs)


def _explain(problem: ValueError) -> str:
    if isinstance(problem, json.JSONDecodeError):
        return f"This is not valid JSON: line {problem.lineno}, column {problem.colno}: {problem.msg.lower()}."
    return "This is not valid JSON."
