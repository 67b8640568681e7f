"""Numbers from the text of the wire, exactly."""

from decimal import Decimal, InvalidOperation

from fluxum.errors import RemoteProtocolError

__all__ = ["exact"]

_LENGTH_MAX = 40
_ZERO = Decimal(0)
_HUGE = Decimal(10) ** 30
_TINY = Decimal(10) ** -30


def exact(text: str) -> Decimal:
    """A number that is not negative, from its text; raises RemoteProtocolError that shows it."""
    try:
        value = Decimal(text)
        if _ZERO <= value < _HUGE and len(text) <= _LENGTH_MAX and _is_short(value):
            return value
    except (InvalidOperation, ValueError):  # no number at all, or not a number
        pass
    raise RemoteProtocolError(f"a number from 0 to 1e30 was expected, was {text[:_LENGTH_MAX]!r}")


def _is_short(value: Decimal) -> bool:
    """Whether a number has few digits when it is written out: `1e-999999` has a million."""
    return value >= _TINY or abs(value.adjusted()) <= _LENGTH_MAX
