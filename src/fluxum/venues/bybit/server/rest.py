"""Bybit's simulated REST API: market data, and signed calls, in the documented envelope.

https://bybit-exchange.github.io/docs/v5/guide and /market; nearly every error is HTTP 200 with a
code of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qsl

from fluxum.errors import VenueRefused
from fluxum.model.instrument import Instrument, InstrumentStatus
from fluxum.model.market import Side
from fluxum.venues.bybit import native, topics
from fluxum.venues.bybit.category import Category
from fluxum.venues.bybit.server.formats import rows, side_word
from fluxum.venues.bybit.server.private.rest import AccountRest
from fluxum.venues.bybit.server.streams import ticker_line
from fluxum.venues.server.contract import Answer, ExchangeView
from fluxum.venues.server.formats import millis, number
from fluxum.venues.server.rest_router import query_number
from fluxum.venues.venue import Fetch

__all__ = ["BybitRest"]

Query = Mapping[str, str]
Result = dict[str, object]

_CATEGORIES = frozenset({"spot", "linear", "inverse", "option"})
_STATUS = {InstrumentStatus.ONLINE: "Trading"}
_PARAMETER = "10001"
_CANDLES_MAX = 100_000


class BybitRest:
    """Answers calls about the markets of one category; the other categories list nothing."""

    def __init__(self, view: ExchangeView, category: Category) -> None:
        self._view = view
        self._category = category
        self._account = AccountRest(view, category)
        self._answers: dict[str, Callable[[Query, int], Result]] = {
            "/v5/market/time": self._time,
            "/v5/market/instruments-info": self._instruments,
            "/v5/market/orderbook": self._orderbook,
            "/v5/market/tickers": self._tickers,
            "/v5/market/kline": self._klines,
            "/v5/market/recent-trade": self._trades,
            "/v5/system/status": self._status,
        }

    def answer(self, call: Fetch, now_ns: int) -> Answer:
        """The answer to any call, sensible or not."""
        path, _, query = call.path.partition("?")
        answer = self._answers.get(path)
        is_public = answer is not None and call.method == "GET"
        if not is_public and not self._account.is_known(call.method, path):
            return Answer(404, b"404 page not found")
        result: object = {}
        about_rows: object = {}
        code, message = 0, "OK"
        try:
            if answer is not None and is_public:
                result = answer(dict(parse_qsl(query)), now_ns)
            else:
                result, about_rows = self._account.answer(call, now_ns)
        except VenueRefused as refused:
            code, message = int(refused.code), str(refused)
        envelope = {
            "retCode": code,
            "retMsg": message,
            "result": result,
            "retExtInfo": about_rows,
            "time": millis(now_ns),
        }
        return Answer(200, native.encode(envelope))

    def _time(self, query: Query, now_ns: int) -> Result:  # noqa: ARG002
        return {"timeSecond": str(now_ns // 1_000_000_000), "timeNano": str(now_ns)}

    def _status(self, query: Query, now_ns: int) -> Result:  # noqa: ARG002
        return {"list": []}  # no maintenance is planned

    def _instruments(self, query: Query, now_ns: int) -> Result:  # noqa: ARG002
        markets = [self._listed(one) for one in self._of_category(query)]
        return {"category": query["category"], "list": markets, "nextPageCursor": ""}

    def _orderbook(self, query: Query, now_ns: int) -> Result:
        one = self._one(query)
        depth = _count(query, "limit", 1, 1000)
        revision = self._view.revision(one.symbol)
        return {
            "s": one.venue_symbol,
            "b": rows(self._view.levels(one.symbol, Side.BUY, depth)),
            "a": rows(self._view.levels(one.symbol, Side.SELL, depth)),
            "ts": millis(now_ns),
            "u": revision,
            "seq": revision,
            "cts": millis(now_ns),
        }

    def _tickers(self, query: Query, now_ns: int) -> Result:
        lines = [
            ticker_line(self._view.ticker(one.symbol), one, now_ns)
            for one in self._of_category(query)
        ]
        return {"category": query["category"], "list": lines}

    def _klines(self, query: Query, now_ns: int) -> Result:  # noqa: ARG002
        """The newest that start between two instants, both included, newest first."""
        one = self._one(query, "linear")
        interval_s = topics.INTERVALS_S.get(query.get("interval", ""))
        if interval_s is None:
            raise VenueRefused("Invalid period!", _PARAMETER)
        count = _count(query, "limit", 200, 1000)
        first, last = _number(query, "start", 0), _number(query, "end", 10**15)
        found = [
            candle
            for candle in self._view.candles(one.symbol, interval_s, _CANDLES_MAX)
            if first <= millis(candle.start_ns) <= last
        ][-count:]
        listed = [
            [
                str(millis(candle.start_ns)),
                *map(number, (candle.open, candle.high, candle.low, candle.close)),
                number(candle.volume),
                number(candle.volume * (candle.vwap or candle.close)),
            ]
            for candle in reversed(found)
        ]
        category = query.get("category", "linear")
        return {"category": category, "symbol": one.venue_symbol, "list": listed}

    def _trades(self, query: Query, now_ns: int) -> Result:
        one = self._one(query)
        count = _count(query, "limit", 60, 60 if self._category.name == "spot" else 1000)
        listed = [
            {
                "execId": trade.trade_id,
                "symbol": one.venue_symbol,
                "price": number(trade.price),
                "size": number(trade.quantity),
                "side": side_word(trade.side),
                "time": str(millis(trade.venue_ns or now_ns)),
                "isBlockTrade": False,
                "isRPITrade": False,
                "seq": str(self._view.revision(one.symbol)),
            }
            for trade in reversed(self._view.trades(one.symbol, count))
        ]
        return {"category": query["category"], "list": listed}

    def _of_category(self, query: Query, usual: str = "") -> Sequence[Instrument]:
        category = query.get("category", usual)
        if category not in _CATEGORIES:
            raise VenueRefused("Illegal category", _PARAMETER)
        if category != self._category.name:
            return ()
        wanted = query.get("symbol")
        return [one for one in self._view.instruments() if wanted in {None, one.venue_symbol}]

    def _one(self, query: Query, usual: str = "") -> Instrument:
        found = self._of_category(query, usual) if query.get("symbol") else ()
        if not found:
            raise VenueRefused("Not supported symbols", _PARAMETER)
        return found[0]

    def _listed(self, one: Instrument) -> Result:
        status = _STATUS.get(one.status, "PreLaunch")
        known: Result = {
            "symbol": one.venue_symbol,
            "status": status,
            "baseCoin": one.base,
            "quoteCoin": one.quote,
            "priceFilter": {"minPrice": number(one.tick), "tickSize": number(one.tick)},
        }
        least, notional = number(one.quantity_min), number(one.notional_min)
        if self._category.name == "spot":
            lots = {
                "basePrecision": number(one.lot),
                "quotePrecision": number(one.tick * one.lot),
                "minOrderQty": least,
                "maxOrderQty": "1000000",
                "minOrderAmt": notional,
                "maxOrderAmt": "8000000",
                "maxLimitOrderQty": "1000000",
                "maxMarketOrderQty": "500000",
            }
            return {**known, "innovation": "0", "marginTrading": "none", "lotSizeFilter": lots}
        is_perpetual = one.symbol.contract == "PERP"
        lots = {
            "maxOrderQty": "1000000",
            "minOrderQty": least,
            "qtyStep": number(one.lot),
            "maxMktOrderQty": "500000",
            "minNotionalValue": notional,
        }
        return {
            **known,
            "contractType": "LinearPerpetual" if is_perpetual else "LinearFutures",
            "launchTime": str(millis(one.venue_ns or 0)),
            "deliveryTime": "0",
            "deliveryFeeRate": "",
            "priceScale": str(one.price_precision),
            "leverageFilter": {"minLeverage": "1", "maxLeverage": "50.00", "leverageStep": "0.01"},
            "lotSizeFilter": lots,
            "settleCoin": one.quote,
        }


def _number(query: Query, name: str, default: int, digits_max: int = 15) -> int:
    return query_number(query, name, default, _invalid(name), digits_max=digits_max)


def _count(query: Query, name: str, default: int, count_max: int) -> int:
    count = _number(query, name, default, 9)
    if count < 1:
        raise _invalid(name)
    return min(count, count_max)


def _invalid(name: str) -> VenueRefused:
    return VenueRefused(f"params error: {name} invalid", _PARAMETER)
