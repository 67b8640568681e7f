"""The venue's rate limit of orders, followed, so that a refusal is foreseen. Pure.

A venue counts what an account does, for each market or for all: every command raises the count, at
some venues a change of a young order raises it more, and time lowers it. Above a threshold commands
are refused. The figures are the venue's and handed in (`venues.trading`, `venues.rates`).
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import reduce
from typing import Protocol, TypeVar, assert_never

from msgspec import Struct

from fluxum.ledger.arithmetic import EXACT
from fluxum.model.instrument import Symbol
from fluxum.model.order import (
    Amend,
    Cancel,
    CancelAll,
    CancelAllAfter,
    CancelBatch,
    Command,
    Edit,
    OrderRequest,
    OrderType,
    Place,
    PlaceBatch,
    TradingCount,
)
from fluxum.venues.rates import RateCounter, units_of
from fluxum.venues.trading import AgeBands, Operation, TradingAllowance

__all__ = ["Aged", "OrderRateLimit", "Refusal"]

_ZERO = Decimal(0)
_Key = tuple[int, Symbol | None]
"""A limit by its place, and the market that it counts; None where it counts all together."""
_Placing = tuple[Mapping[_Key, Decimal], Sequence[tuple[RateCounter, int]]]
"""What a new order costs by each limit, and the same as units of the counters."""
Counted = TypeVar("Counted")


class Aged(Protocol):
    """An order, as far as counting needs it: its market, and when it was last changed."""

    @property
    def symbol(self) -> Symbol:
        """Its market."""
        ...

    @property
    def changed_ns(self) -> int:
        """When it was placed or last changed."""
        ...


class Refusal(Struct, frozen=True, kw_only=True):
    """Why a venue would refuse a command now, and in how many seconds it would not.

    `wait_s` is `None` where waiting alone does not help.
    """

    reason: str
    wait_s: float | None = None


class OrderRateLimit:
    """The counts of one account.

    `order` finds an order by our name or the venue's id, `open_orders` all that are open. Unknown
    orders cost nothing. The count that the venue publishes (`correct`) replaces the one kept here,
    except for commands in flight.
    """

    def __init__(
        self,
        allowance: TradingAllowance,
        order: Callable[[str], Aged | None],
        open_orders: Callable[[], Collection[Aged]],
    ) -> None:
        self.allowance = allowance
        self._order = order
        self._open_orders = open_orders
        self._counters: dict[_Key, RateCounter] = {}
        self._most: Decimal | None = None  # as the venue published it
        self._flying: dict[int, Mapping[_Key, Decimal]] = {}
        self._placing: dict[tuple[Symbol, OrderType], _Placing] = {}
        self._rates = {
            operation: [
                (number, rate)
                for number, rate in enumerate(allowance.rates)
                if operation in rate.operations
            ]
            for operation in Operation
        }

    def count(self, symbol: Symbol, now_ns: int) -> Decimal:
        """Where the count of a market stands, by the venue's first limit."""
        by_symbol = self.allowance.rates[0].by_symbol
        return self._counter((0, symbol if by_symbol else None)).used(now_ns)

    def costs_of(self, command: Command, now_ns: int) -> Mapping[Symbol, Decimal]:
        """What a command will cost in each market it touches."""
        allowance = self.allowance
        match command:
            case Place(request=request):
                return {request.symbol: allowance.add}
            case PlaceBatch(requests=requests):
                return _summed((one.symbol, allowance.batch_add) for one in requests)
            case Amend():
                name = command.order_id or command.client_order_id
                return self._change([name], allowance.amend, allowance.amend_ages, now_ns)
            case Edit():
                ages = allowance.edit_ages
                return self._change([command.order_id], allowance.edit, ages, now_ns)
            case Cancel() | CancelBatch():
                names = [*command.order_ids, *command.client_order_ids]
                return self._change(names, allowance.cancel, allowance.cancel_ages, now_ns)
            case CancelAll():
                symbols = {one.symbol for one in self._open_orders()}
                return dict.fromkeys(sorted(symbols), allowance.cancel_all)
            case CancelAllAfter():
                return {}
            case _:
                assert_never(command)

    def would_refuse(self, command: Command, now_ns: int) -> Refusal | None:
        """Why the venue would refuse a command now, or none. Many cancels at once never are."""
        if isinstance(command, Place) and self._has_room(command, now_ns):
            return None
        if isinstance(command, CancelBatch | CancelAll | CancelAllAfter):
            return None
        for key, cost in self._charges(command, now_ns).items():
            counter = self._counter(key)
            wait_ns = counter.wait_ns(cost, now_ns)
            if wait_ns != 0:
                return Refusal(
                    reason=f"{key[1] or 'all markets'} would be counted {counter.used(now_ns)} + "
                    f"{cost}, and above {counter.most} the venue refuses",
                    wait_s=None if wait_ns is None else wait_ns / 1e9,
                )
        return self._too_many(command)

    def book(self, command_id: int, command: Command, now_ns: int) -> None:
        """A command was sent: it counts, and is on its way until it has landed."""
        if type(command) is Place:
            charges, counted = self._placed(command)
            for counter, units in counted:
                counter.count(units, now_ns)
        else:
            charges = self._charges(command, now_ns)
            for key, cost in charges.items():
                self._counter(key).add(cost, now_ns)
        self._flying[command_id] = charges

    def land(self, command_id: int) -> None:
        """A command was answered, or will not be: the venue's next word contains it."""
        self._flying.pop(command_id, None)

    def correct(self, event: TradingCount, now_ns: int) -> None:
        """The venue published a count, or how high it may go."""
        if event.allowed is not None:
            self._most = event.allowed
            for counter in self._counters.values():
                counter.most = event.allowed
        if event.used is None:
            return
        for number, rate in enumerate(self.allowance.rates):
            if rate.by_symbol is (event.symbol is not None):
                key = (number, event.symbol)
                flying = (costs.get(key, _ZERO) for costs in self._flying.values())
                self._counter(key).replace(reduce(EXACT.add, flying, event.used), now_ns)

    def _has_room(self, command: Place, now_ns: int) -> bool:
        """Whether a new order is below every limit."""
        for counter, units in self._placed(command)[1]:
            if not counter.has_room(units, now_ns):
                return False
        most = self.allowance.orders_max
        return most is None or len(self._open_orders()) < most

    def _placed(self, command: Place) -> _Placing:
        """What a new order costs; orders of one kind cost the same each time."""
        key = command.request.symbol, command.request.order_type
        known = self._placing.get(key)
        if known is None:
            charges = self._charges(command, 0)
            counted = [(self._counter(one), units_of(cost)) for one, cost in charges.items()]
            known = self._placing[key] = charges, counted
        return known

    def _charges(self, command: Command, now_ns: int) -> Mapping[_Key, Decimal]:
        """What a command will cost by each limit."""
        triggered = _is_triggered(command)
        charges: dict[_Key, Decimal] = {}
        for symbol, cost in self.costs_of(command, now_ns).items():
            for number, rate in self._rates[_operation(command)]:
                if rate.triggered in {None, triggered}:
                    key = number, symbol if rate.by_symbol else None
                    known = charges.get(key)
                    charges[key] = cost if known is None else EXACT.add(known, cost)
        return charges

    def _counter(self, key: _Key) -> RateCounter:
        counter = self._counters.get(key)
        if counter is None:
            counter = self._counters[key] = RateCounter(self.allowance.rates[key[0]].rate)
            counter.most = self._most or counter.most
        return counter

    def _change(
        self, names: Iterable[str], fixed: Decimal, ages: AgeBands, now_ns: int
    ) -> Mapping[Symbol, Decimal]:
        known = [order for order in map(self._order, names) if order is not None]
        return _summed(
            (one.symbol, EXACT.add(fixed, ages.cost(max(0, now_ns - one.changed_ns))))
            for one in known
        )

    def _too_many(self, command: Command) -> Refusal | None:
        most = self.allowance.orders_max
        if most is None:
            return None
        requests: Sequence[OrderRequest] = ()
        if isinstance(command, Place):
            requests = (command.request,)
        elif isinstance(command, PlaceBatch):
            requests = command.requests
        orders = self._open_orders()
        if len(orders) + len(requests) <= most:  # of all markets together
            return None
        for symbol, more in Counter(request.symbol for request in requests).items():
            count = sum(1 for one in orders if one.symbol == symbol)
            if count + more > most:
                return Refusal(
                    reason=f"{count} orders are open in {symbol}, {more} more were to be placed, "
                    f"and the venue takes {most}"
                )
        return None


def _operation(command: Command) -> Operation:
    match command:
        case Place() | PlaceBatch():
            return Operation.PLACE
        case Amend() | Edit():
            return Operation.AMEND
        case _:
            return Operation.CANCEL


def _is_triggered(command: Command) -> bool:
    """Whether a command is about an order that waits for a price, as far as it shows that."""
    match command:
        case Place(request=request) | Amend(becomes=OrderRequest() as request):
            return request.order_type.is_triggered
        case _:
            return False


def _summed(costs: Iterable[tuple[Counted, Decimal]]) -> Mapping[Counted, Decimal]:
    sums: dict[Counted, Decimal] = {}
    for what, cost in costs:
        sums[what] = EXACT.add(sums.get(what, _ZERO), cost)
    return sums
