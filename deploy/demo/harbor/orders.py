"""The shop's three demo customers and their orders: as orders.json has them, and as customers change them meanwhile."""

import json
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from .catalogue import PRODUCTS, size_label

_DATA: dict[str, Any] = json.loads(Path(__file__).with_name("orders.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Customer:
    id: str
    name: str
    email: str


@dataclass(frozen=True)
class Line:
    product: str
    name: str
    colour: str
    size: str
    quantity: int
    price: float


@dataclass(frozen=True)
class Order:
    id: str
    customer: str
    placed_on: str
    status: str
    status_label: str
    lines: tuple[Line, ...]
    delivery: float
    total: float
    carrier: str | None = None
    tracking: str | None = None
    expected_on: str | None = None
    delivered_on: str | None = None
    collect_at: str | None = None
    collect_by: str | None = None
    cancelled_on: str | None = None
    refunded_on: str | None = None
    address: str | None = None


class TooLate(Exception):
    """The order has gone too far to be changed; the message says how far."""


def _line(row: dict[str, Any]) -> Line:
    product = PRODUCTS[row["product"]]
    colour = next(colour for colour in product.colours if colour.id == row["colour"])
    return Line(product.id, product.name, colour.label, size_label(row["size"]), row["quantity"], product.price)


def _order(row: dict[str, Any]) -> Order:
    lines = tuple(_line(line) for line in row["lines"])
    total = round(sum(line.price * line.quantity for line in lines) + row["delivery"], 2)
    return Order(**{**row, "lines": lines, "total": total, "status_label": _DATA["statuses"][row["status"]]})


CUSTOMERS: dict[str, Customer] = {row["id"]: Customer(**row) for row in _DATA["customers"]}
_ORDERS: dict[str, Order] = {row["id"]: _order(row) for row in _DATA["orders"]}
CHANGEABLE = ("received", "packing")


def orders_of(customer_id: str) -> list[Order]:
    """The customer's orders, the newest first."""
    own = [order for order in _ORDERS.values() if order.customer == customer_id]
    return sorted(own, key=lambda order: order.placed_on, reverse=True)


def order_of(customer_id: str, order_id: str) -> Order | None:
    """The order with this number, or the `latest`, if it is this customer's."""
    own = orders_of(customer_id)
    if order_id == "latest":
        return own[0] if own else None
    wanted = order_id.strip().upper()
    return next((order for order in own if order.id == wanted), None)


def cancel(order: Order) -> Order:
    """Raises TooLate."""
    _check_changeable(order)
    today = date.today().isoformat()
    return _keep(replace(order, status="cancelled", status_label=_DATA["statuses"]["cancelled"], cancelled_on=today))


def deliver_to(order: Order, address: str) -> Order:
    """Send the order elsewhere. Raises TooLate."""
    _check_changeable(order)
    return _keep(replace(order, address=address))


def _check_changeable(order: Order) -> None:
    if order.status not in CHANGEABLE:
        raise TooLate(f"Order {order.id} is {order.status_label}, so it cannot be changed any more.")


def _keep(order: Order) -> Order:
    _ORDERS[order.id] = order
    return order
