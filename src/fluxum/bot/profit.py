"""What a bot has earned since it began, and each round trip, from its fills and marks. Pure.

A market's profit is what came in less what went out, plus what is held at the mark, less what was
held at the beginning at the first mark. Fees in the quote asset count; those in the base asset
make the position smaller; those in a third asset are kept apart, as they have no price here.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal

from msgspec import Struct

from fluxum.bot.market import Market, market_of
from fluxum.ledger.arithmetic import add, minus, multiply, subtract
from fluxum.model.account import Fill
from fluxum.model.instrument import Asset

__all__ = ["Earned", "Earnings", "Marks", "Trip"]

_ZERO = Decimal(0)
Marks = Callable[[Market], Decimal | None]
"""The price at which a market's position is valued now; `None` while there is none."""


class Trip(Struct, frozen=True, kw_only=True, tag="trip"):
    """From no position to no position again; `profit` is in the quote asset of the market."""

    market: Market
    opened_ns: int
    closed_ns: int
    profit: Decimal


class Earned(Struct, kw_only=True):
    """One market: `cash` came in since the beginning, `basis` is the worth of what was held then.

    `basis` is `None` while what was held at the beginning has had no mark.
    """

    market: Market
    position: Decimal = _ZERO
    begun_with: Decimal = _ZERO
    basis: Decimal | None = _ZERO
    cash: Decimal = _ZERO
    trip_cash: Decimal | None = _ZERO
    trip_ns: int = 0
    fees_elsewhere: dict[Asset, Decimal] = {}


class Earnings:
    """The profit of every market of one bot."""

    def __init__(self, state: Iterable[Earned] = ()) -> None:
        self._markets = {one.market: one for one in state}

    def state(self) -> tuple[Earned, ...]:
        """A value from which the same earnings can be made."""
        return tuple(self._markets.values())

    def begin(self, market: Market, held: Decimal) -> None:
        """Begin with a position whose cost is not known."""
        self._markets[market] = Earned(
            market=market,
            position=held,
            begun_with=held,
            basis=None if held else _ZERO,
            trip_cash=None if held else _ZERO,
        )

    def take(self, fill: Fill) -> Trip | None:
        """Count a fill, each of which comes here once; returns the round trip that it ends."""
        market = market_of(fill.venue, fill.symbol)
        one = self._markets.get(market)
        if one is None:
            one = self._markets[market] = Earned(market=market)
        before, quantity = one.position, fill.signed_quantity
        after = add(before, quantity)
        is_ended = before != 0 and (after == 0 or (after > 0) is not (before > 0))
        if before == 0:
            one.trip_ns, one.trip_cash = fill.venue_ns, one.cash
        closing = minus(before) if is_ended else quantity
        one.cash = subtract(one.cash, multiply(fill.price, closing))
        self._charge(one, fill)
        one.position = add(one.position, closing)
        if not is_ended:
            return None
        trip = _trip(one, fill)
        one.trip_ns, one.trip_cash = fill.venue_ns, one.cash
        rest = subtract(quantity, closing)
        one.cash = subtract(one.cash, multiply(fill.price, rest))
        one.position = add(one.position, rest)
        return trip

    def profit(self, market: Market, mark: Decimal | None) -> Decimal | None:
        """The profit of one market, in its quote asset; `None` while it is not known."""
        one = self._markets.get(market)
        if one is None:
            return _ZERO
        if one.basis is None:
            if mark is None:
                return None
            one.basis = multiply(one.begun_with, mark)
        if not one.position:
            return subtract(one.cash, one.basis)
        if mark is None:
            return None
        worth = multiply(one.position, mark)
        return subtract(add(one.cash, worth), one.basis)

    def total(self, currency: Asset, marks: Marks) -> Decimal | None:
        """The profit of all markets; `None` while it is not known or another asset is earned."""
        total = _ZERO
        for market, one in self._markets.items():
            if market.symbol.quote != currency and (one.position or one.cash or one.basis):
                return None
            profit = self.profit(market, marks(market))
            if profit is None:
                return None
            total = add(total, profit)
        return total

    @staticmethod
    def _charge(one: Earned, fill: Fill) -> None:
        for fee in fill.fees or ():
            if fee.asset == fill.symbol.quote:
                one.cash = subtract(one.cash, fee.amount)
            elif fee.asset == fill.symbol.base and not fill.symbol.contract:
                one.position = subtract(one.position, fee.amount)
            else:
                known = one.fees_elsewhere.get(fee.asset, _ZERO)
                one.fees_elsewhere[fee.asset] = add(known, fee.amount)


def _trip(one: Earned, fill: Fill) -> Trip | None:
    if one.trip_cash is None:
        return None  # of unknown cost
    return Trip(
        market=one.market,
        opened_ns=one.trip_ns,
        closed_ns=fill.venue_ns,
        profit=subtract(one.cash, one.trip_cash),
    )
