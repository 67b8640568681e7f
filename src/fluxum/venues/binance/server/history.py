"""Trades and candles of the past, as the simulated venue's REST half lists them.

If a call names an instant or an id to begin with, the first rows from there are listed, else the
last ones; instants are included at both ends. A call that is refused raises VenueRefused.
Sources: https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md and
https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from fluxum.errors import VenueRefused
from fluxum.model.market import Trade
from fluxum.venues.binance import native
from fluxum.venues.binance.answers import MATCH_NAMES
from fluxum.venues.binance.server.formats import (
    Market,
    agg_trade_of,
    bar_of,
    match_of,
    plain,
    renamed,
)
from fluxum.venues.server.formats import millis

__all__ = ["Params", "limit_of", "list_agg_trades", "list_klines", "list_trades"]

Params = Mapping[str, str]
_Row = TypeVar("_Row")
_EVERYTHING = 1_000_000
_FOREVER_MS = 1 << 62
_DEFAULT = 500
_ROWS_MAX = 1000
_FUTURES_CANDLES_MAX = 1500
_AGG_NAMES = {name: name for name in "apqflTm"}


def limit_of(params: Params, default: int, most: int) -> int:
    """How many rows are requested; more than there are at most is cut."""
    limit = _whole(params, "limit", default)
    if not limit:
        raise VenueRefused("Data sent for parameter 'limit' is not valid.", "-1130")
    return min(limit, most)


def list_trades(market: Market, params: Params) -> object:
    """Single matches: the last ones, or those from an id on."""
    return [
        {
            **renamed(match_of(market, one), MATCH_NAMES),
            "quoteQty": plain(one.price * one.quantity),
            "isBestMatch": True,
        }
        for one in _trades(market, params)
    ]


def list_agg_trades(market: Market, params: Params) -> object:
    """Aggregated trades, which are of one match each here."""
    if "fromId" in params and ("startTime" in params or "endTime" in params):
        # https://github.com/binance/binance-spot-api-docs/blob/master/errors.md
        raise VenueRefused("Combination of optional parameters invalid.", "-1128")
    return [
        {**renamed(agg_trade_of(market, one), _AGG_NAMES), "M": True}
        for one in _trades(market, params)
    ]


def list_klines(market: Market, params: Params) -> object:
    """Candles by the instant they begin at; the last one may be running."""
    policy = market.policy
    most = _FUTURES_CANDLES_MAX if policy.is_futures else _ROWS_MAX
    limit, _, since_ms, until_ms = _bounds(params, most)
    seconds = {name: one for one, name in policy.intervals.items()}
    interval_s = seconds.get(params.get("interval", ""))
    if interval_s is None:
        raise VenueRefused("Invalid interval.", "-1120")
    candles = market.view.candles(market.symbol, interval_s, _EVERYTHING)
    found = [one for one in candles if since_ms <= millis(one.start_ns) <= until_ms]
    return [_row(bar_of(market, one)) for one in _cut(found, limit, is_forward=bool(since_ms))]


def _row(bar: native.KlineBar) -> tuple[object, ...]:
    return (bar.t, bar.o, bar.h, bar.l, bar.c, bar.v, bar.T, bar.q, bar.n, bar.V, bar.Q, bar.B)


def _trades(market: Market, params: Params) -> Sequence[Trade]:
    limit, first_id, since_ms, until_ms = _bounds(params, _ROWS_MAX)
    found = [
        one
        for one in market.view.trades(market.symbol, _EVERYTHING)
        if (one.sequence or 0) >= first_id and since_ms <= millis(one.received_ns) <= until_ms
    ]
    return _cut(found, limit, is_forward=bool(first_id or since_ms))


def _cut(rows: Sequence[_Row], limit: int, *, is_forward: bool) -> Sequence[_Row]:
    return rows[:limit] if is_forward else rows[-limit:]


def _bounds(params: Params, most: int) -> tuple[int, int, int, int]:
    """Limit, first id, first and last millisecond."""
    first_id, since_ms = _whole(params, "fromId", 0), _whole(params, "startTime", 0)
    until_ms = _whole(params, "endTime", _FOREVER_MS)
    return limit_of(params, _DEFAULT, most), first_id, since_ms, until_ms


def _whole(params: Params, name: str, default: int) -> int:
    """A parameter that is a whole number."""
    text = params.get(name)
    if text is None:
        return default
    if text.isascii() and text.isdigit() and len(text) <= 20:
        return int(text)
    legal = f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'."
    raise VenueRefused(legal, "-1100")
