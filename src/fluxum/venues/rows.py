"""Prices and quantities from the text of the wire, exactly: `["0.0024", "10"]` becomes a level.

For venues that quote their numbers. Prices recur all the time, so their texts are remembered.
"""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from fluxum.errors import RemoteProtocolError
from fluxum.model.market import Level

__all__ = ["RowReader", "exact", "exact_or_none"]

_REMEMBERED_MAX = 1 << 14
_LENGTH_MAX = 40
_ZERO = Decimal(0)
_HUGE = Decimal(10) ** 30


def exact(text: str) -> Decimal:
    """A number that is not negative, from its text; raises RemoteProtocolError that shows it."""
    try:
        value = Decimal(text)
    except (InvalidOperation, ValueError) as error:
        raise RemoteProtocolError(f"a number was expected, was {text[:_LENGTH_MAX]!r}") from error
    if len(text) > _LENGTH_MAX or not value.is_finite() or not _ZERO <= value < _HUGE:
        raise RemoteProtocolError(
            f"a number from 0 to 1e30 was expected, was {text[:_LENGTH_MAX]!r}"
        )
    return value


def exact_or_none(text: str | None) -> Decimal | None:
    """The same for a field that may be left out or empty."""
    return exact(text) if text else None


class RowReader:
    """Reads rows of price and quantity; one for each link.

    At most 16,384 texts are remembered; a full memory is emptied and counted in `emptied`.
    """

    def __init__(self) -> None:
        self._known: dict[str, Decimal] = {}
        self.emptied = 0

    def levels(self, rows: Iterable[tuple[str, str]]) -> tuple[Level, ...]:
        """A level of each pair of texts, in the order given.

        Raises RemoteProtocolError for a row that is no pair or holds no numbers.
        """
        known = self._known.get
        levels: list[Level] = []
        try:
            for price_text, quantity_text in rows:
                price = known(price_text)
                if price is None:
                    price = self._learn(price_text)
                quantity = Decimal(quantity_text)
                if not _ZERO <= quantity < _HUGE:
                    exact(quantity_text)
                levels.append(Level(price, quantity))
        except (ValueError, InvalidOperation) as error:
            raise RemoteProtocolError(
                f"rows of price and quantity were expected: {error}"
            ) from error
        return tuple(levels)

    def _learn(self, text: str) -> Decimal:
        if len(self._known) >= _REMEMBERED_MAX:
            self._known.clear()
            self.emptied += 1
        value = self._known[text] = exact(text)
        return value
