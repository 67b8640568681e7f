"""One subscription each of the simulated Advanced Trade: what the client was sent, and what is new.

A stream writes the `events` of a frame, the server puts them in its numbered envelope. Live frames
are the model: trades newest first, candles oldest first, numbers without trailing zeros
(recording of 2026-08-09, bmoscon/cryptofeed sample_data/COINBASE.jsonl.zst @ 57d5f18d6098).
"""

from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct

from fluxum.model.instrument import Symbol
from fluxum.model.market import Side, Trade
from fluxum.venues.coinbase.advanced import native
from fluxum.venues.coinbase.instants import instant_text
from fluxum.venues.coinbase.server.formats import plain, seconds
from fluxum.venues.server.book_diff import BookWindow, ChangeStream, Kind, Sides
from fluxum.venues.server.contract import MarketView
from fluxum.venues.server.formats import number
from fluxum.venues.server.streams import Stream, TradeCursor

__all__ = ["CHANNELS", "make_stream"]

CHANNELS = ("level2", "market_trades", "ticker", "ticker_batch", "candles", "status")
"""What this server streams of a product."""

_SNAPSHOT_TRADES = 100
_SNAPSHOT_CANDLES = 100
_INTERVAL_S = 300
_PAUSES_NS = {"ticker_batch": 5_000_000_000, "status": 1 << 62}  # rules never change here

_encode = msgspec.json.Encoder().encode


_Envelope = Callable[[str, bytes, int], bytes]
"""Makes a frame of the name of a channel, its events and the time."""


def make_stream(
    channel: str, view: MarketView, symbol: Symbol, product: str, envelope: _Envelope
) -> Stream:
    """The stream of one of CHANNELS; its frames name `product`."""
    if channel == "level2":
        return _book(view, symbol, product, envelope)
    events = {
        "market_trades": _trades,
        "ticker": _ticker,
        "ticker_batch": _ticker_batch,
        "candles": _candles,
        "status": _status,
    }[channel]

    def frame(kind: native.Kind, count: int, now_ns: int) -> bytes:
        return envelope(channel, events(view, symbol, product, kind, count), now_ns)

    return _TradeDriven(frame, TradeCursor(view, symbol), _PAUSES_NS.get(channel, 0))


class _TradeDriven:
    """A snapshot, then an update at each trade, at most once in a pause; see Stream."""

    def __init__(
        self,
        frame: Callable[[native.Kind, int, int], bytes],
        cursor: TradeCursor,
        pause_ns: int,
    ) -> None:
        self._frame = frame
        self._cursor = cursor
        self._pause_ns = pause_ns
        self._sent_ns = 0

    def begin(self, now_ns: int) -> Sequence[bytes]:
        """The whole state, from which updates go on."""
        self._cursor.advance()
        self._sent_ns = now_ns
        return (self._frame("snapshot", 0, now_ns),)

    def update(self, now_ns: int) -> Sequence[bytes]:
        """What changed since the last frame, if there was a trade."""
        if now_ns - self._sent_ns < self._pause_ns:
            return ()
        count = self._cursor.advance()
        if not count:
            return ()
        self._sent_ns = now_ns
        return (self._frame("update", count, now_ns),)


class _Row(Struct):
    side: str
    event_time: str
    price_level: str
    new_quantity: str


class _BookEvent(Struct):
    type: native.Kind
    product_id: str
    updates: list[_Row]


def _book(view: MarketView, symbol: Symbol, product: str, envelope: _Envelope) -> ChangeStream:
    """All levels, bids before asks, best first, and changes to them."""

    def frame(kind: Kind, sides: Sides, now_ns: int) -> bytes:
        time = instant_text(now_ns)
        rows = [
            _Row(side, time, number(level.price), number(level.quantity))
            for side, levels in zip(("bid", "offer"), sides, strict=True)
            for level in levels
        ]
        return envelope("l2_data", _encode([_BookEvent(kind, product, rows)]), now_ns)

    return ChangeStream(BookWindow(view, symbol), frame)


def _trades(view: MarketView, symbol: Symbol, product: str, kind: native.Kind, count: int) -> bytes:
    """Trades, each once; first the last hundred."""
    listed = view.trades(symbol, count or _SNAPSHOT_TRADES)
    trades = tuple(_trade(product, one) for one in reversed(listed))
    return _encode([native.TradeEvent(kind, trades)])


def _trade(product: str, one: Trade) -> native.Trade:
    return native.Trade(
        product_id=product,
        trade_id=one.trade_id,
        price=number(one.price),
        size=number(one.quantity),
        time=instant_text(one.venue_ns or 0),
        side="SELL" if one.side is Side.BUY else "BUY",
    )


class _TickerEvent(Struct):
    type: native.Kind
    tickers: list[dict[str, str]]


def _ticker(
    view: MarketView, symbol: Symbol, product: str, kind: native.Kind, _count: int
) -> bytes:
    """The market in one line, with its quotes."""
    ticker = view.ticker(symbol)
    quotes = {
        "best_bid": plain(ticker.bid),
        "best_ask": plain(ticker.ask),
        "best_bid_quantity": plain(ticker.bid_quantity),
        "best_ask_quantity": plain(ticker.ask_quantity),
    }
    return _encode([_TickerEvent(kind, [_line(view, symbol, product) | quotes])])


def _ticker_batch(
    view: MarketView, symbol: Symbol, product: str, kind: native.Kind, _count: int
) -> bytes:
    """The market in one line, without quotes; at most every five seconds."""
    return _encode([_TickerEvent(kind, [_line(view, symbol, product)])])


def _line(view: MarketView, symbol: Symbol, product: str) -> dict[str, str]:
    ticker = view.ticker(symbol)
    return {
        "type": "ticker",
        "product_id": product,
        "price": plain(ticker.last),
        "volume_24_h": plain(ticker.volume),
        "low_24_h": plain(ticker.low),
        "high_24_h": plain(ticker.high),
        "low_52_w": plain(ticker.low),
        "high_52_w": plain(ticker.high),
        "price_percent_chg_24_h": plain(ticker.change_percent),
    }


def _candles(
    view: MarketView, symbol: Symbol, product: str, kind: native.Kind, count: int
) -> bytes:
    """Candles of five minutes: the last hundred, then the running one again with each trade."""
    candles = [
        native.Candle(
            start=str(seconds(one)),
            high=number(one.high),
            low=number(one.low),
            open=number(one.open),
            close=number(one.close),
            volume=number(one.volume),
            product_id=product,
        )
        for one in view.candles(symbol, _INTERVAL_S, 1 if count else _SNAPSHOT_CANDLES)
    ]
    return _encode([native.CandleEvent(kind, tuple(candles))])


def _status(
    view: MarketView, symbol: Symbol, product: str, kind: native.Kind, _count: int
) -> bytes:
    """A market's rules.

    `{"channel":"status","events":[{"type":"snapshot","products":[{"product_type":"SPOT",
    "id":"BTC-USD","base_currency":"BTC","quote_currency":"USD","base_increment":"0.00000001",
    "quote_increment":"0.01","display_name":"BTC/USD","status":"online","status_message":"",
    "min_market_funds":"1"}]}]}`
    """
    (one,) = (one for one in view.instruments() if one.symbol == symbol)
    rules = {
        "product_type": "SPOT",
        "id": product,
        "base_currency": one.base,
        "quote_currency": one.quote,
        "base_increment": number(one.lot),
        "quote_increment": number(one.tick),
        "display_name": str(one.symbol),
        "status": one.status.value,
        "status_message": "",
        "min_market_funds": plain(one.notional_min),
    }
    return _encode([{"type": kind, "products": [rules]}])
