"""Money, dates, numbers, lists and units as people write them in a language or a country."""

from collections.abc import Sequence
from contextvars import ContextVar
from datetime import date
from decimal import Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError, dates, lists, numbers, units
from babel.core import get_global

DEFAULT = "en_GB"
# In English others stand after the amount, by their code.
SYMBOLS = frozenset({"GBP", "EUR", "USD", "JPY", "INR"})
# What follows depends on where English is spoken; the word alone means the one that is read nearly everywhere.
_ALONE = {"en": DEFAULT}
language: ContextVar[str] = ContextVar("language", default="en")


@lru_cache(maxsize=256)
def prepare(tag: str) -> None:
    """Read what is known of a language, which takes a while the first time."""
    spoken = language.set(tag)
    try:
        money(Decimal(1), "EUR")
        long_date(date(2000, 1, 1))
        listed(["1", "2"])
        unit(Decimal(1), "kilogram")
    finally:
        language.reset(spoken)


def money(amount: Decimal, code: str) -> str:
    """£1,234.50; in German 1.234,50 £. Without a currency: the number with two decimals."""
    known = code in get_global("all_currencies")
    decimals = numbers.get_currency_precision(code) if known else 2
    rounded = amount.quantize(Decimal(1).scaleb(-decimals)) + 0  # no minus before a zero
    if code and known and not (_locale().language == "en" and code not in SYMBOLS):
        text = numbers.format_currency(rounded, code, locale=_locale())
        # English names the country of a currency where nobody would ask.
        return text.replace("JP¥", "¥").replace("US$", "$") if _locale().language == "en" else text
    return f"{number(rounded, decimals)} {code}".rstrip()


def long_date(day: date) -> str:
    """3 March 2027; in German 3. März 2027."""
    return dates.format_date(day, "long", locale=_locale())


def number(value: Decimal, decimals: int | None = None) -> str:
    pattern = None if decimals is None else f"#,##0.{'0' * decimals}"
    return numbers.format_decimal(value, pattern, locale=_locale())


def listed(texts: Sequence[str], style: str = "standard") -> str:
    """red, blue and green; with the style "or", red, blue or green."""
    return lists.format_list(list(texts), style=style, locale=_locale()) if texts else ""  # type: ignore[arg-type]


def unit(value: Decimal, name: str) -> str:
    """2.5 kilograms; in German 2,5 Kilogramm. Raises ValueError for a unit that nobody knows."""
    try:
        return units.format_unit(value, name, "long", locale=_locale())
    except units.UnknownUnitError as problem:
        raise ValueError(f"{name!r} is no unit, such as kilogram, meter or hour") from problem


def _locale() -> Locale:
    return _parsed(language.get())


@lru_cache(maxsize=256)
def _parsed(tag: str) -> Locale:
    """The locale of a tag such as de or pt-BR; the language alone, or English, where it is not known."""
    plain = tag.replace("-", "_").strip()
    for wanted in (plain, plain.split("_")[0]):
        try:
            return Locale.parse(_ALONE.get(wanted, wanted))
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse(DEFAULT)
