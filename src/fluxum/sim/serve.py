"""A simulated exchange on a real WebSocket of this machine, for users and other programs.

For each client a link to the exchange in memory is dialled, and frames are relayed both ways:
endpoints, refusals, faults and hang-ups are those of the exchange itself.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from math import ceil

from aiohttp import WSMsgType, web

from fluxum.errors import BadInput, FluxumError, LinkClosed, RateLimited, VenueRefused
from fluxum.sim.exchange import SimulatedExchange
from fluxum.transport.link import Link
from fluxum.venues.venue import Fetch

__all__ = ["serve"]

_ABNORMAL = 1006  # may not be written in a close frame: it means that there was none
_FRAME_MAX = 1 << 20
_GOODBYE_S = 0.5
_SLOW_CLIENT_S = 10.0
_GOING_AWAY = 1001


@asynccontextmanager
async def serve(
    exchange: SimulatedExchange,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    tls: ssl.SSLContext | None = None,
) -> AsyncGenerator[str]:
    """Listen for clients of an open exchange and yield the URL; port zero takes a free one.

    With `tls` (see `sim.certificate`) the URL begins with `wss://`. WebSockets and REST calls
    share the port. The path of one of the venue's endpoints selects that endpoint, and so does a
    path that ends in its name (`/v2/level3`). Any other path selects the first endpoint, if the
    venue serves it. Raises BadInput if the address cannot be listened on.
    """
    sockets: list[web.WebSocketResponse] = []

    async def welcome(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await _welcome(exchange, request, sockets)
        return await _answer(exchange, request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", welcome)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GOODBYE_S)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, ssl_context=tls)
        try:
            await site.start()
        except OSError as error:
            raise BadInput(f"cannot listen on {host}:{port}: {error.strerror}") from error
        bound: int = runner.addresses[0][1]
        shown = f"[{host}]" if ":" in host else host
        yield f"{'ws' if tls is None else 'wss'}://{shown}:{bound}"
    finally:
        async with asyncio.TaskGroup() as group:
            for socket in sockets:
                group.create_task(socket.close(code=_GOING_AWAY, message=b"going away"))
        await runner.cleanup()


async def _welcome(
    exchange: SimulatedExchange, request: web.Request, sockets: list[web.WebSocketResponse]
) -> web.StreamResponse:
    try:
        async with exchange.dial(str(request.rel_url), request.headers) as link:
            socket = web.WebSocketResponse(max_msg_size=_FRAME_MAX, timeout=_GOODBYE_S)
            await socket.prepare(request)
            sockets.append(socket)
            try:
                await _relay(link, socket, request)
            finally:
                sockets.remove(socket)
            return socket
    except RateLimited as error:
        wait = (
            {} if error.retry_after_s is None else {"Retry-After": f"{ceil(error.retry_after_s)}"}
        )
        return web.Response(status=int(error.code), text=str(error), headers=wait)
    except VenueRefused as error:
        return web.Response(status=int(error.code), text=str(error))
    except FluxumError as error:
        return web.Response(status=503, text=str(error))


async def _answer(exchange: SimulatedExchange, request: web.Request) -> web.Response:
    call = Fetch(request.method, request.raw_path, "", dict(request.headers), await request.read())
    try:
        answer = await exchange.answer(call)
    except FluxumError as error:
        return web.Response(status=503, text=str(error))
    headers = {"Content-Type": "application/json", **answer.headers}
    return web.Response(status=answer.status, body=answer.body, headers=headers)


async def _relay(link: Link, socket: web.WebSocketResponse, request: web.Request) -> None:
    """Relay frames both ways until one side hangs up, then close the other."""
    async with asyncio.TaskGroup() as group:
        upward = group.create_task(_relay_up(socket, link))
        downward = group.create_task(_relay_down(link, socket, request))
        try:
            await asyncio.wait({upward, downward}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            # The task that is left waits for a side that is gone.
            upward.cancel()
            downward.cancel()


async def _relay_up(socket: web.WebSocketResponse, link: Link) -> None:
    with suppress(LinkClosed):
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await link.send(message.data.encode())


async def _relay_down(link: Link, socket: web.WebSocketResponse, request: web.Request) -> None:
    try:
        while True:
            frame = await link.receive()
            # If a client does not read, the exchange hangs up, as a venue would.
            async with asyncio.timeout(_SLOW_CLIENT_S):
                await socket.send_str(frame.decode())
    except LinkClosed as closed:
        if closed.code == _ABNORMAL:
            _abort(request)
        else:
            await socket.close(code=closed.code or 1000, message=str(closed).encode())
    except TimeoutError:
        _abort(request)
    except ConnectionError:
        pass  # the client disconnected meanwhile


def _abort(request: web.Request) -> None:
    """Drop the connection without a close frame."""
    if request.transport is not None:
        request.transport.abort()
