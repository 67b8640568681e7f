"""The simulated half of Gemini's public REST calls: markets, books, trades, tickers, candles.

Source: https://docs.gemini.com/rest/market-data, 2026-03. Names of markets are taken in either
case. The wording of refusals is not published.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit

import msgspec

from fluxum.model.instrument import Instrument
from fluxum.model.market import Level, Side, Trade
from fluxum.venues.gemini.server.private.rest import AccountRest
from fluxum.venues.gemini.symbols import PERPETUAL, lower, upper
from fluxum.venues.server.contract import Answer, ExchangeView
from fluxum.venues.venue import Fetch

__all__ = ["GeminiRest"]

_LEVELS_DEFAULT, _EVERYTHING = 50, 1_000_000
_TRADES_DEFAULT, _TRADES_MAX, _TRADES_KEPT = 50, 500, 100_000
_CANDLES_MAX = 1000
_HOUR_S, _CHANGES = 3600, 24
# Both spellings are documented, in different places.
_INTERVALS_S = {
    "1m": 60,
    "5m": 300,
    "15m": 900,
    "30m": 1800,
    "1h": 3600,
    "1hr": 3600,
    "6h": 21_600,
    "6hr": 21_600,
    "1d": 86_400,
    "1day": 86_400,
}
_ZERO = Decimal(0)

_Query = dict[str, str]
_encode = msgspec.json.Encoder(decimal_format="number").encode


class GeminiRest:
    """The REST half of a simulated Gemini; see RestServer for what it promises."""

    def __init__(self, view: ExchangeView) -> None:
        self._view = view
        self._account = AccountRest(view)
        self._by_name = {lower(one.symbol): one for one in view.instruments()}
        self._calls: dict[str, Callable[[Instrument, _Query, int], object]] = {
            "v1/symbols/details": self._details,
            "v1/book": self._book,
            "v1/trades": self._trades,
            "v1/pubticker": self._pubticker,
            "v2/ticker": self._ticker,
        }

    def answer(self, call: Fetch, now_ns: int) -> Answer:
        """The answer to any call, sensible or not."""
        parts = urlsplit(call.path)
        path = parts.path.strip("/")
        query = dict(parse_qsl(parts.query))
        if call.method == "POST" and self._account.is_known(call.path):
            return self._account.answer(call, now_ns)
        if call.method != "GET":
            return _refusal(404, "EndpointNotFound", f"no such endpoint: {call.method} /{path}")
        if path == "v1/symbols":
            return Answer(200, _encode(list(self._by_name)))
        if path == "v1/pricefeed":
            return Answer(200, _encode([self._price(one) for one in self._by_name.values()]))
        if path.startswith("v2/candles/"):
            market, _, interval = path.removeprefix("v2/candles/").partition("/")
            return self._candles(market, interval)
        kind, _, market = path.rpartition("/")
        write = self._calls.get(kind)
        if write is None:
            return _refusal(404, "EndpointNotFound", f"no such endpoint: /{path}")
        instrument = self._by_name.get(market.lower())
        if instrument is None:
            return _unknown(market)
        try:
            return Answer(200, _encode(write(instrument, query, now_ns)))
        except ValueError:
            return _refusal(400, "InvalidParameters", f"numbers were expected: {parts.query}")

    def _details(self, instrument: Instrument, query: _Query, now_ns: int) -> object:  # noqa: ARG002
        is_perpetual = instrument.symbol.contract == PERPETUAL
        return {
            "symbol": upper(instrument.symbol),
            "base_currency": instrument.base,
            "quote_currency": instrument.quote,
            "tick_size": instrument.lot,
            "quote_increment": instrument.tick,
            "min_order_size": f"{instrument.quantity_min:f}",
            "status": "open",
            "wrap_enabled": False,
            "product_type": "swap" if is_perpetual else "spot",
            "contract_type": "linear" if is_perpetual else "vanilla",
            "contract_price_currency": instrument.quote,
        }

    def _book(self, instrument: Instrument, query: _Query, now_ns: int) -> object:
        """Levels of either side, best first; a limit of zero is none."""

        def side(one: Side, name: str) -> list[_Query]:
            count = int(query.get(name, _LEVELS_DEFAULT))
            levels = self._view.levels(instrument.symbol, one, count or _EVERYTHING)
            return [_level(level, now_ns) for level in levels]

        return {"bids": side(Side.BUY, "limit_bids"), "asks": side(Side.SELL, "limit_asks")}

    def _trades(self, instrument: Instrument, query: _Query, now_ns: int) -> object:
        """The last trades, or the first ones since an instant or an id, newest first."""
        count = max(min(int(query.get("limit_trades", _TRADES_DEFAULT)), _TRADES_MAX), 0)
        after_id = int(query.get("since_tid", 0))
        after_ms = int(query.get("timestamp", query.get("since", 0)))
        if 0 < after_ms < 10**11:  # seconds are taken as well
            after_ms *= 1000

        def time_ms(trade: Trade) -> int:
            return (trade.venue_ns or now_ns) // 1_000_000

        made = [
            trade
            for trade in self._view.trades(instrument.symbol, _TRADES_KEPT)
            if int(trade.trade_id) > after_id and time_ms(trade) >= after_ms
        ]
        wanted = made[:count] if after_id or after_ms else made[max(len(made) - count, 0) :]
        return [
            {
                "timestamp": time_ms(trade) // 1000,
                "timestampms": time_ms(trade),
                "tid": int(trade.trade_id),
                "price": f"{trade.price:f}",
                "amount": f"{trade.quantity:f}",
                "exchange": "gemini",
                "type": trade.side.value,
            }
            for trade in reversed(wanted)
        ]

    def _ticker(self, instrument: Instrument, query: _Query, now_ns: int) -> object:  # noqa: ARG002
        ticker = self._view.ticker(instrument.symbol)
        hours = self._view.candles(instrument.symbol, _HOUR_S, _CHANGES)
        return {
            "symbol": upper(instrument.symbol),
            "open": _text(ticker.open),
            "high": _text(ticker.high),
            "low": _text(ticker.low),
            "close": _text(ticker.last),
            "changes": [f"{candle.close:f}" for candle in reversed(hours)],
            "bid": _text(ticker.bid),
            "ask": _text(ticker.ask),
        }

    def _pubticker(self, instrument: Instrument, query: _Query, now_ns: int) -> object:  # noqa: ARG002
        ticker = self._view.ticker(instrument.symbol)
        volume = ticker.volume or _ZERO
        return {
            "bid": _text(ticker.bid),
            "ask": _text(ticker.ask),
            "last": _text(ticker.last),
            "volume": {
                str(instrument.base): f"{volume:f}",
                str(instrument.quote): f"{volume * (ticker.vwap or _ZERO):f}",
                "timestamp": now_ns // 1_000_000,
            },
        }

    def _price(self, instrument: Instrument) -> object:
        ticker = self._view.ticker(instrument.symbol)
        return {
            "pair": upper(instrument.symbol),
            "price": _text(ticker.last),
            "percentChange24h": f"{ticker.change_percent or _ZERO:.4f}",
        }

    def _candles(self, market: str, interval: str) -> Answer:
        """Rows of start, open, high, low, close and volume, newest first."""
        instrument = self._by_name.get(market.lower())
        interval_s = _INTERVALS_S.get(interval)
        if instrument is None:
            return _unknown(market)
        if interval_s is None:
            return _refusal(400, "InvalidParameters", f"no such time frame: {interval}")
        candles: Sequence[object] = [
            (one.start_ns // 1_000_000, one.open, one.high, one.low, one.close, one.volume)
            for one in reversed(self._view.candles(instrument.symbol, interval_s, _CANDLES_MAX))
        ]
        return Answer(200, _encode(candles))


def _level(level: Level, now_ns: int) -> _Query:
    return {
        "price": f"{level.price:f}",
        "amount": f"{level.quantity:f}",
        "timestamp": str(now_ns // 1_000_000_000),
    }


def _text(number: Decimal | None) -> str | None:
    return None if number is None else f"{number:f}"


def _unknown(market: str) -> Answer:
    return _refusal(400, "InvalidSymbol", f"Received unknown symbol '{market}'")


def _refusal(status: int, reason: str, message: str) -> Answer:
    return Answer(status, _encode({"result": "error", "reason": reason, "message": message}))
