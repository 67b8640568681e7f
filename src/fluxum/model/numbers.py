"""Exact numbers from the text of the wire, and back; and the largest numbers for exact sums."""

from decimal import Context, Decimal, Inexact, InvalidOperation

from fluxum.errors import RemoteProtocolError

__all__ = ["LENGTH_MAX", "POINT_MAX", "digits", "exact", "is_bounded", "product"]

LENGTH_MAX = 60
"""The longest number, in characters, that exact sums can hold."""
POINT_MAX = 40
"""The most digits of such a number before the decimal point."""
_LENGTH_MAX = 40
_ZERO = Decimal(0)
_HUGE = Decimal(10) ** 30
# Room for every digit of three numbers from the wire.
_PRODUCT = Context(prec=3 * _LENGTH_MAX, traps=[Inexact, InvalidOperation])
_TINY = Decimal(10) ** -30


def exact(text: str) -> Decimal:
    """A number that is not negative, from its text; raises RemoteProtocolError that shows it."""
    try:
        value = Decimal(text)
        if _TINY <= value < _HUGE and len(text) <= _LENGTH_MAX:
            return value
        if _ZERO <= value < _TINY and len(text) <= _LENGTH_MAX and _is_short(value):
            return value
    except (InvalidOperation, ValueError):  # no number, or NaN
        pass
    raise RemoteProtocolError(f"a number from 0 to 1e30 was expected, was {text[:_LENGTH_MAX]!r}")


def is_bounded(value: Decimal) -> bool:
    """Whether it is finite, and exact sums can hold it: `LENGTH_MAX` and `POINT_MAX`."""
    return (
        value.is_finite()
        and -POINT_MAX <= value.adjusted() < POINT_MAX
        and len(str(value)) <= LENGTH_MAX
    )


def product(one: Decimal, other: Decimal) -> Decimal:
    """One number times another, exactly: nothing is rounded at the 28th digit."""
    return _PRODUCT.multiply(one, other)


def digits(value: Decimal) -> str:
    """Plain digits without an exponent, except for absurd numbers: not a gigabyte of zeros."""
    return format(value, "f") if -64 < value.adjusted() < 64 else str(value)


def _is_short(value: Decimal) -> bool:
    """Whether a tiny number has few digits when written out: `1e-999999` has a million."""
    return abs(value.adjusted()) <= _LENGTH_MAX
