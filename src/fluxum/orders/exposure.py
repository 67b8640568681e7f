"""What is held in each market, and the most that open orders could make of it. Pure.

What is held begins with what the desk was given and moves with every fill. What an order could
still fill is its quantity less the fills that were counted, for as long as it may be open: an
uncertain order counts, a change in flight counts if it is larger, and so does what the venue's
updates filled and no fill has shown. So the true position is always between the two ends.

An order from before the desk was opened may have been filled in part by then. That part is in what
was held already, and is taken from the first evidence of the order.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from fluxum.errors import RiskRefused
from fluxum.ledger.arithmetic import EXACT, checked
from fluxum.model.account import Fill
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderRequest
from fluxum.orders.limits import PricedBook, RiskLimits, middle_of, refuse
from fluxum.orders.order import TrackedOrder

__all__ = ["Added", "Exposed", "Exposure", "PositionLimits", "could_fill", "fills_after", "wanted"]

_ZERO = Decimal(0)
Added = Mapping[Symbol, tuple[Decimal, Decimal]]
"""What orders add to markets: buys, and sells below zero."""


class Exposed(Protocol):
    """What limits of positions need to know; see `Exposure`."""

    @property
    def is_known(self) -> bool:
        """Whether it is known what is open, so that nothing is left out here."""
        ...

    @property
    def symbols(self) -> Iterable[Symbol]:
        """Every market where something is or was held or ordered."""
        ...

    def position(self, symbol: Symbol) -> Decimal:
        """What is held, below zero for a short."""
        ...

    def highest(self, symbol: Symbol) -> Decimal:
        """What is held if every open buy is filled and no sell."""
        ...

    def lowest(self, symbol: Symbol) -> Decimal:
        """What is held if every open sell is filled and no buy."""
        ...


class Exposure:
    """Positions of one account, with the least and the most that they can become."""

    def __init__(self) -> None:
        self._held: dict[Symbol, Decimal] = {}
        self._parts: dict[int, Decimal] = {}  # what each order could add
        self._buys: dict[Symbol, Decimal] = {}
        self._sells: dict[Symbol, Decimal] = {}
        self._opened_ns: int | None = None
        self.is_known: bool = True
        """Whether it is known what is open, so that nothing is left out here."""

    @property
    def symbols(self) -> Iterable[Symbol]:
        """Every market where something is or was held or ordered."""
        return dict.fromkeys((*self._held, *self._buys, *self._sells))

    def position(self, symbol: Symbol) -> Decimal:
        """What is held, below zero for a short."""
        return self._held.get(symbol, _ZERO)

    def highest(self, symbol: Symbol) -> Decimal:
        """What is held if every open buy is filled and no sell."""
        return EXACT.add(self.position(symbol), self._buys.get(symbol, _ZERO))

    def lowest(self, symbol: Symbol) -> Decimal:
        """What is held if every open sell is filled and no buy; sells count below zero."""
        return EXACT.add(self.position(symbol), self._sells.get(symbol, _ZERO))

    # How it changes

    def begin(self, held: Mapping[Symbol, Decimal], at_ns: int) -> None:
        """Begin with what is held at an instant of the venue's clock.

        Fills of that time and before that come from history are part of it. Raises BadInput.
        """
        self._held = {
            Symbol(symbol): checked(quantity, f"what is held of {symbol}")
            for symbol, quantity in held.items()
        }
        self._opened_ns = at_ns

    def fill(self, fill: Fill) -> None:
        """A fill moved a position; each comes here once."""
        if not self._is_of_before(fill):
            self._hold(fill.symbol, EXACT.subtract(fill.signed_quantity, _charged(fill)))

    def charge(self, fill: Fill) -> None:
        """The fees of a fill became known, which moved a position without them."""
        if not self._is_of_before(fill):
            self._hold(fill.symbol, EXACT.minus(_charged(fill)))

    def enter(self, order: TrackedOrder, request: OrderRequest) -> None:
        """An order is about to be sent: nothing is known of it but what it asks for."""
        self._put(order, wanted(request))

    def note(self, order: TrackedOrder) -> None:
        """Something was learned of an order."""
        quantity = could_fill(order)
        self._put(order, quantity if order.side is Side.BUY else EXACT.minus(quantity))

    def forget(self, order: TrackedOrder) -> None:
        """An ended order is let go: what was filled of it and no fill has shown is held."""
        if order.number in self._parts:
            self._hold(order.symbol, self._parts[order.number])
        self._put(order, _ZERO)

    def drop(self, order: TrackedOrder) -> None:
        """There is no such order."""
        self._put(order, _ZERO)

    def _is_of_before(self, fill: Fill) -> bool:
        opened_ns = self._opened_ns
        return fill.backfilled and opened_ns is not None and fill.venue_ns <= opened_ns

    def _hold(self, symbol: Symbol, change: Decimal) -> None:
        self._held[symbol] = EXACT.add(self._held.get(symbol, _ZERO), change)

    def _put(self, order: TrackedOrder, quantity: Decimal) -> None:
        """Replace what an order could still add to its market, below zero for a sell."""
        old = self._parts.pop(order.number, _ZERO)
        if quantity:
            self._parts[order.number] = quantity
        if quantity != old:
            sums = self._buys if order.side is Side.BUY else self._sells
            known = sums.get(order.symbol, _ZERO)
            sums[order.symbol] = EXACT.add(known, EXACT.subtract(quantity, old))


class PositionLimits:
    """Limits of what is held together with all that is open.

    `valid` finds the valid book of a market, or raises RiskRefused in the name of a limit.
    """

    def __init__(self, exposure: Exposed, valid: Callable[[Symbol, str], PricedBook]) -> None:
        self._exposure = exposure
        self._valid = valid

    def check(self, limits: RiskLimits, requests: Sequence[OrderRequest], added: Added) -> None:
        """Raise RiskRefused for orders that are to be sent together and must not."""
        if not limits.are_of_positions:
            return
        for request in requests:
            _check_known(request)
        if not self._exposure.is_known:
            raise RiskRefused(
                "positions are limited, and open orders are not known yet", "position_max"
            )
        for symbol, (buys, sells) in added.items():
            most = limits.position_of(symbol)
            if most is not None:
                what = f"a position in {symbol}, open orders included,"
                self._check_ends([symbol], buys, sells, most, (what, "position_max"))
        for asset, most in (limits.exposure_max or {}).items():
            buys = sum((one for at, (one, _) in added.items() if at.base == asset), _ZERO)
            sells = sum((one for at, (_, one) in added.items() if at.base == asset), _ZERO)
            markets = [symbol for symbol in self._markets(added) if symbol.base == asset]
            inverse = [symbol for symbol in markets if symbol.is_inverse]
            if inverse and (buys or sells):
                raise RiskRefused(
                    f"how much {asset} {inverse[0]} stands for is not known", "exposure_max"
                )
            what = f"an exposure to {asset}, open orders included,"
            self._check_ends(markets, buys, sells, most, (what, "exposure_max"))
        if limits.account_exposure_max is not None and limits.account_asset is not None:
            self._check_account(added, limits.account_exposure_max, limits.account_asset)

    def _check_ends(
        self,
        markets: Sequence[Symbol],
        buys: Decimal,
        sells: Decimal,
        most: Decimal,
        names: tuple[str, str],
    ) -> None:
        """Refuse buys beyond the most that may be held, and sells beyond the least."""
        what, limit = names
        if buys:
            highest = _sum(self._exposure.highest(symbol) for symbol in markets)
            if EXACT.add(highest, buys) > most:
                refuse(what, EXACT.add(highest, buys), most, limit)
        if sells:
            lowest = _sum(self._exposure.lowest(symbol) for symbol in markets)
            found = EXACT.add(lowest, sells)
            if found < -most:
                raise RiskRefused(f"{what} of at least {-most} was expected, was {found}", limit)

    def _check_account(self, added: Added, most: Decimal, asset: Asset) -> None:
        """All positions at their worst and without sign, at the middle of their markets."""
        sizes: dict[Symbol, Decimal] = {}
        is_larger = False
        for symbol in self._markets(added):
            highest, lowest = self._exposure.highest(symbol), self._exposure.lowest(symbol)
            buys, sells = added.get(symbol, (_ZERO, _ZERO))
            size = max(abs(EXACT.add(highest, buys)), abs(EXACT.add(lowest, sells)))
            is_larger = is_larger or size > max(abs(highest), abs(lowest))
            if size:
                sizes[symbol] = size
        if not is_larger:
            return
        total = sum((size * self._value(one, asset) for one, size in sizes.items()), _ZERO)
        if total > most:
            what = f"an exposure of the account in {asset}, open orders included,"
            refuse(what, total, most, "account_exposure_max")

    def _value(self, symbol: Symbol, asset: Asset) -> Decimal:
        """What one of the base asset is worth in another."""
        if symbol.is_inverse:
            raise RiskRefused(
                f"how much of the account {symbol} stands for is not known", "account_exposure_max"
            )
        price = self._middle(symbol)
        if symbol.quote == asset:
            return price
        try:
            return price * self._middle(Symbol(f"{symbol.quote}/{asset}"))
        except RiskRefused as error:
            try:
                return price / self._middle(Symbol(f"{asset}/{symbol.quote}"))
            except RiskRefused:
                raise error from None

    def _middle(self, symbol: Symbol) -> Decimal:
        name = "account_exposure_max"
        return middle_of(self._valid(symbol, name), symbol, name)

    def _markets(self, added: Added) -> list[Symbol]:
        return list(dict.fromkeys((*self._exposure.symbols, *added)))


def could_fill(order: TrackedOrder) -> Decimal:
    """What may still be filled of an order and is in no position yet, without its sign."""
    if order.is_final:
        shown = EXACT.add(order.filled_before or _ZERO, order.filled_by_fills)
        return max(_ZERO, EXACT.subtract(order.filled_by_updates, shown))
    known = _ZERO if order.update is None else order.update.quantity
    if order.update is None and order.request is not None:
        known = order.request.quantity or _ZERO
    left = max(_ZERO, EXACT.subtract(known, _counted(order)))
    pending = order.pending_quantity
    if pending is None:
        return left
    return fills_after(order, left, pending, anew=order.edit_reference is not None)


def fills_after(order: TrackedOrder, left: Decimal, quantity: Decimal, *, anew: bool) -> Decimal:
    """What could be filled of an order, of which so much is `left`, while a change is on its way.

    It may become an order of another quantity; with `anew` another order takes its place, and
    before that happens nearly all of this one may be filled.
    """
    if anew:
        return EXACT.add(left, quantity)
    return max(left, EXACT.subtract(quantity, _counted(order)))


def wanted(request: OrderRequest) -> Decimal:
    """What a new order adds to its market if all of it is filled, with its sign."""
    quantity = request.quantity or _ZERO
    return quantity if request.side is Side.BUY else EXACT.minus(quantity)


def _counted(order: TrackedOrder) -> Decimal:
    """What is filled of an order and is in a position."""
    if not order.filled_before:
        return order.filled_by_fills
    shown = EXACT.add(order.filled_before, order.filled_by_fills)
    return min(order.filled_by_updates, shown)


def _charged(fill: Fill) -> Decimal:
    """What the fees of a fill take of the base asset; a contract holds none of that."""
    if fill.symbol.contract or not fill.fees:
        return _ZERO
    base, total = fill.symbol.base, _ZERO
    for fee in fill.fees:
        if fee.asset == base:
            total = EXACT.add(total, fee.amount)
    return total


def _check_known(request: OrderRequest) -> None:
    """How much an amount to spend buys is not known before it is spent."""
    if request.quantity is None and request.quote_quantity is not None:
        raise RiskRefused(
            f"a quantity was expected, as positions are limited; was an amount to spend, "
            f"{request.quote_quantity} {request.symbol.quote}",
            "position_max",
        )


def _sum(values: Iterable[Decimal]) -> Decimal:
    total = _ZERO
    for value in values:
        total = EXACT.add(total, value)
    return total
