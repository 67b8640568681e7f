"""What streams and REST calls of the simulated venue have in common, as the venue writes it.

Decimals are plain, times whole milliseconds.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec import UNSET, Struct, structs

from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import Candle, Level, Side, Trade
from fluxum.venues.binance import native
from fluxum.venues.binance.policy import Policy
from fluxum.venues.server.contract import MarketView
from fluxum.venues.server.formats import millis
from fluxum.venues.server.streams import last_trade_id

__all__ = [
    "Market",
    "agg_trade_of",
    "bar_of",
    "best_of",
    "day_of",
    "match_of",
    "plain",
    "renamed",
    "rows",
]

_ZERO = "0.00000000"
_DAY_MS = 86_400_000


class Market(Struct, frozen=True):
    """One market of a simulated exchange."""

    policy: Policy
    view: MarketView
    instrument: Instrument

    @property
    def symbol(self) -> Symbol:
        """The symbol of the market."""
        return self.instrument.symbol

    @property
    def name(self) -> str:
        """The venue's name of the market."""
        return self.instrument.venue_symbol

    @property
    def last_trade_id(self) -> int:
        """The id of the last trade, zero before the first."""
        return last_trade_id(self.view, self.symbol)


def plain(value: Decimal | None) -> str:
    """All digits and no exponent; nothing is zero."""
    return _ZERO if value is None else format(value, "f")


def rows(levels: Iterable[Level]) -> list[native.Row]:
    """Price and quantity of each level, in the order given."""
    return [(format(one.price, "f"), format(one.quantity, "f")) for one in levels]


def _turnover(volume: Decimal | None, vwap: Decimal | None) -> Decimal | None:
    """What was traded, counted in the quote asset."""
    return None if volume is None or vwap is None else volume * vwap


def day_of(market: Market, now_ns: int) -> native.Ticker:
    """The last 24 hours of a market; of futures without bid and ask."""
    ticker = market.view.ticker(market.symbol)
    count, end_ms, last = ticker.trades or 0, millis(now_ns), market.last_trade_id
    day = native.Ticker(
        E=end_ms,
        s=market.name,
        p=plain(ticker.change),
        P=plain(ticker.change_percent),
        w=plain(ticker.vwap),
        c=plain(ticker.last),
        Q=plain(ticker.last_quantity),
        o=plain(ticker.open),
        h=plain(ticker.high),
        l=plain(ticker.low),
        v=plain(ticker.volume),
        q=plain(_turnover(ticker.volume, ticker.vwap)),
        O=end_ms - _DAY_MS,
        C=end_ms,
        F=last - count + 1 if count else -1,
        L=last if count else -1,
        n=count,
    )
    if market.policy.is_futures:
        return day
    best = best_of(market)
    return structs.replace(day, x=day.o, b=best.b, B=best.B, a=best.a, A=best.A)


def match_of(market: Market, trade: Trade, now_ms: int | None = None) -> native.Trade:
    """A trade as one match."""
    return native.Trade(
        E=now_ms,
        s=market.name,
        t=trade.sequence or 0,
        p=plain(trade.price),
        q=plain(trade.quantity),
        T=millis(trade.received_ns),
        m=trade.side is Side.SELL,
        X="MARKET" if market.policy.is_futures else UNSET,
    )


def agg_trade_of(market: Market, trade: Trade, now_ms: int | None = None) -> native.AggTrade:
    """An aggregated trade, which is of one match here."""
    one = match_of(market, trade, now_ms)
    return native.AggTrade(
        E=now_ms, s=one.s, a=one.t, p=one.p, q=one.q, f=one.t, l=one.t, T=one.T, m=one.m
    )


def best_of(market: Market) -> native.BookTicker:
    """The best levels of a market."""
    ticker = market.view.ticker(market.symbol)
    return native.BookTicker(
        b=plain(ticker.bid),
        B=plain(ticker.bid_quantity),
        a=plain(ticker.ask),
        A=plain(ticker.ask_quantity),
    )


def renamed(wire: Struct, names: Mapping[str, str]) -> dict[str, object]:
    """The fields of an event under the longer names that they have over REST."""
    return {name: getattr(wire, field) for name, field in names.items()}


def bar_of(market: Market, candle: Candle, *, is_closed: bool = True) -> native.KlineBar:
    """A candle; its trades are the last ones of the market."""
    trades = candle.trades or 0
    last = market.last_trade_id if trades else -1
    return native.KlineBar(
        t=millis(candle.start_ns),
        T=millis(candle.end_ns) - 1,
        s=market.name,
        i=market.policy.intervals[candle.interval_s],
        f=last - trades + 1 if trades else -1,
        L=last,
        o=plain(candle.open),
        c=plain(candle.close),
        h=plain(candle.high),
        l=plain(candle.low),
        v=plain(candle.volume),
        n=trades,
        x=is_closed,
        q=plain(_turnover(candle.volume, candle.vwap)),
    )
