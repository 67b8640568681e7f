"""One market at one venue: the quantity held, its cost, its profit.

A position follows the account's fills and nothing else. It keeps the open lots by each method of
its policy; the quantity, the fees and the averages are the same for all methods.

Fees are never part of a cost. `realised` and `unrealised` are gross, `fees_quote` is separate, and
`total` is net: realised + unrealised - fees. A rebate is a negative fee.

- A fee in the quote asset counts as it is.
- A fee in the base asset of a spot market is taken from the quantity held, so the position shrinks
  by it (a buy of 1 with a fee of 0.001 leaves 0.999), and it counts in the quote asset at the price
  of its fill. A contract (`BTC/USD:PERP`) holds no base asset: there it is a fee in a third asset.
- A fee in a third asset counts at the conversion price known when the fill comes. If none is known,
  it is left in `fees_unconverted`, and no total contains it.
- While it is not known in which asset the fees of a fill were charged, there is no total, and
  `fees_unknown` counts such fills. Once the same fill comes with its fees, the result is the same
  as if it had come with them at first.

So the total is always the cash received, less the cash paid, plus the quantity held at the mark. A
fill that is larger than the position closes it and opens the rest at the fill's price. Contracts
are linear: a price times a quantity is an amount of the quote asset. For an inverse contract that
is no amount of anything, so a position of one is refused.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal, getcontext, localcontext, setcontext

from fluxum.errors import BadInput
from fluxum.ledger.arithmetic import EXACT, average, checked, positive
from fluxum.ledger.dedup import SeenFills, Sighting
from fluxum.ledger.lots import CostBasis, Lot, Method
from fluxum.ledger.order_totals import OrderTally
from fluxum.ledger.policy import MarkBy, Policy
from fluxum.ledger.view import Position, Profit
from fluxum.model.account import Fee, Fill
from fluxum.model.input import choice
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderUpdate

__all__ = ["TrackedPosition"]

_ZERO = Decimal(0)
_BUY = Side.BUY
_NEW = Sighting.NEW
_AGAIN = frozenset({Sighting.REPEATED, Sighting.CONTRADICTED})


class TrackedPosition:
    """The position in one market at one venue, live; `view` takes a frozen copy.

    Fills count in the order they come, a late one when it comes. Each counts once: a repeated one
    is counted in `repeated`, and in `contradicted` if its numbers differ from the first ones.
    `conversions` are prices of third assets in the quote asset; it may be shared and change.
    """

    __slots__ = (
        "_ask",
        "_base",
        "_bases",
        "_bid",
        "_conversions",
        "_fees",
        "_mark_by",
        "_opened_ns",
        "_quote",
        "_seen",
        "_unconverted",
        "bought",
        "bought_notional",
        "contradicted",
        "fees_quote",
        "fees_unknown",
        "fills",
        "orders",
        "quantity",
        "repeated",
        "settled",
        "sold",
        "sold_notional",
        "symbol",
        "updated_ns",
        "venue",
    )

    def __init__(
        self,
        venue: str,
        symbol: Symbol,
        policy: Policy | None = None,
        *,
        seen: SeenFills | None = None,
        conversions: Mapping[Asset, Decimal] | None = None,
    ) -> None:
        if symbol.is_inverse:
            raise BadInput(
                f"a spot market or a linear contract was expected, was {symbol}: the profit of "
                f"inverse contracts is in {symbol.base} and is not counted"
            )
        policy = Policy() if policy is None else policy
        if not policy.methods or len(set(policy.methods)) < len(policy.methods):
            raise BadInput(f"one or more different methods were expected, was {policy.methods}")
        self.venue = venue
        self.symbol = symbol
        self.quantity = _ZERO
        """The quantity held, below zero for a short."""
        self.bought = self.sold = self.bought_notional = self.sold_notional = _ZERO
        self.fees_quote = _ZERO
        """All fees that are known in the quote asset."""
        self.fills = self.repeated = self.contradicted = self.settled = 0
        self.fees_unknown = 0
        """The number of fills whose fees are not known yet."""
        self.updated_ns: int | None = None
        self.orders = OrderTally(policy.orders_ended)
        self._bases = tuple(CostBasis(method, policy.lots_max) for method in policy.methods)
        self._mark_by = policy.mark_by
        self._seen = SeenFills(policy.fills_seen) if seen is None else seen
        self._conversions: Mapping[Asset, Decimal] = {} if conversions is None else conversions
        self._fees: dict[Asset, Decimal] = {}
        self._unconverted: dict[Asset, Decimal] = {}
        self._bid: Decimal | None = None
        self._ask: Decimal | None = None
        self._opened_ns: int | None = None
        self._quote = symbol.quote
        # The asset that a spot market's fees may be taken from; a contract holds no base asset.
        self._base = None if symbol.contract else symbol.base

    # State

    @property
    def is_used(self) -> bool:
        """Whether there was ever a fill or an order."""
        return bool(self.fills) or self._opened_ns is not None or not self.orders.is_empty

    @property
    def mark(self) -> Decimal | None:
        """The price it is valued at: longs at the bid, shorts at the ask, or all at the mid."""
        bid, ask = self._bid, self._ask
        if self._mark_by is MarkBy.TOUCH and self.quantity:
            return bid if self.quantity > 0 else ask
        if bid is None or ask is None:
            return None
        with localcontext(EXACT):
            return bid if bid == ask else (bid + ask) / 2

    @property
    def package_price(self) -> Decimal | None:
        """What closing it at the mark would bring, or cost if negative; `None` without a mark."""
        mark = self.mark
        with localcontext(EXACT):
            return None if mark is None else mark * self.quantity

    @property
    def notional(self) -> Decimal | None:
        """Its size at the mark, in the quote asset, without sign; `None` without a mark."""
        price = self.package_price
        return None if price is None else price.copy_abs()

    @property
    def average_buy(self) -> Decimal | None:
        """The volume weighted price of all buys."""
        return average(self.bought_notional, self.bought)

    @property
    def average_sell(self) -> Decimal | None:
        """The volume weighted price of all sells."""
        return average(self.sold_notional, self.sold)

    @property
    def average_price(self) -> Decimal | None:
        """The volume weighted price of all fills."""
        with localcontext(EXACT):
            notional = self.bought_notional + self.sold_notional
            quantity = self.bought + self.sold
        return average(notional, quantity)

    @property
    def fees(self) -> dict[Asset, Decimal]:
        """All fees as they were charged, by asset."""
        return dict(self._fees)

    @property
    def fees_unconverted(self) -> dict[Asset, Decimal]:
        """The fees that are not in `fees_quote`, because there is no conversion price."""
        return dict(self._unconverted)

    def profit(self, method: Method | str | None = None) -> Profit:
        """The profit by a method, by default the policy's first; raises BadInput if not kept."""
        return self._profit(self._basis(method))

    def lots(self, method: Method | str | None = None) -> tuple[Lot, ...]:
        """The open lots by a method, oldest first; raises BadInput for one not kept."""
        return self._basis(method).lots

    def view(self) -> Position:
        """A frozen copy."""
        return Position(
            venue=self.venue,
            symbol=self.symbol,
            quantity=self.quantity,
            mark=self.mark,
            notional=self.notional,
            package_price=self.package_price,
            bought=self.bought,
            sold=self.sold,
            average_buy=self.average_buy,
            average_sell=self.average_sell,
            average_price=self.average_price,
            fees_quote=self.fees_quote,
            fees=_by_asset(self._fees),
            fees_unconverted=_by_asset(self._unconverted),
            fees_unknown=self.fees_unknown,
            profits=tuple(map(self._profit, self._bases)),
            orders=self.orders.totals(),
            fills=self.fills,
            repeated=self.repeated,
            contradicted=self.contradicted,
            settled=self.settled,
            updated_ns=self.updated_ns,
        )

    # Changes

    def open_with(self, quantity: Decimal, price: Decimal | None, at_ns: int) -> None:
        """Begin with a quantity already held, at a price; `None` if its cost is unknown.

        Fills up to `at_ns` of the venue's time are part of it: they are left out and counted in
        `settled`. Raises BadInput for a position that has begun.
        """
        if self.fills or self._opened_ns is not None:
            raise BadInput(f"a position without fills was expected, {self.symbol} has begun")
        checked(quantity, "a quantity to begin with")
        if price is not None:
            positive(price, "a price to begin with")
        self._opened_ns = at_ns
        with localcontext(EXACT):
            self._move(quantity, price, at_ns, "")

    def begin(self, at_ns: int, held: Decimal | None = None) -> None:
        """Begin a period at an instant with what is open, and count everything else from zero.

        `held` is the quantity held then by other evidence: if it is more than what is open, the
        rest was opened at an unknown price; if it is less, the rest has left without being sold.
        Fills up to `at_ns` of the venue's time are part of the beginning from now on. Raises
        BadInput for an invalid number.
        """
        with localcontext(EXACT):
            if held is not None:
                self._hold(checked(held, "what is held"), at_ns)
            self.bought = self.sold = self.bought_notional = self.sold_notional = _ZERO
            self.fees_quote = _ZERO
        self.fills = self.repeated = self.contradicted = self.settled = self.fees_unknown = 0
        self._fees.clear()
        self._unconverted.clear()
        for basis in self._bases:
            basis.begin()
        self._opened_ns = at_ns

    def apply(self, fill: Fill) -> bool:
        """Count a fill, or the fees of one that came without; returns whether anything changed.

        Raises BadInput, and changes nothing, for a fill of another market or one that makes no
        sense: without an id, or with a price or quantity that is not a number above zero.
        """
        self._check(fill)
        if self._opened_ns is not None and fill.venue_ns <= self._opened_ns:
            self.settled += 1
            return False
        sighting = self._seen.look(fill)
        if sighting in _AGAIN:
            self.repeated += 1
            self.contradicted += sighting is Sighting.CONTRADICTED
            return False
        before = getcontext()
        setcontext(EXACT)  # costs half as much as `localcontext`
        try:
            if sighting is _NEW:
                self._count(fill)
            else:
                self._complete(fill)
        finally:
            setcontext(before)
        self.updated_ns = fill.received_ns
        return True

    def order(self, update: OrderUpdate) -> bool:
        """Count an update of an order of this market; returns whether the sums changed."""
        changed = self.orders.update(update)
        if changed:
            self.updated_ns = update.received_ns
        return changed

    def open_orders(self, orders: Iterable[OrderUpdate], received_ns: int) -> bool:
        """Count all open orders of this market; returns whether the sums changed."""
        changed = self.orders.keep_only(orders)
        if changed:
            self.updated_ns = received_ns
        return changed

    def marked(self, price: Decimal | None) -> None:
        """Value it at a price, long or short; `None` withdraws the mark."""
        self.quoted(price, price)

    def quoted(self, bid: Decimal | None, ask: Decimal | None) -> None:
        """Value it by a market's best prices, by the policy; `None` withdraws one."""
        for price in (bid, ask):
            if price is not None:
                positive(price, "a mark")
        self._bid, self._ask = bid, ask

    def _profit(self, basis: CostBasis) -> Profit:
        mark, quantity, cost = self.mark, self.quantity, basis.cost
        with localcontext(EXACT):
            unrealised: Decimal | None = None
            if not quantity:
                unrealised = _ZERO
            elif mark is not None and cost is not None:
                unrealised = mark * quantity - cost
            total: Decimal | None = None
            is_known = not basis.unpriced_closed and not self.fees_unknown
            if unrealised is not None and is_known:
                total = basis.realised + unrealised - self.fees_quote
        return Profit(
            method=basis.method,
            cost=cost,
            average_price=None if cost is None else average(cost, quantity),
            realised=basis.realised,
            unrealised=unrealised,
            total=total,
            lots=len(basis),
            melted=basis.melted,
            unpriced=basis.unpriced,
            unpriced_closed=basis.unpriced_closed,
        )

    def _check(self, fill: Fill) -> None:
        if fill.symbol != self.symbol or fill.venue != self.venue:
            raise BadInput(
                f"a fill of {self.symbol} at {self.venue} was expected, was of {fill.symbol}"
                f" at {fill.venue}"
            )
        if not fill.fill_id:
            raise BadInput(f"a fill with an id was expected, was {fill!r:.200}")
        positive(fill.price, "the price of a fill")
        positive(fill.quantity, "the quantity of a fill")
        for fee in fill.fees or ():
            checked(fee.amount, "a fee")
            conversion = self._conversions.get(fee.asset)
            if conversion is not None:
                positive(conversion, f"a price of {fee.asset}")

    def _count(self, fill: Fill) -> None:
        price, quantity = fill.price, fill.quantity
        if fill.side is _BUY:
            self.bought += quantity
            self.bought_notional += price * quantity
        else:
            self.sold += quantity
            self.sold_notional += price * quantity
            quantity = -quantity
        if fill.fees:
            quantity -= self._charge(fill.fees, price)
        self.fees_unknown += fill.fees is None
        self.fills += 1
        self._move(quantity, price, fill.venue_ns, fill.fill_id)

    def _complete(self, fill: Fill) -> None:
        """Charge the fees of a fill that was counted without them."""
        self.fees_unknown -= 1
        taken = self._charge(fill.fees or (), fill.price)
        if fill.side is not _BUY or not self.quantity > taken > _ZERO:
            if taken:
                self._move(-taken, fill.price, fill.venue_ns, fill.fill_id)
            return
        self.quantity -= taken
        for basis in self._bases:
            if not basis.shrink(fill.fill_id, taken, fill.price):
                basis.close(taken, fill.price)

    def _charge(self, fees: Iterable[Fee], price: Decimal) -> Decimal:
        """Count fees; returns how much of the base asset they take."""
        taken = _ZERO
        for fee in fees:
            asset, amount = fee.asset, fee.amount
            if not amount:
                continue
            self._fees[asset] = self._fees.get(asset, _ZERO) + amount
            conversion = self._conversions.get(asset)
            if asset == self._quote:
                self.fees_quote += amount
            elif asset == self._base:
                self.fees_quote += amount * price
                taken += amount
            elif conversion is not None:
                self.fees_quote += amount * conversion
            else:
                self._unconverted[asset] = self._unconverted.get(asset, _ZERO) + amount
        return taken

    def _move(self, quantity: Decimal, price: Decimal | None, at_ns: int, fill_id: str) -> None:
        """Change the quantity by a signed amount: close what is against it, open the rest."""
        held = self.quantity
        self.quantity = held + quantity
        closed = _ZERO
        if held and price is not None and (held > _ZERO) is not (quantity > _ZERO):
            closed = -held if abs(quantity) > abs(held) else quantity
            for basis in self._bases:
                basis.close(-closed, price)
        opened = quantity - closed
        if opened:
            cost = None if price is None else price * opened
            lot = Lot(opened, cost, price, at_ns, fill_id)
            for basis in self._bases:
                basis.open(lot)

    def _hold(self, held: Decimal, at_ns: int) -> None:
        """Set the quantity without a trade."""
        more, quantity = held - self.quantity, self.quantity
        if quantity and (more > _ZERO) is not (quantity > _ZERO):
            gone = quantity if abs(more) > abs(quantity) else -more
            for basis in self._bases:
                basis.remove(gone)
            self.quantity -= gone
            more += gone
        if more:
            self._move(more, None, at_ns, "")

    def _basis(self, method: Method | str | None) -> CostBasis:
        wanted = None if method is None else choice(Method, method, "method")
        for basis in self._bases:
            if wanted in (None, basis.method):
                return basis
        kept = ", ".join(basis.method.value for basis in self._bases)
        raise BadInput(f"a method that is kept ({kept}) was expected, was {method}")


def _by_asset(amounts: Mapping[Asset, Decimal]) -> tuple[Fee, ...]:
    return tuple(Fee(asset, amounts[asset]) for asset in sorted(amounts))
