"""Prices and quantities from the text of the wire, exactly: `["0.0024", "10"]` becomes a level.

For venues that quote their numbers. Of prices four in five recur and are remembered, with the
level that is left when all is gone there; of quantities two in three do, which is not often
enough for a memory to pay.
"""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from fluxum.errors import RemoteProtocolError
from fluxum.model.market import Level

__all__ = ["RowReader", "Sides", "decimals", "exact", "exact_or_none"]

_REMEMBERED_MAX = 1 << 14
_LENGTH_MAX = 40
_ZERO = Decimal(0)
_HUGE = Decimal(10) ** 30
_ZEROS = frozenset(["0", *("0." + "0" * digits for digits in range(1, 19))])

Sides = tuple[tuple[Level, ...], tuple[Level, ...]]


def exact(text: str) -> Decimal:
    """A number that is not negative, from its text; raises RemoteProtocolError that shows it."""
    try:
        value = Decimal(text)
        if _ZERO <= value < _HUGE and len(text) <= _LENGTH_MAX:
            return value
    except (InvalidOperation, ValueError):  # no number at all, or not a number
        pass
    raise RemoteProtocolError(f"a number from 0 to 1e30 was expected, was {text[:_LENGTH_MAX]!r}")


def exact_or_none(text: str | None) -> Decimal | None:
    """The same for a field that may be left out or empty."""
    return exact(text) if text else None


def decimals(step: Decimal) -> int:
    """How many digits behind the point a finite step has: two for 0.01 and for 0.010."""
    exponent = step.normalize().as_tuple().exponent
    assert isinstance(exponent, int), step
    return max(0, -exponent)


class _Memory(dict[str, Level]):
    """What a price comes to when nothing is left at it, by the text of the price.

    A level that is gone has nothing but its price, so it need not be made again. At most 16,384
    are remembered; a full memory is emptied.
    """

    emptied = 0

    def __missing__(self, text: str) -> Level:
        """Learn a price; raises RemoteProtocolError for text that is none."""
        level = Level(exact(text), _ZERO)
        if len(self) >= _REMEMBERED_MAX:
            self.clear()
            self.emptied += 1
        self[text] = level
        return level


class RowReader:
    """Reads rows of price and quantity; one for each link. Its memory of prices is bounded."""

    def __init__(self) -> None:
        self._gone = _Memory()

    @property
    def emptied(self) -> int:
        """How often the memory was full and began anew."""
        return self._gone.emptied

    def levels(self, rows: Iterable[tuple[str, str]]) -> tuple[Level, ...]:
        """A level of each pair of texts, in the order given.

        Raises RemoteProtocolError for a row that is no pair or holds no numbers.
        """
        memory = self._gone
        levels: list[Level] = []
        add = levels.append
        try:
            for price, text in rows:
                gone = memory[price]
                if text in _ZEROS:
                    add(gone)
                    continue
                quantity = Decimal(text)
                if not _ZERO <= quantity < _HUGE:
                    exact(text)
                add(Level(gone.price, quantity))
        except (InvalidOperation, ValueError) as error:
            raise RemoteProtocolError(
                f"rows of price and quantity were expected: {error}"
            ) from error
        return tuple(levels)

    def sides(self, changes: Iterable[tuple[str, str, str]], bid: str) -> Sides:
        """Bids and asks of rows of side, price and quantity, each in the order given.

        `bid` is the venue's word for the side of the bids; any other is that of the asks. Raises
        RemoteProtocolError.
        """
        memory = self._gone
        bids: list[Level] = []
        asks: list[Level] = []
        try:
            for side, price, text in changes:
                level = memory[price]
                if text not in _ZEROS:
                    quantity = Decimal(text)
                    if not _ZERO <= quantity < _HUGE:
                        exact(text)
                    level = Level(level.price, quantity)
                if side == bid:
                    bids.append(level)
                else:
                    asks.append(level)
        except (InvalidOperation, ValueError) as error:
            raise RemoteProtocolError(
                f"rows of side, price and quantity were expected: {error}"
            ) from error
        return tuple(bids), tuple(asks)
