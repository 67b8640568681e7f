"""Binance's REST half, for the simulator: public market data in the documented shapes.

Sources: https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md and
https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api. What
other people's clients read first, the list of markets, is as complete as the documents have it.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

import msgspec

from fluxum.model.instrument import Instrument
from fluxum.model.market import Side
from fluxum.venues.binance import native
from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.server.exchange_info import exchange_info
from fluxum.venues.binance.server.formats import plain, rows, span_of, turnover
from fluxum.venues.binance.server.history import (
    Params,
    list_agg_trades,
    list_klines,
    list_trades,
    whole,
)
from fluxum.venues.binance.server.snapshots import Snapshots
from fluxum.venues.server.contract import Answer, MarketView
from fluxum.venues.server.formats import millis
from fluxum.venues.venue import Fetch

__all__ = ["BinanceRest"]

_MINUTE_NS = 60_000_000_000
_Call = Callable[[Params, int], Any]


class _View(MarketView, Protocol):
    """What REST calls see of a simulated exchange."""

    @property
    def status(self) -> str:
        """The engine's status, by its name in VenueStatus."""
        ...


class BinanceRest:
    """Public calls to a simulated Binance; see RestServer.

    What they weigh is counted by the minutes of its clock, and what is too much is refused.
    """

    def __init__(self, policy: Policy, snapshots: Snapshots, view: _View) -> None:
        self._policy = policy
        self._snapshots = snapshots
        self._view = view
        self._instruments = {one.venue_symbol: one for one in view.instruments()}
        self._minute = 0
        self._used = 0
        self._calls: dict[str, _Call] = {
            "ping": lambda _params, _now_ns: {},
            "time": lambda _params, now_ns: {"serverTime": millis(now_ns)},
            "exchangeInfo": self._exchange_info,
            "depth": self._depth,
            "trades": self._listed(list_trades),
            "historicalTrades": self._listed(list_trades),
            "aggTrades": self._listed(list_agg_trades),
            "klines": self._listed(partial(list_klines, policy)),
            "ticker/24hr": self._ticker,
            "ticker/bookTicker": self._book_ticker,
            "ticker/price": self._price,
        }
        self._names = {f"{policy.rest}{name}": name for name in self._calls}
        if policy.is_futures:
            self._names["/fapi/v2/ticker/price"] = "ticker/price"
        # Clients of all of Binance's markets ask for each list; those of the others are empty.
        lists = (f"{rest}exchangeInfo" for rest in ("/api/v3/", "/fapi/v1/", "/dapi/v1/"))
        self._elsewhere = {path for path in lists if path not in self._names}

    def answer(self, call: Fetch, now_ns: int) -> Answer:
        """The answer to any call; errors are `{"code":-1121,"msg":"Invalid symbol."}`."""
        url = urlsplit(call.path)
        if url.path == self._policy.status and call.method == "GET":
            is_normal = self._view.status != "maintenance"
            said = (0, "normal") if is_normal else (1, "system maintenance")
            return Answer(200, native.encode({"status": said[0], "msg": said[1]}))
        if url.path in self._elsewhere and call.method == "GET":
            return Answer(200, native.encode(exchange_info(self._policy, (), now_ns)))
        name = self._names.get(url.path)
        if name is None or call.method != "GET":
            return Answer(404, b"")
        params = dict(parse_qsl(url.query))
        self._weigh(name, params, now_ns)
        used = {"X-MBX-USED-WEIGHT-1M": str(self._used)}
        if self._used > self._policy.weight_per_minute:
            return self._too_much(used, now_ns)
        said = self._calls[name](params, now_ns)
        return Answer(400 if isinstance(said, native.Fault) else 200, native.encode(said), used)

    def _weigh(self, call: str, params: Params, now_ns: int) -> None:
        minute = now_ns // _MINUTE_NS
        if minute != self._minute:
            self._minute = minute
            self._used = 0
        if call == "depth":
            limit = _limit(params, self._policy.depth_default, max(self._policy.depths))
            self._used += self._policy.depth_weight(limit if isinstance(limit, int) else 1)
        else:
            self._used += self._policy.weight(call, of_all="symbol" not in params)

    def _too_much(self, used: Mapping[str, str], now_ns: int) -> Answer:
        """As published: https://github.com/binance/binance-spot-api-docs/blob/master/errors.md."""
        most = self._policy.weight_per_minute
        text = (
            f"Too much request weight used; current limit is {most} request weight per 1 MINUTE. "
            "Please use WebSocket Streams for live updates to avoid polling the API."
        )
        wait_s = 60 - now_ns % _MINUTE_NS // 1_000_000_000
        headers = {**used, "Retry-After": str(wait_s)}
        return Answer(429, native.encode(native.Fault(-1003, text)), headers)

    def _exchange_info(self, params: Params, now_ns: int) -> object:
        wanted = self._wanted(params)
        if isinstance(wanted, native.Fault):
            return wanted
        return exchange_info(self._policy, wanted, now_ns)

    def _depth(self, params: Params, now_ns: int) -> object:
        instrument = self._one(params)
        limit = _limit(params, self._policy.depth_default, max(self._policy.depths))
        if isinstance(instrument, native.Fault) or isinstance(limit, native.Fault):
            return instrument if isinstance(instrument, native.Fault) else limit
        allowed = self._policy.depth_limits
        if allowed is not None and limit not in allowed:
            # https://developers.binance.com/docs/derivatives/usds-margined-futures/error-code
            return native.Fault(-4021, f"{params.get('limit')} is not valid depth limit")
        time = millis(now_ns) if self._policy.is_futures else None
        symbol = instrument.symbol
        bids = self._view.levels(symbol, Side.BUY, limit)
        asks = self._view.levels(symbol, Side.SELL, limit)
        self._snapshots.note(self._view, symbol, bids, asks)
        return native.Depth(self._view.revision(symbol), rows(bids), rows(asks), E=time, T=time)

    def _listed(self, list_rows: Callable[[MarketView, Instrument, Params], object]) -> _Call:
        """A call for the trades or candles of one market."""

        def answered(params: Params, _now_ns: int) -> object:
            instrument = self._one(params)
            if isinstance(instrument, native.Fault):
                return instrument
            return list_rows(self._view, instrument, params)

        return answered

    def _ticker(self, params: Params, now_ns: int) -> object:
        return self._each(params, lambda one: self._ticker_of(one, now_ns))

    def _ticker_of(self, instrument: Instrument, now_ns: int) -> object:
        ticker = self._view.ticker(instrument.symbol)
        last = self._view.trades(instrument.symbol, 1)
        last_id = last[-1].sequence or 0 if last else 0
        opened_ms, closed_ms, first, last_id = span_of(ticker, last_id, now_ns)
        told: dict[str, object] = {
            "symbol": instrument.venue_symbol,
            "priceChange": plain(ticker.change),
            "priceChangePercent": plain(ticker.change_percent),
            "weightedAvgPrice": plain(ticker.vwap),
            "lastPrice": plain(ticker.last),
            "lastQty": plain(ticker.last_quantity),
            "openPrice": plain(ticker.open),
            "highPrice": plain(ticker.high),
            "lowPrice": plain(ticker.low),
            "volume": plain(ticker.volume),
            "quoteVolume": plain(turnover(ticker.volume, ticker.vwap)),
            "openTime": opened_ms,
            "closeTime": closed_ms,
            "firstId": first,
            "lastId": last_id,
            "count": ticker.trades or 0,
        }
        if self._policy.is_futures:
            return told
        return {**told, "prevClosePrice": plain(ticker.open), **self._best_of(instrument)}

    def _book_ticker(self, params: Params, now_ns: int) -> object:
        def told(instrument: Instrument) -> object:
            best: dict[str, object] = {"symbol": instrument.venue_symbol}
            best.update(self._best_of(instrument))
            if self._policy.is_futures:
                best["time"] = millis(now_ns)
                best["lastUpdateId"] = self._view.revision(instrument.symbol)
            return best

        return self._each(params, told)

    def _best_of(self, instrument: Instrument) -> Mapping[str, str]:
        ticker = self._view.ticker(instrument.symbol)
        return {
            "bidPrice": plain(ticker.bid),
            "bidQty": plain(ticker.bid_quantity),
            "askPrice": plain(ticker.ask),
            "askQty": plain(ticker.ask_quantity),
        }

    def _price(self, params: Params, _now_ns: int) -> object:
        return self._each(
            params,
            lambda one: {
                "symbol": one.venue_symbol,
                "price": plain(self._view.ticker(one.symbol).last),
            },
        )

    # Parameters

    def _each(self, params: Params, tell: Callable[[Instrument], object]) -> object:
        """One answer for one symbol, a list for several or all."""
        wanted = self._wanted(params)
        if isinstance(wanted, native.Fault):
            return wanted
        return tell(wanted[0]) if "symbol" in params else [tell(one) for one in wanted]

    def _wanted(self, params: Params) -> Sequence[Instrument] | native.Fault:
        if "symbol" in params:
            one = self._one(params)
            return one if isinstance(one, native.Fault) else [one]
        if "symbols" not in params:
            return list(self._instruments.values())
        try:
            names = msgspec.json.decode(params["symbols"], type=list[str])
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return native.Fault(-1100, "Illegal characters found in parameter 'symbols'.")
        found = [self._instruments.get(name) for name in names]
        known = [one for one in found if one is not None]
        return known if len(known) == len(found) else _NO_SYMBOL

    def _one(self, params: Params) -> Instrument | native.Fault:
        name = params.get("symbol", "")
        if not name:
            said = "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."
            return native.Fault(-1102, said)
        return self._instruments.get(name, _NO_SYMBOL)


# https://github.com/binance/binance-spot-api-docs/blob/master/errors.md
_NO_SYMBOL = native.Fault(-1121, "Invalid symbol.")


def _limit(params: Params, default: int, most: int) -> int | native.Fault:
    """How much is asked for; more than there is at most is cut."""
    limit = whole(params, "limit", default)
    if limit == 0:
        return native.Fault(-1130, "Data sent for parameter 'limit' is not valid.")
    return limit if isinstance(limit, native.Fault) else min(limit, most)
