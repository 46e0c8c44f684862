"""The shop's website: products, guides, orders, reservations, and the switch between the demo customers."""

import os
import re
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from . import catalogue, identity, orders
from .catalogue import CATEGORIES, PRODUCTS, Product, SoldOut, Wanted
from .guides import read_guides

SWITCHBOARD_URL = os.environ.get("SWITCHBOARD_URL", "http://127.0.0.1:8000").rstrip("/")
CUSTOMER_COOKIE = "harbor_customer"
SHOPS = {"galway": "Galway, 3 Mast Lane", "cork": "Cork, 18 Custom Steps"}
OWN_PATH = re.compile(r"/(?![/\\])[\w\-./?=&#]*")
MAX_FORM_BYTES = 2_000

_templates = Jinja2Templates(Path(__file__).with_name("templates"))
_templates.env.trim_blocks = _templates.env.lstrip_blocks = True
_guides = read_guides()
_numbers = count(501)
_reservations: dict[str, str] = {}


async def home(request: Request) -> Response:
    category = request.query_params.get("category", "")
    chosen = category if category in CATEGORIES else None
    products = catalogue.search(Wanted(category=chosen)) if chosen else list(PRODUCTS.values())
    return _page(request, "home.html", products=products, categories=CATEGORIES, chosen=chosen)


async def product_page(request: Request) -> Response:
    product = PRODUCTS.get(request.path_params["product"])
    if product is None:
        return await missing(request)
    done = _reservations.get(request.query_params.get("reserved", ""), "")
    return _product_page(request, product, done=done)


async def reserve(request: Request) -> Response:
    product, form = PRODUCTS.get(request.path_params["product"]), await _form(request)
    if product is None:
        return await missing(request)
    colour = catalogue.match_colour(product, form.get("colour", ""))
    size = catalogue.match_size(product, form.get("size", ""))
    shop = SHOPS.get(form.get("shop", ""))
    if not (colour and size and shop):
        return _product_page(request, product, 422, problem="Please choose a colour, a size and a shop.")
    label = f"{product.name}, {colour.label}, {catalogue.size_label(size)}"
    try:
        catalogue.take_one(product, colour, size)
    except SoldOut:
        return _product_page(request, product, 409, problem=f"{label}: the last one has just gone.")
    number = f"R-{next(_numbers)}"
    _reservations[number] = f"{label}: reserved for 48 hours in {shop}. Your number is {number}."
    # A redirect, so that reloading the page does not reserve another one.
    return RedirectResponse(f"/products/{product.id}?reserved={number}", status_code=303)


async def guide_page(request: Request) -> Response:
    guide = _guides.get(request.url.path)
    return _page(request, "guide.html", guide=guide) if guide else await missing(request)


async def orders_page(request: Request) -> Response:
    customer = _customer(request)
    return _page(request, "orders.html", orders=orders.orders_of(customer.id) if customer else [])


async def switch_customer(request: Request) -> Response:
    form = await _form(request)
    back = form.get("back", "/")
    response = RedirectResponse(back if OWN_PATH.fullmatch(back) else "/", status_code=303)
    if form.get("customer") in orders.CUSTOMERS:
        response.set_cookie(CUSTOMER_COOKIE, form["customer"], httponly=True, samesite="lax")
    else:
        response.delete_cookie(CUSTOMER_COOKIE, httponly=True, samesite="lax")
    return response


async def missing(request: Request) -> Response:
    return _page(request, "missing.html", 404)


ROUTES = [
    Route("/", home),
    Route("/products/{product}", product_page),
    Route("/products/{product}/reserve", reserve, methods=["POST"]),
    Route("/delivery", lambda request: RedirectResponse("/guides/delivery", status_code=308)),
    Route("/guides/{name}", guide_page),
    Route("/orders", orders_page),
    Route("/customer", switch_customer, methods=["POST"]),
    Route("/{path:path}", missing),
]


def _product_page(request: Request, product: Product, status: int = 200, **said: str) -> Response:
    related = [other for other in PRODUCTS.values() if other.category == product.category and other is not product]
    return _page(request, "product.html", status, product=product, related=related[:4], shops=SHOPS, **said)


def _page(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    customer = _customer(request)
    values |= {
        "switchboard_url": SWITCHBOARD_URL,
        "customer": customer,
        "customers": orders.CUSTOMERS.values(),
        "identity": identity.token_for(customer) if customer else None,
        "category_labels": CATEGORIES,
        "size_label": catalogue.size_label,
        "long_date": _long_date,
    }
    # A page holds a customer's token: no cache may keep it.
    return _templates.TemplateResponse(request, template, values, status, {"Cache-Control": "no-store"})


def _customer(request: Request) -> orders.Customer | None:
    return orders.CUSTOMERS.get(request.cookies.get(CUSTOMER_COOKIE, ""))


def _long_date(text: str) -> str:
    day = date.fromisoformat(text)
    return f"{day.day} {day:%B %Y}"


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            return {}
    return {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
