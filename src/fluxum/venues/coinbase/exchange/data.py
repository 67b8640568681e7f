"""The Exchange feed's frames of data as events: books, trades and tickers, by their streams.

A frame is read as a whole; one that cannot be is read again row by row where it has rows, and
otherwise harms the stream it names alone. Nothing is numbered but trades.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from msgspec import Raw, structs

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Event
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookUpdate
from fluxum.venues.book_scan import ScannedBooks, book_scan
from fluxum.venues.coinbase.delivery import Delivery
from fluxum.venues.coinbase.exchange import native, normalize, trades, updates
from fluxum.venues.coinbase.instants import read_instant
from fluxum.venues.coinbase.streams import Streams
from fluxum.venues.coinbase.symbols import EXCHANGE
from fluxum.venues.conversation import UNREADABLE, UnreadableStream
from fluxum.venues.members import Members
from fluxum.venues.reading import Reading
from fluxum.venues.rows import checked, decode_readable, sides
from fluxum.venues.trade_scan import ScannedTrades, trade_scan

__all__ = ["BOOKS", "TICKERS", "TRADES", "ExchangeData"]

BOOKS, TRADES, TICKERS = "level2_batch", "matches", "ticker"
_CHANNELS = {
    "snapshot": BOOKS,
    "l2update": BOOKS,
    "match": TRADES,
    "last_match": TRADES,
    "ticker": TICKERS,
}
_ROWS: Mapping[str, Callable[[Raw], object]] = {
    "snapshot": lambda row: checked(native.decode_level(row)),
    "l2update": lambda row: checked(native.decode_change(row)),
}
_OPTIONAL = {"time": native.decode_text}


class ExchangeData:
    """Reads the data frames of one link."""

    def __init__(self, streams: Streams) -> None:
        self.delivery = Delivery(EXCHANGE, streams, BOOKS)
        self._books = self.delivery.books
        self._begun = self._books.begun  # found sooner here
        self._held = self.delivery.held
        self.last_trades: dict[str, int] = {}
        """The id of the last trade that came, by product."""
        self._owners = streams.owners
        self._symbols = streams.owners.sole[TRADES]
        self._subscriptions = streams.subscriptions
        self._scan_books = book_scan(updates.FORM, self._begun)
        self._scan = trade_scan(trades.FORM, self._symbols, last=self.last_trades)

    def forget(self, channel: str, symbol: Symbol) -> None:
        """A stream ended."""
        if channel == BOOKS:
            self._books.leave(symbol)

    def forget_trades(self) -> None:
        """Forget the last trades of products that no stream needs any more."""
        for product in list(self.last_trades):
            if not self._owners.named(TRADES, product):
                del self.last_trades[product]

    # Frames that can be read

    def update(self, wire: native.L2Update, received_ns: int) -> Sequence[Event]:
        """Changes of a book; raises RemoteProtocolError where one of them is none."""
        symbols = self._begun.get(wire.product_id)
        if symbols and not self._held:
            bids, asks = sides(wire.changes, "buy")
            at_ns = read_instant(wire.time) if wire.time else None
            update = BookUpdate(EXCHANGE, symbols[0], bids, asks, at_ns, received_ns)
            if len(symbols) == 1:
                return (update,)
            return [structs.replace(update, symbol=one) for one in symbols]
        return self._update(Reading(EXCHANGE, received_ns), wire)

    def snapshot(self, wire: native.Snapshot, received_ns: int) -> Sequence[Event]:
        """A whole book; raises RemoteProtocolError where a level of it is none."""
        return self._snapshot(Reading(EXCHANGE, received_ns), wire)

    def trade(self, wire: native.Match | native.LastMatch, received_ns: int) -> Sequence[Event]:
        """A trade; the first of a stream is the last one before it began."""
        symbol = self._symbols.get(wire.product_id)
        if symbol is not None and not self._subscriptions.has_unacknowledged:
            try:
                trade = normalize.trade(wire, symbol, read_instant(wire.time or ""), received_ns)
            except RemoteProtocolError:
                pass  # what it harms is found below
            else:
                self.last_trades[wire.product_id] = wire.trade_id
                return (trade,)
        events = self._fact(TRADES, wire, partial(normalize.trade, wire), received_ns)
        if self._owners.named(TRADES, wire.product_id):
            self.last_trades[wire.product_id] = wire.trade_id
        return events

    def scan(self, frames: list[bytes], at: int, received_ns: int) -> ScannedTrades | None:
        """The trades of frames, as far as each belongs to one stream for certain."""
        if self._scan is None or self._subscriptions.has_unacknowledged:
            return None
        return self._scan(frames, at, received_ns)

    def scan_books(
        self, frames: list[bytes], at: int, received_ns: int, _due: int = 0
    ) -> ScannedBooks | None:
        """The updates of frames of books that are whole and have one symbol."""
        if self._scan_books is None or self._held:
            return None
        return self._scan_books(frames, at, received_ns)

    def ticker(self, wire: native.Ticker, received_ns: int) -> Sequence[Event]:
        """A ticker."""
        return self._fact(TICKERS, wire, partial(normalize.ticker, wire), received_ns)

    def _fact(
        self,
        channel: str,
        wire: native.Match | native.LastMatch | native.Ticker,
        make: Callable[[Symbol, int | None, int], Event],
        received_ns: int,
    ) -> Sequence[Event]:
        """The only fact of a frame; raises UnreadableStream where it cannot be read."""
        reading, name = Reading(EXCHANGE, received_ns), wire.product_id

        def read(_wire: object) -> Sequence[Event]:
            venue_ns = read_instant(wire.time or "")
            return self.delivery.give(
                channel, name, lambda symbol: (make(symbol, venue_ns, received_ns),), received_ns
            )

        reading.rows((wire,), read, lambda _wire: self._owners.named(channel, name))
        return reading.finish()

    # Frames that cannot

    def read_loosely(
        self, frame: bytes, kind: str, received_ns: int, reason: str
    ) -> Sequence[Event]:
        """What can be read of a frame; raises UnreadableStream where that is nothing."""
        channel = _CHANNELS.get(kind)
        if channel is None:  # an answer or a heartbeat: no stream has lost anything
            raise UnreadableStream(reason, ())
        try:
            name = Members(frame).text("product_id")
        except UNREADABLE:
            raise UnreadableStream(reason, tuple(self._owners.active(channel))) from None
        streams = tuple(self._owners.named(channel, name))
        if kind not in _ROWS:
            raise UnreadableStream(reason, streams)
        try:
            wire, left_out = decode_readable(
                frame, native.decode_book, _ROWS[kind], ("bids", "asks", "changes"), _OPTIONAL
            )
        except UNREADABLE:
            raise UnreadableStream(reason, streams) from None
        reading = Reading(EXCHANGE, received_ns)
        if left_out is not None:
            reading.leave_out(left_out, streams)
        if isinstance(wire, native.Snapshot):
            return self._snapshot(reading, wire)
        return self._update(reading, wire)

    # Books

    def _update(self, reading: Reading, wire: native.L2Update) -> Sequence[Event]:
        bids, asks = sides(wire.changes, "buy")
        name = wire.product_id
        is_requested = self._owners.is_requested(BOOKS, name)
        owners = self.delivery.owners(reading, name)
        if owners is None or (reading.has_left_out and not bids and not asks):
            return reading.finish()
        if name in self._begun or self.delivery.begins(
            reading, name, owners, is_requested=is_requested
        ):
            self.delivery.update(reading, name, (bids, asks), self._time(wire.time))
        return reading.finish()

    def _snapshot(self, reading: Reading, wire: native.Snapshot) -> Sequence[Event]:
        whole = normalize.snapshot_sides(wire.bids, wire.asks)
        owners = self.delivery.owners(reading, wire.product_id)
        if owners is not None and (any(whole) or not reading.has_left_out):
            time_ns = self._time(wire.time)
            self.delivery.snapshot(reading, wire.product_id, owners, whole, time_ns)
        return reading.finish()

    def _time(self, text: str | None) -> int | None:
        try:
            return read_instant(text or "")
        except RemoteProtocolError:
            return None  # nothing depends on it
