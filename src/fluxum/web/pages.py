"""The pages that are open: each gets whole views as fast as it takes them, and every loss.

A view is built at most ten times a second, once for all pages, and only if a page waits for one: a
slow page skips views, and never drifts. Lines of the log are not conflated. They are numbered, so
that a page that was away for longer than the log reaches knows how many it missed.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import suppress

from aiohttp import ClientConnectionResetError, WSCloseCode, WSMsgType, web

from fluxum.flow.background import background
from fluxum.view import Extent
from fluxum.web.messages import Frame, bye, candles, hello, key_of, losses, parse_request
from fluxum.web.stage import Stage

__all__ = ["MESSAGE_MAX", "PAGES_MAX", "Pages"]

_log = logging.getLogger(__name__)

PAGES_MAX = 20
"""How many pages can be open."""
MESSAGE_MAX = 4096
"""The longest message from a page, in bytes."""
_PERIOD_S = 0.1
_CANDLES_EVERY = 10  # views
_CANDLES = 180
_SHOW_MAX = 100
_SEND_S = 10.0
_HEARTBEAT_S = 10.0


class _Page:
    """One open page, and what it has had."""

    def __init__(self) -> None:
        self.show: frozenset[str] | None = None
        self.is_waiting = False
        self.begun: object = None
        self.frame = self.loss = 0
        self.candles: dict[str, bytes] = {}

    def begin(self, begun: object) -> None:
        """Everything is sent anew, as other markets or another past are shown."""
        self.begun = begun
        self.frame = self.loss = 0
        self.candles.clear()


class Pages:
    """All open pages of one stage; `serve` is the handler of a WebSocket."""

    def __init__(self, stage: Stage, depth: int = 10, trades: int = 22) -> None:
        self._stage = stage
        self._extent = Extent(depth=depth, trades=trades, losses=0)
        self._candle_extent = Extent(depth=1, trades=0, losses=0, candles=_CANDLES)
        self._pages: set[_Page] = set()
        self._frame: Frame | None = None
        self._candles: dict[str, bytes] = {}
        self._moved, self._left = asyncio.Event(), asyncio.Event()
        self._losses_seen = self._epoch = 0
        self._is_ending = False
        self.views = 0
        """How many views were built."""
        self.refused = 0
        """How many pages there was no room for."""

    @property
    def count(self) -> int:
        """How many pages are open."""
        return len(self._pages)

    async def paint(self) -> None:
        """Build views for as long as there are pages."""
        while True:
            await asyncio.sleep(_PERIOD_S)
            if any(page.is_waiting for page in self._pages):
                self._build()
                self._wake()

    def moved(self) -> None:
        """The stage has changed: send a loss at once."""
        if self._stage.keeper.losses_seen != self._losses_seen:
            self._losses_seen = self._stage.keeper.losses_seen
            self._wake()

    async def end(self, timeout_s: float) -> None:
        """Send `bye` to every page and wait for their end, for so long at most."""
        self._is_ending = True
        self._wake()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._pages:
                    self._left.clear()
                    await self._left.wait()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Keep one page up to date until it leaves, or the server ends."""
        if len(self._pages) >= PAGES_MAX:
            self.refused += 1
            return web.Response(status=503, text=f"{PAGES_MAX} pages are open already\n")
        socket = web.WebSocketResponse(
            heartbeat=_HEARTBEAT_S, max_msg_size=MESSAGE_MAX, compress=False, writer_limit=1
        )
        page = _Page()
        self._pages.add(page)
        try:
            await socket.prepare(request)
            async with background(self._write(request, socket, page)):
                await self._read(socket, page)
        finally:
            self._pages.discard(page)
            self._left.set()
        return socket

    async def _read(self, socket: web.WebSocketResponse, page: _Page) -> None:
        async for message in socket:
            wanted = parse_request(message.data) if message.type is WSMsgType.TEXT else None
            if wanted is None:
                await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"not understood")
                return
            if wanted.show is not None:
                page.show = frozenset(wanted.show[:_SHOW_MAX])
                page.frame = 0
                page.candles.clear()
            if wanted.replay is not None:
                self._stage.steer(wanted.replay)

    async def _write(
        self, request: web.Request, socket: web.WebSocketResponse, page: _Page
    ) -> None:
        """Send what is due whenever something is, until the end; a page that takes nothing ends."""
        if self._frame is None:
            self._build()
        try:
            while not self._is_ending:
                for message in self._due(page):
                    await _send(socket, message)
                page.is_waiting = True
                await self._moved.wait()
                page.is_waiting = False
            await _send(socket, bye("the server has ended"))
            await socket.close(code=WSCloseCode.GOING_AWAY)
        except ClientConnectionResetError:  # the page has left in the middle of a message
            pass
        except TimeoutError:
            _log.info("a page took no message for %.0f s and was left", _SEND_S)
            if request.transport is not None:
                request.transport.abort()

    def _due(self, page: _Page) -> Iterator[bytes]:
        """The messages that a page has not had yet, the oldest first."""
        frame = self._frame
        assert frame is not None, "a view is built before anything is sent"
        begun = (self._epoch, frame.keys)
        if page.begun != begun:
            page.begin(begun)
            yield hello(frame, self._epoch)
        keeper = self._stage.keeper
        if page.loss < keeper.losses_seen:
            lines = keeper.losses(after=page.loss)
            page.loss = keeper.losses_seen
            yield losses(lines, keeper.losses_seen)
        for key, message in list(self._candles.items()):  # others are added while one is sent
            if page.candles.get(key) is not message and (page.show is None or key in page.show):
                page.candles[key] = message
                yield message
        if page.frame != frame.number:
            page.frame = frame.number
            yield frame.message(page.show)

    def _build(self) -> None:
        stage = self._stage
        if self.views % _CANDLES_EVERY == 0 or self._epoch != stage.epoch:
            self._build_candles()
        self.views += 1
        self._epoch = stage.epoch
        self._frame = Frame(self.views, stage.view(self._extent), stage.replay)

    def _build_candles(self) -> None:
        """The candles of each market; a message that is as before is the same object."""
        for market in self._stage.view(self._candle_extent).markets:
            key, message = key_of(market), candles(market)
            if self._candles.get(key) != message:
                self._candles[key] = message

    def _wake(self) -> None:
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()


async def _send(socket: web.WebSocketResponse, message: bytes) -> None:
    """Send a message and wait until the page's socket has taken it; raises TimeoutError."""
    async with asyncio.timeout(_SEND_S):
        await socket.send_frame(message, WSMsgType.TEXT)
