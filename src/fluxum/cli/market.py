"""`orderbook`, `stream` and `session`: market data as it happens."""

import asyncio
import sys
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from rich.console import Console, RenderableType
from rich.live import Live

from fluxum.cli import screen
from fluxum.cli.options import (
    FIRST_EXCHANGE,
    Count,
    Depth,
    Endpoint,
    Exchange,
    Format,
    FormatOption,
    Interval,
    Keys,
    Seconds,
    Symbols,
    opened,
    parse_channels,
    parse_exchanges,
    parse_interval,
    parse_symbols,
)
from fluxum.cli.output import (
    Output,
    event_record,
    event_text,
    reading_record,
    reading_text,
)
from fluxum.cli.process import run_async
from fluxum.clock import Clock, SystemClock
from fluxum.errors import BadInput, FluxumError, VenueRefused
from fluxum.flow.background import background
from fluxum.flow.merge import merge
from fluxum.flow.pipe import Overflow
from fluxum.model.codec import plain
from fluxum.model.event import (
    AccountEvent,
    Channel,
    Event,
    MarketEvent,
    Refused,
    StateChange,
    Subscribed,
)
from fluxum.model.instrument import Symbol
from fluxum.model.market import Trade
from fluxum.session.books import BookReading
from fluxum.session.session import Session

__all__ = ["Board", "NotReady", "orderbook", "read", "session", "stream", "stream_events", "until"]

_CAPACITY = 100_000
_REDRAW_S = 0.1


class NotReady(FluxumError):
    """The time was up and what was asked for was not all there and proved."""


class Board:
    """What the screen is drawn from, gathered event by event."""

    def __init__(
        self,
        sessions: Sequence[Session],
        symbols: Sequence[Symbol],
        rows: int,
        clock: Clock | None = None,
    ) -> None:
        self.trades: deque[Trade] = deque(maxlen=8)
        self.log: deque[str] = deque(maxlen=8)
        self._sessions = sessions
        self._symbols = symbols
        self._rows = rows
        self._clock = clock or SystemClock()

    def take(self, event: Event) -> None:
        """Remember what the screen shows of an event."""
        if isinstance(event, Trade):
            self.trades.append(event)
        elif not isinstance(event, MarketEvent | Subscribed):
            self.log.append(event_text(event))

    def draw(self) -> RenderableType:
        """The picture of this moment."""
        now_ns = self._clock.now_ns()
        ladders = [
            screen.ladder(read(one, symbol, self._rows), self._rows, now_ns)
            for one in self._sessions
            for symbol in self._symbols
        ]
        states = [(one.venue.name, one.state) for one in self._sessions]
        return screen.screen(states, ladders, self.trades, self.log)


def orderbook(
    symbol: Symbols,
    exchange: Exchange = FIRST_EXCHANGE,
    depth: Depth = 10,
    seconds: Seconds = None,
    count: Count = None,
    endpoint: Endpoint = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show live order books, each with the proof that it is right.

    On a terminal the books are drawn in place; in a pipe every change is a line.

    Example: fluxum orderbook --symbol BTC/USD,ETH/USD --depth 10
    """
    exchanges, symbols = parse_exchanges(exchange), parse_symbols(symbol)
    output = Output(form)

    async def main() -> None:
        channels = [Channel.BOOK]
        is_drawn = form is Format.TABLE and sys.stdout.isatty() and count is None
        if is_drawn:
            channels.append(Channel.TRADE)
        async with opened(exchanges, symbols, channels, depth=depth, endpoint=endpoint) as sessions:
            if is_drawn:
                await until(seconds, _draw(sessions, Board(sessions, symbols, depth or 10)))
            else:
                work = _write_books(sessions, symbols, depth or 10, count, output)
                await until(seconds, work)
            _require_readings(output, sessions, is_drawn)

    try:
        run_async(main())
    finally:
        output.close()


def stream(
    channel: str,
    symbol: Symbols = "",
    exchange: Exchange = FIRST_EXCHANGE,
    depth: Depth = None,
    interval: Interval = None,
    keys: Keys = "",
    seconds: Seconds = None,
    count: Count = None,
    endpoint: Endpoint = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Stream channels: book, trade, ticker, candle (or ohlc), instrument; a comma list mixes them.

    With keys also level3, balance and execution, where the exchange has them.

    With --format ndjson every event is a line with its type, losses included; otherwise what
    happens to the link is told on stderr.

    Example: fluxum stream trade --symbol BTC/USD --format ndjson
    """
    channels = parse_channels(channel)
    exchanges = parse_exchanges(exchange)
    needs_symbol = any(one.has_symbol for one in channels)
    symbols = parse_symbols(symbol) if symbol or needs_symbol else []
    if form is Format.CSV and len(channels) > 1:
        raise BadInput(f"CSV has rows of one kind, so one channel; was {channel!r}")
    output = Output(form)

    async def main() -> None:
        async with opened(
            exchanges,
            symbols,
            channels,
            depth=depth,
            interval_s=parse_interval(interval),
            endpoint=endpoint,
            keys=keys,
        ) as sessions:
            await until(seconds, stream_events(sessions, count, output))
            _require_readings(output, sessions, is_drawn=False)

    try:
        run_async(main())
    finally:
        output.close()


def session(
    symbol: Symbols,
    exchange: Exchange = FIRST_EXCHANGE,
    channel: str = "book,trade,ticker",
    depth: Depth = None,
    keys: Keys = "",
    seconds: Seconds = None,
    endpoint: Endpoint = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Keep a session open and tell how it is: states, holes, readiness, and sums that close.

    With --channel book,execution,balance both links are kept, the account's beside the market's.

    Example: fluxum session --symbols BTC/USD,ETH/USD --seconds 60
    """
    exchanges, symbols = parse_exchanges(exchange), parse_symbols(symbol)
    channels = parse_channels(channel)
    output = Output(form)

    async def main() -> None:
        async with opened(
            exchanges, symbols, channels, depth=depth, endpoint=endpoint, keys=keys
        ) as sessions:
            try:
                await until(seconds, _report(sessions, output))
            finally:
                for one in sessions:
                    _write_statistics(one, output)
            _require_ready(sessions)

    try:
        run_async(main())
    finally:
        output.close()


async def stream_events(sessions: Sequence[Session], count: int | None, output: Output) -> None:
    """Write every event of some sessions; without NDJSON or JSON, links are told as talk."""
    with_links = output.format in {Format.NDJSON, Format.JSON}
    pipes = [one.events(capacity=_CAPACITY) for one in sessions]
    data = 0
    async for event in merge(*pipes):
        is_data = isinstance(event, MarketEvent | AccountEvent)
        if is_data or with_links:
            output.write(event_record(event), event_text(event))
        else:
            output.say(event_text(event))
        _raise_refusal(event)
        data += is_data
        if data == count:
            return


def read(one: Session, symbol: Symbol, depth: int) -> BookReading:
    """A book's best levels and proof at this moment."""
    book = one.book(symbol)
    return BookReading(book.snapshot(depth), book.proof())


@asynccontextmanager
async def _deadline(seconds: float | None) -> AsyncGenerator[None]:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            yield


async def until(seconds: float | None, work: Any) -> None:
    """Do some work, for so many seconds at most; the time being up is a good end."""
    async with _deadline(seconds):
        await work


async def _write_books(
    sessions: Sequence[Session],
    symbols: Sequence[Symbol],
    depth: int,
    count: int | None,
    output: Output,
) -> None:
    lines = 0
    pipes = [one.events(capacity=_CAPACITY, overflow=Overflow.CONFLATE) for one in sessions]
    by_venue = {one.venue.name: one for one in sessions}
    async for event in merge(*pipes):
        _raise_refusal(event)
        symbol = getattr(event, "symbol", None)
        if isinstance(event, MarketEvent) and symbol in symbols:
            reading = read(by_venue[event.venue], Symbol(str(symbol)), depth)
            output.write(_book_record(reading, output.format), reading_text(reading))
            lines += 1
        elif not isinstance(event, MarketEvent):
            output.say(event_text(event))
        if lines == count:
            return


async def _draw(sessions: Sequence[Session], board: Board) -> None:
    async def gather() -> None:
        async for event in merge(*[one.events(capacity=_CAPACITY) for one in sessions]):
            _raise_refusal(event)
            board.take(event)

    with Live(board.draw(), console=Console(), auto_refresh=False) as live:
        async with background(gather()):
            while True:
                live.update(board.draw(), refresh=True)
                await asyncio.sleep(_REDRAW_S)


async def _report(sessions: Sequence[Session], output: Output) -> None:
    async def tell() -> None:
        while True:
            await asyncio.sleep(1.0)
            for one in sessions:
                _write_statistics(one, output)

    async with background(tell()):
        async for event in merge(*[one.events(capacity=_CAPACITY) for one in sessions]):
            if isinstance(event, StateChange) or not isinstance(event, MarketEvent | Subscribed):
                output.write(event_record(event), event_text(event))
            _raise_refusal(event)


def _write_statistics(one: Session, output: Output) -> None:
    statistics = one.statistics()
    missing = [str(reason) for reason in one.missing()]
    record = {
        "type": "session",
        **plain(statistics),
        "sums_close": statistics.sums_close,
        "missing": missing,
    }
    text = (
        f"{one.venue.name} {one.state.value}: {statistics.frames} frames = {statistics.data} data"
        f" + {statistics.control} control + {statistics.rejected} rejected;"
        f" {statistics.checks_passed} checks passed, {statistics.checks_failed} failed;"
        f" {statistics.gaps} gaps, {statistics.reconnects} reconnects;"
        f" sums {'close' if statistics.sums_close else 'DO NOT CLOSE'}"
    )
    if missing:
        text += f"; missing: {'; '.join(missing)}"
    output.write(record, text)


def _book_record(reading: BookReading, form: Format) -> dict[str, Any]:
    """The whole reading, or for CSV its best levels in columns."""
    if form is not Format.CSV:
        return reading_record(reading)
    snapshot, proof = reading.snapshot, reading.proof
    bid, ask = next(iter(snapshot.bids), None), next(iter(snapshot.asks), None)
    record: dict[str, Any] = plain(
        {
            "received_ns": snapshot.received_ns,
            "venue": snapshot.venue,
            "symbol": str(snapshot.symbol),
            "bid": bid and bid.price,
            "bid_quantity": bid and bid.quantity,
            "ask": ask and ask.price,
            "ask_quantity": ask and ask.quantity,
            "status": proof.status.value,
            "generation": proof.generation,
            "checks": proof.checks,
        }
    )
    return record


def _raise_refusal(event: Event) -> None:
    if isinstance(event, Refused):
        what = event.subscription or "a request"
        raise VenueRefused(f"{event.venue} refused '{what}': {event.message}")


def _require_readings(output: Output, sessions: Sequence[Session], is_drawn: bool) -> None:
    """The time was up: that is a failure if nothing ever came."""
    if not output.lines and not is_drawn:
        _require_ready(sessions)


def _require_ready(sessions: Sequence[Session]) -> None:
    missing = [f"{one.venue.name} {reason}" for one in sessions for reason in one.missing()]
    if missing:
        raise NotReady(f"not ready: {'; '.join(missing)}")
