"""Answer templates: what they may say, and that none can hang, grow or escape."""

import time
from typing import Any

import pytest

from knowledge.rendering import MAX_OUTPUT, RenderError, check_template, long_date, money, render

DOUBLING = "{% macro m0() %}x{% endmacro %}" + "".join(
    f"{{% macro m{n} () %}}{{{{ m{n - 1}() }}}}{{{{ m{n - 1}() }}}}{{% endmacro %}}" for n in range(1, 40)
)
DOUBLING += "{{ m39() }}"


def test_values_loops_conditions_and_filters() -> None:
    template = (
        "{% for line in response.items %}- {{ line.name }}: {{ line.price | money('EUR') }}\n{% endfor %}"
        "{% if response.note %}never{% endif %}{% if arguments.size is defined %}{{ arguments.size }}{% endif %}"
        "{{ response.day | date }} {{ response.names | join(', ') }}"
    )
    response = {"items": [{"name": "Cap", "price": "24.5"}], "day": "2026-03-03", "names": ["a", "b"]}
    assert render(template, response=response, arguments={"size": "M"}) == "- Cap: €24.50\nM3 March 2026 a, b"


@pytest.mark.parametrize(
    ("value", "currency", "shown"),
    [
        ("1234.5", "GBP", "£1,234.50"), (-5, "gbp", "−£5.00"), (0, "EUR", "€0.00"), (900, "JPY", "¥900"),
        (120, "SEK", "120.00 SEK"), (-0.001, "EUR", "€0.00"), (7, "", "7.00"),
    ],
)  # fmt: skip
def test_money(value: Any, currency: str, shown: str) -> None:
    assert money(value, currency) == shown


def test_dates() -> None:
    assert long_date("2026-11-21") == "21 November 2026"
    assert long_date("2026-11-01T23:59:00Z") == "1 November 2026"


@pytest.mark.parametrize(
    "template",
    [
        "{{ response.missing }}", "{{ response.missing.deeper }}", "{{ response.name | money }}",
        "{{ response.name | date }}", "{{ none | money }}", "{{ 1 / 0 }}", "  ", "{% for x in 5 %}{% endfor %}",
        "{{ response.rows[9] }}", "{{ response.name + 1 }}",
    ],
)  # fmt: skip
def test_what_does_not_fit_the_data_is_an_error(template: str) -> None:
    with pytest.raises(RenderError):
        render(template, response={"name": "x", "rows": []}, arguments={})


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__ }}", "{{ response.__class__ }}", "{{ render.__globals__ }}", "{{ cycler }}",
        "{{ self.__init__ }}", "{{ [1] | map(attribute='__class__') | first }}", "{{ response | attr('__class__') }}",
        "{{ '{0.__class__}'.format(1) }}", "{{ '{:>99999999}'.format(1) }}", "{{ 'a'.ljust(99999999) }}",
        "{{ response.update({'a': 1}) }}", "{{ 'x' * 99999999 }}", "{{ 9 ** 9 ** 9 }}", "{{ '%99999999d' % 1 }}",
        "{{ range(99999999) | list }}", "{% for i in range(400) %}{{ 'a long line of text' }}{% endfor %}",
        "{% for i in range(500) %}{% for j in range(500) %}{% endfor %}{% endfor %}",
        "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
        "{% set a = 'xxxxxxxxxxxxxxxx' %}" + "{% set a = a ~ a %}" * 60 + "{{ a }}",
        "{% set a %}xxxxxxxx{% endset %}" + "{% set a %}{{ a }}{{ a }}{% endset %}" * 60 + "{{ a }}",
        DOUBLING,
        "{{ response.long | join(response.long | join) }}",
        "{% for x in response.long recursive %}{{ loop(response.long) }}{% endfor %}",
    ],
)  # fmt: skip
def test_hostile_templates_end_soon_and_say_nothing(template: str) -> None:
    began = time.perf_counter()
    with pytest.raises(RenderError):
        render(template, response={"long": ["some text"] * 5_000}, arguments={})
    assert time.perf_counter() - began < 2


def test_output_has_a_limit() -> None:
    assert len(render("{{ response.x }}", response={"x": "y" * MAX_OUTPUT}, arguments={})) == MAX_OUTPUT
    with pytest.raises(RenderError, match="longer than 4,000"):
        render("{{ response.x }}", response={"x": "y" * (MAX_OUTPUT + 1)}, arguments={})


def test_data_is_not_read_as_a_template() -> None:
    assert render("{{ response.x }}", response={"x": "{{ 7 * 7 }}"}, arguments={}) == "{{ 7 * 7 }}"


def test_a_mistake_is_named_with_its_line() -> None:
    with pytest.raises(RenderError, match="line 2"):
        check_template("fine\n{{ response.x | nothing_like_it }}")


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en", "£1,234.50 on 3 March 2027: red, blue and green; 2.5 kilograms, 12,000"),
        ("en-US", "£1,234.50 on March 3, 2027: red, blue, and green; 2.5 kilograms, 12,000"),
        ("de", "1.234,50 £ on 3. März 2027: red, blue und green; 2,5 Kilogramm, 12.000"),
        ("de-CH", "£ 1’234.50 on 3. März 2027: red, blue und green; 2.5 Kilogramm, 12’000"),
        ("fr", "1 234,50 £GB on 3 mars 2027: red, blue et green; 2,5 kilogrammes, 12 000"),
        ("xx-nowhere", "£1,234.50 on 3 March 2027: red, blue and green; 2.5 kilograms, 12,000"),
    ],
)
def test_it_is_written_as_in_the_customers_language(language: str, shown: str) -> None:
    template = (
        "{{ 1234.5 | money('GBP') }} on {{ '2027-03-03' | date }}: {{ ['red', 'blue', 'green'] | listed }}; "
        "{{ 2.5 | unit('kilogram') }}, {{ 12000 | number }}"
    )
    text = render(template, arguments={}, language=language)
    assert text.replace("\u00a0", " ").replace("\u202f", " ") == shown


def test_a_unit_that_nobody_knows_is_refused() -> None:
    with pytest.raises(RenderError, match="no unit"):
        render("{{ 1 | unit('smoot') }}", arguments={})
