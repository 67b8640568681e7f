"""The Exchange's public REST calls, for the simulator.

Source: https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/introduction and the
pages of each call. Prices of candles are JSON numbers; the side of a trade is the maker's.
"""

from collections.abc import Sequence

from msgspec import Raw

from fluxum.errors import BadInput
from fluxum.model.instant import parse_rfc3339
from fluxum.model.instrument import Instrument
from fluxum.model.market import Level, Side
from fluxum.venues.coinbase.calls import Call, answer, count, not_found, read_call
from fluxum.venues.coinbase.instants import instant_text
from fluxum.venues.coinbase.plaintext import plain, seconds
from fluxum.venues.plaintext import number
from fluxum.venues.venue import Answer, Fetch, MarketView

__all__ = ["ExchangeRest"]

_LEVELS = {1: 1, 2: 100_000}
_TRADES_MAX = 1000
_CANDLES_MAX = 300
_GRANULARITIES = (60, 300, 900, 3600, 21_600, 86_400)
_SEQUENCES_PER_MOVE = 100
_FAR_NS = 1 << 62


class ExchangeRest:
    """The public calls of a simulated Exchange; see RestServer."""

    def __init__(self, view: MarketView) -> None:
        self._view = view
        self._instruments = {one.venue_symbol: one for one in view.instruments()}

    def answer(self, call: Fetch, now_ns: int) -> Answer:
        """The answer to any call."""
        asked = read_call(call)
        if asked.method != "GET":
            return not_found()
        match asked.parts:
            case ("time",):
                epoch = Raw(b"%d.%03d" % divmod(now_ns // 1_000_000, 1000))
                return answer({"iso": instant_text(now_ns), "epoch": epoch})
            case ("products",):
                return answer([_line(one) for one in self._instruments.values()])
            case ("products", name):
                return self._product("", name, asked, now_ns)
            case ("products", name, part):
                return self._product(part, name, asked, now_ns)
            case _:
                return not_found()

    def _product(self, part: str, name: str, call: Call, now_ns: int) -> Answer:
        one = self._instruments.get(name)
        if one is None:
            return not_found()
        match part:
            case "":
                return answer(_line(one))
            case "book":
                return self._book(one, call, now_ns)
            case "ticker":
                return self._ticker(one, now_ns)
            case "stats":
                return self._stats(one)
            case "trades":
                return self._trades(one, count(call, "limit", _TRADES_MAX, _TRADES_MAX))
            case "candles":
                return self._candles(one, call)
            case _:
                return not_found()

    def _book(self, one: Instrument, call: Call, now_ns: int) -> Answer:
        levels = _LEVELS.get(count(call, "level", 1, 3))
        if levels is None:
            return answer({"message": "level 3 is not simulated"}, 400)
        return answer(
            {
                "bids": _rows(self._view.levels(one.symbol, Side.BUY, levels)),
                "asks": _rows(self._view.levels(one.symbol, Side.SELL, levels)),
                "sequence": self._view.revision(one.symbol) * _SEQUENCES_PER_MOVE,
                "auction_mode": False,
                "auction": None,
                "time": instant_text(now_ns),
            }
        )

    def _ticker(self, one: Instrument, now_ns: int) -> Answer:
        ticker = self._view.ticker(one.symbol)
        trades = self._view.trades(one.symbol, 1)
        return answer(
            {
                "ask": plain(ticker.ask),
                "bid": plain(ticker.bid),
                "volume": plain(ticker.volume),
                "trade_id": int(trades[-1].trade_id) if trades else 0,
                "price": plain(ticker.last),
                "size": plain(trades[-1].quantity) if trades else "",
                "time": instant_text(now_ns),
            }
        )

    def _stats(self, one: Instrument) -> Answer:
        ticker = self._view.ticker(one.symbol)
        return answer(
            {
                "open": plain(ticker.open),
                "high": plain(ticker.high),
                "low": plain(ticker.low),
                "last": plain(ticker.last),
                "volume": plain(ticker.volume),
                "volume_30day": plain(ticker.volume),
            }
        )

    def _trades(self, one: Instrument, limit: int) -> Answer:
        trades = [
            {
                "trade_id": int(trade.trade_id),
                "side": trade.side.opposite.value,
                "size": plain(trade.quantity),
                "price": plain(trade.price),
                "time": instant_text(trade.venue_ns or 0),
            }
            for trade in reversed(self._view.trades(one.symbol, limit))
        ]
        return answer(trades)

    def _candles(self, one: Instrument, call: Call) -> Answer:
        interval_s = count(call, "granularity", 60, 86_400)
        if interval_s not in _GRANULARITIES:
            return answer({"message": "Unsupported granularity"}, 400)
        try:
            begin_ns = parse_rfc3339(call.query["start"]) if "start" in call.query else 0
            end_ns = parse_rfc3339(call.query["end"]) if "end" in call.query else _FAR_NS
        except BadInput:
            return answer({"message": "Invalid start or end"}, 400)
        candles = self._view.candles(one.symbol, interval_s, _CANDLES_MAX)
        rows = [
            [
                seconds(candle),
                *(
                    Raw(number(value).encode())
                    for value in (candle.low, candle.high, candle.open, candle.close, candle.volume)
                ),
            ]
            for candle in reversed(candles)
            if begin_ns <= candle.start_ns <= end_ns
        ]
        return answer(rows)


def _line(one: Instrument) -> dict[str, object]:
    return {
        "id": one.venue_symbol,
        "base_currency": one.base,
        "quote_currency": one.quote,
        "quote_increment": plain(one.tick),
        "base_increment": plain(one.lot),
        "display_name": str(one.symbol),
        "min_market_funds": plain(one.notional_min),
        "margin_enabled": False,
        "post_only": False,
        "limit_only": False,
        "cancel_only": False,
        "status": one.status.value,
        "status_message": "",
        "trading_disabled": False,
        "fx_stablecoin": False,
        "max_slippage_percentage": "0.02000000",
        "auction_mode": False,
        "high_bid_limit_percentage": "",
    }


def _rows(levels: Sequence[Level]) -> list[tuple[str, str, int]]:
    return [(plain(one.price), plain(one.quantity), one.orders or 1) for one in levels]
