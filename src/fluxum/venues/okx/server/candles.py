"""Candles of a simulated market by OKX's bars: without `utc` they begin at 16:00 UTC.

From six hours up such a bar is put together from bars of two hours, months as well. Bars of several
days and of a week begin where they do in the simulation, at multiples since the epoch: where the
venue begins them is not published.
"""

from collections.abc import Sequence

from msgspec import structs

from fluxum.model.instrument import Symbol
from fluxum.model.interval import MONTH_S, interval_end, interval_start
from fluxum.model.market import Candle
from fluxum.venues.okx.topics import INTERVALS_S
from fluxum.venues.server.contract import MarketView

__all__ = ["candles"]

_SHIFT_NS = 8 * 3600 * 1_000_000_000
_PIECE_S = 7200
_SHIFTED_FROM_S = 21_600
_DAY_S = 86_400


def candles(view: MarketView, symbol: Symbol, bar: str, count: int) -> Sequence[Candle]:
    """The last candles of a bar, oldest first; the last one may be running."""
    interval_s = INTERVALS_S[bar]
    is_some_days = _DAY_S < interval_s < MONTH_S
    if interval_s < _SHIFTED_FROM_S or is_some_days or bar.endswith("utc"):
        return view.candles(symbol, interval_s, count)
    pieces = view.candles(symbol, _PIECE_S, (count + 1) * interval_s // _PIECE_S)
    whole: list[Candle] = []
    for piece in pieces:
        start_ns = interval_start(piece.start_ns + _SHIFT_NS, interval_s) - _SHIFT_NS
        if whole and whole[-1].start_ns == start_ns:
            whole[-1] = _joined(whole[-1], piece)
        else:
            end_ns = interval_end(start_ns, interval_s)
            whole.append(
                structs.replace(piece, interval_s=interval_s, start_ns=start_ns, end_ns=end_ns)
            )
    return whole[-count:]


def _joined(candle: Candle, later: Candle) -> Candle:
    return structs.replace(
        candle,
        high=max(candle.high, later.high),
        low=min(candle.low, later.low),
        close=later.close,
        volume=candle.volume + later.volume,
    )
