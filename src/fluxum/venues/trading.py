"""A venue's ways with orders, as data: what may be done how often, and what names an order."""

from collections.abc import Callable
from decimal import Decimal

from msgspec import Struct

from fluxum.errors import BadInput
from fluxum.model.enumeration import Enumeration
from fluxum.model.order import OrderRequest
from fluxum.venues.rates import Rate

__all__ = [
    "AgeBands",
    "Operation",
    "OrderRate",
    "OrderRules",
    "SwitchKeeper",
    "TradingAllowance",
    "begins_with",
]

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


class Operation(Enumeration):
    """What a command does to orders."""

    PLACE = "place"
    AMEND = "amend"
    CANCEL = "cancel"


class OrderRate(Struct, frozen=True, kw_only=True):
    """One rate limit of orders: which operations it counts, for each market apart or for all.

    `triggered` is whether it counts only orders that wait for a price, or only the others; `None`
    for both.
    """

    rate: Rate
    operations: frozenset[Operation] = frozenset(Operation)
    by_symbol: bool = False
    triggered: bool | None = None


class TradingAllowance(Struct, frozen=True, kw_only=True):
    """A venue's figures for one class of customers: its rate limits, and what commands cost.

    `add`, `amend`, `edit` and `cancel` cost that much at any age and besides by the age of the
    order, which begins anew with each change; `batch_add` is for each order of a batch,
    `cancel_all` for each market with orders. `orders_max` is how many orders may be open in a
    market.
    """

    rates: tuple[OrderRate, ...]
    orders_max: int | None = None
    add: Decimal = Decimal(1)
    batch_add: Decimal = Decimal(1)
    amend: Decimal = _ZERO
    edit: Decimal = _ZERO
    cancel: Decimal = _ZERO
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


def begins_with(*beginnings: str) -> Callable[[str], bool]:
    """Whether a message has one of these beginnings; one with a blank behind it is a whole word."""
    return lambda message: f"{message} ".startswith(beginnings)


class SwitchKeeper(Enumeration):
    """Who keeps the time of a dead man switch, and ends all orders when it is over."""

    VENUE = "venue"
    CLIENT = "client-side"


class OrderRules(Struct, frozen=True, kw_only=True):
    """A venue's rules of order entry.

    `allowance` is the venue's rate limit; `None` checks none. `is_name` is whether a text can be a
    client order id, `supports_client_id` whether the venue takes one with an order; with the others
    a user reference takes its place. `can_amend` is whether it changes orders in place.
    `is_ambiguous` is whether an order may have been entered
    although the venue refused it with a message. A command may carry a deadline from
    `deadline_min_s` to `deadline_max_s` ahead. `dead_man_switch` is who keeps it: the client, where
    the venue has no operation for it. `are_books_unproved` is whether the venue sends nothing that
    proves a book: then limits that need one take it as it is.
    """

    allowance: TradingAllowance | None = None
    is_name: Callable[[str], bool] = _is_text
    supports_client_id: Callable[[OrderRequest], bool] = _always
    can_amend: bool = True
    is_ambiguous: Callable[[str], bool] = _never
    deadline_min_s: float = 0.5
    deadline_max_s: float = 60.0
    dead_man_switch: SwitchKeeper = SwitchKeeper.VENUE
    are_books_unproved: bool = False
