"""Meridian's HTTP API: the accounts of a customer (with the service key) and mortgage rates (open to all)."""

import hmac
import os
from dataclasses import asdict

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import accounts, rates

DEMO_KEY = "meridian-demo-key"
KEY_HEADER = "X-Service-Key"
MAXIMUM_TRANSACTIONS = 50


def list_customers(request: Request) -> Response:
    _require_key(request)
    return JSONResponse({"customers": accounts.as_json(accounts.customers())})


def show_customer(request: Request) -> Response:
    return JSONResponse(asdict(_customer(request)))


def list_accounts(request: Request) -> Response:
    customer = _customer(request)
    kind = _choice(request, "account", accounts.ACCOUNT_KINDS)
    found = accounts.accounts(customer.id, kind)
    return JSONResponse({"customer": customer.name, "asked": kind, "accounts": accounts.as_json(found)})


def list_transactions(request: Request) -> Response:
    customer = _customer(request)
    kind = _choice(request, "account", accounts.ACCOUNT_KINDS)
    found = accounts.transactions(customer.id, kind, _limit(request))
    held = bool(accounts.accounts(customer.id, kind))
    body = {"customer": customer.name, "asked": kind, "held": held, "currency": accounts.CURRENCY}
    return JSONResponse(body | {"transactions": accounts.as_json(found)})


def list_cards(request: Request) -> Response:
    customer = _customer(request)
    kind = _choice(request, "card", accounts.CARD_KINDS)
    found = accounts.cards(customer.id, kind)
    return JSONResponse({"customer": customer.name, "asked": kind, "cards": accounts.as_json(found)})


def list_rates(request: Request) -> Response:
    found = rates.products(request.query_params.get("product", ""))
    body = {"as_of": accounts.today().isoformat(), "currency": accounts.CURRENCY}
    body["follow_on_rate"] = rates.MORTGAGES["follow_on_rate"]
    return JSONResponse(body | {"products": accounts.as_json(found)})


def show_payment(request: Request) -> Response:
    return JSONResponse(rates.quote(dict(request.query_params)))


def unknown_path(request: Request) -> Response:
    raise HTTPException(404, "There is nothing at this address.")


def http_error(request: Request, error: Exception) -> Response:
    """An error of the API, as JSON."""
    assert isinstance(error, HTTPException)
    codes = {401: "unauthorized", 404: "not_found", 405: "method_not_allowed"}
    body = {"code": codes.get(error.status_code, "error"), "message": error.detail}
    return JSONResponse(body, error.status_code, headers=error.headers)


def bad_fields(request: Request, error: Exception) -> Response:
    assert isinstance(error, rates.BadFields)
    return JSONResponse({"code": "invalid", "message": f"Not valid: {error}.", "fields": error.fields}, 422)


ROUTES = [
    Route("/customers", list_customers),
    Route("/customers/{customer_id}", show_customer),
    Route("/customers/{customer_id}/accounts", list_accounts),
    Route("/customers/{customer_id}/transactions", list_transactions),
    Route("/customers/{customer_id}/cards", list_cards),
    Route("/mortgages/rates", list_rates),
    Route("/mortgages/payment", show_payment),
    Route("/{path:path}", unknown_path),
]


def _customer(request: Request) -> accounts.Customer:
    _require_key(request)
    found = accounts.customer(request.path_params["customer_id"])
    if not found:
        raise HTTPException(404, "There is no customer with this id.")
    return found


def _require_key(request: Request) -> None:
    wanted = os.environ.get("MERIDIAN_API_KEY", DEMO_KEY)
    given = request.headers.get(KEY_HEADER, "")
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        raise HTTPException(401, f"Send the service key in the header {KEY_HEADER}.")


def _choice(request: Request, name: str, choices: tuple[str, ...]) -> str:
    value = request.query_params.get(name) or "all"
    if value not in choices:
        raise rates.BadFields({name: f"must be one of {', '.join(choices)}"})
    return value


def _limit(request: Request) -> int:
    text = request.query_params.get("limit") or "5"
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= MAXIMUM_TRANSACTIONS):
        raise rates.BadFields({"limit": f"must be a whole number between 1 and {MAXIMUM_TRANSACTIONS}"})
    return int(text)
