"""`/metrics`, `/health` and `/ready` over HTTP, for as long as a block lasts."""

import asyncio
import ipaddress
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from fluxum.errors import BadInput
from fluxum.flow.background import background
from fluxum.flow.opening import Opening
from fluxum.metrics.collector import Collector
from fluxum.metrics.health import health, readiness
from fluxum.metrics.sources import Sources, sources_of

try:
    from prometheus_client import CollectorRegistry, ProcessCollector
    from prometheus_client.exposition import choose_encoder
except ImportError as error:
    raise BadInput("metrics need the extra metrics: pip install 'fluxum[metrics]'") from error

__all__ = ["PORT", "MetricsServer", "serve"]

PORT = 9464
"""The port that exporters of application metrics commonly have."""
_TICK_S = 1.0
_TICKS = 60
_GOODBYE_S = 0.5


class MetricsServer:
    """An endpoint for Prometheus that is listening; made by `serve`. `url` is its address."""

    def __init__(self, sources: Sources, symbols_max: int) -> None:
        self.url = ""
        self._sources = sources
        self._lags_s: deque[float] = deque((0.0,), maxlen=_TICKS)
        self._registry = CollectorRegistry()
        self._registry.register(
            Collector(sources, symbols_max=symbols_max, loop_lag_s=lambda: max(self._lags_s))
        )
        ProcessCollector(registry=self._registry)
        self._close: Callable[[], Awaitable[None]] | None = None

    async def close(self) -> None:
        """End a server that was awaited; one that was entered ends with its block."""
        if self._close is None:
            raise BadInput("this server was entered: it ends with its block")
        await self._close()

    def closed_by(self, close: Callable[[], Awaitable[None]]) -> None:
        """The server was awaited; `close` ends it."""
        self._close = close

    def metrics(self, accept: str = "") -> tuple[bytes, str]:
        """All metrics now as text, and its type, one that the HTTP header `accept` names."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    async def answer_metrics(self, request: web.Request) -> web.Response:
        """`/metrics`."""
        body, content_type = self.metrics(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def answer_health(self, _request: web.Request) -> web.Response:
        """`/health`: 200, or 503 with the problems."""
        found = health(sources_of(self._sources), self._lags_s[-1])
        return _json(found, is_good=found.healthy)

    async def answer_ready(self, _request: web.Request) -> web.Response:
        """`/ready`: 200, or 503 with what is missing."""
        found = readiness(sources_of(self._sources))
        return _json(found, is_good=found.ready)

    async def watch(self) -> None:
        """Measure how late the event loop is, once a second."""
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + _TICK_S
            await asyncio.sleep(_TICK_S)
            self._lags_s.append(max(0.0, loop.time() - due_s))


def serve(
    sources: Sources, *, host: str = "127.0.0.1", port: int = PORT, symbols_max: int = 0
) -> Opening[MetricsServer]:
    """Serve the metrics and the health of some sources: enter it, or await and close it.

    `sources` are sessions, traders, hubs, clients and recorders of this event loop, or a function
    that returns those that there are when it is called. Port 0 takes a free one. On a loopback
    address only requests to a loopback name are answered, so that no web page can read the metrics
    through another name of this machine. Without TLS and without a login: do not open it to
    strangers. Raises BadInput if the address cannot be listened on.
    """
    is_guarded = _is_loopback(host)

    @asynccontextmanager
    async def opened() -> AsyncGenerator[MetricsServer]:
        server = MetricsServer(sources, symbols_max)
        app = web.Application(middlewares=[_guard] if is_guarded else [])
        app.router.add_get("/metrics", server.answer_metrics)
        app.router.add_get("/health", server.answer_health)
        app.router.add_get("/ready", server.answer_ready)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GOODBYE_S)
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, host, port).start()
            except (OSError, OverflowError) as error:
                reason = getattr(error, "strerror", None) or error
                raise BadInput(f"metrics cannot listen on {host}:{port}: {reason}") from error
            shown = f"[{host}]" if ":" in host else host
            server.url = f"http://{shown}:{runner.addresses[0][1]}"
            async with background(server.watch()):
                yield server
        finally:
            await runner.cleanup()

    return Opening(opened)


@web.middleware
async def _guard(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer only requests to a loopback name: a web page may have pointed its own name here."""
    if not _is_loopback(_host_of(request.headers.get("Host", ""))):
        return web.Response(status=403, text="the Host header names another machine\n")
    return await handler(request)


def _host_of(header: str) -> str:
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _json(found: msgspec.Struct, *, is_good: bool) -> web.Response:
    body = msgspec.json.encode(found)
    return web.Response(
        body=body, status=200 if is_good else 503, headers={"Content-Type": "application/json"}
    )
