"""Events and readings as lines of text, JSON or CSV."""

import csv
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TextIO

import msgspec

from fluxum.cli.options import Format
from fluxum.model.account import Balance, Balances, Fee, Fill, LedgerEntry
from fluxum.model.codec import plain
from fluxum.model.event import (
    AccountEvent,
    CallFailed,
    ClockOffset,
    DataStale,
    Desync,
    Dropped,
    Event,
    Gap,
    LeftOut,
    LinkLost,
    MarketEvent,
    Refused,
    Rejected,
    Resynced,
    StateChange,
    Subscribed,
    Unsubscribed,
    VenueNotice,
)
from fluxum.model.instant import format_second
from fluxum.model.instrument import Instrument
from fluxum.model.market import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Level,
    Level3Snapshot,
    Level3Update,
    Ticker,
    Trade,
)
from fluxum.model.order import (
    Accepted,
    Declined,
    OpenOrders,
    OrderFragment,
    OrderUpdate,
    TradingCount,
    word_of,
)
from fluxum.session.books import BookReading

__all__ = [
    "Output",
    "clock_text",
    "event_record",
    "event_text",
    "number_text",
    "reading_record",
    "reading_text",
]


class Output:
    """Writes records in one format. Talk (`say`) goes to stderr and never among the data."""

    def __init__(self, form: Format, out: TextIO | None = None, talk: TextIO | None = None) -> None:
        self.format = form
        self.lines = 0
        self._out = out or sys.stdout
        self._talk = talk or sys.stderr
        self._columns: list[str] = []

    def write(self, record: Mapping[str, Any], text: str) -> None:
        """Write one record: as JSON, as a row, or as the text made for people."""
        match self.format:
            case Format.TABLE:
                self._out.write(text + "\n")
            case Format.NDJSON:
                self._out.write(_json(record) + "\n")
            case Format.JSON:
                self._out.write(("[" if self.lines == 0 else ",") + _json(record) + "\n")
            case Format.CSV:
                self._write_row(record)
        self.lines += 1
        self._out.flush()

    def say(self, text: str) -> None:
        """A word to the person at the terminal."""
        self._talk.write(text + "\n")
        self._talk.flush()

    def close(self) -> None:
        """End what has been begun: JSON closes its list."""
        if self.format is Format.JSON:
            self._out.write("]\n" if self.lines else "[]\n")
            self._out.flush()

    def _write_row(self, record: Mapping[str, Any]) -> None:
        writer = csv.writer(self._out, lineterminator="\n")
        if not self._columns:
            self._columns = list(record)
            writer.writerow(self._columns)
        writer.writerow([_cell(record.get(column)) for column in self._columns])


def event_record(event: Event) -> dict[str, Any]:
    """The event with its type tag, exact decimals as text."""
    record: dict[str, Any] = plain(event)
    return record


def reading_record(reading: BookReading) -> dict[str, Any]:
    """A book's best levels and its proof, tagged `book`."""
    snapshot: dict[str, Any] = plain(reading.snapshot)
    return {**snapshot, "type": "book", "proof": plain(reading.proof)}


def reading_text(reading: BookReading) -> str:
    """Time, symbol, best bid and ask, spread and proof, in one line."""
    snapshot, proof = reading.snapshot, reading.proof
    bid = _level(snapshot.bids[0]) if snapshot.bids else "no bid"
    ask = _level(snapshot.asks[0]) if snapshot.asks else "no ask"
    time = clock_text(snapshot.received_ns)
    why = f" ({proof.reason})" if proof.reason else ""
    return f"{time} {snapshot.symbol:<10} {bid:>28} | {ask:<28} {proof.status.value}{why}"


def clock_text(instant_ns: int) -> str:
    """UTC wall time with milliseconds, for people."""
    moment = datetime.fromtimestamp(instant_ns / 1e9, UTC)
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"


def event_text(event: Event) -> str:
    """An event in one line, for people."""
    if isinstance(event, MarketEvent):
        what = _market_text(event)
    elif isinstance(event, AccountEvent):
        what = _account_text(event)
    else:
        what = _link_text(event)
    return f"{clock_text(event.received_ns)} {event.venue} {what}"


def _market_text(event: MarketEvent) -> str:
    match event:
        case Trade():
            told = " (told later)" if event.backfilled else ""
            price, quantity = number_text(event.price), number_text(event.quantity)
            return f"{event.symbol} trade {event.side.value:<4} {quantity} @ {price}{told}"
        case Ticker():
            bid, ask, last = number_text(event.bid), number_text(event.ask), number_text(event.last)
            volume = number_text(event.volume)
            return f"{event.symbol} ticker bid {bid} ask {ask} last {last} volume {volume}"
        case Candle():
            prices = " ".join(
                number_text(price) for price in (event.open, event.high, event.low, event.close)
            )
            state = "closed" if event.closed else "running"
            begin = clock_text(event.start_ns)[:8]
            volume = number_text(event.volume)
            return f"{event.symbol} candle {begin} {prices} volume {volume} {state}"
        case BookSnapshot():
            return f"{event.symbol} book snapshot {_sides(event)} checksum {event.checksum}"
        case BookUpdate():
            changes = ", ".join(
                [f"bid {_level(level)}" for level in event.bids]
                + [f"ask {_level(level)}" for level in event.asks]
            )
            return f"{event.symbol} book {changes}"
        case Level3Snapshot() | Level3Update():
            return f"{event.symbol} level3 {_sides(event)}"
        case Instrument():
            tick, lot = number_text(event.tick), number_text(event.lot)
            return f"{event.symbol} instrument {event.status.value} tick {tick} lot {lot}"


def _fees_text(fees: tuple[Fee, ...] | None) -> str:
    if fees is None:
        return "not known yet"
    return ", ".join(f"{number_text(fee.amount)} {fee.asset}" for fee in fees)


def _account_text(event: AccountEvent) -> str:
    """What happened to an account, for people, without time and exchange."""
    match event:
        case Fill():
            fees = _fees_text(event.fees)
            told = " (told later)" if event.backfilled else ""
            price, quantity = number_text(event.price), number_text(event.quantity)
            return f"{event.symbol} fill {event.side.value} {quantity} @ {price} fee {fees}{told}"
        case OrderUpdate():
            price = "" if event.limit_price is None else f" @ {number_text(event.limit_price)}"
            why = f" ({event.reason})" if event.reason else ""
            filled, quantity = number_text(event.filled), number_text(event.quantity)
            return (
                f"{event.symbol} order {event.order_id} {event.side.value} "
                f"{word_of(event.order_type, event.venue_type)} {filled} of {quantity}{price} "
                f"{word_of(event.status, event.venue_status)}{why}"
            )
        case OrderFragment():
            status = "" if event.status is None else word_of(event.status, event.venue_status)
            return f"order {event.order_id} {status} {event.reason}".rstrip()
        case OpenOrders():
            return f"{len(event.orders)} orders are open"
        case Balances():
            return f"{len(event.balances)} balances"
        case Balance():
            held = "" if event.held is None else f", {number_text(event.held)} held"
            return f"{event.asset} balance {number_text(event.total)}{held}"
        case LedgerEntry():
            told = " (told later)" if event.backfilled else ""
            amount, fee = number_text(event.amount), number_text(event.fee)
            return (
                f"{event.asset} {event.kind.value} {amount} fee {fee} "
                f"balance {number_text(event.balance)} {event.entry_id}{told}"
            )
        case Accepted():
            which = event.client_order_id or event.order_id or f"command {event.command_id}"
            return f"accepted {which}"
        case Declined():
            which = event.client_order_id or event.order_id or f"command {event.command_id}"
            return f"declined {which}: {event.message}"
        case TradingCount():
            used, allowed = number_text(event.used), number_text(event.allowed)
            return f"{event.symbol or 'account'} trading count {used} of {allowed}"


def _link_text(event: Event) -> str:  # noqa: C901 - one line a kind
    match event:
        case StateChange():
            attempt = f" attempt {event.attempt} in {event.delay_s:.1f} s" if event.attempt else ""
            why = f": {event.reason}" if event.reason else ""
            return f"{event.new.value}{attempt}{why}"
        case Subscribed():
            return f"subscribed {event.subscription}"
        case Unsubscribed():
            return f"unsubscribed {event.subscription}"
        case Refused():
            return f"refused {event.subscription or 'a request'}: {event.message}"
        case VenueNotice():
            status = event.status.value if event.status else ""
            return f"venue {status} {event.message}".rstrip()
        case LinkLost():
            return f"link lost: {event.reason}"
        case Desync():
            return f"desynced {event.subscription}: {event.reason}"
        case Resynced():
            return f"resynced {event.subscription}, generation {event.generation}"
        case DataStale():
            return f"stale {event.subscription}: silent for {event.silent_s:.0f} s"
        case Rejected():
            return f"rejected a frame: {event.reason}: {event.sample[:60]!r}"
        case CallFailed():
            times = "once" if event.failures == 1 else f"{event.failures} times in a row"
            again = f"next attempt at {format_second(event.again_ns)}"
            return f"{event.call} failed {times}: {event.reason}; {again}"
        case ClockOffset():
            side = "ahead of" if event.offset_s > 0 else "behind"
            return (
                f"the venue's clock is {abs(event.offset_s):.2f} s {side} this machine's "
                f"(within {event.uncertainty_s:.2f} s)"
            )
        case LeftOut():
            where = "" if event.subscription is None else f" of {event.subscription}"
            rows = "1 row" if event.count == 1 else f"{event.count} rows"
            return f"left out {rows}{where}: {event.reason}: {event.sample[:60]!r}"
        case Gap():
            length_s = (event.until_ns - event.since_ns) / 1e9
            lost = f", {event.missing} missing" if event.missing else ""
            return (
                f"gap {event.subscription}: {length_s:.3f} s, {event.cause.value}, "
                f"{event.repair.value}{lost}"
            )
        case Dropped():
            return f"dropped {event.count} events: this reader is too slow"
        case _:
            raise AssertionError(event)


def _sides(event: BookSnapshot | Level3Snapshot | Level3Update) -> str:
    return f"{len(event.bids)} bids {len(event.asks)} asks"


def _level(level: Level) -> str:
    return f"{number_text(level.quantity)} @ {number_text(level.price)}"


def number_text(value: Decimal | None) -> str:
    """Plain digits, without an exponent; a dash for nothing."""
    return "-" if value is None else f"{value:f}"


def _cell(value: object) -> object:
    """A CSV cell: nested values as JSON, nothing as an empty cell."""
    if isinstance(value, dict | list):
        return msgspec.json.encode(value).decode()
    return "" if value is None else value


def _json(record: Mapping[str, Any] | Sequence[Any]) -> str:
    return msgspec.json.encode(record).decode()
