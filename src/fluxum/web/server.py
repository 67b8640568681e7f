"""The server of the page: which requests it admits, its files, the WebSocket, and the end."""

import logging
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web
from msgspec import Struct

from fluxum.errors import BadInput
from fluxum.flow.background import background
from fluxum.flow.opening import Opening
from fluxum.hub.hub import Hub
from fluxum.session.session import Session
from fluxum.trader import Trader
from fluxum.view import Playback
from fluxum.web.assets import Asset, assets
from fluxum.web.guard import PORT, Guard, is_loopback
from fluxum.web.pages import MESSAGE_MAX, Pages
from fluxum.web.rest import Rest
from fluxum.web.stage import LiveStage, PlayedStage, Stage

__all__ = ["PageServer", "serve"]

_GOODBYE_S = 1.0
_TOKEN_BYTES = 32
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_log = logging.getLogger(__name__)


class _Login(Struct, frozen=True, forbid_unknown_fields=True):
    """What the page sends once, in exchange for its cookie."""

    token: str


_decode_login = msgspec.json.Decoder(_Login).decode


class PageServer:
    """A page that is served; made by `serve`.

    `address` is where it listens, `url` the same with the token, for a browser. The token is
    behind `#`, which browsers send to no server.
    """

    def __init__(
        self,
        stage: Stage,
        host: str,
        token: str | None,
        names: Collection[str] = (),
        depth: int = 10,
    ) -> None:
        self.token = token or secrets.token_urlsafe(_TOKEN_BYTES)
        self.address = ""
        self.stage = stage
        self.pages = Pages(stage, depth)
        self._cookie = secrets.token_urlsafe(_TOKEN_BYTES)
        self._cookie_name = "fluxum"
        self._guard = Guard(self.token, self._cookie, host, names)
        self._assets = assets()
        self._close: Callable[[], Awaitable[None]] | None = None

    @property
    def url(self) -> str:
        """The address for a browser, with the token."""
        return f"{self.address}/#{self.token}"

    def __repr__(self) -> str:
        """Without the token."""
        return f"PageServer({self.address})"

    async def close(self) -> None:
        """End a server that was awaited; one that was entered ends with its block."""
        if self._close is None:
            raise BadInput("this server was entered: it ends with its block")
        await self._close()

    def closed_by(self, close: Callable[[], Awaitable[None]]) -> None:
        """The server was awaited; `close` ends it."""
        self._close = close

    def application(self) -> web.Application:
        """What is listened for."""
        app = web.Application(middlewares=[self._admit], client_max_size=MESSAGE_MAX)
        app.on_response_prepare.append(_add_headers)
        app.router.add_get("/ws", self.pages.serve)
        app.router.add_post("/login", self._log_in)
        Rest(self.stage).add_to(app.router)
        app.router.add_get("/{path:.*}", self._answer_file)
        return app

    def listens_at(self, host: str, port: int) -> None:
        """The server listens; cookies have no port, so the name of this one does."""
        shown = f"[{host}]" if ":" in host else host
        self.address = f"http://{shown}:{port}"
        self._cookie_name = f"fluxum-{port}"

    @web.middleware
    async def _admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse a request that is not from the page, or has no right to what it wants."""
        host = request.headers.get("Host", "")
        if not self._guard.admits_host(host):
            return _refuse("the Host header names another machine")
        if not self._guard.admits_origin(request.headers.get("Origin"), host):
            return _refuse("the Origin header names another page")
        if (request.path == "/ws" or request.path.startswith("/api/")) and not self._guard.admits(
            request.cookies.get(self._cookie_name, ""), request.headers.get("Authorization", "")
        ):
            return _refuse("open the page by its whole URL, or send 'Authorization: Bearer TOKEN'")
        return await handler(request)

    async def _log_in(self, request: web.Request) -> web.Response:
        try:
            login = _decode_login(await request.read())
        except (msgspec.MsgspecError, ValueError):
            return web.Response(status=400, text='{"token": "..."} was expected\n')
        if not self._guard.is_token(login.token):
            _log.warning("a page was refused: its token is wrong")
            return _refuse("the token is wrong")
        response = web.Response(status=204)
        response.set_cookie(
            self._cookie_name,
            self._cookie,
            httponly=True,
            samesite="Strict",
            path="/",
            secure=request.headers.get("Origin", "").startswith("https:"),
        )
        return response

    async def _answer_file(self, request: web.Request) -> web.Response:
        found: Asset | None = self._assets.get(request.match_info["path"] or "index.html")
        if found is None:
            return web.Response(status=404, text="there is no such file\n")
        return web.Response(body=found.body, headers={"Content-Type": found.kind})


def serve(
    source: Session | Trader | Hub | Playback | Stage,
    *,
    host: str = "127.0.0.1",
    port: int = PORT,
    token: str | None = None,
    names: Collection[str] = (),
    depth: int = 10,
) -> Opening[PageServer]:
    """Serve the page of something live or of a recording: enter it, or await and close it.

    Port 0 takes a free one. `token` is what a reader needs; without one it is made anew. On another
    host than a loopback address a token has to be given, as there is no TLS: put a reverse proxy
    before it, whose names are `names`. `depth` is the levels a side that are shown. Raises
    BadInput if the address cannot be listened on, and without a token on such a host.
    """
    if token is None and not is_loopback(host):
        raise BadInput(f"{host} can be reached by others, so a token was expected, was none")
    if isinstance(source, Playback):
        stage: Stage = PlayedStage(source)
    else:
        stage = LiveStage(source) if isinstance(source, Session | Trader | Hub) else source

    @asynccontextmanager
    async def opened() -> AsyncGenerator[PageServer]:
        server = PageServer(stage, host, token, names, depth)
        runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=_GOODBYE_S)
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, host, port).start()
            except (OSError, OverflowError) as error:
                reason = getattr(error, "strerror", None) or error
                raise BadInput(f"the page cannot listen on {host}:{port}: {reason}") from error
            server.listens_at(host, runner.addresses[0][1])
            pages = server.pages
            async with background(stage.run(pages.moved), pages.paint()):
                try:
                    yield server
                finally:
                    await pages.end(_GOODBYE_S)
        finally:
            await runner.cleanup()

    return Opening(opened)


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)


def _refuse(reason: str) -> web.Response:
    return web.Response(status=403, text=f"{reason}\n")
