"""From what should be to the smallest set of changes of what is. Pure.

An order at the right price keeps its place in the queue: it is made smaller in place, and if more
is needed, an order for the rest is placed behind it. While a command about an order of a side is on
its way, nothing is planned for that side, as what rests there is not known; the plan is then
`is_blocked` and has to be made again after the answer. An order whose price is wrong is moved where
the venue can do that; elsewhere it is canceled, and its successor is placed once it has ended, so
that never both of them can be filled.
"""

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Protocol

from msgspec import Struct

from fluxum.bot.intent import Quote, Target
from fluxum.bot.view import OrderRole
from fluxum.ledger.arithmetic import add, minus, multiply, subtract
from fluxum.model.instrument import Instrument
from fluxum.model.levels import Level
from fluxum.model.market import Side

__all__ = [
    "Change",
    "End",
    "New",
    "Plan",
    "Planned",
    "in_lots",
    "is_enough",
    "plan_quote",
    "plan_target",
]

_ZERO = Decimal(0)
# To look up a member of an enumeration costs a call.
_BUY, _SELL, _QUOTE, _TARGET = Side.BUY, Side.SELL, OrderRole.QUOTE, OrderRole.TARGET


class Planned(Protocol):
    """An open order, as far as a plan looks at it; see `OpenOrder`."""

    @property
    def client_order_id(self) -> str: ...  # noqa: D102 - those of OpenOrder
    @property
    def role(self) -> OrderRole: ...  # noqa: D102
    @property
    def side(self) -> Side: ...  # noqa: D102
    @property
    def price(self) -> Decimal | None: ...  # noqa: D102
    @property
    def quantity(self) -> Decimal: ...  # noqa: D102
    @property
    def filled(self) -> Decimal: ...  # noqa: D102
    @property
    def remaining(self) -> Decimal: ...  # noqa: D102
    @property
    def is_certain(self) -> bool: ...  # noqa: D102


class New(Struct, frozen=True, kw_only=True, gc=False, tag="new"):
    """An order to place: at the market without a price; `at_once` never rests."""

    side: Side
    quantity: Decimal
    price: Decimal | None
    role: OrderRole
    post_only: bool = False
    at_once: bool = False


class Change(Struct, frozen=True, kw_only=True, gc=False, tag="change"):
    """An order to change in place; `quantity` is with what is filled."""

    order: Planned
    quantity: Decimal
    price: Decimal | None


class End(Struct, frozen=True, gc=False, tag="end"):
    """An order to cancel."""

    order: Planned


class Plan(Struct, frozen=True, gc=False):
    """Changes in the order in which they are sent, and whether more follows after answers."""

    changes: tuple[End | Change | New, ...] = ()
    is_blocked: bool = False


_BLOCKED = Plan(is_blocked=True)


def plan_quote(
    quote: Quote,
    orders: Sequence[Planned],
    instrument: Instrument | None,
    *,
    can_amend: bool,
) -> Plan:
    """What makes the quotes that rest those that should; `orders` are all of the market.

    Prices go to the tick away from the market, quantities down to the lot; what is below the
    least quantity of the market does not rest. Cancels come first, then what moves away from the
    other side, then what moves towards it, so that no order meets another of this bot.
    """
    buys: list[Planned] = []
    sells: list[Planned] = []
    for one in orders:
        if one.role is _QUOTE:
            (buys if one.side is _BUY else sells).append(one)
    bid = _side(_BUY, quote.bid, buys, instrument, can_amend, quote)
    ask = _side(_SELL, quote.ask, sells, instrument, can_amend, quote)
    changes = bid.changes + ask.changes
    if len(changes) > 1 and (buys or sells):  # else there are only new orders, the bid first
        changes = tuple(sorted(changes, key=_rank))
    return Plan(changes, bid.is_blocked or ask.is_blocked)


def plan_target(
    target: Target,
    held: Decimal,
    orders: Sequence[Planned],
    instrument: Instrument | None,
    worth: Decimal | None,
) -> Plan | None:
    """What brings a position to its target; `None`: it is reached, as far as lots allow.

    `worth` is the price by which the market's least amount is judged.
    """
    if any(one.role is _TARGET for one in orders):
        return Plan(is_blocked=True)
    need = subtract(target.quantity, held)
    quantity = in_lots(abs(need), instrument)
    if not is_enough(quantity, target.limit or worth, instrument):
        return None
    side = _BUY if need > 0 else _SELL
    price = _tick(side, target.limit, instrument)
    new = New(side=side, quantity=quantity, price=price, role=_TARGET, at_once=True)
    return Plan((new,), is_blocked=True)


def _side(
    side: Side,
    level: Level | None,
    orders: Sequence[Planned],
    instrument: Instrument | None,
    can_amend: bool,
    quote: Quote,
) -> Plan:
    for one in orders:
        if not one.is_certain:
            return _BLOCKED
    price = None if level is None else _tick(side, level.price, instrument)
    wanted = _ZERO if level is None else in_lots(level.quantity, instrument)
    if not is_enough(wanted, price, instrument):
        return Plan(tuple(End(one) for one in orders), is_blocked=False)
    if not orders:
        return Plan((_new(side, wanted, price, quote),))
    at: list[Planned] = []
    away: list[Planned] = []
    for one in orders:
        (at if one.price == price else away).append(one)
    if away and not at and can_amend:
        first, *others = away
        quantity = add(first.filled, wanted)
        moved = Change(order=first, quantity=quantity, price=price)
        return Plan((*map(End, others), moved))
    excess = subtract(_sum(at), wanted)
    ends = tuple(End(one) for one in away)
    if excess > 0:
        return Plan((*ends, *_less(at, excess, instrument, can_amend)), is_blocked=not can_amend)
    if away:
        return Plan(ends, is_blocked=excess < 0)
    missing = minus(excess)
    if not is_enough(missing, price, instrument):
        return Plan()
    return Plan((_new(side, missing, price, quote),))


def _new(side: Side, quantity: Decimal, price: Decimal | None, quote: Quote) -> New:
    return New(
        side=side,
        quantity=quantity,
        price=price,
        role=_QUOTE,
        post_only=quote.post_only,
    )


def _less(
    orders: Sequence[Planned], excess: Decimal, instrument: Instrument | None, can_amend: bool
) -> list[End | Change]:
    """Take away what is too much, from the last of the queue first."""
    changes: list[End | Change] = []
    for one in reversed(orders):
        if excess <= 0:
            break
        left = subtract(one.remaining, excess)
        if left > 0 and can_amend and is_enough(left, one.price, instrument):
            quantity = subtract(one.quantity, excess)
            changes.append(Change(order=one, quantity=quantity, price=None))
        else:
            changes.append(End(one))
        excess = subtract(excess, one.remaining)
    return changes


def _rank(change: End | Change | New) -> int:
    match change:
        case End():
            return 0
        case New():
            return 3
        case Change():
            if change.price is None or change.order.price is None:
                return 1
            is_up = change.price > change.order.price
            return 1 if is_up is (change.order.side is _SELL) else 2


def _tick(side: Side, price: Decimal | None, instrument: Instrument | None) -> Decimal | None:
    """A price on the grid, never better for the other side than what was wished."""
    if price is None or instrument is None:
        return price
    return instrument.round_price(price, ROUND_FLOOR if side is _BUY else ROUND_CEILING)


def in_lots(quantity: Decimal, instrument: Instrument | None) -> Decimal:
    """A quantity in whole lots of the market, rounded down; unchanged if its rules are unknown."""
    return quantity if instrument is None else instrument.round_quantity(quantity)


def is_enough(quantity: Decimal, price: Decimal | None, instrument: Instrument | None) -> bool:
    """Whether the market takes an order of this size; `price` is its limit, or about its price."""
    if quantity <= 0:
        return False
    if instrument is None:
        return True
    least = instrument.notional_min
    is_worth = least is None or price is None or multiply(quantity, price) >= least
    return quantity >= instrument.quantity_min and is_worth


def _sum(orders: Sequence[Planned]) -> Decimal:
    total = _ZERO
    for one in orders:
        total = add(total, one.remaining)
    return total
