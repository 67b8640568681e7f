"""Arithmetic of money that does not round, and the one division that has to.

Sums and products are made in `EXACT`, wide enough for any numbers that passed `checked`. If one
still does not fit, it raises instead of losing a digit. The caller's own context does not matter.
Prices of several lots together are quotients and may be rounded, at the 40th digit. So amounts are
kept as sums, and a price only determines how they are shared out.
"""

from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow

from fluxum.errors import BadInput
from fluxum.model.numbers import LENGTH_MAX, POINT_MAX, is_bounded

__all__ = [
    "EXACT",
    "add",
    "average",
    "checked",
    "minus",
    "multiply",
    "positive",
    "quotient",
    "subtract",
]

EXACT = Context(prec=512, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
"""For `localcontext`: sums and products in it are exact."""
# The same by name: to look a method of a context up takes longer than to add two numbers.
add, subtract, multiply, minus = EXACT.add, EXACT.subtract, EXACT.multiply, EXACT.minus

_ZERO = Decimal(0)
_QUOTIENT = Context(prec=40)
_SHOWN = Context(prec=28)
_FINEST = Decimal("1E-80")


def checked(value: object, what: str) -> Decimal:
    """The value, if it is a number that exact sums can hold; raises BadInput otherwise.

    They can hold anything up to 40 digits before the point and 60 characters in all.
    """
    if isinstance(value, Decimal) and is_bounded(value):
        return value
    raise BadInput(
        f"{what}: a Decimal of at most {LENGTH_MAX} characters was expected, was {value!r:.90}"
    )


def positive(value: object, what: str) -> Decimal:
    """The value, if it is checked and above zero; raises BadInput otherwise."""
    number = checked(value, what)
    if number > _ZERO:
        return number
    raise BadInput(f"{what}: a number above zero was expected, was {number}")


def quotient(cost: Decimal, quantity: Decimal) -> Decimal:
    """The price of lots together, to 40 digits, and never finer than sums can hold."""
    price = _QUOTIENT.divide(cost, quantity)
    if price.adjusted() < -POINT_MAX:
        return price.quantize(_FINEST, context=_QUOTIENT)
    return price


def average(amount: Decimal, quantity: Decimal) -> Decimal | None:
    """A quotient for display, to 28 digits; `None` if the divisor is zero."""
    return _SHOWN.divide(amount, quantity) if quantity else None
