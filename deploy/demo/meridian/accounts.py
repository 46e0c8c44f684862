"""The accounts, cards and transactions of Meridian's demo customers: the same on every start, dated up to today."""

import json
import os
import random
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

BANK: dict[str, Any] = json.loads(Path(__file__).with_name("bank.json").read_text(encoding="utf-8"))
CURRENCY: str = BANK["currency"]
DAYS_OF_HISTORY = 60
ACCOUNT_KINDS = ("current", "savings", "joint", "all")
CARD_KINDS = ("debit", "credit", "joint", "all")


@dataclass(frozen=True)
class Customer:
    id: str
    name: str
    email: str
    since: int


@dataclass(frozen=True)
class Account:
    id: str
    kind: str
    name: str
    ending: str
    balance: str
    available: str
    overdraft_limit: str
    currency: str


@dataclass(frozen=True)
class Transaction:
    id: str
    date: str
    description: str
    amount: str
    balance_after: str
    account_id: str
    account_name: str


@dataclass(frozen=True)
class Card:
    id: str
    kind: str
    name: str
    ending: str
    status: str
    since: str
    detail: str


def customers() -> list[Customer]:
    return [Customer(row["id"], row["name"], row["email"], row["since"]) for row in BANK["customers"]]


def customer(customer_id: str) -> Customer | None:
    return next((one for one in customers() if one.id == customer_id), None)


def accounts(customer_id: str, kind: str = "all") -> list[Account]:
    return [_account(row) for row in _row(customer_id)["accounts"] if kind in ("all", row["kind"])]


def cards(customer_id: str, kind: str = "all") -> list[Card]:
    return [_card(row) for row in _row(customer_id)["cards"] if kind in ("all", row["kind"])]


def transactions(customer_id: str, kind: str = "all", limit: int = 5) -> list[Transaction]:
    """The latest transactions, newest first."""
    rows = [row for row in _row(customer_id)["accounts"] if kind in ("all", row["kind"])]
    found = [one for row in rows for one in _history(row["id"], today())]
    return sorted(found, key=lambda one: one.date, reverse=True)[:limit]


def today() -> date:
    """Today, or the day that MERIDIAN_TODAY pins so that a test sees fixed dates."""
    pinned = os.environ.get("MERIDIAN_TODAY")
    return date.fromisoformat(pinned) if pinned else date.today()


def as_json(items: list[Any]) -> list[dict[str, Any]]:
    return [asdict(item) for item in items]


def _row(customer_id: str) -> dict[str, Any]:
    return next(row for row in BANK["customers"] if row["id"] == customer_id)


def _account(row: dict[str, Any]) -> Account:
    available = Decimal(row["balance"]) + Decimal(row["overdraft_limit"])
    return Account(
        id=row["id"],
        kind=row["kind"],
        name=row["name"],
        ending=row["ending"],
        balance=row["balance"],
        available=str(available),
        overdraft_limit=row["overdraft_limit"],
        currency=CURRENCY,
    )


def _card(row: dict[str, Any]) -> Card:
    since = today() - timedelta(days=row["status_since_days"])
    return Card(row["id"], row["kind"], row["name"], row["ending"], row["status"], since.isoformat(), row["detail"])


@cache
def _history(account_id: str, last_day: date) -> tuple[Transaction, ...]:
    """Two months of an account, newest first; each balance leads back from the present one."""
    row = next(a for c in BANK["customers"] for a in c["accounts"] if a["id"] == account_id)
    balance = Decimal(row["balance"])
    history = []
    for number, (days_ago, description, amount) in enumerate(_movements(row)):
        history.append(
            Transaction(
                id=f"{account_id}-{number:03d}",
                date=(last_day - timedelta(days=days_ago)).isoformat(),
                description=description,
                amount=str(amount),
                balance_after=str(balance),
                account_id=account_id,
                account_name=row["name"],
            )
        )
        balance -= amount
    return tuple(history)


def _movements(row: dict[str, Any]) -> list[tuple[int, str, Decimal]]:
    """Pay and purchases as (days ago, description, amount), newest first."""
    dice = random.Random(f"{BANK['seed']}:{row['id']}")
    found = [
        (days_ago, payment["description"], Decimal(payment["amount"]))
        for payment in row["regular"]
        for days_ago in range(payment["days_ago"], DAYS_OF_HISTORY, 30)
    ]
    for _ in range(row["payments_each_month"] * DAYS_OF_HISTORY // 30):
        shop, low, high = dice.choice(BANK["shops"])
        pence = dice.randint(low * 100, high * 100)
        if shop.startswith("Cash machine"):
            pence = max(1000, pence // 1000 * 1000)
        found.append((dice.randrange(DAYS_OF_HISTORY), shop, Decimal(-pence) / 100))
    return sorted(((days, text, amount.quantize(Decimal("0.01"))) for days, text, amount in found), key=lambda m: m[0])
