"""The page's server: a few files, its settings, and visits."""

import argparse
import socket
from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from speech_emotion.app.limits import Limits, Places
from speech_emotion.app.listening import listen
from speech_emotion.core.errors import PipelineError
from speech_emotion.predict.predictor import Predictor
from speech_emotion.predict.session import cores

PAGE = Path(__file__).with_name("page")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
MESSAGE_BYTES = 1 << 20
SHUTDOWN_S = 2
# The browser itself refuses whatever the page would load from, or send to, another host.
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'",
    "permissions-policy": "microphone=(self), camera=(), geolocation=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}


def run(args: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C and return the exit code.

    Raises:
        PipelineError: there is no model, or the address cannot be listened on.
    """
    predictor = Predictor(args.model, threads=cores())
    with _listener(args.host, args.port) as listener:
        host, port = args.host, listener.getsockname()[1]
        shown = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        who = "only this computer reaches it" if host in LOOPBACK else "other computers reach it, by this one's address"
        print(f"{shown}  ({who}; Ctrl-C ends it)", flush=True)
        config = uvicorn.Config(
            build(predictor),
            log_level="warning",
            ws_max_size=MESSAGE_BYTES,
            timeout_graceful_shutdown=SHUTDOWN_S,
        )
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listener])
    return 0


def build(predictor: Predictor, limits: Limits | None = None) -> Starlette:
    """Return the application that serves the page, within `limits`, with answers of `predictor`."""
    limits = limits or Limits()
    places, settings = Places(limits.visitors), {"emotions": predictor.description.emotions, **asdict(limits)}

    async def tell_settings(_: Request) -> JSONResponse:
        return JSONResponse(settings)

    async def visit(visitor: WebSocket) -> None:
        if _is_foreign(visitor):
            await visitor.close()
        else:
            await listen(visitor, predictor, limits, places)

    routes = [
        Route("/settings", tell_settings),
        WebSocketRoute("/listen", visit),
        Mount("/", StaticFiles(directory=PAGE, html=True)),
    ]
    return Starlette(routes=routes, middleware=[Middleware(_Headers)])


class _Headers:
    """Adds HEADERS to every response."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                added = [(name.encode(), text.encode()) for name, text in HEADERS.items()]
                message["headers"] = [*message.get("headers", []), *added]
            await send(message)

        await self.app(scope, receive, send_with_headers)


def _is_foreign(visitor: WebSocket) -> bool:
    """Whether another site's page, open in this computer's browser, asks. A proxy may change names, so only here."""
    origin, host = visitor.headers.get("origin"), visitor.headers.get("host", "")
    return origin is not None and urlsplit(f"//{host}").hostname in LOOPBACK and urlsplit(origin).netloc != host


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        reason, way_out = (error.strerror or str(error)).partition(" (")[0], "take another --host or --port"
        raise PipelineError(f"{host}:{port}: cannot be listened on ({reason}); {way_out}") from error
