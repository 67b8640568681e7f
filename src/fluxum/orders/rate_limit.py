"""The venue's rate limit of orders, followed, so that a refusal is foreseen. Pure.

Such a venue counts for each market what an account does there: every command raises the count, a
change of a young order raises it more, and time lowers it. Above a threshold commands are refused.
The figures are the venue's and handed in; the sums here are exact.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Protocol, assert_never

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
    Place,
    PlaceBatch,
    TradingCount,
)
from fluxum.venues.trading import AgeBands, TradingAllowance

__all__ = ["AgeBands", "Aged", "OrderRateLimit", "Refusal", "TradingAllowance"]

_ZERO = Decimal(0)
_SECOND_NS = 1_000_000_000
_IN_A_SECOND = Decimal(_SECOND_NS)


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
        open_orders: Callable[[], Iterable[Aged]],
    ) -> None:
        self.allowance = allowance
        self._most = allowance.most
        self._order = order
        self._open_orders = open_orders
        self._counts: dict[Symbol | None, tuple[Decimal, int]] = {}
        self._flying: dict[int, Mapping[Symbol, Decimal]] = {}

    def count(self, symbol: Symbol, now_ns: int) -> Decimal:
        """Where the count of a market stands, or that of the account."""
        count, at_ns = self._counts.get(self._key(symbol), (_ZERO, now_ns))
        elapsed = Decimal(max(0, now_ns - at_ns)) / _IN_A_SECOND
        return max(
            _ZERO, EXACT.subtract(count, EXACT.multiply(elapsed, self.allowance.decay_per_s))
        )

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
                return self._change(names, _ZERO, allowance.cancel_ages, now_ns)
            case CancelAll():
                symbols = {one.symbol for one in self._open_orders()}
                return dict.fromkeys(sorted(symbols), allowance.cancel_all)
            case CancelAllAfter():
                return {}
            case _:
                assert_never(command)

    def would_refuse(self, command: Command, now_ns: int) -> Refusal | None:
        """Why the venue would refuse a command now, or none. Many cancels at once never are."""
        if isinstance(command, CancelBatch | CancelAll | CancelAllAfter):
            return None
        for symbol, cost in self.costs_of(command, now_ns).items():
            count = self.count(symbol, now_ns)
            over = EXACT.subtract(EXACT.add(count, cost), self._most)
            if over > 0:
                wait_s = float(over / self.allowance.decay_per_s)
                return Refusal(
                    reason=f"{symbol} would be counted {count} + {cost}, "
                    f"and above {self._most} the venue refuses",
                    wait_s=None if cost > self._most else wait_s,
                )
        return self._too_many(command)

    def book(self, command_id: int, command: Command, now_ns: int) -> None:
        """A command was sent: it counts, and is on its way until it has landed."""
        costs = self.costs_of(command, now_ns)
        for symbol, cost in costs.items():
            count = EXACT.add(self.count(symbol, now_ns), cost)
            self._counts[self._key(symbol)] = (count, now_ns)
        self._flying[command_id] = costs

    def land(self, command_id: int) -> None:
        """A command was answered, or will not be: the venue's next word contains it."""
        self._flying.pop(command_id, None)

    def correct(self, event: TradingCount, now_ns: int) -> None:
        """The venue published a count, or how high it may go."""
        if event.allowed is not None:
            self._most = event.allowed
        if event.used is not None and event.symbol is not None:
            count = event.used
            for costs in self._flying.values():
                count = EXACT.add(count, costs.get(event.symbol, _ZERO))
            self._counts[event.symbol] = (count, now_ns)

    def _key(self, symbol: Symbol) -> Symbol | None:
        return None if self.allowance.is_of_account else symbol

    def _change(
        self, names: Iterable[str], fixed: Decimal, ages: AgeBands, now_ns: int
    ) -> Mapping[Symbol, Decimal]:
        known = [order for order in map(self._order, names) if order is not None]
        return _summed(
            (one.symbol, EXACT.add(fixed, ages.cost(max(0, now_ns - one.changed_ns))))
            for one in known
        )

    def _too_many(self, command: Command) -> Refusal | None:
        requests = [command.request] if isinstance(command, Place) else []
        requests = list(command.requests) if isinstance(command, PlaceBatch) else requests
        most = self.allowance.orders_max
        if most is None:
            return None
        for symbol, more in Counter(request.symbol for request in requests).items():
            count = sum(1 for one in self._open_orders() if one.symbol == symbol)
            if count + more > most:
                return Refusal(
                    reason=f"{count} orders are open in {symbol}, {more} more were to be placed, "
                    f"and the venue takes {most}"
                )
        return None


def _summed(costs: Iterable[tuple[Symbol, Decimal]]) -> Mapping[Symbol, Decimal]:
    sums: dict[Symbol, Decimal] = {}
    for symbol, cost in costs:
        sums[symbol] = EXACT.add(sums.get(symbol, _ZERO), cost)
    return sums
