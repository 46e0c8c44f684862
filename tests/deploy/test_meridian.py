"""Meridian's demo service: its accounts API, its rates API, its site with the widget, and its seed files."""

import csv
import json
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from jinja2 import Environment
from starlette.testclient import TestClient

from deploy.demo.meridian import accounts, service

HERE = Path(service.__file__).parent
KEY = {"X-Service-Key": "meridian-demo-key"}
AMARA = "mb-204817"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> TestClient:
    for name in ("MERIDIAN_API_KEY", "SWITCHBOARD_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MERIDIAN_TODAY", "2026-11-21")
    return TestClient(service.app)


@pytest.mark.parametrize("headers", [{}, {"X-Service-Key": "wrong"}, {"X-Service-Key": "é".encode("latin-1")}])
def test_accounts_need_the_service_key(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.get(f"/api/customers/{AMARA}/accounts", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthorized"


def test_one_account_of_a_customer(client: TestClient) -> None:
    answer = client.get(f"/api/customers/{AMARA}/accounts?account=current", headers=KEY).json()
    assert [(one["kind"], one["balance"], one["available"]) for one in answer["accounts"]] == [
        ("current", "2184.63", "2684.63")
    ]


def test_unknown_customer_path_and_choice(client: TestClient) -> None:
    assert client.get("/api/customers/nobody/cards", headers=KEY).status_code == 404
    assert client.get("/api/nothing").json()["code"] == "not_found"
    wrong = client.get(f"/api/customers/{AMARA}/cards?card=gold", headers=KEY)
    assert wrong.status_code == 422
    assert "card" in wrong.json()["fields"]


@pytest.mark.parametrize("limit", ["0", "51", "-1", "1.5", "many", "²"])
def test_bad_limit_is_named(client: TestClient, limit: str) -> None:
    answer = client.get(f"/api/customers/{AMARA}/transactions", params={"limit": limit}, headers=KEY)
    assert (answer.status_code, list(answer.json()["fields"])) == (422, ["limit"])


@pytest.mark.parametrize("customer", [one.id for one in accounts.customers()])
def test_balances_lead_from_one_transaction_to_the_next(client: TestClient, customer: str) -> None:
    for account in accounts.accounts(customer):
        rows = accounts.transactions(customer, account.kind, 50)
        assert rows[0].balance_after == account.balance
        for newer, older in pairwise(rows):
            assert Decimal(older.balance_after) == Decimal(newer.balance_after) - Decimal(newer.amount)
        assert min(Decimal(row.balance_after) for row in rows) >= -Decimal(account.overdraft_limit)


@pytest.mark.parametrize(
    ("amount", "years", "rate", "monthly"),
    [("200000", "25", "4.5", "1111.66"), ("120000", "10", "0", "1000.00"), ("30000", "5", "1e-400", "500.00")],
)
def test_monthly_payment(client: TestClient, amount: str, years: str, rate: str, monthly: str) -> None:
    asked = {"amount": amount, "term_years": years, "rate": rate}
    answer = client.get("/api/mortgages/payment", params=asked).json()
    assert answer["payments"][0]["monthly_payment"] == monthly


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        ({}, {"amount", "term_years"}),
        ({"amount": "1e99999999", "term_years": "NaN"}, {"amount", "term_years"}),
        ({"amount": "29999", "term_years": "36"}, {"amount", "term_years"}),
        ({"amount": "50000", "term_years": "10.5"}, {"term_years"}),
        ({"amount": "50000", "term_years": "10", "rate": "-1"}, {"rate"}),
        ({"amount": "50000", "term_years": "10", "product": "none-such"}, {"product"}),
    ],
)
def test_bad_payment_request_names_its_fields(client: TestClient, asked: dict[str, str], fields: set[str]) -> None:
    answer = client.get("/api/mortgages/payment", params=asked)
    assert answer.status_code == 422
    assert set(answer.json()["fields"]) == fields


def test_documents_are_published_and_nothing_else_is(client: TestClient) -> None:
    assert "The road in six steps" in client.get("/documents/home-buying-and-application-guide.md").text
    pdf = client.get("/documents/mortgage-conditions-and-charges-2026.pdf")
    assert pdf.headers["content-type"] == "application/pdf"
    assert client.get("/documents/..%2f..%2fbank.json").status_code == 404


def test_pages_carry_no_inline_code_and_survive_a_wrong_calculation(client: TestClient) -> None:
    page = client.get("/mortgages?amount=abc")
    assert "must be a number" in page.text
    assert "style=" not in page.text
    assert "unsafe-inline" not in page.headers["content-security-policy"]


def test_every_action_answers_through_its_template(client: TestClient) -> None:
    tenant = json.loads((HERE / "tenant.json").read_text(encoding="utf-8"))
    templates = Environment()
    templates.filters |= {"money": lambda amount, currency: f"{currency} {amount:.2f}", "date": str}
    values = {"account": "all", "amount": "200000", "term_years": "25", "rate": "4.5"}
    answers = {}
    for action in [action for api in tenant["data_apis"] for action in api["actions"]]:
        assert len(action["examples"]) >= 6
        arguments = {one["name"]: values[one["name"]] for one in action["parameters"] if one.get("required")}
        path = "/api" + action["path"].format(customer_id=AMARA)
        response = client.get(path, params=arguments, headers=KEY).json()
        answers[action["name"]] = templates.from_string(action["answer"]).render(response=response, arguments=arguments)
    assert "GBP 2184.63" in answers["account_balance"]
    assert "GBP 2640.18 in" in answers["recent_transactions"]
    assert "frozen since 2026-11-18" in answers["card_status"]
    assert "5-year fixed: 4.19%" in answers["current_rates"]
    assert "GBP 1111.66 a month" in answers["monthly_payment"]


def test_rates_named_in_a_prompt_are_todays(client: TestClient) -> None:
    tenant = (HERE / "tenant.json").read_text(encoding="utf-8")
    current = [float(one["rate"]) for one in client.get("/api/mortgages/rates").json()["products"]]
    assert f"from {min(current)}% (5-year fixed) to {max(current)}% (First Home)" in tenant


def test_faqs_have_distinct_phrasings() -> None:
    with (HERE / "mortgage" / "faqs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    phrasings = [text.lower() for row in rows for text in (row["question"], *row["alternates"].split("|"))]
    assert len(rows) >= 30
    assert len({row["id"] for row in rows}) == len(rows)
    assert len(set(phrasings)) == len(phrasings)
    assert all(row["id"].startswith("mm-") and len(row["alternates"].split("|")) >= 5 for row in rows)
