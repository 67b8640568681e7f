"""What the Exchange feed's frames of data say: books, trades and tickers, by their streams.

A frame is read as a whole; one that cannot be is read again row by row where it has rows, and
otherwise harms the stream it names alone. Nothing is numbered but trades.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from msgspec import MsgspecError, Raw, structs

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Event, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.venues.coinbase.books import Books
from fluxum.venues.coinbase.carried import Carried, UnaskedError
from fluxum.venues.coinbase.delivery import Delivery
from fluxum.venues.coinbase.exchange import native, normalize
from fluxum.venues.coinbase.instants import Instants
from fluxum.venues.coinbase.symbols import EXCHANGE
from fluxum.venues.conversation import UnreadableStream
from fluxum.venues.reading import Reading
from fluxum.venues.rows import LeftOutRows, read_rows, sides

__all__ = ["BOOKS", "TICKERS", "TRADES", "ExchangeData"]

BOOKS, TRADES, TICKERS = "level2_batch", "matches", "ticker"
_CHANNELS = {
    "snapshot": BOOKS,
    "l2update": BOOKS,
    "match": TRADES,
    "last_match": TRADES,
    "ticker": TICKERS,
}
_UNREADABLE = (MsgspecError, UnicodeDecodeError, RecursionError)
Row = TypeVar("Row")
Wire = TypeVar("Wire")


class ExchangeData:
    """Reads the data frames of one link."""

    def __init__(self, carried: Carried) -> None:
        self.books = Books(EXCHANGE)
        self.delivery = Delivery(carried)
        self._begun = self.books.begun  # found sooner here
        self._held = self.delivery.held
        self.last_trades: dict[str, int] = {}
        """The id of the last trade here, by product."""
        self._carried = carried
        self._instant = Instants().read

    def forget(self, channel: str, symbol: Symbol) -> None:
        """A stream ended."""
        if channel == BOOKS:
            self.books.leave(symbol)

    # Frames that can be read

    def update(self, wire: native.L2Update, received_ns: int) -> Sequence[Event]:
        """Changes of a book."""
        symbols = self._begun.get(wire.product_id)
        if symbols and not self._held:
            try:
                bids, asks = sides(wire.changes, "buy")
                at_ns = self._instant(wire.time) if wire.time else None
            except RemoteProtocolError:
                pass  # row by row
            else:
                update = BookUpdate(EXCHANGE, symbols[0], bids, asks, at_ns, received_ns)
                if len(symbols) == 1:
                    return (update,)
                return [structs.replace(update, symbol=one) for one in symbols]
        reading = Reading(EXCHANGE, received_ns)
        self._update(reading, wire.product_id, wire.changes, wire.time or "")
        return reading.finish()

    def snapshot(self, wire: native.Snapshot, received_ns: int) -> Sequence[Event]:
        """A whole book."""
        reading = Reading(EXCHANGE, received_ns)
        self._snapshot(reading, wire.product_id, wire.bids, wire.asks, wire.time or "")
        return reading.finish()

    def trade(self, wire: native.Match | native.LastMatch, received_ns: int) -> Sequence[Event]:
        """A trade; the first of a stream is the last one before it began."""
        reading = Reading(EXCHANGE, received_ns)
        reading.rows((wire,), lambda one: self._trade(one, received_ns), self._traders)
        return reading.finish()

    def ticker(self, wire: native.Ticker, received_ns: int) -> Sequence[Event]:
        """A ticker."""
        reading = Reading(EXCHANGE, received_ns)
        reading.rows(
            (wire,),
            lambda one: self._ticker(one, received_ns),
            lambda one: self._carried.named(TICKERS, one.product_id),
        )
        return reading.finish()

    def _trade(self, wire: native.Match | native.LastMatch, received_ns: int) -> Sequence[Event]:
        venue_ns = self._instant(wire.time or "")

        def make(symbol: Symbol) -> Sequence[Event]:
            return (normalize.trade(wire, symbol, venue_ns, received_ns),)

        events = self.delivery.give(TRADES, wire.product_id, make, received_ns, is_answer=True)
        if self._traders(wire):
            self.last_trades[wire.product_id] = wire.trade_id
        return events

    def _traders(self, wire: native.Match | native.LastMatch) -> Sequence[Subscription]:
        return self._carried.named(TRADES, wire.product_id)

    def _ticker(self, wire: native.Ticker, received_ns: int) -> Sequence[Event]:
        venue_ns = self._instant(wire.time or "")

        def make(symbol: Symbol) -> Sequence[Event]:
            return (normalize.ticker(wire, symbol, venue_ns, received_ns),)

        return self.delivery.give(TICKERS, wire.product_id, make, received_ns, is_answer=True)

    # Frames that cannot

    def salvage(self, frame: bytes, kind: str, received_ns: int, reason: str) -> Sequence[Event]:
        """What can be read of a frame; raises UnreadableStream where that is nothing."""
        channel = _CHANNELS.get(kind)
        if channel is None:  # an answer or a heartbeat: no stream has lost anything
            raise UnreadableStream(reason, ())
        try:
            loose = native.decode_loose_frame(frame)
        except _UNREADABLE:
            streams = tuple(self._carried.on_the_wire(channel))
            raise UnreadableStream(reason, streams) from None
        reading = Reading(EXCHANGE, received_ns)
        try:
            self._salvage(reading, kind, loose)
        except _UNREADABLE:
            streams = tuple(self._carried.named(channel, loose.product_id))
            raise UnreadableStream(reason, streams) from None
        return reading.finish()

    def _salvage(self, reading: Reading, kind: str, loose: native.LooseFrame) -> None:
        """A book's rows one by one; raises MsgspecError for a frame that has none."""
        name, time = loose.product_id, _text(loose.time)
        if kind == "snapshot":
            bids = native.decode_rows(loose.bids)
            asks = native.decode_rows(loose.asks)
            good = [self._good(reading, name, rows, native.decode_level) for rows in (bids, asks)]
            self._snapshot(reading, name, good[0], good[1], time)
        else:
            changes = native.decode_rows(loose.changes)
            rows = self._good(reading, name, changes, native.decode_change)
            self._update(reading, name, rows, time)

    # Books

    def _update(
        self, reading: Reading, name: str, rows: Sequence[native.Change], time: str
    ) -> None:
        is_known = self._carried.find(BOOKS, name) is not None
        owners = self._owners(reading, BOOKS, name)
        if not owners and not self._carried.unsure(BOOKS, name):
            return
        if name not in self.books.begun:
            if not self._carried.is_tape:
                sample = f"an update of {name}"
                reading.events += self.books.early_delta(name, owners, sample, reading.received_ns)
            if is_known or not self._carried.is_tape:
                return
            self.books.begin(name, _symbols(owners))
        try:
            bids, asks = sides(rows, "buy")
        except RemoteProtocolError:
            good = self._good(reading, name, rows, normalize.checked_change)
            bids, asks = sides(good, "buy")
        if reading.has_left_out and not bids and not asks:
            return
        venue_ns, received_ns = self._time(time), reading.received_ns

        def make(symbol: Symbol) -> Sequence[Event]:
            return (BookUpdate(EXCHANGE, symbol, bids, asks, venue_ns, received_ns),)

        for symbol in self.books.begun[name]:
            reading.events += make(symbol)
        self.delivery.follow(BOOKS, name, make)

    def _snapshot(
        self,
        reading: Reading,
        name: str,
        bids: Sequence[native.Level],
        asks: Sequence[native.Level],
        time: str,
    ) -> None:
        owners = self._owners(reading, BOOKS, name)
        if not owners and not self._carried.unsure(BOOKS, name):
            return
        try:
            whole = normalize.snapshot_sides(bids, asks)
        except RemoteProtocolError:
            both = [self._good(reading, name, one, normalize.checked_level) for one in (bids, asks)]
            whole = normalize.snapshot_sides(*both)
        if reading.has_left_out and not any(whole):
            return
        venue_ns, received_ns = self._time(time), reading.received_ns

        def make(symbol: Symbol) -> Sequence[Event]:
            snapshot = BookSnapshot(
                venue=EXCHANGE,
                symbol=symbol,
                bids=whole[0],
                asks=whole[1],
                venue_ns=venue_ns,
                received_ns=received_ns,
            )
            return (snapshot,)

        for one in owners:
            reading.events += self.books.early.settle(one, received_ns)
        self.delivery.drop(BOOKS, name)
        reading.events += self.delivery.give(BOOKS, name, make, received_ns, is_answer=True)
        self.books.begin(name, _symbols(owners))

    def _owners(self, reading: Reading, channel: str, name: str) -> Sequence[Subscription]:
        try:
            return self._carried.owners(channel, name)
        except UnaskedError as error:
            reading.leave_out(LeftOutRows(1, str(error), ""), ())
            return ()

    def _good(
        self, reading: Reading, name: str, rows: Iterable[Row], read: Callable[[Row], Wire]
    ) -> Sequence[Wire]:
        """The rows of a book that can be read; the others are left out of it."""
        got = read_rows(rows, read)
        if got.left_out is not None:
            reading.leave_out(got.left_out, self._carried.named(BOOKS, name))
        return got.items

    def _time(self, text: str) -> int | None:
        try:
            return self._instant(text)
        except RemoteProtocolError:
            return None  # nothing depends on it


def _symbols(streams: Iterable[Subscription]) -> list[Symbol]:
    return [one.symbol for one in streams if one.symbol is not None]


def _text(raw: Raw) -> str:
    try:
        return native.decode_text(raw)
    except _UNREADABLE:
        return ""
