"""One subscription each, from the venue's chair: what the client was told, and what is new.

A stream gives the `events` of a frame; the server puts them in its numbered envelope. Live frames
are the model: trades newest first, candles oldest first, numbers without trailing zeros
(recording of 2026-08-09, bmoscon/cryptofeed sample_data/COINBASE.jsonl.zst @ 57d5f18d6098).
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec
from msgspec import Struct

from fluxum.model.instrument import Symbol
from fluxum.model.market import Level, Side
from fluxum.venues.coinbase.advanced import native
from fluxum.venues.coinbase.instants import instant_text
from fluxum.venues.coinbase.server.formats import plain, seconds
from fluxum.venues.server.book_diff import BookWindow
from fluxum.venues.server.contract import MarketView
from fluxum.venues.server.formats import number

__all__ = ["CHANNELS", "Stream", "make_stream"]

CHANNELS = ("level2", "market_trades", "ticker", "ticker_batch", "candles", "status")
"""What this server streams of a product."""

_SNAPSHOT_TRADES = 100
_SNAPSHOT_CANDLES = 100
_INTERVAL_S = 300
_BATCH_NS = 5_000_000_000

_encode = msgspec.json.Encoder().encode


class Stream(Protocol):
    """One accepted subscription of one client to one product; `channel` is that of its frames."""

    channel: str

    def snapshot(self, now_ns: int) -> bytes:
        """The whole state as an `events` list, from which updates go on."""
        ...

    def update(self, now_ns: int) -> bytes | None:
        """What changed since the last frame, or none."""
        ...


def make_stream(channel: str, view: MarketView, symbol: Symbol, product: str) -> Stream:
    """The stream of one of CHANNELS; its frames name `product`."""
    match channel:
        case "level2":
            return _Book(view, symbol, product)
        case "market_trades":
            return _Trades(view, symbol, product)
        case "ticker" | "ticker_batch":
            return _Ticker(view, symbol, product, channel)
        case "status":
            return _Status(view, symbol, product)
        case _:
            assert channel == "candles", channel
            return _Candles(view, symbol, product)


class _Row(Struct):
    side: str
    event_time: str
    price_level: str
    new_quantity: str


class _BookEvent(Struct):
    type: native.Kind
    product_id: str
    updates: list[_Row]


class _Book:
    """All levels, and changes to them."""

    channel = "l2_data"

    def __init__(self, view: MarketView, symbol: Symbol, product: str) -> None:
        self._window = BookWindow(view, symbol)
        self._product = product

    def snapshot(self, now_ns: int) -> bytes:
        """All levels, bids before asks, best first."""
        return self._event("snapshot", *self._window.whole(), now_ns)

    def update(self, now_ns: int) -> bytes | None:
        """The levels that changed."""
        changes = self._window.changes()
        return None if changes is None else self._event("update", *changes, now_ns)

    def _event(
        self, kind: native.Kind, bids: Sequence[Level], asks: Sequence[Level], now_ns: int
    ) -> bytes:
        time = instant_text(now_ns)
        rows = [
            _Row(side, time, number(level.price), number(level.quantity))
            for side, levels in (("bid", bids), ("offer", asks))
            for level in levels
        ]
        return _encode([_BookEvent(kind, self._product, rows)])


class _Trades:
    """Trades, each once."""

    channel = "market_trades"

    def __init__(self, view: MarketView, symbol: Symbol, product: str) -> None:
        self._view = view
        self._symbol = symbol
        self._product = product
        self._told = _last_trade(view, symbol)

    def snapshot(self, now_ns: int) -> bytes:  # noqa: ARG002 - trades carry their own times
        """The last hundred trades."""
        self._told = _last_trade(self._view, self._symbol)
        return self._event("snapshot", _SNAPSHOT_TRADES)

    def update(self, now_ns: int) -> bytes | None:  # noqa: ARG002
        """The trades since the last frame."""
        last = _last_trade(self._view, self._symbol)
        if last == self._told:
            return None
        fresh, self._told = last - self._told, last
        return self._event("update", fresh)

    def _event(self, kind: native.Kind, count: int) -> bytes:
        trades = [
            native.Trade(
                product_id=self._product,
                trade_id=one.trade_id,
                price=number(one.price),
                size=number(one.quantity),
                time=instant_text(one.venue_ns or 0),
                side="SELL" if one.side is Side.BUY else "BUY",
            )
            for one in reversed(self._view.trades(self._symbol, count))
        ]
        return _encode([native.TradeEvent(kind, tuple(trades))])


class _TickerEvent(Struct):
    type: native.Kind
    tickers: list[dict[str, str]]


class _Ticker:
    """The market in one line, at each trade; in batches at most every five seconds, unquoted."""

    def __init__(self, view: MarketView, symbol: Symbol, product: str, channel: str) -> None:
        self.channel = channel
        self._view = view
        self._symbol = symbol
        self._product = product
        self._told = _last_trade(view, symbol)
        self._told_ns = 0

    def snapshot(self, now_ns: int) -> bytes:
        """The line as it is now."""
        self._told, self._told_ns = _last_trade(self._view, self._symbol), now_ns
        return self._event("snapshot")

    def update(self, now_ns: int) -> bytes | None:
        """The line, if there was a trade."""
        last = _last_trade(self._view, self._symbol)
        if last == self._told:
            return None
        if self.channel == "ticker_batch" and now_ns - self._told_ns < _BATCH_NS:
            return None
        self._told, self._told_ns = last, now_ns
        return self._event("update")

    def _event(self, kind: native.Kind) -> bytes:
        ticker = self._view.ticker(self._symbol)
        line = {
            "type": "ticker",
            "product_id": self._product,
            "price": plain(ticker.last),
            "volume_24_h": plain(ticker.volume),
            "low_24_h": plain(ticker.low),
            "high_24_h": plain(ticker.high),
            "low_52_w": plain(ticker.low),
            "high_52_w": plain(ticker.high),
            "price_percent_chg_24_h": plain(ticker.change_percent),
        }
        if self.channel == "ticker":
            line |= {
                "best_bid": plain(ticker.bid),
                "best_ask": plain(ticker.ask),
                "best_bid_quantity": plain(ticker.bid_quantity),
                "best_ask_quantity": plain(ticker.ask_quantity),
            }
        return _encode([_TickerEvent(kind, [line])])


class _Candles:
    """Candles of five minutes: the running one again with each trade."""

    channel = "candles"

    def __init__(self, view: MarketView, symbol: Symbol, product: str) -> None:
        self._view = view
        self._symbol = symbol
        self._product = product
        self._told = _last_trade(view, symbol)

    def snapshot(self, now_ns: int) -> bytes:  # noqa: ARG002 - the envelope has the time
        """The last hundred candles."""
        self._told = _last_trade(self._view, self._symbol)
        return self._event("snapshot", _SNAPSHOT_CANDLES)

    def update(self, now_ns: int) -> bytes | None:  # noqa: ARG002
        """The running candle, if there was a trade."""
        last = _last_trade(self._view, self._symbol)
        if last == self._told:
            return None
        self._told = last
        return self._event("update", 1)

    def _event(self, kind: native.Kind, count: int) -> bytes:
        candles = [
            native.Candle(
                start=str(seconds(one)),
                high=number(one.high),
                low=number(one.low),
                open=number(one.open),
                close=number(one.close),
                volume=number(one.volume),
                product_id=self._product,
            )
            for one in self._view.candles(self._symbol, _INTERVAL_S, count)
        ]
        return _encode([native.CandleEvent(kind, tuple(candles))])


class _Status:
    """A market's rules, which never change here.

    `{"channel":"status","events":[{"type":"snapshot","products":[{"product_type":"SPOT",
    "id":"BTC-USD","base_currency":"BTC","quote_currency":"USD","base_increment":"0.00000001",
    "quote_increment":"0.01","display_name":"BTC/USD","status":"online","status_message":"",
    "min_market_funds":"1"}]}]}`
    """

    channel = "status"

    def __init__(self, view: MarketView, symbol: Symbol, product: str) -> None:
        (self._instrument,) = (one for one in view.instruments() if one.symbol == symbol)
        self._product = product

    def snapshot(self, now_ns: int) -> bytes:  # noqa: ARG002 - the envelope has the time
        """The rules as they are."""
        one = self._instrument
        product = {
            "product_type": "SPOT",
            "id": self._product,
            "base_currency": one.base,
            "quote_currency": one.quote,
            "base_increment": number(one.lot),
            "quote_increment": number(one.tick),
            "display_name": str(one.symbol),
            "status": one.status.value,
            "status_message": "",
            "min_market_funds": plain(one.notional_min),
        }
        return _encode([{"type": "snapshot", "products": [product]}])

    def update(self, now_ns: int) -> bytes | None:  # noqa: ARG002
        """Nothing new."""
        return None


def _last_trade(view: MarketView, symbol: Symbol) -> int:
    trades = view.trades(symbol, 1)
    return int(trades[0].trade_id) if trades else 0
