"""Trigger prices given as distances, and orders that wait for a price.

A stop loss waits for the market to move against its side, a take profit for the opposite; a
trailing stop follows the best price since it was placed at a distance. Triggers are compared
with the last trade.
"""

from copy import copy
from decimal import ROUND_HALF_UP, Decimal

from fluxum.model.instrument import Instrument
from fluxum.model.market import Side
from fluxum.model.order import OrderType, PriceKind, Trigger

__all__ = ["Watch", "is_trailing", "offset"]

_TRAILING = frozenset({OrderType.TRAILING_STOP, OrderType.TRAILING_STOP_LIMIT})
_PROFIT = frozenset({OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT})


def is_trailing(order_type: OrderType) -> bool:
    """Whether the order's trigger follows the market."""
    return order_type in _TRAILING


def offset(price: Decimal, distance: Decimal, kind: PriceKind, instrument: Instrument) -> Decimal:
    """The price at a signed distance from another, on the tick; a static one is itself."""
    if kind is PriceKind.STATIC:
        return distance
    away = distance if kind is PriceKind.QUOTE else price * distance / 100
    return instrument.round_price(price + away, ROUND_HALF_UP)


class Watch:
    """A waiting trigger: `price` is where it fires now, `peak` the best price so far."""

    def __init__(
        self,
        order_type: OrderType,
        side: Side,
        trigger: Trigger,
        last_price: Decimal,
        instrument: Instrument,
    ) -> None:
        self.peak: Decimal | None = last_price if is_trailing(order_type) else None
        self._trigger = trigger
        self._instrument = instrument
        # A stop loss that buys and a take profit that sells wait for the price to rise.
        self._is_above = (side is Side.BUY) is not (order_type in _PROFIT)
        self.price = self._follow() if self.peak is not None else self._placed(last_price)

    def see(self, price: Decimal) -> bool:
        """Process a trade; returns whether the trigger fires."""
        if self._is_due(price):
            return True
        if self.peak is not None:
            self.peak = min(self.peak, price) if self._is_above else max(self.peak, price)
            self.price = self._follow()
        return False

    def moved(self, trigger: Trigger, last_price: Decimal) -> "Watch":
        """The same trigger with another price; a trailing one keeps its peak."""
        other = copy(self)
        other.follow(trigger, last_price)
        return other

    def follow(self, trigger: Trigger, last_price: Decimal) -> None:
        """Wait for another price from now on."""
        self._trigger = trigger
        self.price = self._follow() if self.peak is not None else self._placed(last_price)

    def _is_due(self, price: Decimal) -> bool:
        return price >= self.price if self._is_above else price <= self.price

    def _placed(self, last_price: Decimal) -> Decimal:
        return offset(last_price, self._trigger.price, self._trigger.kind, self._instrument)

    def _follow(self) -> Decimal:
        """The distance from the peak; a static one is in the quote asset."""
        assert self.peak is not None, "only trailing triggers follow a peak"
        trigger = self._trigger
        kind = PriceKind.QUOTE if trigger.kind is PriceKind.STATIC else trigger.kind
        distance = trigger.price if self._is_above else -trigger.price
        return offset(self.peak, distance, kind, self._instrument)
