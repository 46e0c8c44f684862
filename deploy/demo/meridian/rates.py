"""Meridian's mortgage rates, and what a loan costs each month at a rate."""

from dataclasses import asdict, dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from .accounts import BANK, CURRENCY

MORTGAGES: dict[str, Any] = BANK["mortgages"]
MINIMUM_AMOUNT = Decimal(MORTGAGES["minimum_amount"])
MAXIMUM_AMOUNT = Decimal(MORTGAGES["maximum_amount"])
MINIMUM_TERM: int = MORTGAGES["minimum_term_years"]
MAXIMUM_TERM: int = MORTGAGES["maximum_term_years"]
MAXIMUM_RATE = Decimal(20)
PENNY = Decimal("0.01")
FINEST_RATE = Decimal("0.001")


@dataclass(frozen=True)
class Product:
    id: str
    name: str
    kind: str
    rate: str
    initial_years: int
    maximum_loan_to_value: int
    fee: str
    early_repayment: str


@dataclass(frozen=True)
class Payment:
    name: str
    rate: str
    monthly_payment: str
    total_paid: str
    total_interest: str
    product: str = ""
    fee: str = ""


class BadFields(ValueError):
    """What is wrong with a request, by field."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name} {text}" for name, text in fields.items()))
        self.fields = fields


def products(product_id: str = "") -> list[Product]:
    """Every product, or the one asked for."""
    found = [Product(**row) for row in MORTGAGES["products"] if product_id in ("", "all", row["id"])]
    if not found:
        raise BadFields({"product": f"must be one of {', '.join(row['id'] for row in MORTGAGES['products'])} or all"})
    return found


def quote(asked: dict[str, str]) -> dict[str, Any]:
    """The monthly payment for an amount and a term: at one rate, for one product, or else for each product."""
    wrong: dict[str, str] = {}
    amount = _number(asked, "amount", MINIMUM_AMOUNT, MAXIMUM_AMOUNT, wrong)
    term = _number(asked, "term_years", Decimal(MINIMUM_TERM), Decimal(MAXIMUM_TERM), wrong)
    rate = _number(asked, "rate", Decimal(0), MAXIMUM_RATE, wrong) if asked.get("rate") else None
    if term != term.to_integral_value():
        wrong.setdefault("term_years", "must be a whole number of years")
    if wrong:
        raise BadFields(wrong)
    if rate is not None:
        payments = [_payment(amount, int(term), rate.quantize(FINEST_RATE), None)]
    else:
        offered = products(asked.get("product", ""))
        payments = [_payment(amount, int(term), Decimal(product.rate), product) for product in offered]
    return {
        "amount": str(amount.quantize(PENNY)),
        "term_years": int(term),
        "currency": CURRENCY,
        "payments": [asdict(payment) for payment in payments],
    }


def monthly_payment(amount: Decimal, term_years: int, yearly_rate: Decimal) -> Decimal:
    """The level payment that clears a repayment loan: P·r / (1 - (1 + r)^-n), in months."""
    months = term_years * 12
    monthly_rate = yearly_rate / 1200
    if not monthly_rate:
        return amount / months
    return amount * monthly_rate / (1 - (1 + monthly_rate) ** -months)


def _payment(amount: Decimal, term_years: int, rate: Decimal, product: Product | None) -> Payment:
    monthly = monthly_payment(amount, term_years, rate)
    total = monthly * term_years * 12
    return Payment(
        name=product.name if product else f"a rate of {rate.normalize():f}%",
        rate=f"{rate.normalize():f}",
        monthly_payment=_pence(monthly),
        total_paid=_pence(total),
        total_interest=_pence(total - amount),
        product=product.id if product else "",
        fee=product.fee if product else "",
    )


def _pence(amount: Decimal) -> str:
    return str(amount.quantize(PENNY, ROUND_HALF_UP))


def _number(asked: dict[str, str], name: str, low: Decimal, high: Decimal, wrong: dict[str, str]) -> Decimal:
    """The value of a field, or zero and a sentence in `wrong`."""
    text = asked.get(name, "").strip()
    if not text:
        wrong[name] = "is required"
        return Decimal(0)
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        wrong[name] = "must be a number"
        return Decimal(0)
    if not low <= value <= high:
        wrong[name] = f"must be between {low:,} and {high:,}"
        return Decimal(0)
    return value
