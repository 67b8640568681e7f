"""Books as one client is sent them, in the simulated half: a window of the best levels.

After each move the window as last sent is compared with the one of now: levels that changed or
came in are sent, levels that went away are sent as zero, and levels pushed out by better ones are
not mentioned, because the client cuts its book itself
(https://docs.kraken.com/api/docs/guides/spot-ws-book-v2). Level 3 does the same with orders. Every
frame ends with the checksum of the window after it.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import NamedTuple
from zlib import crc32

from fluxum.model.instrument import Instrument
from fluxum.model.market import Level, RestingOrder, Side
from fluxum.venues.kraken.checksum import DEPTH_PROVED, digits
from fluxum.venues.kraken.server.formats import micros, nanos, order_text, plain
from fluxum.venues.server.contract import MarketView

__all__ = ["BookStream", "book_stream", "level3_stream"]

_BOOK = (
    b'{"channel":"book","type":"%(kind)s","data":[{"symbol":"%(symbol)s","bids":[%(bids)s],'
    b'"asks":[%(asks)s],"checksum":%(checksum)d,"timestamp":"%(time)s"}]}'
)
_LEVEL3 = (
    b'{"channel":"level3","type":"%(kind)s","data":[{"checksum":%(checksum)d,'
    b'"symbol":"%(symbol)s","bids":[%(bids)s],"asks":[%(asks)s],"timestamp":"%(time)s"}]}'
)


class _Line(NamedTuple):
    """A level as last sent: its text on the wire, and what the checksum reads of it."""

    level: Level
    text: bytes
    proof: bytes


class _LevelWindow:
    """The best levels of one side as last sent; `proof` is what the checksum reads of them."""

    def __init__(self, view: MarketView, instrument: Instrument, depth: int, side: Side) -> None:
        self._view = view
        self._instrument = instrument
        self._depth = depth
        self._side = side
        self._levels: Sequence[Level] = ()
        self._lines: list[_Line] = []
        self.proof = b""

    def texts(self) -> Sequence[bytes]:
        """All of the window, best first, as a snapshot writes it."""
        return [line.text for line in self._lines]

    def move(self) -> Sequence[bytes]:
        """Take the window of now; return the changes that lead to it, best level first."""
        levels = self._view.levels(self._instrument.symbol, self._side, self._depth)
        if levels == self._levels:
            return ()
        same = _same(self._levels, levels)
        held = self._lines[same:]
        lines = self._lines[:same]
        changes: list[bytes] = []
        at = 0
        for level in levels[same:]:
            line = None
            while at < len(held) and line is None:
                before = held[at].level
                if before is level:
                    line = held[at]
                elif _is_better(self._side, before.price, level.price):
                    changes.append(self._gone(before))
                elif before.price != level.price:
                    break  # it comes later, if it is still there
                else:
                    line = self._written(level)
                    changes.append(line.text)
                at += 1
            if line is None:
                line = self._written(level)
                changes.append(line.text)
            lines.append(line)
        if len(levels) < self._depth:
            # What the client still holds below was not pushed out: it is gone.
            changes += [self._gone(line.level) for line in held[at:]]
        self._levels, self._lines = levels, lines
        self.proof = b"".join([line.proof for line in lines[:DEPTH_PROVED]])
        return changes

    def _written(self, level: Level) -> _Line:
        price = plain(level.price, self._instrument.price_precision)
        quantity = plain(level.quantity, self._instrument.quantity_precision)
        text = b'{"price":%s,"qty":%s}' % (price, quantity)
        return _Line(level, text, digits(price) + digits(quantity))

    def _gone(self, level: Level) -> bytes:
        return self._written(Level(level.price, level.quantity * 0)).text


class _OrderWindow:
    """The queues of the best levels of one side; see _LevelWindow."""

    def __init__(self, view: MarketView, instrument: Instrument, depth: int, side: Side) -> None:
        self._view = view
        self._instrument = instrument
        self._depth = depth
        self._side = side
        self._queues: list[list[RestingOrder]] = []
        self.proof = b""

    def texts(self) -> Sequence[bytes]:
        """All orders of the window, each queue in its order, as a snapshot writes them."""
        return [
            b"{%s}" % order_text(order, self._instrument)
            for queue in self._queues
            for order in queue
        ]

    def move(self) -> Sequence[bytes]:
        """Take the window of now; return the changes that lead to it, level by level."""
        book = self._view.book(self._instrument.symbol)
        ladder = book.bids if self._side is Side.BUY else book.asks
        queues, old = list(ladder.queues(self._depth)), self._queues
        if queues == old:
            return ()
        changes: list[bytes] = []
        at = 0
        for queue in queues:
            price = queue[0].price
            while at < len(old) and _is_better(self._side, old[at][0].price, price):
                changes += self._events(b"delete", old[at])
                at += 1
            if at < len(old) and old[at][0].price == price:
                changes += self._changes(old[at], queue)
                at += 1
            else:
                changes += self._events(b"add", queue)
        if len(queues) < self._depth:
            for gone in old[at:]:
                changes += self._events(b"delete", gone)
        self._queues = queues
        self.proof = self._proof()
        return changes

    def _proof(self) -> bytes:
        """What the checksum reads of the best levels, order by order."""
        price_precision = self._instrument.price_precision
        quantity_precision = self._instrument.quantity_precision
        texts: list[bytes] = []
        for queue in self._queues[:DEPTH_PROVED]:
            price = digits(plain(queue[0].price, price_precision))
            texts += [price + digits(plain(one.quantity, quantity_precision)) for one in queue]
        return b"".join(texts)

    def _changes(self, old: list[RestingOrder], new: list[RestingOrder]) -> list[bytes]:
        if old == new:
            return []
        held = {order.order_id: order for order in old}
        kept = {order.order_id for order in new} - _sent_back(held, new)
        changes = self._events(b"delete", [one for one in old if one.order_id not in kept])
        for order in new:
            before = held.get(order.order_id) if order.order_id in kept else None
            if before != order:
                changes += self._events(b"add" if before is None else b"modify", [order])
        return changes

    def _events(self, event: bytes, orders: Sequence[RestingOrder]) -> list[bytes]:
        return [b'{"event":"%s",%s}' % (event, order_text(one, self._instrument)) for one in orders]


class BookStream:
    """Both sides of one book in frames of one form."""

    def __init__(
        self,
        instrument: Instrument,
        bids: _LevelWindow | _OrderWindow,
        asks: _LevelWindow | _OrderWindow,
        form: bytes,
        time: Callable[[int], bytes],
    ) -> None:
        self._symbol = instrument.venue_symbol.encode()
        self._bids = bids
        self._asks = asks
        self._form = form
        self._time = time

    def begin(self, now_ns: int) -> Sequence[bytes]:
        """See Stream."""
        self._bids.move()
        self._asks.move()
        return (self._frame(b"snapshot", self._bids.texts(), self._asks.texts(), now_ns),)

    def update(self, now_ns: int) -> Sequence[bytes]:
        """See Stream."""
        bids, asks = self._bids.move(), self._asks.move()
        return (self._frame(b"update", bids, asks, now_ns),) if bids or asks else ()

    def _frame(
        self, kind: bytes, bids: Sequence[bytes], asks: Sequence[bytes], now_ns: int
    ) -> bytes:
        return self._form % {
            b"kind": kind,
            b"symbol": self._symbol,
            b"bids": b",".join(bids),
            b"asks": b",".join(asks),
            b"checksum": crc32(self._bids.proof, crc32(self._asks.proof)),
            b"time": self._time(now_ns),
        }


def book_stream(view: MarketView, instrument: Instrument, depth: int) -> BookStream:
    """The best `depth` levels a side, and changes to them."""
    bids, asks = (_LevelWindow(view, instrument, depth, side) for side in (Side.BUY, Side.SELL))
    return BookStream(instrument, bids, asks, _BOOK, micros)


def level3_stream(view: MarketView, instrument: Instrument, depth: int) -> BookStream:
    """Every order of the best `depth` levels a side in queue order, and changes to them."""
    bids, asks = (_OrderWindow(view, instrument, depth, side) for side in (Side.BUY, Side.SELL))
    return BookStream(instrument, bids, asks, _LEVEL3, nanos)


def _is_better(side: Side, one: Decimal, other: Decimal) -> bool:
    return one > other if side is Side.BUY else one < other


def _same(old: Sequence[Level], new: Sequence[Level]) -> int:
    """How many of the best levels did not change."""
    for index, (before, now) in enumerate(zip(old, new, strict=False)):
        if before is not now:
            return index
    return min(len(old), len(new))


def _sent_back(held: dict[str, RestingOrder], new: list[RestingOrder]) -> set[str]:
    """Orders that went to the back of their queue and kept their name."""
    places = {order_id: place for place, order_id in enumerate(held)}
    last, moved = -1, set[str]()
    for order in new:
        place = places.get(order.order_id, last)
        if place < last:
            moved.add(order.order_id)
        last = max(last, place)
    return moved
