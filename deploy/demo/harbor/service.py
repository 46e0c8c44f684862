"""Harbor Outfitters, the demo shop: its API under /api and its website, under a strict Content Security Policy."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import api, pages
from .guides import DOCUMENTS

STATIC = Path(__file__).with_name("static")
POLICY = "; ".join(
    [
        "default-src 'none'",
        f"script-src 'self' {pages.SWITCHBOARD_URL}",
        f"connect-src 'self' {pages.SWITCHBOARD_URL}",
        "style-src 'self'",
        f"img-src 'self' {pages.SWITCHBOARD_URL}",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}


class SecurityHeaders:
    """Send the policy with every answer; plain ASGI, so that nothing is buffered."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self.app(scope, receive, send_with_headers)


async def logo(request: Request) -> Response:
    return FileResponse(STATIC / "logo.svg", headers={"Access-Control-Allow-Origin": "*"})


app = Starlette(
    routes=[
        Mount("/api", routes=api.ROUTES),
        Mount("/static", StaticFiles(directory=STATIC)),
        Mount("/documents", StaticFiles(directory=DOCUMENTS)),
        Route("/logo.svg", logo),
        *pages.ROUTES,
    ],
    middleware=[Middleware(SecurityHeaders)],
)
