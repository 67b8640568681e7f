"""What a bot holds and has ordered, worked out from its commands and its events alone. Pure.

So it is the same live, on paper and in a back-test, and after a restart. A position moves with
every fill of the account. An order begins with its command, changes with outcomes, updates and
fills, and may be filled as far as the sum of its fills allows: that is what limits count.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from enum import Enum

from msgspec import Struct

from fluxum.bot.market import Market, market_of
from fluxum.bot.strategy import Outcome
from fluxum.bot.view import OpenOrder, OrderRole
from fluxum.ledger.arithmetic import add, multiply, subtract
from fluxum.model.account import Fill
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus, OrderUpdate

__all__ = ["AccountState", "BotAccount", "BotOrder", "Held", "Pending"]

_ZERO = Decimal(0)
# To look up a member of an enumeration costs a call.
_SELL = Side.SELL
_PENDING, _UNKNOWN, _FILLED = OrderStatus.PENDING, OrderStatus.UNKNOWN, OrderStatus.FILLED
_PARTIALLY, _REFUSED = OrderStatus.PARTIALLY_FILLED, OrderStatus.REFUSED
_CANCEL_AGAIN_NS = 100_000_000
_CANCEL_AGAIN_MAX_NS = 1_000_000_000
_ENDED_MAX = 1_000
_ENDED_KEPT = 20
_FILLS_MAX = 10_000
_NO_ORDERS: dict[str, "BotOrder"] = {}


class Pending(Enum):
    """Which command about an order is on its way."""

    NOTHING = "nothing"
    PLACE = "place"
    AMEND = "amend"
    CANCEL = "cancel"


_NOTHING, _PLACE = Pending.NOTHING, Pending.PLACE
_AMEND, _CANCEL = Pending.AMEND, Pending.CANCEL


class BotOrder(Struct, kw_only=True, gc=False):
    """One order as its evidence comes in. `group` is the number of its `Together`, 0 for none."""

    name: str
    market: Market
    side: Side
    role: OrderRole
    price: Decimal | None
    quantity: Decimal
    label: str = ""
    group: int = 0
    order_id: str = ""
    status: OrderStatus = OrderStatus.PENDING
    by_fills: Decimal = _ZERO
    by_updates: Decimal = _ZERO
    pending: Pending = Pending.PLACE
    next_quantity: Decimal | None = None
    next_price: Decimal | None = None
    placed_ns: int = 0
    is_answered: bool = False
    """Whether an outcome has shown that its placing was accepted."""
    updated_ns: int = 0
    """The venue's time of the last update; an older one changes nothing but what is filled."""
    cancel_from_ns: int = 0
    """When it may be canceled again, after that was refused."""
    cancel_delay_ns: int = 0
    """How long that was to wait."""
    wants_cancel: bool = False
    """Whether it is to be canceled then."""

    @property
    def client_order_id(self) -> str:
        """Its name."""
        return self.name

    @property
    def filled(self) -> Decimal:
        """What is filled, by fills or updates, whichever is more."""
        return max(self.by_fills, self.by_updates)

    @property
    def remaining(self) -> Decimal:
        """What is not filled yet."""
        return max(self.quantity - self.filled, _ZERO)

    @property
    def is_certain(self) -> bool:
        """Whether no command about it is on its way, and its status is known."""
        return self.pending is _NOTHING and self.status is not _UNKNOWN

    @property
    def is_shown(self) -> bool:
        """Whether the venue has shown that the order exists."""
        return bool(self.order_id or self.filled) or self.status is not _PENDING

    @property
    def could_fill(self) -> Decimal:
        """What may still be filled of it and is in no position yet."""
        if self.status.is_final:
            return max(subtract(self.by_updates, self.by_fills), _ZERO)
        most, changed = self.quantity, self.next_quantity
        if changed is not None and changed > most:
            most = changed
        return max(subtract(most, self.by_fills), _ZERO) if self.by_fills else most

    def view(self) -> OpenOrder:
        """A copy for the strategy and the planner."""
        return OpenOrder(
            client_order_id=self.name,
            order_id=self.order_id,
            label=self.label,
            role=self.role,
            side=self.side,
            price=self.price,
            quantity=self.quantity,
            filled=self.filled,
            status=self.status,
            is_certain=self.is_certain,
            placed_ns=self.placed_ns,
        )


class Held(Struct, frozen=True):
    """A position in a market."""

    market: Market
    quantity: Decimal


class AccountState(Struct, frozen=True, kw_only=True):
    """All of it as a value, for a checkpoint; `fills` are the identities of the last ones.

    `ended` are the orders of which a fill is missing, and the last few.
    """

    positions: tuple[Held, ...] = ()
    balances: dict[str, dict[str, Decimal]] = {}
    begun_ns: dict[str, int] = {}
    orders: tuple[BotOrder, ...] = ()
    ended: tuple[BotOrder, ...] = ()
    fills: tuple[tuple[str, str, str], ...] = ()


class BotAccount:
    """Positions, balances and orders of one bot, over all of its venues."""

    def __init__(self, state: AccountState | None = None) -> None:
        state = AccountState() if state is None else state
        self._positions = {one.market: one.quantity for one in state.positions}
        self._balances = {venue: dict(assets) for venue, assets in state.balances.items()}
        self._orders: dict[str, BotOrder] = {}
        self._at: dict[Market, dict[str, BotOrder]] = {}  # the same by market
        for one in state.orders:
            self.place(one)
        self._ended = OrderedDict((one.name, one) for one in state.ended)
        self._begun_ns = dict(state.begun_ns)
        self._by_id = {one.order_id: one for one in (*state.ended, *state.orders) if one.order_id}
        self._fills: OrderedDict[tuple[str, str, str], None] = OrderedDict.fromkeys(state.fills)
        self._unshown = {one.name: one for one in state.ended if one.could_fill}
        self._without_fees: set[tuple[str, str, str]] = set()

    def state(self, fills: bool = True) -> AccountState:
        """A value from which the same account can be made; fills are many, and may be left out."""
        last = list(self._ended.values())[-_ENDED_KEPT:]
        ended = {one.name: one for one in (*self._unshown.values(), *last)}
        return AccountState(
            positions=tuple(Held(market, held) for market, held in sorted(self._positions.items())),
            balances={venue: dict(assets) for venue, assets in self._balances.items()},
            begun_ns=dict(self._begun_ns),
            orders=tuple(self._orders.values()),
            ended=tuple(ended.values()),
            fills=tuple(self._fills) if fills else (),
        )

    # What is known

    def position(self, market: Market) -> Decimal:
        """What is held in a market, below zero for a short."""
        return self._positions.get(market, _ZERO)

    @property
    def positions(self) -> dict[Market, Decimal]:
        """Every position that is or was held."""
        return dict(self._positions)

    def orders(self, market: Market | None = None) -> list[BotOrder]:
        """The orders that have not ended, in the order of placing: of a market, or all."""
        found = self._orders if market is None else self._at.get(market, _NO_ORDERS)
        return list(found.values())

    def count(self, venue: str) -> int:
        """How many orders at a venue have not ended."""
        count = 0
        for market, orders in self._at.items():
            if market.venue == venue:
                count += len(orders)
        return count

    def find(self, name: str) -> BotOrder | None:
        """An order by its client order id, ended ones of late included."""
        return self._orders.get(name) or self._ended.get(name)

    def balance(self, venue: str, asset: str) -> Decimal | None:
        """What of an asset no open order holds; `None` if the venue's balances are not known."""
        assets = self._balances.get(venue)
        if assets is None:
            return None
        held = _ZERO
        for one in self._orders.values():
            if one.market.venue == venue and not one.market.symbol.contract:
                held = add(held, _hold(one, asset))
        return subtract(assets.get(asset, _ZERO), held)

    def open_parts(self) -> Iterator[tuple[Market, Side, Decimal]]:
        """What each order, open or ended, could still add to a position."""
        for one in (*self._orders.values(), *self._unshown.values()):
            left = one.could_fill
            if left:
                yield one.market, one.side, left

    # How it begins

    def begin(self, venue: str, at_ns: int) -> None:
        """What is held now at a venue is known: fills of before that come later change nothing."""
        self._begun_ns[venue] = at_ns

    def hold(self, market: Market, quantity: Decimal) -> None:
        """Begin with a position."""
        self._positions[market] = quantity

    def own(self, venue: str, balances: Iterable[tuple[Asset | str, Decimal]]) -> None:
        """Begin with the balances of a venue."""
        self._balances[venue] = {str(asset): total for asset, total in balances}

    # Commands

    def place(self, order: BotOrder) -> None:
        """An order is sent."""
        self._orders[order.name] = order
        here = self._at.get(order.market)
        if here is None:
            here = self._at[order.market] = {}
        here[order.name] = order

    def amend(self, name: str, quantity: Decimal | None, price: Decimal | None) -> None:
        """A change of an order is sent."""
        order = self._orders[name]
        order.pending = _AMEND
        order.next_quantity = quantity
        order.next_price = price

    def cancel(self, name: str) -> None:
        """A cancel of an order is sent."""
        order = self._orders[name]
        order.pending, order.wants_cancel = _CANCEL, False

    def to_cancel(self) -> list[BotOrder]:
        """The orders whose cancel was refused, and is to be sent again; see `cancel_from_ns`."""
        return [one for one in self._orders.values() if one.wants_cancel]

    # Evidence

    def take(self, event: Outcome | OrderUpdate | Fill) -> BotOrder | None:
        """Take in an event; returns the order of this bot that it is about, if it is one."""
        if isinstance(event, Fill):
            return self._fill(event)
        return self._outcome(event) if isinstance(event, Outcome) else self._update(event)

    def _outcome(self, outcome: Outcome) -> BotOrder | None:
        order = self._named(outcome.client_order_id, outcome.order_id)
        if order is None or order.status.is_final:
            return order
        if outcome.status is _REFUSED and outcome.is_change:
            if order.pending is _CANCEL:
                delay_ns = min(2 * order.cancel_delay_ns or _CANCEL_AGAIN_NS, _CANCEL_AGAIN_MAX_NS)
                order.cancel_delay_ns = delay_ns
                order.cancel_from_ns = outcome.received_ns + delay_ns
            self._settle(order, is_done=False)
        elif outcome.status.is_final:
            self._end(order, outcome.status)
        elif outcome.status is _UNKNOWN:
            order.status = _UNKNOWN
        else:
            # The answer to the placing may come after a change was sent, which it does not settle.
            is_of_change = outcome.is_change or order.is_answered
            if order.pending is not _AMEND or is_of_change:
                self._settle(order, is_done=True)
            order.is_answered = True
            order.status = outcome.status
        return order

    def _update(self, update: OrderUpdate) -> BotOrder | None:
        order = self._named(update.client_order_id, update.order_id)
        if order is None:
            return None
        order.by_updates = max(order.by_updates, update.filled)
        if order.status.is_final or update.status.is_final:
            self._end(order, order.status if order.status.is_final else update.status)
            return order
        is_changed = order.pending is _AMEND and (
            order.next_quantity in (None, update.quantity)
            and order.next_price in (None, update.limit_price)
        )
        if order.pending is _PLACE or is_changed:
            self._settle(order, is_done=True)
        if update.venue_ns >= order.updated_ns:
            order.updated_ns, order.status = update.venue_ns, update.status
            order.quantity = update.quantity or order.quantity
            if order.price is not None:
                order.price = update.limit_price or order.price
        return order

    def _fill(self, fill: Fill) -> BotOrder | None:
        identity = fill.identity
        order = self._named(fill.client_order_id, fill.order_id)
        if identity in self._fills:
            if identity in self._without_fees and fill.fees is not None:
                self._without_fees.discard(identity)
                self._charge(fill)
            return order
        self._fills[identity] = None
        while len(self._fills) > _FILLS_MAX:
            self._without_fees.discard(self._fills.popitem(last=False)[0])
        if not fill.backfilled or not self.is_of_before(fill):
            self._move(fill)
            if fill.fees is None:
                self._without_fees.add(identity)
        if order is None:
            return None
        before = order.by_fills
        order.by_fills = add(before, fill.quantity) if before else fill.quantity
        if order.pending is _PLACE:
            self._settle(order, is_done=True)
        if order.status.is_final:
            self._end(order, order.status)
        elif order.by_fills >= order.quantity and order.by_fills >= (order.next_quantity or _ZERO):
            self._end(order, _FILLED)
        else:
            order.status = _PARTIALLY
        return order

    def is_of_before(self, fill: Fill) -> bool:
        """Whether a fill is part of what was held when the run began or resumed."""
        return fill.backfilled and fill.venue_ns <= self._begun_ns.get(fill.venue, 0)

    def has(self, fill: Fill) -> bool:
        """Whether a fill was counted already."""
        return fill.identity in self._fills

    def forget(self, name: str) -> None:
        """A command was planned and is not sent: there is no such order, or it stays as it is."""
        order = self._orders[name]
        if order.pending is _PLACE:
            self._remove(order)
        else:
            self._settle(order, is_done=False)

    # Pieces

    def _named(self, name: str, order_id: str) -> BotOrder | None:
        order = self.find(name) if name else None
        if order is None and order_id:
            order = self._by_id.get(order_id)
        if order is not None and order_id and not order.order_id:
            order.order_id = order_id
            self._by_id[order_id] = order
        return order

    def _settle(self, order: BotOrder, *, is_done: bool) -> None:
        """The command about an order that was on its way is answered."""
        if is_done and order.pending is _AMEND:
            order.quantity = order.next_quantity or order.quantity
            order.price = order.next_price or order.price
        order.pending = _NOTHING
        order.next_quantity = order.next_price = None

    def _end(self, order: BotOrder, status: OrderStatus) -> None:
        """An order has ended, or more was learned of one that has."""
        self._settle(order, is_done=False)
        order.status = status
        self._remove(order)
        self._ended[order.name] = order
        if order.by_updates > order.by_fills:
            self._unshown[order.name] = order
        elif self._unshown:
            self._unshown.pop(order.name, None)
        while len(self._ended) > _ENDED_MAX:
            _, gone = self._ended.popitem(last=False)
            self._by_id.pop(gone.order_id, None)
            self._unshown.pop(gone.name, None)

    def _remove(self, order: BotOrder) -> None:
        """An order is open no more."""
        if self._orders.pop(order.name, None) is not None:
            del self._at[order.market][order.name]

    def _move(self, fill: Fill) -> None:
        market, signed = market_of(fill.venue, fill.symbol), fill.signed_quantity
        self._positions[market] = add(self._positions.get(market, _ZERO), signed)
        assets = self._balances.get(fill.venue)
        if assets is not None and not fill.symbol.contract:
            base, quote = fill.symbol.base, fill.symbol.quote
            assets[base] = add(assets.get(base, _ZERO), signed)
            notional = multiply(fill.price, signed)
            assets[quote] = subtract(assets.get(quote, _ZERO), notional)
        self._charge(fill)

    def _charge(self, fill: Fill) -> None:
        """Take the fees; those in the base asset of a spot market make its position smaller."""
        for fee in fill.fees or ():
            assets = self._balances.get(fill.venue)
            if assets is not None:
                assets[fee.asset] = subtract(assets.get(fee.asset, _ZERO), fee.amount)
            if fee.asset == fill.symbol.base and not fill.symbol.contract:
                market = market_of(fill.venue, fill.symbol)
                held = self._positions.get(market, _ZERO)
                self._positions[market] = subtract(held, fee.amount)


def _hold(order: BotOrder, asset: str) -> Decimal:
    """What of an asset an open order of a spot market holds."""
    symbol: Symbol = order.market.symbol
    if order.side is _SELL:
        return order.could_fill if symbol.base == asset else _ZERO
    if symbol.quote != asset:
        return _ZERO
    price = max(order.price or _ZERO, order.next_price or _ZERO)
    return multiply(order.could_fill, price)
