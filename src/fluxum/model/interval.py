"""Intervals of candles: a number of seconds, and months by the calendar.

A month is also identified by a number of seconds, that of thirty days. No exchange has candles of
thirty days beside those of months.
"""

import re
from datetime import date

from fluxum.errors import BadInput

__all__ = [
    "MONTH_S",
    "interval_end",
    "interval_least_s",
    "interval_of",
    "interval_start",
    "interval_text",
]

MONTH_S = 30 * 86_400
"""The number that identifies a month; its multiples are as many months."""

_FEBRUARY_S = 28 * 86_400
_SECOND_NS = 1_000_000_000
_DAY_NS = 86_400 * _SECOND_NS
_EPOCH = date(1970, 1, 1)
# The calendar repeats, so years that `datetime` does not support can be computed.
_CYCLE_YEARS = 400
_CYCLE_MONTHS = _CYCLE_YEARS * 12
_CYCLE_DAYS = 146_097
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "M": MONTH_S}


def interval_of(interval: int | str) -> int:
    """The seconds of an interval, from an int or text: `1m`, `4h`, `1d`, `1w`, `1M`.

    Raises BadInput.
    """
    if isinstance(interval, int) and not isinstance(interval, bool) and interval > 0:
        return interval
    match = (
        re.fullmatch(r"([1-9]\d{0,5})([smhdwM])", interval) if isinstance(interval, str) else None
    )
    if match is None:
        raise BadInput(
            f"an interval in seconds or like 1m, 5m, 1h, 1d or 1M was expected, was {interval!r}"
        )
    return int(match[1]) * _UNITS_S[match[2]]


def interval_text(interval_s: int) -> str:
    """The shortest text that `interval_of` reads: `1m` for 60, `1M` for a month."""
    for unit, unit_s in sorted(_UNITS_S.items(), key=lambda one: -one[1]):
        if interval_s % unit_s == 0:
            return f"{interval_s // unit_s}{unit}"
    raise AssertionError("every interval is a number of seconds")


def interval_start(at_ns: int, interval_s: int) -> int:
    """The start of the interval that contains an instant: months in UTC, others from 1970."""
    months = _months(interval_s)
    if not months:
        return at_ns - at_ns % (interval_s * _SECOND_NS)
    month = _month_of(at_ns)
    return _month_ns(month - month % months)


def interval_end(start_ns: int, interval_s: int) -> int:
    """When an interval ends and the next one begins.

    Months may begin some hours off UTC, by another clock; they end by that clock as well.
    """
    months = _months(interval_s)
    if not months:
        return start_ns + interval_s * _SECOND_NS
    month = _month_of(start_ns + 14 * _DAY_NS)
    return _month_ns(month + months) + start_ns - _month_ns(month)


def interval_least_s(interval_s: int) -> int:
    """The least seconds that an interval may have: for a month those of a February."""
    months = _months(interval_s)
    return months * _FEBRUARY_S if months else interval_s


def _months(interval_s: int) -> int:
    months, rest = divmod(interval_s, MONTH_S)
    return 0 if rest else months


def _month_of(at_ns: int) -> int:
    """Months since 1970 began."""
    cycles, days = divmod(at_ns // _DAY_NS, _CYCLE_DAYS)
    day = date.fromordinal(_EPOCH.toordinal() + days)
    return cycles * _CYCLE_MONTHS + (day.year - _EPOCH.year) * 12 + day.month - 1


def _month_ns(month: int) -> int:
    """When a month begins, counted from 1970."""
    cycles, left = divmod(month, _CYCLE_MONTHS)
    day = date(_EPOCH.year + left // 12, left % 12 + 1, 1)
    return (cycles * _CYCLE_DAYS + (day - _EPOCH).days) * _DAY_NS
