"""The shop's API: products, live stock and orders, for programs that carry its bearer key."""

import hmac
import math
import os
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import wraps
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import catalogue, idempotency, orders
from .catalogue import CATEGORIES, CURRENCY, PRODUCTS, Colour, Product, Wanted
from .idempotency import Refused

DEMO_KEY = "harbor-demo-key"
TRUTH = {"true": True, "1": True, "false": False, "0": False}

Endpoint = Callable[[Request], Awaitable[Response]]


def guarded(endpoint: Endpoint) -> Endpoint:
    """Let the endpoint answer only requests with the key, and turn a refusal into its JSON."""

    @wraps(endpoint)
    async def answer(request: Request) -> Response:
        try:
            _check_key(request)
            return await endpoint(request)
        except Refused as refusal:
            body: dict[str, Any] = {"code": refusal.code, "message": refusal.message}
            if refusal.fields:
                body["fields"] = refusal.fields
            headers = {"WWW-Authenticate": "Bearer"} if refusal.status == 401 else None
            return JSONResponse(body, refusal.status, headers)

    return answer


@guarded
async def list_products(request: Request) -> Response:
    found = catalogue.search(_wanted(request))
    in_stock = _flag(request, "in_stock")
    if in_stock is not None:
        found = [product for product in found if bool(product.total()) == in_stock]
    rows = [_summary(request, product) for product in found]
    available = sum(1 for row in rows if row["in_stock"])
    return JSONResponse({"count": len(rows), "available": available, "products": rows, "currency": CURRENCY})


@guarded
async def show_product(request: Request) -> Response:
    product = _product(request)
    details = {"description": product.description, "specs": product.specs, "stock": product.stock}
    return JSONResponse({**_summary(request, product), **details, "currency": CURRENCY})


@guarded
async def show_stock(request: Request) -> Response:
    product = _product(request)
    size, colour = request.query_params.get("size", ""), request.query_params.get("colour", "")
    answer = {**_summary(request, product), "currency": CURRENCY}
    if not size or not colour:
        return JSONResponse({**answer, "quantity": product.total(), "stock": product.stock})
    return JSONResponse({**answer, **_variant(product, size, colour)})


@guarded
async def set_stock(request: Request) -> Response:
    product, body = _product(request), await idempotency.json_body(request)
    colour = catalogue.match_colour(product, str(body.get("colour", "")))
    size = catalogue.match_size(product, str(body.get("size", "")))
    quantity = body.get("quantity")
    if colour is None:
        raise _invalid("colour", f"The {product.name} comes in {_labels(product.colours)}.")
    if size is None:
        raise _invalid("size", f"The {product.name} comes in {', '.join(product.sizes)}.")
    if not isinstance(quantity, int) or isinstance(quantity, bool) or not 0 <= quantity <= 9999:
        raise _invalid("quantity", "The quantity must be a whole number from 0 to 9999.")
    catalogue.set_stock(product, colour, size, quantity)
    return JSONResponse({"product": product.id, "name": product.name, **_variant(product, size, colour.id)})


@guarded
async def list_orders(request: Request) -> Response:
    customer = _customer(request)
    own = orders.orders_of(customer.id)
    rows = [_order(order) for order in own]
    return JSONResponse({"customer": customer.id, "count": len(rows), "orders": rows, "currency": CURRENCY})


@guarded
async def show_order(request: Request) -> Response:
    return JSONResponse({**_order(_own_order(request)), "currency": CURRENCY})


@guarded
async def cancel_order(request: Request) -> Response:
    _, order = _customer(request), _own_order(request)
    return await idempotency.once(request, lambda body: _changed(lambda: orders.cancel(order)))


@guarded
async def set_address(request: Request) -> Response:
    _, order = _customer(request), _own_order(request)
    return await idempotency.once(request, lambda body: _changed(lambda: orders.deliver_to(order, _address(body))))


@guarded
async def list_colours(request: Request) -> Response:
    product = _product(request)
    size, most = request.query_params.get("size", ""), _price(request.query_params.get("max_price"))
    found = catalogue.match_size(product, size)
    colours = [colour.label for colour in product.colours if found and product.stock[colour.id][found]]
    within = most is None or product.price <= most
    details = {"size": found or size, "size_offered": found is not None, "within_price": within}
    return JSONResponse({**_summary(request, product), **details, "available": colours, "currency": CURRENCY})


@guarded
async def nothing_here(request: Request) -> Response:
    raise Refused(404, "not_found", f"The shop's API has nothing at {request.url.path}.")


ROUTES = [
    Route("/products", list_products),
    Route("/products/{product}", show_product),
    Route("/products/{product}/colours", list_colours),
    Route("/products/{product}/stock", show_stock, methods=["GET"]),
    Route("/products/{product}/stock", set_stock, methods=["PUT"]),
    Route("/customers/{customer}/orders", list_orders),
    Route("/customers/{customer}/orders/{order}", show_order),
    Route("/customers/{customer}/orders/{order}/cancellation", cancel_order, methods=["POST"]),
    Route("/customers/{customer}/orders/{order}/address", set_address, methods=["PUT"]),
    Route("/{path:path}", nothing_here, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
]


def _check_key(request: Request) -> None:
    expected = f"Bearer {os.environ.get('HARBOR_API_KEY', DEMO_KEY)}"
    given = request.headers.get("authorization", "")
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise Refused(401, "unauthorized", "This API needs its key: Authorization: Bearer KEY.")


def _product(request: Request) -> Product:
    key = request.path_params["product"]
    if key not in PRODUCTS:
        raise Refused(404, "not_found", f"The shop has no product {key}.")
    return PRODUCTS[key]


def _customer(request: Request) -> orders.Customer:
    key = request.path_params["customer"]
    if key not in orders.CUSTOMERS:
        raise Refused(404, "not_found", f"The shop has no customer {key}.")
    return orders.CUSTOMERS[key]


def _own_order(request: Request) -> orders.Order:
    customer, number = _customer(request), request.path_params["order"]
    order = orders.order_of(customer.id, number)
    if order is None:
        raise Refused(404, "not_found", f"This customer has no order {number}.")
    return order


def _changed(change: Callable[[], orders.Order]) -> tuple[int, dict[str, Any]]:
    """The order after the change, or why it is too late for one."""
    try:
        return 200, {**_order(change()), "currency": CURRENCY}
    except orders.TooLate as problem:
        return 409, {"code": "too_late", "message": str(problem)}


def _address(body: dict[str, Any]) -> str:
    lines = [str(body.get(name, "")).strip() for name in ("street", "town", "postcode")]
    for name, line in zip(("street", "town"), lines, strict=False):
        if not 2 <= len(line) <= 100:
            raise _invalid(name, f"The {name} must have 2 to 100 characters.")
    return ", ".join(line for line in lines if line)


def _wanted(request: Request) -> Wanted:
    query = request.query_params
    category = query.get("category") or None
    if category is not None and category not in CATEGORIES:
        raise _invalid("category", f"The categories are {', '.join(CATEGORIES)}.")
    return Wanted(
        category=category,
        max_price=_price(query.get("max_price")),
        size=query.get("size") or None,
        colour=query.get("colour") or None,
        waterproof=_flag(request, "waterproof"),
    )


def _price(text: str | None) -> float | None:
    if not text:
        return None
    try:
        price = float(text)
    except ValueError:
        price = math.nan
    if not math.isfinite(price) or price < 0:
        raise _invalid("max_price", "The highest price must be a number of euros, 0 or more.")
    return price


def _flag(request: Request, name: str) -> bool | None:
    text = request.query_params.get(name)
    if not text:
        return None
    if text.lower() not in TRUTH:
        raise _invalid(name, f"{name} must be true or false.")
    return TRUTH[text.lower()]


def _summary(request: Request, product: Product) -> dict[str, Any]:
    return {
        "product": product.id,
        "name": product.name,
        "category": product.category,
        "category_label": CATEGORIES[product.category],
        "price": product.price,
        "waterproof": product.waterproof,
        "in_stock": product.total() > 0,
        "sizes": list(product.sizes),
        "sizes_in_stock": product.sizes_in_stock(),
        "colours": [{"value": colour.id, "label": colour.label, "family": colour.family} for colour in product.colours],
        "url": f"{str(request.base_url).removesuffix('api/')}products/{product.id}",
    }


def _variant(product: Product, size_words: str, colour_words: str) -> dict[str, Any]:
    """What is known of one colour and size: how many there are, or that it is not made, and what there is instead."""
    size, colour = catalogue.match_size(product, size_words), catalogue.match_colour(product, colour_words)
    quantity = product.stock[colour.id][size] if size and colour else 0
    return {
        "size": catalogue.size_label(size) if size else size_words,
        "colour": colour.label if colour else colour_words.replace("-", " ").capitalize(),
        "size_offered": size is not None,
        "colour_offered": colour is not None,
        "quantity": quantity,
        "in_stock": quantity > 0,
        "other_sizes": [
            other for other in product.sizes if colour and other != size and product.stock[colour.id][other]
        ],
        "other_colours": [
            other.label for other in product.colours if size and other != colour and product.stock[other.id][size]
        ],
    }


def _order(order: orders.Order) -> dict[str, Any]:
    known = {key: value for key, value in asdict(order).items() if value is not None}
    return {"order": known.pop("id"), **known}


def _labels(colours: tuple[Colour, ...]) -> str:
    return ", ".join(colour.label for colour in colours)


def _invalid(field: str, message: str) -> Refused:
    return Refused(422, "invalid", message, **{field: message})
