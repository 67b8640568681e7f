"""Trades and candles of the past, as the simulated venue's REST half lists them.

Where a call says from when or from which id, the first rows from there are listed, else the last
ones; instants are counted in at both ends.
Sources: https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md and
https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from fluxum.model.instrument import Instrument
from fluxum.model.market import Candle, Side, Trade
from fluxum.venues.binance import native
from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.server.formats import bar_of, plain
from fluxum.venues.server.contract import MarketView
from fluxum.venues.server.formats import millis

__all__ = ["Params", "list_agg_trades", "list_klines", "list_trades", "whole"]

Params = Mapping[str, str]
_Row = TypeVar("_Row")
_EVERYTHING = 1_000_000
_FOREVER_MS = 1 << 62
_DEFAULT = 500
_TRADES_MAX = 1000
# https://github.com/binance/binance-spot-api-docs/blob/master/errors.md
_COMBINATION = native.Fault(-1128, "Combination of optional parameters invalid.")


def whole(params: Params, name: str, default: int) -> int | native.Fault:
    """A parameter that is a whole number."""
    text = params.get(name)
    if text is None:
        return default
    if text.isascii() and text.isdigit() and len(text) <= 20:
        return int(text)
    said = f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'."
    return native.Fault(-1100, said)


def list_trades(view: MarketView, instrument: Instrument, params: Params) -> object:
    """Single matches: the last ones, or those from an id on."""
    asked = _asked(params, _TRADES_MAX)
    if isinstance(asked, native.Fault):
        return asked
    trades = view.trades(instrument.symbol, _EVERYTHING)
    return [
        {
            "id": one.sequence,
            "price": plain(one.price),
            "qty": plain(one.quantity),
            "quoteQty": plain(one.price * one.quantity),
            "time": millis(one.received_ns),
            "isBuyerMaker": one.side is Side.SELL,
            "isBestMatch": True,
        }
        for one in asked.pick(trades, _number_of, _time_of)
    ]


def list_agg_trades(view: MarketView, instrument: Instrument, params: Params) -> object:
    """Aggregated trades, which are of one match each here."""
    asked = _asked(params, _TRADES_MAX)
    if isinstance(asked, native.Fault):
        return asked
    if "fromId" in params and ("startTime" in params or "endTime" in params):
        return _COMBINATION
    trades = view.trades(instrument.symbol, _EVERYTHING)
    return [
        {
            "a": one.sequence,
            "p": plain(one.price),
            "q": plain(one.quantity),
            "f": one.sequence,
            "l": one.sequence,
            "T": millis(one.received_ns),
            "m": one.side is Side.SELL,
            "M": True,
        }
        for one in asked.pick(trades, _number_of, _time_of)
    ]


def list_klines(policy: Policy, view: MarketView, instrument: Instrument, params: Params) -> object:
    """Candles by the instant they begin at; the last one may be running."""
    asked = _asked(params, 1500 if policy.is_futures else 1000)
    if isinstance(asked, native.Fault):
        return asked
    seconds = {name: one for one, name in policy.intervals.items()}
    interval_s = seconds.get(params.get("interval", ""))
    if interval_s is None:
        return native.Fault(-1120, "Invalid interval.")
    candles = view.candles(instrument.symbol, interval_s, _EVERYTHING)
    bars: list[object] = []
    for candle in asked.pick(candles, _no_number, _begin_of):
        opened, high, low, close, volume, quote, trades = bar_of(candle)
        begin, end = millis(candle.start_ns), millis(candle.end_ns) - 1
        bars.append((begin, opened, high, low, close, volume, end, quote, trades, "0", "0", "0"))
    return bars


class _Asked:
    """Which rows of a list are asked for."""

    def __init__(self, limit: int, first_id: int, since_ms: int, until_ms: int) -> None:
        self._limit = limit
        self._first_id = first_id
        self._since_ms = since_ms
        self._until_ms = until_ms

    def pick(
        self, rows: Sequence[_Row], number: Callable[[_Row], int], at_ms: Callable[[_Row], int]
    ) -> Sequence[_Row]:
        """The rows within the bounds: the first ones where there is a beginning, else the last."""
        found = [
            one
            for one in rows
            if number(one) >= self._first_id and self._since_ms <= at_ms(one) <= self._until_ms
        ]
        is_forward = self._first_id or self._since_ms
        return found[: self._limit] if is_forward else found[-self._limit :]


def _asked(params: Params, most: int) -> _Asked | native.Fault:
    found: list[int] = []
    defaults = {"limit": _DEFAULT, "fromId": 0, "startTime": 0, "endTime": _FOREVER_MS}
    for name, default in defaults.items():
        value = whole(params, name, default)
        if isinstance(value, native.Fault):
            return value
        found.append(value)
    limit, *bounds = found
    if not limit:
        return native.Fault(-1130, "Data sent for parameter 'limit' is not valid.")
    return _Asked(min(limit, most), *bounds)


def _number_of(trade: Trade) -> int:
    return trade.sequence or 0


def _time_of(trade: Trade) -> int:
    return millis(trade.received_ns)


def _no_number(_candle: Candle) -> int:
    return 0


def _begin_of(candle: Candle) -> int:
    return millis(candle.start_ns)
