"""How the simulated venue writes what it tells: plain decimals, whole milliseconds."""

from collections.abc import Iterable
from decimal import Decimal

from fluxum.model.market import Candle, Level, Ticker
from fluxum.venues.binance.native import Row
from fluxum.venues.server.formats import millis

__all__ = ["ZERO", "bar_of", "plain", "rows", "span_of", "turnover"]

ZERO = "0.00000000"
_DAY_MS = 86_400_000


def plain(value: Decimal | None) -> str:
    """All digits and no exponent; nothing is zero."""
    return ZERO if value is None else format(value, "f")


def rows(levels: Iterable[Level]) -> list[Row]:
    """Price and quantity of each level, in the order given."""
    return [(format(one.price, "f"), format(one.quantity, "f")) for one in levels]


def turnover(volume: Decimal | None, vwap: Decimal | None) -> Decimal | None:
    """What was traded, counted in the quote asset."""
    return None if volume is None or vwap is None else volume * vwap


def span_of(ticker: Ticker, last_id: int, now_ns: int) -> tuple[int, int, int, int]:
    """Where a ticker's 24 hours begin and end, and the first and last trade in them."""
    end_ms = millis(now_ns)
    count = ticker.trades or 0
    return end_ms - _DAY_MS, end_ms, last_id - count + 1 if count else -1, last_id if count else -1


def bar_of(candle: Candle) -> tuple[str, str, str, str, str, str, int]:
    """Open, high, low, close, volume, turnover and number of trades of a candle."""
    return (
        plain(candle.open),
        plain(candle.high),
        plain(candle.low),
        plain(candle.close),
        plain(candle.volume),
        plain(turnover(candle.volume, candle.vwap)),
        candle.trades or 0,
    )
