"""The Exchange feed's frames of data as events: books, trades and tickers, by their streams.

A frame is read as a whole; one that cannot be is read again row by row where it has rows, and
otherwise harms the stream it names alone. Nothing is numbered but trades.
"""

from collections.abc import Callable, Sequence
from functools import partial

from msgspec import structs

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Event
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookUpdate
from fluxum.venues.coinbase.delivery import Delivery
from fluxum.venues.coinbase.exchange import native, normalize
from fluxum.venues.coinbase.instants import Instants
from fluxum.venues.coinbase.streams import Streams
from fluxum.venues.coinbase.symbols import EXCHANGE
from fluxum.venues.conversation import UNREADABLE, UnreadableStream
from fluxum.venues.members import Members
from fluxum.venues.reading import Reading
from fluxum.venues.rows import checked, sides

__all__ = ["BOOKS", "TICKERS", "TRADES", "ExchangeData"]

BOOKS, TRADES, TICKERS = "level2_batch", "matches", "ticker"
_CHANNELS = {
    "snapshot": BOOKS,
    "l2update": BOOKS,
    "match": TRADES,
    "last_match": TRADES,
    "ticker": TICKERS,
}


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
        self._subscriptions = streams.subscriptions
        self._instant = Instants().read

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
        events = self._fact(TRADES, wire, partial(normalize.trade, wire), received_ns)
        if self._owners.named(TRADES, wire.product_id):
            self.last_trades[wire.product_id] = wire.trade_id
        return events

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
            venue_ns = self._instant(wire.time or "")
            return self.delivery.give(
                channel, name, lambda symbol: (make(symbol, venue_ns, received_ns),), received_ns
            )

        reading.rows((wire,), read, lambda _wire: self._owners.named(channel, name))
        return reading.finish()

    # Frames that cannot

    def salvage(self, frame: bytes, kind: str, received_ns: int, reason: str) -> Sequence[Event]:
        """What can be read of a frame; raises UnreadableStream where that is nothing."""
        channel = _CHANNELS.get(kind)
        if channel is None:  # an answer or a heartbeat: no stream has lost anything
            raise UnreadableStream(reason, ())
        try:
            loose = Members(frame)
            name = loose.text("product_id")
        except UNREADABLE:
            raise UnreadableStream(reason, tuple(self._owners.active(channel))) from None
        reading = Reading(EXCHANGE, received_ns)
        try:
            self._salvage(reading, kind, name, loose)
        except UNREADABLE:
            raise UnreadableStream(reason, tuple(self._owners.named(channel, name))) from None
        return reading.finish()

    def _salvage(self, reading: Reading, kind: str, name: str, loose: Members) -> None:
        """A book's rows one by one; raises MsgspecError for a frame that has none."""
        time, good = loose.text_or_empty("time"), self.delivery.good
        if kind == "snapshot":
            bids, asks = loose.rows("bids"), loose.rows("asks")
            both = [good(reading, name, one, native.decode_level) for one in (bids, asks)]
            self._snapshot(reading, name, both[0], both[1], time)
        else:
            rows = good(reading, name, loose.rows("changes"), native.decode_change)
            self._update(reading, name, rows, time)

    # Books

    def _update(
        self, reading: Reading, name: str, rows: Sequence[native.Change], time: str
    ) -> None:
        is_requested = self._owners.is_requested(BOOKS, name)
        owners = self.delivery.owners(reading, name)
        if owners is None:
            return
        if name not in self._begun and not self.delivery.begins(
            reading, name, owners, is_requested=is_requested
        ):
            return
        try:
            bids, asks = sides(rows, "buy")
        except RemoteProtocolError:
            rows = self.delivery.good(reading, name, rows, checked)
            bids, asks = sides(rows, "buy")
        if reading.has_left_out and not bids and not asks:
            return
        self.delivery.update(reading, name, (bids, asks), self._time(time))

    def _snapshot(
        self,
        reading: Reading,
        name: str,
        bids: Sequence[native.Level],
        asks: Sequence[native.Level],
        time: str,
    ) -> None:
        owners = self.delivery.owners(reading, name)
        if owners is None:
            return
        try:
            whole = normalize.snapshot_sides(bids, asks)
        except RemoteProtocolError:
            good = self.delivery.good
            both = [good(reading, name, one, checked) for one in (bids, asks)]
            whole = normalize.snapshot_sides(*both)
        if reading.has_left_out and not any(whole):
            return
        self.delivery.snapshot(reading, name, owners, whole, self._time(time))

    def _time(self, text: str) -> int | None:
        try:
            return self._instant(text)
        except RemoteProtocolError:
            return None  # nothing depends on it
