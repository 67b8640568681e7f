"""One subscription each, from the venue's chair: what the client was told, and what is new.

A book's subscriber sees a window of the best levels. After each move the window as last sent is
compared with the one of now: levels that changed or came in are sent, levels that went away are
sent as zero, and levels pushed out by better ones are not mentioned, because the client cuts its
book itself (https://docs.kraken.com/api/docs/guides/spot-ws-book-v2). Level 3 does the same with
orders. Every frame ends with the checksum of the window after it.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol
from zlib import crc32

from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import Level, RestingOrder, Side
from fluxum.venues.kraken.checksum import DEPTH_PROVED, digits
from fluxum.venues.kraken.server.formats import (
    candle_text,
    micros,
    nanos,
    order_text,
    plain,
    ticker_text,
    trade_text,
)
from fluxum.venues.server.contract import MarketView

__all__ = [
    "BookStream",
    "CandleStream",
    "Level3Stream",
    "Stream",
    "TickerStream",
    "TradeStream",
]


class Stream(Protocol):
    """One accepted subscription of one client to one market."""

    def snapshot(self, now_ns: int) -> bytes:
        """The whole state, from which updates go on."""
        ...

    def update(self, now_ns: int) -> bytes | None:
        """What changed since the last frame, or none."""
        ...


class BookStream:
    """The best `depth` levels a side, and changes to them."""

    def __init__(self, view: MarketView, instrument: Instrument, depth: int) -> None:
        self._view = view
        self._instrument = instrument
        self._depth = depth
        self._bids = _LevelWindow(instrument, depth, Side.BUY)
        self._asks = _LevelWindow(instrument, depth, Side.SELL)

    def snapshot(self, now_ns: int) -> bytes:
        """All levels of the window."""
        self._move()
        return self._frame(b"snapshot", self._bids.texts(), self._asks.texts(), now_ns)

    def update(self, now_ns: int) -> bytes | None:
        """The levels that changed, in one frame for both sides."""
        bids, asks = self._move()
        if not bids and not asks:
            return None
        return self._frame(b"update", bids, asks, now_ns)

    def _move(self) -> tuple[Sequence[bytes], Sequence[bytes]]:
        symbol = self._instrument.symbol
        return (
            self._bids.move(self._view.levels(symbol, Side.BUY, self._depth)),
            self._asks.move(self._view.levels(symbol, Side.SELL, self._depth)),
        )

    def _frame(
        self, kind: bytes, bids: Sequence[bytes], asks: Sequence[bytes], now_ns: int
    ) -> bytes:
        return (
            b'{"channel":"book","type":"%s","data":[{"symbol":"%s","bids":[%s],"asks":[%s],'
            b'"checksum":%d,"timestamp":"%s"}]}'
        ) % (
            kind,
            self._instrument.venue_symbol.encode(),
            b",".join(bids),
            b",".join(asks),
            crc32(self._bids.proof, crc32(self._asks.proof)),
            micros(now_ns),
        )


class _Line(NamedTuple):
    """A level as last sent: its text on the wire, and what the checksum reads of it."""

    level: Level
    text: bytes
    proof: bytes


class _LevelWindow:
    """One side of a book as last sent."""

    def __init__(self, instrument: Instrument, depth: int, side: Side) -> None:
        self._instrument = instrument
        self._depth = depth
        self._is_bid = side is Side.BUY
        self._levels: Sequence[Level] = ()
        self._lines: list[_Line] = []
        self.proof = b""

    def texts(self) -> list[bytes]:
        """Every level of the window, best first, as it is written."""
        return [line.text for line in self._lines]

    def move(self, levels: Sequence[Level]) -> Sequence[bytes]:
        """Take the new window and return what it takes to get there, best level first."""
        if levels == self._levels:
            return ()
        same = _same(self._levels, levels)
        held = self._lines[same:]
        lines = self._lines[:same]
        said: list[bytes] = []
        at = 0
        for level in levels[same:]:
            line = None
            while at < len(held) and line is None:
                before = held[at].level
                if before is level:
                    line = held[at]
                elif self._is_better(before, level):
                    said.append(self._gone(before))
                elif before.price != level.price:
                    break  # it comes later, if it is still there
                else:
                    line = self._written(level)
                    said.append(line.text)
                at += 1
            if line is None:
                line = self._written(level)
                said.append(line.text)
            lines.append(line)
        if len(levels) < self._depth:
            # What the client still holds below was not pushed out: it is gone.
            said += [self._gone(line.level) for line in held[at:]]
        self._levels, self._lines = levels, lines
        self.proof = b"".join([line.proof for line in lines[:DEPTH_PROVED]])
        return said

    def _is_better(self, one: Level, other: Level) -> bool:
        return one.price > other.price if self._is_bid else one.price < other.price

    def _written(self, level: Level) -> _Line:
        price = plain(level.price, self._instrument.price_precision)
        quantity = plain(level.quantity, self._instrument.quantity_precision)
        text = b'{"price":%s,"qty":%s}' % (price, quantity)
        return _Line(level, text, digits(price) + digits(quantity))

    def _gone(self, level: Level) -> bytes:
        price = plain(level.price, self._instrument.price_precision)
        zero = plain(level.quantity * 0, self._instrument.quantity_precision)
        return b'{"price":%s,"qty":%s}' % (price, zero)


class Level3Stream:
    """Every order of the best `depth` levels a side, and changes to them."""

    def __init__(self, view: MarketView, instrument: Instrument, depth: int) -> None:
        self._view = view
        self._instrument = instrument
        self._depth = depth
        self._bids = _OrderWindow(instrument, depth, Side.BUY)
        self._asks = _OrderWindow(instrument, depth, Side.SELL)

    def snapshot(self, now_ns: int) -> bytes:
        """All orders of the window, best level first, then in queue order."""
        self._move()
        return self._frame(b"snapshot", self._bids.orders(), self._asks.orders(), now_ns)

    def update(self, now_ns: int) -> bytes | None:
        """The orders that came, changed or went."""
        bids, asks = self._move()
        if not bids and not asks:
            return None
        return self._frame(b"update", bids, asks, now_ns)

    def _move(self) -> tuple[Sequence[bytes], Sequence[bytes]]:
        book = self._view.book(self._instrument.symbol)
        return (
            self._bids.move(list(book.bids.queues(self._depth))),
            self._asks.move(list(book.asks.queues(self._depth))),
        )

    def _frame(
        self, kind: bytes, bids: Sequence[bytes], asks: Sequence[bytes], now_ns: int
    ) -> bytes:
        return (
            b'{"channel":"level3","type":"%s","data":[{"checksum":%d,"symbol":"%s","bids":[%s],'
            b'"asks":[%s],"timestamp":"%s"}]}'
        ) % (
            kind,
            crc32(self._bids.proof, crc32(self._asks.proof)),
            self._instrument.venue_symbol.encode(),
            b",".join(bids),
            b",".join(asks),
            nanos(now_ns),
        )


class _OrderWindow:
    """One side of a level 3 book as last sent: its queues, best level first."""

    def __init__(self, instrument: Instrument, depth: int, side: Side) -> None:
        self._instrument = instrument
        self._depth = depth
        self._is_bid = side is Side.BUY
        self._queues: list[list[RestingOrder]] = []
        self.proof = b""

    def move(self, queues: list[list[RestingOrder]]) -> Sequence[bytes]:
        """Take the new window and return what it takes to get there, level by level."""
        old = self._queues
        if queues == old:
            return ()
        said: list[bytes] = []
        at = 0
        for queue in queues:
            while at < len(old) and self._is_better(old[at][0], queue[0]):
                said += [self._event(b"delete", order) for order in old[at]]
                at += 1
            if at < len(old) and old[at][0].price == queue[0].price:
                said += self._changes(old[at], queue)
                at += 1
            else:
                said += [self._event(b"add", order) for order in queue]
        if len(queues) < self._depth:
            said += [self._event(b"delete", order) for gone in old[at:] for order in gone]
        self._queues = queues
        self.proof = self._proof()
        return said

    def orders(self) -> list[bytes]:
        """Every order of the window as a snapshot writes it."""
        return [
            b"{%s}" % order_text(order, self._instrument)
            for queue in self._queues
            for order in queue
        ]

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
        said = [self._event(b"delete", order) for order in old if order.order_id not in kept]
        for order in new:
            before = held.get(order.order_id) if order.order_id in kept else None
            if before is None:
                said.append(self._event(b"add", order))
            elif before != order:
                said.append(self._event(b"modify", order))
        return said

    def _event(self, event: bytes, order: RestingOrder) -> bytes:
        return b'{"event":"%s",%s}' % (event, order_text(order, self._instrument))

    def _is_better(self, one: RestingOrder, other: RestingOrder) -> bool:
        return one.price > other.price if self._is_bid else one.price < other.price


class TradeStream:
    """Trades, each once, in order."""

    def __init__(self, view: MarketView, instrument: Instrument) -> None:
        self._view = view
        self._instrument = instrument
        self._told = _last_trade(view, instrument.symbol)

    def snapshot(self, now_ns: int) -> bytes:  # noqa: ARG002 - trades carry their own times
        """The last fifty trades."""
        self._told = _last_trade(self._view, self._instrument.symbol)
        return self._frame(b"snapshot", _SNAPSHOT_TRADES)

    def update(self, now_ns: int) -> bytes | None:  # noqa: ARG002
        """The trades since the last frame."""
        last = _last_trade(self._view, self._instrument.symbol)
        if last == self._told:
            return None
        fresh, self._told = last - self._told, last
        return self._frame(b"update", fresh)

    def _frame(self, kind: bytes, count: int) -> bytes:
        trades = self._view.trades(self._instrument.symbol, count)
        texts = [trade_text(trade, self._instrument) for trade in trades]
        return b'{"channel":"trade","type":"%s","data":[%s]}' % (kind, b",".join(texts))


class TickerStream:
    """The market in one line, at each trade or (`bbo`) each change of the best levels."""

    def __init__(self, view: MarketView, instrument: Instrument, trigger: str) -> None:
        self._view = view
        self._instrument = instrument
        self._at_trades = trigger == "trades"
        self._seen = self._sign()

    def snapshot(self, now_ns: int) -> bytes:
        """The line as it is now."""
        self._seen = self._sign()
        return self._frame(b"snapshot", now_ns)

    def update(self, now_ns: int) -> bytes | None:
        """The line, if what triggers it happened."""
        sign = self._sign()
        if sign == self._seen:
            return None
        self._seen = sign
        return self._frame(b"update", now_ns)

    def _sign(self) -> object:
        symbol = self._instrument.symbol
        if self._at_trades:
            return _last_trade(self._view, symbol)
        return self._view.levels(symbol, Side.BUY, 1), self._view.levels(symbol, Side.SELL, 1)

    def _frame(self, kind: bytes, now_ns: int) -> bytes:
        ticker = self._view.ticker(self._instrument.symbol)
        text = ticker_text(ticker, self._instrument, now_ns)
        return b'{"channel":"ticker","type":"%s","data":[%s]}' % (kind, text)


class CandleStream:
    """Candles of one interval: the running one again with each trade."""

    def __init__(self, view: MarketView, instrument: Instrument, interval_s: int) -> None:
        self._view = view
        self._instrument = instrument
        self._interval_s = interval_s
        self._told = _last_trade(view, instrument.symbol)

    def snapshot(self, now_ns: int) -> bytes:
        """Several past candles and the running one."""
        self._told = _last_trade(self._view, self._instrument.symbol)
        return self._frame(b"snapshot", _SNAPSHOT_CANDLES, now_ns)

    def update(self, now_ns: int) -> bytes | None:
        """The running candle, if there was a trade."""
        last = _last_trade(self._view, self._instrument.symbol)
        if last == self._told:
            return None
        self._told = last
        return self._frame(b"update", 1, now_ns)

    def _frame(self, kind: bytes, count: int, now_ns: int) -> bytes:
        candles = self._view.candles(self._instrument.symbol, self._interval_s, count)
        texts = [candle_text(candle, self._instrument) for candle in candles]
        return b'{"channel":"ohlc","type":"%s","timestamp":"%s","data":[%s]}' % (
            kind,
            nanos(now_ns),
            b",".join(texts),
        )


_SNAPSHOT_TRADES = 50
_SNAPSHOT_CANDLES = 10


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


def _last_trade(view: MarketView, symbol: Symbol) -> int:
    trades = view.trades(symbol, 1)
    return int(trades[0].trade_id) if trades else 0
