"""The positions of a simulated account in contracts: what they cost, earn, and pay for funding.

Positions are margined by the whole account (cross margin) and marked at the last price. Funding is
paid every eight hours, at 00:00, 08:00 and 16:00 UTC, by longs to shorts, at a rate that does not
change. The exchange closes no position by itself: `SimulatedAccount.force` does.
"""

from collections.abc import Callable
from decimal import Decimal

from msgspec import Struct

from fluxum.model.instrument import Symbol
from fluxum.sim.orders import quantum
from fluxum.venues.server.accounts import PositionState

__all__ = ["FUNDING_NS", "FUNDING_RATE", "HeldContracts"]

FUNDING_NS = 8 * 3600 * 1_000_000_000
"""The time between two payments."""
FUNDING_RATE = Decimal("0.0001")
"""What longs pay of the value of their position, each time."""

_ZERO = Decimal(0)
_MAINTENANCE = Decimal("0.005")
_PRICE = Decimal("1e-8")


class _Held(Struct):
    """What is held of a contract, below zero for a short, and what that cost when it was opened."""

    opened_ns: int
    changed_ns: int
    quantity: Decimal = _ZERO
    worth: Decimal = _ZERO


class HeldContracts:
    """The positions of one account."""

    def __init__(self) -> None:
        self._held: dict[Symbol, _Held] = {}

    def __bool__(self) -> bool:
        """Whether there ever was a position."""
        return bool(self._held)

    def quantity(self, symbol: Symbol) -> Decimal:
        """What is held of a contract, below zero for a short."""
        held = self._held.get(symbol)
        return _ZERO if held is None else held.quantity

    def move(self, symbol: Symbol, quantity: Decimal, cost: Decimal, now_ns: int) -> Decimal:
        """Add to a position; returns what the part that was closed earned."""
        held = self._held.setdefault(symbol, _Held(now_ns, now_ns))
        closed = min(abs(held.quantity), abs(quantity)) if held.quantity * quantity < 0 else _ZERO
        opened = abs(quantity) - closed
        bought = held.worth * closed / abs(held.quantity) if closed else _ZERO
        sold = cost * closed / abs(quantity)
        held.quantity += quantity
        held.worth += cost * opened / abs(quantity) - bought
        held.changed_ns = now_ns
        return -(bought + sold).quantize(quantum(symbol.quote))

    def states(
        self, mark: Callable[[Symbol], Decimal], total: Callable[[Symbol], Decimal]
    ) -> list[PositionState]:
        """Every position, closed ones as well.

        `mark` is the price of a market, `total` the balance that secures a position in it.
        """
        return [
            _state(symbol, held, mark(symbol), total(symbol)) for symbol, held in self._held.items()
        ]


def _state(symbol: Symbol, held: _Held, mark: Decimal, total: Decimal) -> PositionState:
    quantity = held.quantity
    return PositionState(
        symbol=symbol,
        quantity=quantity,
        entry_price=(held.worth / quantity).quantize(_PRICE) if quantity else None,
        mark_price=mark,
        liquidation_price=_liquidation_price(held, total),
        unrealised=(quantity * mark - held.worth).quantize(quantum(symbol.quote)),
        opened_ns=held.opened_ns,
        changed_ns=held.changed_ns,
    )


def _liquidation_price(held: _Held, total: Decimal) -> Decimal | None:
    """Where the balance and the position's loss are down to the maintenance margin.

    At that price p: total + quantity p - worth = 0.5 % of |quantity| p.
    """
    if not held.quantity:
        return None
    price = (held.worth - total) / (held.quantity - _MAINTENANCE * abs(held.quantity))
    return price.quantize(_PRICE) if price > 0 else None
