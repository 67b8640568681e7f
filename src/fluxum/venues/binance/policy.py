"""Where spot and USD-M futures differ; all else in this folder is true of both."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from fluxum.errors import RemoteProtocolError
from fluxum.model.instrument import Symbol
from fluxum.model.interval import MONTH_S
from fluxum.venues.binance import native
from fluxum.venues.binance.symbols import (
    format_future,
    format_spot,
    parse_future,
    parse_spot,
    symbol_of_future,
    symbol_of_spot,
)

__all__ = ["SPOT", "USDM", "Policy"]


class Policy(Struct, frozen=True, kw_only=True):
    """The facts that differ between spot and futures.

    `rest` stands before the names of REST calls, and `listing` is the call that lists all markets.
    `status` is the call for the state of the whole exchange, where there is one. `symbol_of` gives
    the symbol of a market in the list, `parse_symbol` the one of a name on a tape, without a list.
    `follows` gives the update that an event of a book follows on; laid over a snapshot are the
    events that reach at least `kept_from` beyond its last update. `trade_stream` is the stream of
    trades that is requested. `endpoints` are the kinds of stream of each link, by what stands
    behind the first `@`. `depth_limits` are those a snapshot may have, where others are refused.
    `depth_weights` has the weight of a snapshot of so many levels or fewer, `weights` that of any
    other REST call by its name, for one market and for all (else 1); all calls of a minute may
    weigh `weight_per_minute` together.
    """

    venue: str
    rest: str
    listing: str
    status: str | None = None
    format_symbol: Callable[[Symbol], str]
    symbol_of: Callable[[native.Market], Symbol]
    parse_symbol: Callable[[str], Symbol]
    follows: Callable[[native.DepthUpdate], int]
    kept_from: int
    trade_stream: str
    depths: tuple[int, ...]
    depth_limits: frozenset[int] | None = None
    depth_default: int
    depth_weights: Mapping[int, int]
    weights: Mapping[str, tuple[int, int]]
    weight_per_minute: int
    intervals: Mapping[int, str]
    endpoints: Mapping[str, frozenset[str]] = {}
    is_futures: bool = False

    def weight(self, call: str, *, of_all: bool = True) -> int:
        """The weight of a call that is no snapshot."""
        return self.weights.get(call, (1, 1))[of_all]

    def depth_weight(self, levels: int) -> int:
        """The weight of a snapshot of so many levels."""
        weights = self.depth_weights
        return next((weights[most] for most in weights if levels <= most), max(weights.values()))


def _follows_spot(update: native.DepthUpdate) -> int:
    """The first update of an event comes right after the last one of the event before."""
    if update.U is None:
        raise RemoteProtocolError(f"an event of {update.s!r} has no first update")
    return update.U - 1


def _follows_future(update: native.DepthUpdate) -> int:
    """Update ids are shared by all contracts, so an event names the one before."""
    if update.pu is None:
        raise RemoteProtocolError(f"an event of {update.s!r} has no update before it")
    return update.pu


_INTERVALS = {
    60: "1m",
    180: "3m",
    300: "5m",
    900: "15m",
    1800: "30m",
    3600: "1h",
    7200: "2h",
    14_400: "4h",
    21_600: "6h",
    28_800: "8h",
    43_200: "12h",
    86_400: "1d",
    259_200: "3d",
    604_800: "1w",
    MONTH_S: "1M",
}

SPOT = Policy(
    venue="binance",
    rest="/api/v3/",
    # Sets of permissions are half of the list, and have no reader here:
    # https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md#exchange-information
    listing="/api/v3/exchangeInfo?showPermissionSets=false",
    # https://developers.binance.com/docs/wallet/others/system-status
    status="/sapi/v1/system/status",
    format_symbol=format_spot,
    symbol_of=symbol_of_spot,
    parse_symbol=parse_spot,
    follows=_follows_spot,
    kept_from=1,
    trade_stream="trade",
    # https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md#order-book
    depths=(1000, 100, 500, 5000),
    depth_default=100,
    # https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md#market-data-endpoints
    # and #ip-limits, 2026-07
    depth_weights={100: 5, 500: 25, 1000: 50, 5000: 250},
    weights={
        "exchangeInfo": (20, 20),
        "trades": (25, 25),
        "historicalTrades": (25, 25),
        "aggTrades": (4, 4),
        "klines": (2, 2),
        "ticker/24hr": (2, 80),
        "ticker/bookTicker": (2, 4),
        "ticker/price": (2, 4),
    },
    weight_per_minute=6000,
    intervals={**_INTERVALS, 1: "1s"},
)

USDM = Policy(
    venue=f"{SPOT.venue}-usdm",
    rest="/fapi/v1/",
    listing="/fapi/v1/exchangeInfo",
    format_symbol=format_future,
    symbol_of=symbol_of_future,
    parse_symbol=parse_future,
    follows=_follows_future,
    kept_from=0,
    trade_stream="aggTrade",
    # https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api/Order-Book
    depths=(1000, 5, 10, 20, 50, 100, 500),
    depth_limits=frozenset((5, 10, 20, 50, 100, 500, 1000)),
    depth_default=500,
    # Same section, and each call's own beside it; those of trades and candles may have grown since.
    depth_weights={50: 2, 100: 5, 500: 10, 1000: 20},
    weights={
        "trades": (5, 5),
        "aggTrades": (20, 20),
        "klines": (5, 5),
        "ticker/24hr": (1, 40),
        "ticker/bookTicker": (2, 5),
        "ticker/price": (1, 2),
    },
    weight_per_minute=2400,
    intervals=_INTERVALS,
    # https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams/Important-WebSocket-Change-Notice
    endpoints={
        # No document has `trade`: it was seen on the public one (2026-07), and there are clients
        # that request it on the other.
        "public": frozenset({"depth", "bookTicker", "trade"}),
        "market": frozenset({"trade", "aggTrade", "kline", "ticker", "miniTicker"}),
    },
    is_futures=True,
)
