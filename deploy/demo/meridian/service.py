"""Meridian Bank: its website with the chat widget, its accounts API and its rates API, as one small HTTP service."""

import os
from datetime import date
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Mount, Route

from . import api, rates

HERE = Path(__file__).parent
SITE = HERE / "site"
DOCUMENT_FOLDERS = (HERE / "retail" / "documents", HERE / "mortgage" / "documents")
ASSETS = {"style.css": "text/css", "logo.svg": "image/svg+xml"}
TEMPLATES = Environment(loader=FileSystemLoader(SITE), autoescape=True, undefined=StrictUndefined)


def home(request: Request) -> Response:
    return _page(request, "home.html")


def mortgages(request: Request) -> Response:
    """The rates, and the calculator: a plain form that the server answers."""
    asked = {"amount": "200000", "term_years": "25"} | {k: v for k, v in request.query_params.items() if v}
    fields: dict[str, str] = {}
    quote: dict[str, Any] | None = None
    try:
        quote = rates.quote(asked)
    except rates.BadFields as error:
        fields = error.fields
    return _page(
        request,
        "mortgages.html",
        products=rates.products(),
        quote=quote,
        asked=asked,
        fields=fields,
        follow_on_rate=rates.MORTGAGES["follow_on_rate"],
    )


def document(request: Request) -> Response:
    """A policy document as the bank publishes it: Markdown as a page, any other file as it is."""
    name = request.path_params["name"]
    published = [path for folder in DOCUMENT_FOLDERS for path in _files(folder)]
    found = next((path for path in published if name in (path.name, path.stem)), None)
    if not found:
        raise HTTPException(404)
    if found.suffix != ".md":
        return FileResponse(found)
    front, body = _front_matter(found.read_text(encoding="utf-8"))
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(body)
    return _page(
        request,
        "document.html",
        title=front.get("title", found.stem),
        date=_long_date(front.get("date", "")),
        body=html,
    )


def asset(request: Request) -> Response:
    name = request.url.path.removeprefix("/")
    return FileResponse(SITE / name, media_type=ASSETS[name])


def missing_page(request: Request, error: Exception) -> Response:
    return _page(request, "missing.html", status=404)


async def protect(request: Request, call_next: RequestResponseEndpoint) -> Response:
    """A strict content policy: only this site and Switchboard."""
    response = await call_next(request)
    bot = _switchboard()
    response.headers["Content-Security-Policy"] = (
        f"default-src 'self'; script-src 'self' {bot}; connect-src 'self' {bot}; img-src 'self' data: {bot}; "
        "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    template_values = {"path": request.url.path, "switchboard": _switchboard(), **values}
    return HTMLResponse(TEMPLATES.get_template(template).render(template_values), status)


def _switchboard() -> str:
    return os.environ.get("SWITCHBOARD_URL", "http://127.0.0.1:8000").rstrip("/")


def _files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _front_matter(text: str) -> tuple[dict[str, str], str]:
    if not text.startswith("---\n"):
        return {}, text
    head, _, body = text[4:].partition("\n---\n")
    pairs = (line.partition(":") for line in head.splitlines())
    return {key.strip(): value.strip().strip('"') for key, _, value in pairs}, body


def _long_date(text: str) -> str:
    return f"{date.fromisoformat(text):%-d %B %Y}" if text else ""


def _money(amount: str) -> str:
    sign = "−" if amount.startswith("-") else ""
    return f"{sign}£{float(amount.lstrip('-')):,.2f}"


TEMPLATES.filters["money"] = _money

app = Starlette(
    routes=[
        Mount(
            "/api",
            Starlette(
                routes=api.ROUTES, exception_handlers={HTTPException: api.http_error, rates.BadFields: api.bad_fields}
            ),
        ),
        Route("/", home),
        Route("/mortgages", mortgages),
        Route("/documents/{name}", document),
        *(Route(f"/{name}", asset, name=name) for name in ASSETS),
    ],
    middleware=[Middleware(BaseHTTPMiddleware, dispatch=protect)],
    exception_handlers={404: missing_page},
)
