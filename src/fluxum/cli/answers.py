"""Answers of exchanges as records and tables.

Questions with one answer are put to all exchanges side by side and share one table. Answers that
are lists are read in turn, page by page, and each has a table of its own.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from decimal import Decimal
from itertools import zip_longest
from typing import TypeVar

from msgspec import Struct

from fluxum.cli.asking import Asked, Questions, Where
from fluxum.cli.candle_gaps import CandleGaps
from fluxum.cli.configured import config
from fluxum.cli.hints import near_symbol
from fluxum.cli.lines import number_text, time_text, when_text
from fluxum.cli.options import Format
from fluxum.cli.output import Output
from fluxum.cli.records import StatusRecord, TimeRecord
from fluxum.cli.table import Column, Table
from fluxum.clock import Clock, SystemClock
from fluxum.errors import BadInput, VenueRefused
from fluxum.model.instant import format_second
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.interval import interval_text
from fluxum.model.market import BookSnapshot, Candle, Ticker, Trade
from fluxum.runtime import Runtime
from fluxum.session.session import Session

__all__ = [
    "Period",
    "ask_book",
    "ask_candles",
    "ask_instruments",
    "ask_status",
    "ask_ticker",
    "ask_time",
    "ask_trades",
    "write_rows",
]

T = TypeVar("T")
Record = TypeVar("Record", bound=Struct)

_LAST = 20
_LEVELS = 10
_INTERVAL_S = 3600
_PROGRESS_S = 5.0
# A first trade that is later than this was perhaps not the first: the venue lists only the last.
_LATE_NS = 60 * 1_000_000_000


class Period(Struct, frozen=True):
    """From one instant and before another, and at most `limit` of the newest; `None` is open."""

    since_ns: int | None = None
    until_ns: int | None = None
    limit: int | None = None

    @property
    def kept(self) -> int | None:
        """How many of the newest are shown; `None` shows all."""
        return _LAST if self.limit is None and self.since_ns is None else self.limit

    def ended_ns(self, now_ns: int) -> int:
        """The end of the part of the period that is over."""
        return now_ns if self.until_ns is None else min(self.until_ns, now_ns)


async def ask_ticker(where: Where, output: Output, runtime: Runtime | None = None) -> None:
    """The ticker of each market, one a row."""

    async def ask(session: Session, asked: Asked) -> Ticker:
        return await session.fetch_ticker(_market(asked))

    columns = [_left("EXCHANGE"), _left("SYMBOL")]
    columns += map(_right, ("BID", "ASK", "LAST", "VOLUME", "CHANGE"))
    await _ask_side_by_side(where, ask, Table(columns), _ticker_cells, output, runtime)


async def ask_time(where: Where, output: Output, runtime: Runtime | None = None) -> None:
    """The clock of each exchange, one a row."""
    clock: Clock = SystemClock() if runtime is None else runtime.clock

    async def ask(session: Session, asked: Asked) -> TimeRecord:
        requested_ns = clock.now_ns()
        venue_ns = await session.fetch_time()
        return TimeRecord.of(asked.exchange, venue_ns, requested_ns, clock.now_ns())

    def cells(record: TimeRecord) -> list[str]:
        ahead, within = f"{record.ahead_s:+.3f}", f"{record.uncertainty_s:.3f}"
        return [record.venue, time_text(record.venue_ns), ahead, within]

    table = Table([_left("EXCHANGE"), _left("TIME"), _right("AHEAD_S"), _right("WITHIN_S")])
    await _ask_side_by_side(where, ask, table, cells, output, runtime)


async def ask_status(where: Where, output: Output, runtime: Runtime | None = None) -> None:
    """The status of each exchange, one a row."""
    clock: Clock = SystemClock() if runtime is None else runtime.clock

    async def ask(session: Session, asked: Asked) -> StatusRecord:
        found = await session.fetch_status()
        return StatusRecord(venue=asked.exchange, status=found, received_ns=clock.now_ns())

    table = Table([_left("EXCHANGE"), _left("STATUS")])
    await _ask_side_by_side(
        where, ask, table, lambda one: [one.venue, one.status.value], output, runtime
    )


async def ask_book(
    where: Where, depth: int | None, output: Output, runtime: Runtime | None = None
) -> None:
    """The best levels of each market, one table a market; without a depth the configured one."""

    async def ask(session: Session, asked: Asked) -> None:
        levels = depth or config().venue_settings(asked.exchange).depth or _LEVELS
        found = await where.answer(session.fetch_book(_market(asked), levels))
        when = when_text(found.venue_ns, found.received_ns)
        table = Table(list(map(_right, _BOOK)), f"{asked} {when}")
        text = "\n".join(table.lines(_level_cells(found)))
        output.write(found, f"\n{text}" if output.lines else text)

    questions = Questions(where, output, runtime)
    await questions.in_turn(ask)
    questions.finish()


async def ask_trades(
    where: Where, period: Period, output: Output, runtime: Runtime | None = None
) -> None:
    """The trades of each market, one table a market."""

    async def ask(session: Session, asked: Asked) -> None:
        query = session.queries.trades(_market(asked), period.since_ns)
        count, first_ns, progress = 0, 0, _Progress(output)

        async def noted() -> AsyncGenerator[tuple[Trade, ...]]:
            nonlocal count, first_ns
            pages = where.pages(session.pages(query))
            async for page in _before(pages, period.until_ns):
                if page and not count:
                    first_ns = _instant(page[0])
                count += len(page)
                progress.note(f"{asked}: {count} trades")
                yield page

        table = Table([_left("TIME"), _left("SIDE"), *map(_right, _TRADE)], str(asked))
        async for page in _newest(noted(), period.kept):
            write_rows(output, table, page, _trade_cells)
        if not count:
            output.message(f"{asked}: no trades")
        elif period.since_ns is not None and first_ns - period.since_ns > _LATE_NS:
            since, first = format_second(period.since_ns), format_second(first_ns)
            output.message(f"{asked}: no trades from {since} to {first}")

    questions = Questions(where, output, runtime)
    await questions.in_turn(ask)
    questions.finish()


async def ask_candles(
    where: Where,
    interval: int | None,
    period: Period,
    output: Output,
    runtime: Runtime | None = None,
) -> None:
    """The candles of each market, one table a market, and what the exchange left out.

    Without an interval, in seconds, it is the configured one.
    """
    clock: Clock = SystemClock() if runtime is None else runtime.clock

    async def ask(session: Session, asked: Asked) -> None:
        interval_s = interval or config().venue_settings(asked.exchange).interval or _INTERVAL_S
        gaps, progress = CandleGaps(interval_s, period.since_ns), _Progress(output)

        async def noted() -> AsyncGenerator[tuple[Candle, ...]]:
            pages = session.candle_pages(
                _market(asked), interval_s, period.since_ns, period.until_ns
            )
            async for page in where.pages(pages):
                gaps.add(page)
                progress.note(f"{asked}: {gaps.candles} candles, up to {gaps.reached}")
                yield page

        title = f"{asked} {interval_text(interval_s)}"
        table = Table([_left("BEGIN"), *map(_right, _CANDLE), _left("")], title)
        async for page in _newest(noted(), period.kept):
            write_rows(output, table, page, _candle_cells)
        missing = gaps.end(period.ended_ns(clock.now_ns()))
        if missing or not gaps.candles:
            output.message(f"{asked}: {missing or 'no candles'}")

    questions = Questions(where, output, runtime)
    await questions.in_turn(ask)
    questions.finish()


async def ask_instruments(where: Where, output: Output, runtime: Runtime | None = None) -> None:
    """The markets of each exchange, one table an exchange."""
    wanted = where.markets

    async def ask(session: Session, asked: Asked) -> None:
        symbols = wanted[asked.exchange]
        found: list[Instrument] = []
        progress = _Progress(output)
        async for page in where.pages(session.pages(session.queries.instruments())):
            found += page
            progress.note(f"{asked}: {len(found)} markets")
        if symbols:
            found = _listed(found, symbols, asked)
        table = Table([*map(_left, _NAMES), *map(_right, _RULES)], str(asked))
        write_rows(output, table, found, _instrument_cells)

    whole = Where(
        markets=dict.fromkeys(wanted, ()),
        endpoints=where.endpoints,
        proxy=where.proxy,
        timeout_s=where.timeout_s,
    )
    questions = Questions(whole, output, runtime)
    await questions.in_turn(ask)
    questions.finish()


class _Progress:
    """Reports on stderr how far a list has come, every few seconds."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._next_s = asyncio.get_running_loop().time() + _PROGRESS_S

    def note(self, text: str) -> None:
        """The list has come so far."""
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._next_s:
            self._next_s = now_s + _PROGRESS_S
            self._output.message(text)


async def _ask_side_by_side(
    where: Where,
    ask: Callable[[Session, Asked], Awaitable[Record]],
    table: Table,
    cells: Callable[[Record], Sequence[str]],
    output: Output,
    runtime: Runtime | None,
) -> None:
    """Ask all exchanges, and write the answers in the order of the command line."""
    found: dict[Asked, Record] = {}

    async def keep(session: Session, asked: Asked) -> None:
        found[asked] = await where.answer(ask(session, asked))

    questions = Questions(where, output, runtime)
    await questions.side_by_side(keep)
    order = [asked for exchange in where.markets for asked in where.asked(exchange)]
    write_rows(output, table, [found[one] for one in order if one in found], cells)
    questions.finish()


def write_rows(
    output: Output,
    table: Table,
    records: Sequence[Record],
    cells: Callable[[Record], Sequence[str]],
) -> None:
    """Write records; as text they are rows of the table, which begins below an empty line."""
    if not records:
        return
    if output.format is not Format.TABLE:
        for record in records:
            output.write(record, "")
        return
    lines = table.lines(map(cells, records))
    head, rows = lines[: -len(records)], lines[-len(records) :]
    if head and output.lines:
        head.insert(0, "")
    output.paint("".join(f"{line}\n" for line in head))
    for record, line in zip(records, rows, strict=True):
        output.write(record, line)


async def _before(
    pages: AsyncGenerator[tuple[Trade, ...]], until_ns: int | None
) -> AsyncGenerator[tuple[Trade, ...]]:
    """The trades before an instant; the pages after it are not requested."""
    async with aclosing(pages):
        async for page in pages:
            if until_ns is None:
                yield page
                continue
            wanted = tuple(one for one in page if _instant(one) < until_ns)
            yield wanted
            if len(wanted) < len(page):
                return


async def _newest(
    pages: AsyncGenerator[tuple[T, ...]], count: int | None
) -> AsyncGenerator[Sequence[T]]:
    """The pages as they come, or once all are read the newest so many items."""
    async with aclosing(pages):
        if count is None:
            async for page in pages:
                yield page
            return
        kept: deque[T] = deque(maxlen=count)
        async for page in pages:
            kept.extend(page)
        yield tuple(kept)


def _instant(trade: Trade) -> int:
    return trade.venue_ns or trade.received_ns


def _market(asked: Asked) -> Symbol:
    """The market of a question; commands about markets refuse to begin without one."""
    if asked.symbol is None:
        raise BadInput(f"a symbol like BTC/USD was expected for {asked.exchange}, was none")
    return asked.symbol


def _listed(
    found: Sequence[Instrument], symbols: Sequence[Symbol], asked: Asked
) -> list[Instrument]:
    """The instruments of these symbols; raises VenueRefused for one that is not listed."""
    by_symbol = {one.symbol: one for one in found}
    for symbol in symbols:
        if symbol not in by_symbol:
            hint = near_symbol(symbol, by_symbol)
            raise VenueRefused(f"{asked} lists no market {symbol}{hint}")
    return [by_symbol[one] for one in symbols]


# Rows


def _left(title: str) -> Column:
    return Column(title)


def _right(title: str) -> Column:
    return Column(title, is_number=True)


_BOOK = ("QUANTITY", "BID", "ASK", "QUANTITY")
_TRADE = ("PRICE", "QUANTITY", "ID")
_CANDLE = ("OPEN", "HIGH", "LOW", "CLOSE", "VOLUME")
_NAMES = ("SYMBOL", "NAME", "STATUS")
_RULES = ("TICK", "LOT", "MIN")


def _ticker_cells(one: Ticker) -> list[str]:
    change = one.change_percent
    if change is None and one.last is not None and one.open:
        change = (one.last / one.open - 1) * 100
    return [
        one.venue,
        one.symbol,
        *map(number_text, (one.bid, one.ask, one.last, one.volume)),
        "-" if change is None else f"{change:+.2f}%",
    ]


def _level_cells(one: BookSnapshot) -> list[list[str]]:
    """Bids beside asks, best first; the shorter side ends in empty cells."""
    rows: list[list[str]] = []
    for bid, ask in zip_longest(one.bids, one.asks):
        left = ["", ""] if bid is None else [number_text(bid.quantity), number_text(bid.price)]
        right = ["", ""] if ask is None else [number_text(ask.price), number_text(ask.quantity)]
        rows.append(left + right)
    return rows


def _trade_cells(one: Trade) -> list[str]:
    when = when_text(one.venue_ns, one.received_ns)
    price, quantity = number_text(one.price), number_text(one.quantity)
    return [when, one.side.value, price, quantity, one.trade_id]


def _candle_cells(one: Candle) -> list[str]:
    begin = format_second(one.start_ns).replace("T", " ").removesuffix("Z")
    numbers: tuple[Decimal, ...] = (one.open, one.high, one.low, one.close, one.volume)
    begin = begin if one.interval_s % 60 else begin.removesuffix(":00")
    return [begin, *map(number_text, numbers), "" if one.closed else "running"]


def _instrument_cells(one: Instrument) -> list[str]:
    rules = map(number_text, (one.tick, one.lot, one.quantity_min))
    return [one.symbol, one.venue_symbol, one.status.value, *rules]
