"""Binance's REST half, for the simulator: public market data in the documented shapes.

Sources: https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md and
https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api. What
other people's clients read first, the list of markets, is as complete as the documents have it.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

import msgspec
from msgspec import structs

from fluxum.errors import VenueRefused
from fluxum.model.market import Side
from fluxum.venues.binance import native
from fluxum.venues.binance.answers import BEST_NAMES, DAY_NAMES
from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.server.exchange_info import exchange_info
from fluxum.venues.binance.server.formats import (
    Market,
    best_of,
    day_of,
    plain,
    renamed,
    rows,
)
from fluxum.venues.binance.server.history import (
    Params,
    limit_of,
    list_agg_trades,
    list_klines,
    list_trades,
)
from fluxum.venues.binance.server.private.rest import AccountRest
from fluxum.venues.binance.server.snapshots import Snapshots
from fluxum.venues.queries import UNDECODABLE
from fluxum.venues.server.contract import Answer, MarketView
from fluxum.venues.server.formats import millis
from fluxum.venues.venue import Fetch

__all__ = ["BinanceRest"]

_MINUTE_NS = 60_000_000_000
_Call = Callable[[Params, int], object]


class _View(MarketView, Protocol):
    """What REST calls see of a simulated exchange."""

    @property
    def status(self) -> str:
        """The engine's status, by its name in VenueStatus."""
        ...


class BinanceRest:
    """Calls to a simulated Binance, those about an `account` among them; see RestServer.

    Their weight is counted by the minutes of its clock, and what is too much is refused.
    """

    def __init__(
        self,
        policy: Policy,
        snapshots: Snapshots,
        view: _View,
        account: AccountRest | None = None,
    ) -> None:
        self._account = account
        self._policy = policy
        self._snapshots = snapshots
        self._view = view
        self._markets = {one.venue_symbol: Market(policy, view, one) for one in view.instruments()}
        self._minute = 0
        self._used = 0
        self._calls: dict[str, _Call] = {
            "ping": lambda _params, _now_ns: {},
            "time": lambda _params, now_ns: {"serverTime": millis(now_ns)},
            "exchangeInfo": self._exchange_info,
            "depth": self._depth,
            "trades": lambda params, _now_ns: list_trades(self._one(params), params),
            "historicalTrades": lambda params, _now_ns: list_trades(self._one(params), params),
            "aggTrades": lambda params, _now_ns: list_agg_trades(self._one(params), params),
            "klines": lambda params, _now_ns: list_klines(self._one(params), params),
            "ticker/24hr": partial(self._each, _day),
            "ticker/bookTicker": partial(self._each, _best),
            "ticker/price": partial(self._each, _price),
        }
        self._names = {f"{policy.rest}{name}": name for name in self._calls}
        if policy.is_futures:
            self._names["/fapi/v2/ticker/price"] = "ticker/price"
        # Clients of all of Binance's markets call each list; those of the others are empty.
        lists = (f"{rest}exchangeInfo" for rest in ("/api/v3/", "/fapi/v1/", "/dapi/v1/"))
        self._elsewhere = {path for path in lists if path not in self._names}

    def answer(self, call: Fetch, now_ns: int) -> Answer:
        """The answer to any call; errors are `{"code":-1121,"msg":"Invalid symbol."}`."""
        url = urlsplit(call.path)
        signed = None if self._account is None else self._account.weight(call)
        if self._account is not None and signed is not None:
            used = self._use(signed, now_ns)
            if self._used > self._policy.weight_per_minute:
                return self._too_much(used, now_ns)
            answer = self._account.answer(call, now_ns)
            return structs.replace(answer, headers={**used, **answer.headers})
        if url.path == self._policy.status and call.method == "GET":
            is_down = self._view.status == "maintenance"
            status, text = (1, "system maintenance") if is_down else (0, "normal")
            return Answer(200, native.encode({"status": status, "msg": text}))
        if url.path in self._elsewhere and call.method == "GET":
            return Answer(200, native.encode(exchange_info(self._policy, (), now_ns)))
        name = self._names.get(url.path)
        if name is None or call.method != "GET":
            return Answer(404, b"")
        params = dict(parse_qsl(url.query))
        used = self._use(self._weight(name, params), now_ns)
        if self._used > self._policy.weight_per_minute:
            return self._too_much(used, now_ns)
        try:
            return Answer(200, native.encode(self._calls[name](params, now_ns)), used)
        except VenueRefused as error:
            return Answer(400, native.encode(native.Fault(int(error.code), str(error))), used)

    def _use(self, weight: int, now_ns: int) -> Mapping[str, str]:
        """Count a call in its minute; returns the header with the count."""
        minute = now_ns // _MINUTE_NS
        if minute != self._minute:
            self._minute = minute
            self._used = 0
        self._used += weight
        return {"X-MBX-USED-WEIGHT-1M": str(self._used)}

    def _weight(self, call: str, params: Params) -> int:
        if call != "depth":
            return self._policy.weight(call, of_all="symbol" not in params)
        try:
            return self._policy.depth_weight(self._depth_limit(params))
        except VenueRefused:
            return self._policy.depth_weight(1)

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
        wanted = [one.instrument for one in self._wanted(params)]
        return exchange_info(self._policy, wanted, now_ns)

    def _depth(self, params: Params, now_ns: int) -> object:
        symbol, limit = self._one(params).symbol, self._depth_limit(params)
        allowed = self._policy.depth_limits
        if allowed is not None and limit not in allowed:
            # https://developers.binance.com/docs/derivatives/usds-margined-futures/error-code
            raise VenueRefused(f"{params.get('limit')} is not valid depth limit", "-4021")
        time = millis(now_ns) if self._policy.is_futures else None
        bids = self._view.levels(symbol, Side.BUY, limit)
        asks = self._view.levels(symbol, Side.SELL, limit)
        self._snapshots.note(self._view, symbol, bids, asks)
        return native.Depth(self._view.revision(symbol), rows(bids), rows(asks), E=time, T=time)

    # Parameters

    def _depth_limit(self, params: Params) -> int:
        return limit_of(params, self._policy.depth_default, max(self._policy.depths))

    def _each(self, row: Callable[[Market, int], object], params: Params, now_ns: int) -> object:
        """One row for one symbol, a list for several or all."""
        rows = [row(one, now_ns) for one in self._wanted(params)]
        return rows[0] if "symbol" in params else rows

    def _wanted(self, params: Params) -> Sequence[Market]:
        if "symbol" in params:
            return [self._one(params)]
        if "symbols" not in params:
            return list(self._markets.values())
        try:
            names = msgspec.json.decode(params["symbols"], type=list[str])
        except UNDECODABLE:
            illegal = "Illegal characters found in parameter 'symbols'."
            raise VenueRefused(illegal, "-1100") from None
        return [self._named(name) for name in names]

    def _one(self, params: Params) -> Market:
        name = params.get("symbol", "")
        if not name:
            missing = "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."
            raise VenueRefused(missing, "-1102")
        return self._named(name)

    def _named(self, name: str) -> Market:
        market = self._markets.get(name)
        if market is None:
            # https://github.com/binance/binance-spot-api-docs/blob/master/errors.md
            raise VenueRefused("Invalid symbol.", "-1121")
        return market


def _day(market: Market, now_ns: int) -> object:
    day = day_of(market, now_ns)
    names = {**DAY_NAMES, "quoteVolume": "q", "openTime": "O", "firstId": "F", "lastId": "L"}
    if market.policy.is_futures:
        names = {name: field for name, field in names.items() if name not in BEST_NAMES}
    else:
        names["prevClosePrice"] = "x"
    return {"symbol": market.name, **renamed(day, names)}


def _best(market: Market, now_ns: int) -> object:
    best = {"symbol": market.name, **renamed(best_of(market), BEST_NAMES)}
    if market.policy.is_futures:
        best["time"] = millis(now_ns)
        best["lastUpdateId"] = market.view.revision(market.symbol)
    return best


def _price(market: Market, _now_ns: int) -> object:
    return {"symbol": market.name, "price": plain(market.view.ticker(market.symbol).last)}
