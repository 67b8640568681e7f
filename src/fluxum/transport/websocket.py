"""Links over real WebSockets, by aiohttp."""

from collections import deque
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol, cast

import aiohttp

from fluxum.errors import BadInput, LinkClosed, TransportError
from fluxum.transport.link import Dial, Link
from fluxum.transport.network import Network
from fluxum.transport.pool import pool
from fluxum.transport.proxy import environment_proxy
from fluxum.transport.refusal import redirected, refusal

__all__ = ["websockets"]

_TEXT, _BINARY = aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY
_FRAME_BYTES_MAX = 64 << 20  # the largest snapshot of a venue is a few megabytes


@asynccontextmanager
async def websockets(
    *, network: Network | None = None, frame_bytes_max: int | None = None
) -> AsyncGenerator[Dial]:
    """A dial for `ws://` and `wss://` URLs; its links share resolved names.

    The network's proxy is an HTTP proxy's URL; without one the environment's is used (`HTTPS_PROXY`
    for wss://, `HTTP_PROXY` for ws://, but not for hosts in `NO_PROXY`). Frames of more than
    `frame_bytes_max` bytes close the link; `None` means 64 MiB, as some venues'
    snapshots are megabytes. No redirect is followed.
    """
    network = network or Network()
    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(_refuse_redirect)
    async with pool(network, traces=[trace]) as client:

        def dial(url: str, headers: Mapping[str, str] = {}, /) -> AbstractAsyncContextManager[Link]:
            return _open(client, url, headers, network, frame_bytes_max or _FRAME_BYTES_MAX)

        yield dial


@asynccontextmanager
async def _open(
    client: aiohttp.ClientSession,
    url: str,
    headers: Mapping[str, str],
    network: Network,
    frame_bytes_max: int,
) -> AsyncGenerator[Link]:
    try:
        socket = await client.ws_connect(
            url,
            headers=headers,
            proxy=environment_proxy(url) if network.proxy is None else network.proxy,
            max_msg_size=frame_bytes_max,
            decode_text=False,
            timeout=aiohttp.ClientWSTimeout(ws_close=network.close_timeout_s),  # pyright: ignore[reportCallIssue],
        )
    except aiohttp.WSServerHandshakeError as error:
        raise refusal(url, url, error.status, error.headers or {}, error.message) from error
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
        raise BadInput(f"an endpoint like wss://host/path was expected, was {url!r}") from error
    except (aiohttp.ClientError, OSError) as error:
        raise TransportError(f"cannot reach {url}: {network.failure(error)}") from error
    try:
        yield _WebSocketLink(socket)
    finally:
        await socket.close()


class _WebSocketLink:
    """One WebSocket as a Link."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse[bool]) -> None:
        self._socket = socket
        self._read = socket.receive
        self._queue = _queue_of(socket)

    async def send(self, frame: bytes) -> None:
        """Send one text message."""
        try:
            await self._socket.send_frame(frame, aiohttp.WSMsgType.TEXT)
        except (aiohttp.ClientError, ConnectionError) as error:
            raise LinkClosed(f"cannot write: {error}", self._socket.close_code) from error

    async def receive(self) -> bytes:
        """The next text or binary message."""
        try:
            message = await self._read()
        except (aiohttp.ClientError, ConnectionError) as error:  # a pong to a closed connection
            raise LinkClosed(f"cannot answer: {error}", self._socket.close_code) from error
        if message.type is aiohttp.WSMsgType.TEXT or message.type is aiohttp.WSMsgType.BINARY:
            return message.data  # type: ignore[no-any-return]  # bytes, by decode_text=False
        code = self._socket.close_code
        why = message.data if message.type is aiohttp.WSMsgType.ERROR else message.extra
        raise LinkClosed(f"the peer closed the link ({code}) {why or ''}".rstrip(), code)

    def waiting(self, most: int) -> list[bytes]:
        """The next messages that have arrived; `receive` handles what is no text and no data."""
        queue, frames = self._queue, list[bytes]()
        if queue is None:
            return frames
        arrived = queue._buffer  # noqa: SLF001 - see _Queue
        while arrived and len(frames) < most:
            kind = arrived[0][0].type
            if kind is not _TEXT and kind is not _BINARY:
                break
            try:
                queue.read().send(None)  # it does not wait, as there is a message
            except StopIteration as ended:
                frames.append(ended.value.data)
        return frames


class _Queue(Protocol):
    """What the library has read of a socket and not handed over; its names are not public.

    The public way is a coroutine for each message, which costs more than a frame of trades.
    """

    @property
    def _buffer(self) -> deque[tuple[aiohttp.WSMessage, int]]: ...
    async def read(self) -> aiohttp.WSMessage: ...


def _queue_of(socket: aiohttp.ClientWebSocketResponse[bool]) -> _Queue | None:
    """The queue of a socket; `None` where the library has other names: then frames come alone."""
    queue = getattr(socket, "_reader", None)
    has_names = isinstance(getattr(queue, "_buffer", None), deque) and hasattr(queue, "read")
    return cast("_Queue", queue) if has_names else None


async def _refuse_redirect(
    _client: aiohttp.ClientSession,
    _context: object,
    redirect: aiohttp.TraceRequestRedirectParams,
) -> None:
    """Raise for a redirect before the library dials its target, which it does for any upgrade."""
    answer = redirect.response
    answer.close()
    url = str(answer.url)
    raise redirected(url, url, answer.status, answer.headers)
