"""`orderbook`, `stream` and `session`: market data as it happens."""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from fluxum.cli.columns import CHANNEL_KINDS, KINDS, is_data, parse_kinds
from fluxum.cli.lines import event_text, reading_text
from fluxum.cli.live_screen import LiveScreen, can_draw, draw, read
from fluxum.cli.options import (
    ChannelList,
    Channels,
    Count,
    Depth,
    Endpoint,
    Exchanges,
    Format,
    FormatOption,
    Interval,
    Keys,
    Kinds,
    MetricsPort,
    Proxy,
    Seconds,
    Symbols,
    markets_of,
    parse_channels,
    parse_endpoints,
    parse_interval,
    parse_markets,
    parse_proxy,
)
from fluxum.cli.output import Output, live_output
from fluxum.cli.process import run_async
from fluxum.cli.records import BookRecord, CandleRecord, Candles
from fluxum.cli.serving import metrics_served
from fluxum.cli.sessions import Selection, Sessions, open_sessions
from fluxum.errors import BadInput
from fluxum.flow.background import background
from fluxum.flow.pipe import Overflow
from fluxum.model.codec import plain
from fluxum.model.event import Channel, Event, MarketEvent, StateChange, Subscribed
from fluxum.model.instrument import Symbol
from fluxum.model.market import Candle
from fluxum.session.session import Session

__all__ = ["attended", "orderbook", "session", "stream", "until", "write_events"]

_LOG_KEPT = 20
_ROWS = 10


def orderbook(
    symbol: Symbols = "",
    exchange: Exchanges = "",
    depth: Depth = None,
    seconds: Seconds = None,
    count: Count = None,
    endpoint: Endpoint = None,
    proxy: Proxy = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Show live order books, each with the proof that it is right.

    On a terminal the books are drawn in place. In a pipe, with --count, and if TERM is dumb,
    every change is a line. Times are UTC: `v` is the venue's clock, `r` when it was received here.
    Without --symbol the configured symbols are used.

    Example: fluxum orderbook --symbol BTC/USD,ETH/USD --depth 10
    """
    markets = markets_of(symbol, exchange)
    rows = depth or _ROWS
    is_drawn = form is Format.TABLE and count is None and can_draw()
    channels = [Channel.BOOK, Channel.TRADE] if is_drawn else [Channel.BOOK]
    selection = Selection(
        markets=markets,
        channels=channels,
        depth=depth,
        endpoints=parse_endpoints(endpoint, markets),
        proxy=parse_proxy(proxy),
    )

    async def main(output: Output) -> None:
        if is_drawn:
            await _draw_books(selection, rows, seconds, output)
            return
        async with open_sessions(selection, output.message) as sessions:
            work = _write_books(sessions, rows, count, output)
            if not await until(seconds, attended(output, work)):
                sessions.require_data()
            sessions.raise_failures()

    with live_output(form, [BookRecord]) as output:
        run_async(main(output))


def stream(
    channel: Channels,
    symbol: Symbols = "",
    exchange: Exchanges = "",
    depth: Depth = None,
    interval: Interval = None,
    kind: Kinds = "",
    keys: Keys = "",
    seconds: Seconds = None,
    count: Count = None,
    endpoint: Endpoint = None,
    proxy: Proxy = None,
    metrics: MetricsPort = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Stream channels: book, trade, ticker, candle (or ohlc), instrument; a comma list mixes them.

    With keys also level3, balance and execution, where the exchange has them.

    With --format ndjson every event is a line with its type, losses included; otherwise link
    events are reported on stderr. A reader of stdout that is too slow loses the oldest events, and
    gets `dropped` in their place. A running candle is repeated with every trade: `update` counts
    its lines. Times are UTC: `v` is the venue's clock, `r` when it was received here.

    Example: fluxum stream trade --symbol BTC/USD --format ndjson
    """
    channels, kinds = parse_channels(channel), parse_kinds(kind)
    needs_symbol = any(one.has_symbol for one in channels)
    markets = markets_of(symbol, exchange) if needs_symbol else parse_markets(symbol, exchange)
    if form is Format.CSV and len(channels) > 1 and not kinds:
        raise BadInput(f"CSV is one table, so one channel or --kind was expected; was {channel!r}")
    selection = Selection(
        markets=markets,
        channels=channels,
        depth=depth,
        interval_s=parse_interval(interval),
        endpoints=parse_endpoints(endpoint, markets),
        proxy=parse_proxy(proxy),
        keys=keys,
    )

    with live_output(form, _columns_of(channels, kinds), kinds) as output:
        run_async(_stream(selection, seconds, count, metrics, output))


def session(
    symbol: Symbols = "",
    exchange: Exchanges = "",
    channel: ChannelList = "book,trade,ticker",
    depth: Depth = None,
    keys: Keys = "",
    seconds: Seconds = None,
    endpoint: Endpoint = None,
    proxy: Proxy = None,
    metrics: MetricsPort = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Keep a session open and report its states, gaps, readiness, and the sums of its counts.

    With --channel book,execution,balance both links are kept, the account's beside the market's.

    Example: fluxum session --symbols BTC/USD,ETH/USD --seconds 60

    Example: fluxum session --symbols BTC/USD --metrics 9464
    """
    markets = markets_of(symbol, exchange)
    selection = Selection(
        markets=markets,
        channels=parse_channels(channel),
        depth=depth,
        endpoints=parse_endpoints(endpoint, markets),
        proxy=parse_proxy(proxy),
        keys=keys,
    )

    async def main(output: Output) -> None:
        async with (
            open_sessions(selection, output.message) as sessions,
            metrics_served(metrics, lambda: sessions, output.message),
        ):
            try:
                await until(seconds, attended(output, _report(sessions, output)))
            finally:
                for one in sessions:
                    _write_statistics(one, output)
            sessions.require_ready()

    with live_output(form) as output:
        run_async(main(output))


async def _stream(
    selection: Selection,
    seconds: float | None,
    count: int | None,
    metrics: int | None,
    output: Output,
) -> None:
    async with (
        open_sessions(selection, output.message) as sessions,
        metrics_served(metrics, lambda: sessions, output.message),
    ):
        work = write_events(sessions, count, output)
        if not await until(seconds, attended(output, work)):
            sessions.require_data()
        sessions.raise_failures()


async def until(seconds: float | None, work: Any) -> bool:
    """Await some work, for at most so many seconds; returns whether it ended by itself."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await work
            return True
    return False


async def attended(output: Output, work: Any) -> None:
    """Await some work while stdout has a reader; raises OSError once the reader has gone."""
    async with background(output.watch()):
        await work


async def write_events(sessions: Sessions, count: int | None, output: Output) -> None:
    """Write every event of some sessions, until `count` data are written or nothing is left."""
    candles = Candles()
    written = 0

    async def take(_session: Session, event: Event) -> bool:
        nonlocal written
        await output.room()
        if isinstance(event, Candle):
            event = candles.number(event)
        written += output.event(event) and is_data(event)
        return written == count

    await sessions.follow(take)


async def _write_books(sessions: Sessions, depth: int, count: int | None, output: Output) -> None:
    """Write a book after each change; a reader that is too slow skips to the latest."""
    markets = _books_of(sessions)

    async def take(session: Session, event: Event) -> bool:
        await output.room()
        symbol = getattr(event, "symbol", None)
        if not isinstance(event, MarketEvent):
            output.message(event_text(event))
        elif symbol in markets[session]:
            reading = read(session, Symbol(str(symbol)), depth)
            output.write(BookRecord.of(reading), reading_text(reading))
        return output.lines == count

    await sessions.follow(take, Overflow.CONFLATE)


async def _draw_books(
    selection: Selection, rows: int, seconds: float | None, output: Output
) -> None:
    log: deque[str] = deque(maxlen=_LOG_KEPT)
    async with open_sessions(selection, log.append) as sessions:
        board = LiveScreen(_books_of(sessions), rows, log=log, failure=sessions.failure)

        async def take(_session: Session, event: Event) -> bool:
            board.take(event)
            return False

        async with background(draw(board, output)):
            await until(seconds, attended(output, sessions.follow(take)))
        sessions.raise_failures()


def _books_of(sessions: Sessions) -> dict[Session, list[Symbol]]:
    return {
        one: [
            wanted.symbol
            for wanted in one.subscriptions
            if wanted.channel is Channel.BOOK and wanted.symbol is not None
        ]
        for one in sessions
    }


async def _report(sessions: Sessions, output: Output) -> None:
    async def report() -> None:
        while True:
            await asyncio.sleep(1.0)
            for one in sessions:
                await output.room()
                _write_statistics(one, output)

    async def take(_session: Session, event: Event) -> bool:
        await output.room()
        if isinstance(event, StateChange) or not isinstance(event, MarketEvent | Subscribed):
            if output.format is Format.CSV:
                output.message(event_text(event))
            else:
                output.write(event, event_text(event))
        return False

    async with background(report()):
        await sessions.follow(take)


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


def _columns_of(channels: Sequence[Channel], kinds: frozenset[str]) -> list[type[Any]]:
    """The kinds of records that CSV has columns for."""
    found = (
        [KINDS[one] for one in KINDS if one in kinds]
        if kinds
        else [kind for channel in channels for kind in CHANNEL_KINDS[channel]]
    )
    return [CandleRecord if one is Candle else one for one in found]
