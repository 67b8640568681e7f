"""A venue's ways with orders, as data: what may be done how often, and what names an order."""

from collections.abc import Callable
from decimal import Decimal

from msgspec import Struct

from fluxum.errors import BadInput
from fluxum.model.order import OrderRequest

__all__ = ["AgeBands", "Terms", "TradingAllowance"]

_ZERO = Decimal(0)
_SECOND_NS = 1_000_000_000


class AgeBands(Struct, frozen=True):
    """What doing something to an order costs by its age: `(younger than seconds, cost)`, rising.

    Something older than the last band costs nothing.
    """

    bands: tuple[tuple[int, Decimal], ...] = ()

    def __post_init__(self) -> None:
        """Refuse bands that are out of order."""
        ages = [age_s for age_s, _ in self.bands]
        if ages != sorted(set(ages)):
            raise BadInput(f"bands of rising age were expected, was {ages}")

    def cost(self, age_ns: int) -> Decimal:
        """What it costs at an age."""
        for younger_s, cost in self.bands:
            if age_ns < younger_s * _SECOND_NS:
                return cost
        return _ZERO


class TradingAllowance(Struct, frozen=True, kw_only=True):
    """A venue's figures for one class of customers.

    Each market has a count of its own: above `most` commands are refused, and `decay_per_s` lowers
    it. `add`, `amend` and `edit` cost that much at any age and besides by the age of the order,
    which begins anew with each change; `batch_add` is for each order of a batch, `cancel_all` for
    each market with orders. `orders_max` is how many orders may be open in a market.
    """

    most: Decimal
    decay_per_s: Decimal
    orders_max: int | None = None
    add: Decimal = Decimal(1)
    batch_add: Decimal = Decimal(1)
    amend: Decimal = _ZERO
    edit: Decimal = _ZERO
    cancel_all: Decimal = _ZERO
    amend_ages: AgeBands = AgeBands()
    edit_ages: AgeBands = AgeBands()
    cancel_ages: AgeBands = AgeBands()


def _is_text(name: str) -> bool:
    return name.isascii() and name.isprintable() and 0 < len(name) <= 64


def _always(_request: OrderRequest) -> bool:
    return True


def _never(_message: str) -> bool:
    return False


class Terms(Struct, frozen=True, kw_only=True):
    """A venue's ways with orders.

    `allowance` is what may be done there, none where nothing is foreseen. `is_name` tells whether
    a client order id can be sent, `takes_name` whether the venue takes one with such an order;
    with those it does not, a user reference takes its place. `leaves_doubt` tells of a refusal's
    words whether the order may have been taken all the same. A command may carry a deadline from
    `deadline_min_s` to `deadline_max_s` ahead.
    """

    allowance: TradingAllowance | None = None
    is_name: Callable[[str], bool] = _is_text
    takes_name: Callable[[OrderRequest], bool] = _always
    leaves_doubt: Callable[[str], bool] = _never
    deadline_min_s: float = 0.5
    deadline_max_s: float = 60.0
