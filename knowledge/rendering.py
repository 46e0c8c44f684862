"""Answer templates: Jinja2 in a sandbox that bounds time, loops, sizes and output. Any failure is a RenderError."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, nodes, pass_context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from knowledge import local

MAX_OUTPUT = 4_000
MAX_TEMPLATE = 10_000
MAX_TEXT = 50_000
MAX_STEPS = 5_000
MAX_RANGE = 500
MAX_NUMBER = 10**18
TIME_S = 0.5
FILTERS = [
    "abs", "capitalize", "count", "d", "default", "first", "float", "int", "items", "last", "length", "list", "lower",
    "map", "max", "min", "reject", "rejectattr", "reverse", "round", "select", "selectattr", "sort", "string", "sum",
    "title", "trim", "truncate", "unique", "upper",
]  # fmt: skip


class RenderError(ValueError):
    """The template cannot say anything about this data; the text says why, for the one who wrote the template."""


def render(
    source: str, *, arguments: Mapping[str, Any], response: Any = None, language: str = "en", **more: Any
) -> str:
    """A text from the API's data, the call's arguments, and whatever else is given by name. Raises RenderError.

    Money, dates, numbers, lists and units are written as in the `language`, a tag such as de or en-US.
    """
    template = _compiled(source)
    local.prepare(language)
    spoken = local.language.set(language)
    steps = _steps.set(_Steps())
    pieces: list[str] = []
    length = 0
    try:
        for piece in template.generate({**more, "response": response, "arguments": dict(arguments)}):
            pieces.append(piece)
            length += len(piece)
            if length > MAX_OUTPUT:
                raise RenderError(f"The answer would be longer than {MAX_OUTPUT:,} characters.")
    except RenderError:
        raise
    except RecursionError as problem:
        raise RenderError("The template calls itself without end.") from problem
    except (TemplateError, ArithmeticError, TypeError, ValueError, LookupError, AttributeError, MemoryError) as problem:
        raise RenderError(f"The template does not fit the data: {problem}") from problem
    finally:
        _steps.reset(steps)
        local.language.reset(spoken)
    lines = "".join(pieces).strip().splitlines()
    text = "\n".join(line.rstrip() for line in lines)
    if not text:
        raise RenderError("The template says nothing about this data.")
    return text


def check_template(source: str) -> None:
    """Raise RenderError unless the template can be compiled."""
    if not source.strip():
        raise RenderError("The answer template is empty.")
    _compiled(source)


def names_used(source: str, of: str) -> set[str]:
    """Which fields of one of its values a template speaks of: for `arguments`, each `arguments.NAME`."""
    tree = _environment.parse(source)
    fields = [(each.node, each.attr) for each in tree.find_all(nodes.Getattr)]
    for item in tree.find_all(nodes.Getitem):
        if isinstance(item.arg, nodes.Const):
            fields.append((item.node, str(item.arg.value)))
    return {name for node, name in fields if isinstance(node, nodes.Name) and node.name == of}


class _Steps:
    """What one rendering has used up."""

    def __init__(self) -> None:
        self.left = MAX_STEPS
        self.until = time.monotonic() + TIME_S

    def take(self) -> None:
        self.left -= 1
        if self.left < 0 or time.monotonic() > self.until:
            raise RenderError("The template takes too long: it loops too often.")


_steps: ContextVar[_Steps] = ContextVar("steps")


class _Missing(StrictUndefined):
    """A value that is not there: false in a condition, an error where it would be shown."""

    def __bool__(self) -> bool:  # type: ignore[override]
        return False


class _Environment(ImmutableSandboxedEnvironment):
    """The sandbox, with every loop, call and growing text counted."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        # JSON may well have a field called "items" or "count"; it comes before the method of that name.
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def call(self, context: Any, obj: Any, *args: Any, **kwargs: Any) -> Any:
        _steps.get().take()
        return _bounded(super().call(context, obj, *args, **kwargs))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        _steps.get().take()
        numbers = isinstance(left, int | float) and isinstance(right, int | float)
        if operator == "**" or (operator != "+" and not numbers):
            raise RenderError(f"The template may use {operator} on numbers only, and ** not at all.")
        return _bounded(super().call_binop(context, operator, left, right))

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        # Methods of texts and lists could grow them without bound; filters do what they are needed for.
        return not callable(value) and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        return None

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        if any(tree.find(kind) for kind in (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)):
            raise RenderError("The answer template cannot include, import or extend another one.")
        for loop in tree.find_all(nodes.For):
            loop.iter = _through("counted", loop.iter)
        for block in tree.find_all(nodes.AssignBlock):
            block.filter = _through("bounded", block.filter)
        _bound_texts(tree)
        tree.set_environment(self)
        return tree


def _bound_texts(node: nodes.Node) -> None:
    """Send every joining of texts (`a ~ b`) through a check of its length."""
    for field, value in node.iter_fields():
        if isinstance(value, list):
            value[:] = [_bounded_node(child) for child in value]
        elif isinstance(value, nodes.Node):
            setattr(node, field, _bounded_node(value))


def _bounded_node(child: Any) -> Any:
    if isinstance(child, nodes.Node):
        _bound_texts(child)
    return _through("bounded", child) if isinstance(child, nodes.Concat) else child


def _through(name: str, node: Any) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None)


def _counted(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        _steps.get().take()
        yield value


def _bounded(value: Any) -> Any:
    if isinstance(value, str | list | tuple) and len(value) > MAX_TEXT:
        raise RenderError("The template makes a text or list that is too long.")
    if isinstance(value, int | float) and abs(value) > MAX_NUMBER:
        raise RenderError("The template makes a number that is too large.")
    return value


def _range(*limits: int) -> range:
    numbers = range(*limits)
    if len(numbers) > MAX_RANGE:
        raise RenderError(f"The template's range is longer than {MAX_RANGE}.")
    return numbers


def _join(values: Iterable[Any], separator: str = "", attribute: str | None = None) -> str:
    texts = [str(value[attribute] if attribute else value) for value in _counted(values)]
    if sum(map(len, texts)) + len(str(separator)) * len(texts) > MAX_TEXT:
        raise RenderError("The template makes a text that is too long.")
    return str(separator).join(texts)


def money(value: Any, currency: str = "") -> str:
    """An amount as people write it: £1,234.50, −€5.00, ¥900."""
    return local.money(_number("money", value), str(currency).upper()).replace("-", "−")


def number(value: Any, decimals: int | None = None) -> str:
    """A number as people write it: 1,234.5."""
    return local.number(_number("number", value), min(decimals, 10) if decimals is not None else None)


def unit(value: Any, name: str) -> str:
    """A measure as people write it: 2.5 kilograms."""
    return local.unit(_number("unit", value), str(name))


def listed(values: Iterable[Any], style: str = "standard") -> str:
    """A list as people say it: red, blue and green."""
    texts = [str(value) for value in _counted(values)]
    if style not in ("standard", "or") or sum(map(len, texts)) > MAX_TEXT:
        raise RenderError("listed: the style is standard or or, and the text of no great length.")
    return local.listed(texts, style)


def _number(name: str, value: Any) -> Decimal:
    try:
        found = Decimal(str(value))
    except InvalidOperation as problem:
        raise RenderError(f"{name}: {str(value)[:40]!r} is not an amount.") from problem
    if not found.is_finite() or abs(found) > MAX_NUMBER:
        raise RenderError(f"{name}: the value is not an amount.")
    return found


def long_date(value: Any) -> str:
    """A date as people write it: 3 March 2027."""
    try:
        day = value if isinstance(value, date) else datetime.fromisoformat(str(value))
    except ValueError as problem:
        raise RenderError(f"date: {str(value)[:40]!r} is not a date.") from problem
    return local.long_date(day)


@lru_cache(maxsize=256)
def _compiled(source: str) -> Template:
    if len(source) > MAX_TEMPLATE:
        raise RenderError(f"The answer template is longer than {MAX_TEMPLATE:,} characters.")
    try:
        return _environment.from_string(source)
    except (TemplateError, RecursionError) as problem:
        line = getattr(problem, "lineno", None)
        raise RenderError(f"The answer template is wrong{f' in line {line}' if line else ''}: {problem}") from problem


def _each_time(written: Callable[..., str]) -> Callable[..., str]:
    """The filter without constant folding: a constant, too, is written in the language of whoever reads it."""

    @pass_context
    def filtered(context: Any, *values: Any, **named: Any) -> str:
        return written(*values, **named)

    return filtered


def _make_environment() -> _Environment:
    environment = _Environment(undefined=_Missing, autoescape=False)
    environment.filters = {name: environment.filters[name] for name in FILTERS}
    local_ones: dict[str, Callable[..., str]] = {
        "money": money, "date": long_date, "number": number, "unit": unit, "listed": listed,
    }  # fmt: skip
    for name, written in local_ones.items():
        environment.filters[name] = _each_time(written)
    environment.filters["join"] = _join
    environment.filters |= {"counted": _counted, "bounded": _bounded}
    environment.globals = {"range": _range}
    return environment


_environment = _make_environment()
