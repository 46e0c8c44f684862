"""Static files under ASGI, asynchronously, from the project's and its libraries' folders; nothing is collected."""

from collections.abc import Callable
from threading import Thread
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.staticfiles import StaticFiles

Application = Callable[..., Any]


def with_static_files(application: Application) -> Application:
    """`application`, with everything below STATIC_URL answered from the static folders."""
    files = _StaticFolders()
    prefix = settings.STATIC_URL

    async def dispatch(scope: dict[str, Any], receive: Application, send: Application) -> None:
        if scope["type"] == "lifespan":
            return await _lifespan(receive, send)
        if scope["type"] != "http" or not scope["path"].startswith(prefix):
            return await application(scope, receive, send)
        try:
            await files({**scope, "path": scope["path"][len(prefix) - 1 :], "root_path": ""}, receive, send)
        except HTTPException as problem:
            await PlainTextResponse(problem.detail, problem.status_code)(scope, receive, send)

    return dispatch


class _StaticFolders(StaticFiles):
    def __init__(self) -> None:
        super().__init__(check_dir=False)
        self.all_directories = [
            storage.location  # type: ignore[attr-defined]
            for finder in get_finders()
            for storage in getattr(finder, "storages", {}).values()
        ]


async def _lifespan(receive: Application, send: Application) -> None:
    """Load the embedding models before the first question, not with it."""
    from asgiref.sync import sync_to_async

    from chat import router
    from knowledge import spaces

    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            embedders = await sync_to_async(spaces.preload)()
            # Beside the start: it must not wait for a model behind an endpoint, which may be slow or away.
            Thread(target=router.prepare, args=[embedders], daemon=True).start()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await send({"type": "lifespan.shutdown.complete"})
            return
