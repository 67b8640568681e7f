"""Numbers from the text of the wire, exactly, and back to plain digits."""

from decimal import Decimal, InvalidOperation

from fluxum.errors import RemoteProtocolError

__all__ = ["digits", "exact"]

_LENGTH_MAX = 40
_ZERO = Decimal(0)
_HUGE = Decimal(10) ** 30


def exact(text: str) -> Decimal:
    """A number that is not negative, from its text; raises RemoteProtocolError that shows it."""
    try:
        value = Decimal(text)
        if _ZERO <= value < _HUGE and len(text) <= _LENGTH_MAX:
            return value
    except (InvalidOperation, ValueError):  # no number at all, or not a number
        pass
    raise RemoteProtocolError(f"a number from 0 to 1e30 was expected, was {text[:_LENGTH_MAX]!r}")


def digits(value: Decimal) -> str:
    """Plain digits without an exponent, but not a gigabyte of zeros for a nonsense one."""
    return format(value, "f") if -64 < value.adjusted() < 64 else str(value)
