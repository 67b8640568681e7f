"""Advanced Trade's frames of data as events: books, trades, tickers and candles, by their streams.

A frame is read as a whole; one that cannot be is read again row by row, so that an odd row costs
itself alone. A book that lacks an update is out of step.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct, structs

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Event, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookUpdate, Candle
from fluxum.venues.book_scan import ScannedBooks, book_scan
from fluxum.venues.candle_runs import CandleRuns
from fluxum.venues.coinbase.advanced import native, normalize, trades, updates
from fluxum.venues.coinbase.advanced.loose import EventRows, Odd, read_loosely
from fluxum.venues.coinbase.delivery import Delivery
from fluxum.venues.coinbase.instants import read_instant
from fluxum.venues.coinbase.streams import Streams
from fluxum.venues.coinbase.symbols import ADVANCED
from fluxum.venues.conversation import UNREADABLE, UnreadableStream
from fluxum.venues.reading import Reading, missed
from fluxum.venues.rows import LeftOutRows, read_rows
from fluxum.venues.trade_scan import trade_scan

__all__ = ["BOOKS", "CANDLES", "TICKERS", "TRADES", "AdvancedData"]

BOOKS, TRADES, TICKERS, CANDLES = "level2", "market_trades", "ticker", "candles"
_ANY = Symbol("ANY/ANY")


class _Frame(Struct):
    """One frame while it is read."""

    reading: Reading
    number: int
    venue_ns: int | None
    received_ns: int


class _Kind(Struct, frozen=True):
    """One kind of frame: its stream's channel, its rows, and how an event of them is read."""

    channel: str
    rows: native.RowsOf[Any]
    read: Callable[[_Frame, EventRows[Any]], None]


class AdvancedData:
    """Reads the data frames of one link; `is_doubtful` while a newer frame may be here already."""

    def __init__(self, streams: Streams) -> None:
        self.is_doubtful = False
        self.delivery = Delivery(ADVANCED, streams, BOOKS)
        self._books = self.delivery.books
        self._begun = self._books.begun  # found sooner here
        self._held = self.delivery.held
        self._candle_runs = CandleRuns()
        self._owners = streams.owners
        self._symbols = streams.owners.sole[TRADES]
        self._subscriptions = streams.subscriptions
        self.scan = trade_scan(trades.FORM, self._symbols)
        """Scans new trades of products that have one stream; `None` without a compiler."""
        self._scan_books = book_scan(updates.FORM, self._begun)
        self._kinds: Mapping[str, _Kind] = {
            "l2_data": _Kind(BOOKS, native.LEVELS, self._book),
            "market_trades": _Kind(TRADES, native.TRADES, self._trades),
            "ticker": _Kind(TICKERS, native.TICKERS, self._tickers),
            "candles": _Kind(CANDLES, native.CANDLES, self._candles),
        }

    def lose(self) -> None:
        """Frames are missing, of unknown streams: no book goes on before its next snapshot."""
        self._books.withdraw_all(self._owners.names_on(BOOKS))
        self.delivery.drop_all()
        self._candle_runs.doubt_all()

    def forget(self, channel: str, symbol: Symbol) -> None:
        """A stream ended."""
        if channel == BOOKS:
            self._books.leave(symbol)
        elif channel == CANDLES:
            self._candle_runs.forget(symbol)

    # Frames that can be read

    def book(self, wire: native.BookFrame, received_ns: int) -> Sequence[Event]:
        """Books: nearly every frame is one update of a book that is whole and in step."""
        events = wire.events
        if len(events) == 1 and not self._held:
            (event,) = events
            symbols = self._begun.get(event.product_id)
            if symbols and event.type == "update":
                try:
                    bids, asks = normalize.sides(event.updates)
                    at_ns = read_instant(wire.timestamp)
                except RemoteProtocolError:
                    pass  # row by row
                else:
                    symbol, number = symbols[0], wire.sequence_num
                    update = BookUpdate(
                        ADVANCED, symbol, bids, asks, at_ns, received_ns, None, number
                    )
                    if len(symbols) == 1:
                        return (update,)
                    return [structs.replace(update, symbol=one) for one in symbols]
        frame = self._begin(wire.sequence_num, wire.timestamp, received_ns)
        for event in events:
            self._book(frame, EventRows(event.type, event.product_id, event.updates))
        return frame.reading.finish()

    def trades(self, wire: native.TradeFrame, received_ns: int) -> Sequence[Event]:
        """Trades, oldest first: nearly every frame has new ones of streams alone in their data."""
        events = wire.events
        if len(events) == 1 and events[0].type == "update":
            rows, symbols = normalize.oldest_first(events[0].trades), self._symbols
            made: list[Event] = []
            try:
                for row in rows:
                    symbol, venue_ns = symbols[row.product_id], read_instant(row.time or "")
                    made.append(normalize.trade(row, symbol, "update", venue_ns, received_ns))
            except (KeyError, RemoteProtocolError):
                pass  # row by row
            else:
                return made
        return self.facts(wire, received_ns)

    def facts(
        self, wire: native.TradeFrame | native.TickerFrame | native.CandleFrame, received_ns: int
    ) -> Sequence[Event]:
        """Trades, oldest first, tickers, or candles, closed where a later one has begun."""
        frame = self._begin(wire.sequence_num, wire.timestamp, received_ns)
        for event in wire.events:
            match event:
                case native.TradeEvent():
                    self._trades(frame, EventRows(event.type, "", event.trades))
                case native.TickerEvent():
                    self._tickers(frame, EventRows(event.type, "", event.tickers))
                case native.CandleEvent():
                    self._candles(frame, EventRows(event.type, "", event.candles))
        return frame.reading.finish()

    def scan_books(
        self, frames: list[bytes], at: int, received_ns: int, due: int
    ) -> ScannedBooks | None:
        """The updates of frames of books that are whole, in step, and have one symbol."""
        if self._scan_books is None or self._held:
            return None
        return self._scan_books(frames, at, received_ns, due)

    # Frames that cannot

    def read_loosely(
        self, wire: bytes, envelope: native.Envelope, received_ns: int, reason: str
    ) -> Sequence[Event]:
        """What can be read of a frame of which something cannot be.

        Raises UnreadableStream where that is nothing.
        """
        number, kind = envelope.sequence_num, self._kinds.get(envelope.channel)
        if kind is None:  # an answer or a heartbeat: no stream has lost anything
            raise UnreadableStream(reason, ())
        channel = kind.channel
        try:
            loose = read_loosely(wire, kind.rows)
        except UNREADABLE as error:
            self._miss(channel, self._names(channel), number)
            raise UnreadableStream(str(error), tuple(self._owners.active(channel))) from error
        frame = self._begin(number, loose.timestamp, received_ns)
        for odd in loose.odd:
            self._miss(channel, self._names(channel, odd.products), number)
            self._leave_out(frame, channel, odd)
        for event in loose.events:
            for odd in event.odd:
                if channel == CANDLES:
                    self._miss(channel, self._names(channel, odd.products), number)
                self._leave_out(frame, channel, odd)
            kind.read(frame, event)
        return frame.reading.finish()

    def _leave_out(self, frame: _Frame, channel: str, odd: Odd) -> None:
        names = self._names(channel, odd.products)
        streams = {one: None for name in names for one in self._owners.named(channel, name)}
        frame.reading.leave_out(odd.rows, list(streams))

    def _names(self, channel: str, products: Sequence[str] = ()) -> Sequence[str]:
        """The products, or every name that data of a channel may have, where none is named."""
        return products or self._owners.names_on(channel)

    def _miss(self, channel: str, names: Iterable[str], number: int) -> None:
        """Data of these was not read: what comes next does not follow on."""
        for name in names:
            if channel == BOOKS:
                self._books.miss(name, number)
                self.delivery.drop(channel, name)
            elif channel == CANDLES:
                for one in self._owners.named(channel, name):
                    self._candle_runs.doubt(one.symbol)

    def _begin(self, number: int, timestamp: str, received_ns: int) -> _Frame:
        try:
            venue_ns = read_instant(timestamp)
        except RemoteProtocolError:
            venue_ns = None  # nothing depends on it
        return _Frame(Reading(ADVANCED, received_ns), number, venue_ns, received_ns)

    # Events

    def _book(self, frame: _Frame, event: EventRows[native.Row]) -> None:
        name, reading = event.product, frame.reading
        is_requested = self._owners.is_requested(BOOKS, name)
        owners = self.delivery.owners(reading, name)
        if owners is None:
            return
        if event.kind == "snapshot":
            if not self.is_doubtful:
                self._snapshot(frame, owners, event)
            return
        if name in self._books.missed:
            self._withdraw(frame, name, owners)
        elif name in self._books.begun or self.delivery.begins(
            reading, name, owners, is_requested=is_requested or self.is_doubtful
        ):
            self._update(frame, event)

    def _snapshot(
        self, frame: _Frame, owners: Sequence[Subscription], event: EventRows[native.Row]
    ) -> None:
        rows = self._checked(frame, event)
        if rows is not None:
            sides = normalize.snapshot_sides(rows)
            number = frame.number
            self.delivery.snapshot(
                frame.reading, event.product, owners, sides, frame.venue_ns, number
            )

    def _update(self, frame: _Frame, event: EventRows[native.Row]) -> None:
        rows = self._checked(frame, event)
        if rows is not None:
            sides = normalize.sides(rows)
            self.delivery.update(frame.reading, event.product, sides, frame.venue_ns, frame.number)

    def _checked(self, frame: _Frame, event: EventRows[native.Row]) -> Sequence[native.Row] | None:
        """The rows that hold numbers, the others being left out of their book.

        `None` where there are rows and none does: then all of it is missed.
        """
        rows, name = event.rows, event.product
        try:
            normalize.sides(rows)
        except RemoteProtocolError:
            read = read_rows(rows, normalize.checked)
            assert read.left_out is not None
            self._leave_out(frame, BOOKS, Odd([name], read.left_out))
            rows = read.items
        if rows or not (event.rows or event.odd):
            return rows
        self._miss(BOOKS, (name,), frame.number)
        return None

    def _withdraw(self, frame: _Frame, name: str, owners: Sequence[Subscription]) -> None:
        """An update was not read, so that this one does not follow on."""
        lost = self._books.missed[name]
        self._books.withdraw(name)
        reason = f"the update in frame {lost} of the link could not be read"
        at_ns, received_ns = frame.venue_ns, frame.received_ns
        frame.reading.events += [
            missed(ADVANCED, one, reason, received_ns, lost, frame.number, at_ns) for one in owners
        ]

    def _trades(self, frame: _Frame, event: EventRows[native.Trade]) -> None:
        kind, received_ns = event.kind, frame.received_ns

        def read(wire: native.Trade) -> Sequence[Event]:
            venue_ns = read_instant(wire.time or "")
            return self.delivery.give(
                TRADES,
                wire.product_id,
                lambda symbol: (normalize.trade(wire, symbol, kind, venue_ns, received_ns),),
                received_ns,
                is_answer=kind == "snapshot",
            )

        trades = normalize.oldest_first(event.rows)
        frame.reading.rows(trades, read, lambda one: self._owners.named(TRADES, one.product_id))

    def _tickers(self, frame: _Frame, event: EventRows[native.Ticker]) -> None:
        def read(wire: native.Ticker) -> Sequence[Event]:
            return self.delivery.give(
                TICKERS,
                wire.product_id,
                lambda symbol: (normalize.ticker(wire, symbol, frame.venue_ns, frame.received_ns),),
                frame.received_ns,
                is_answer=event.kind == "snapshot",
            )

        rows = event.rows
        frame.reading.rows(rows, read, lambda one: self._owners.named(TICKERS, one.product_id))

    def _candles(self, frame: _Frame, event: EventRows[native.Candle]) -> None:
        is_history, received_ns = event.kind == "snapshot", frame.received_ns
        for name, wires in normalize.by_product(event.rows).items():
            read = read_rows(
                wires, lambda wire: normalize.candle(wire, _ANY, frame.venue_ns, received_ns)
            )
            if read.left_out is not None:
                self._miss(CANDLES, (name,), frame.number)
                self._leave_out(frame, CANDLES, Odd([name], read.left_out))

            def make(symbol: Symbol, candles: Sequence[Candle] = read.items) -> Sequence[Event]:
                own = [structs.replace(one, symbol=symbol) for one in candles]
                return self._candle_runs.take(symbol, own, is_history=is_history)

            try:
                frame.reading.events += self.delivery.give(
                    CANDLES, name, make, received_ns, is_answer=is_history
                )
            except UnreadableStream as error:
                frame.reading.leave_out(LeftOutRows(1, str(error), ""), ())
