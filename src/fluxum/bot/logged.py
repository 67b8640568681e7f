"""One order of a live run as a fact that grows: what became of it, in each world of fills. Pure.

A live account has one world: its fills are known, and all three worlds are the same. A paper
account follows one world, and what it sends are the fills of that one; those of the other two
are in the records of its venue.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from msgspec import structs

from fluxum.bot.market import Market
from fluxum.fill.fees import FeesIn
from fluxum.ledger.arithmetic import EXACT, average
from fluxum.model.account import Fee, Fill, Liquidity
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.orders.order import Order
from fluxum.paper.records import OrderRecord, WorldFill
from fluxum.paper.venue import PaperVenue
from fluxum.report.run import ByWorld, FillFact, OrderFact, World

__all__ = ["AFTER_NS", "WORLDS", "LoggedOrder", "fill_fact"]

AFTER_NS = (1_000_000_000, 10_000_000_000, 60_000_000_000)
"""How long after a fill the middle of the book is noted."""
WORLDS = tuple(World)
_MIDS = ("mid_1s", "mid_10s", "mid_60s")
_ZERO = Decimal(0)


class LoggedOrder:
    """An order of the run; `fact` is all that is known of it now.

    `followed` is the number of the world that the account follows, `None` for a live account.
    """

    def __init__(self, fact: OrderFact, followed: int | None) -> None:
        self.fact = fact
        self.is_changed = True
        """Whether it is to be written."""
        self.mids_awaited = 0
        """How many middles after its fills are not noted yet."""
        self._followed = followed
        self._known = {one.fill_id for one in self.fills(followed or 0)}

    @property
    def market(self) -> Market:
        """The market of the order."""
        return Market(self.fact.venue, self.fact.symbol)

    @property
    def is_done(self) -> bool:
        """Whether nothing more is awaited of it."""
        return self.fact.status.is_final and not self.mids_awaited

    @property
    def left(self) -> Decimal:
        """What may still be filled, in the world that the account follows."""
        return EXACT.subtract(self.fact.quantity, self.filled)

    @property
    def filled(self) -> Decimal:
        """What is filled, in the world that the account follows."""
        quantities = (one.quantity for one in self.fills(self._followed or 0))
        return sum(quantities, _ZERO)

    def fills(self, world: int) -> tuple[FillFact, ...]:
        """The fills of a world."""
        return self.fact.fills.all[world]

    def change(self, **changes: object) -> None:
        """Set fields of the fact; one that is not different is no change."""
        if any(getattr(self.fact, name) != value for name, value in changes.items()):
            self.fact = structs.replace(self.fact, **changes)
            self.is_changed = True

    def has(self, fill_id: str) -> bool:
        """Whether a fill of the account is known."""
        return fill_id in self._known

    def take(self, fact: FillFact) -> Sequence[tuple[int, int]]:
        """Add a fill of the account; returns the worlds it is in and its place there."""
        if fact.fill_id:
            self._known.add(fact.fill_id)
        worlds = range(len(WORLDS)) if self._followed is None else (self._followed,)
        return [self._add(world, fact) for world in worlds]

    def take_record(
        self, record: OrderRecord, venue: PaperVenue, currency: Asset
    ) -> Sequence[tuple[int, int]]:
        """Add what a paper venue has of the other worlds; returns the same as `take`."""
        self.change(
            arrived_ns=record.arrived_ns,
            arrival_mid=record.arrival_mid,
            is_improving=record.was_alone,
            was_in_gap=self.fact.was_in_gap or record.was_in_gap,
        )
        found: list[tuple[int, int]] = []
        for world, name in enumerate(WORLDS):
            if world != self._followed:
                theirs = [one for one in record.fills if one.world.value == name.value]
                for one in theirs[len(self.fills(world)) :]:
                    fact = _simulated(one, self.fact, self.fills(world), venue, currency)
                    found.append(self._add(world, fact))
        return found

    def charge(self, fact: FillFact) -> Sequence[int]:
        """Take over the fee of a fill that came without one; returns the worlds it is in."""
        found: list[int] = []
        for world, fills in enumerate(self.fact.fills.all):
            for place, one in enumerate(fills):
                if one.fill_id == fact.fill_id and not one.fee and fact.fee:
                    known = list(fills)
                    known[place] = structs.replace(
                        one, fee=fact.fee, fee_asset=fact.fee_asset, fee_value=fact.fee_value
                    )
                    self._put(world, tuple(known))
                    self.is_changed = True
                    found.append(world)
        return found

    def catch_up(self, view: Order, now_ns: int) -> Sequence[tuple[int, int]]:
        """Add what the desk knows to be filled and no fill has shown, as one fill without a fee.

        Its price is the average of what is missing.
        """
        known = self.fills(self._followed or 0)
        cost = sum((EXACT.multiply(one.price, one.quantity) for one in known), _ZERO)
        quantity = EXACT.subtract(view.filled, self.filled)
        arrived_ns = self.fact.arrived_ns
        self.change(arrived_ns=now_ns if arrived_ns is None else arrived_ns)
        return self.take(
            FillFact(
                at_ns=now_ns,
                price=average(EXACT.subtract(view.cost, cost), quantity) or _ZERO,
                quantity=quantity,
                fee=_ZERO,
                fee_asset=self.fact.symbol.quote,
                tier="not known",
            )
        )

    def note_mid(self, world: int, place: int, after: int, mid: Decimal | None) -> None:
        """Note the middle of the book so long after a fill."""
        self.mids_awaited -= 1
        self.is_changed = self.is_changed or not self.mids_awaited
        if mid is not None:
            fills = list(self.fills(world))
            fills[place] = structs.replace(fills[place], **{_MIDS[after]: mid})
            self._put(world, tuple(fills))

    # Pieces

    def _add(self, world: int, fact: FillFact) -> tuple[int, int]:
        fills = self.fills(world)
        self._put(world, (*fills, fact))
        self.is_changed = True
        self.mids_awaited += len(AFTER_NS)
        return world, len(fills)

    def _put(self, world: int, fills: tuple[FillFact, ...]) -> None:
        worlds = list(self.fact.fills.all)
        worlds[world] = fills
        self.fact = structs.replace(self.fact, fills=ByWorld(*worlds))


def fill_fact(fill: Fill, at_ns: int, currency: Asset) -> FillFact:
    """A fill of the account as a fact; its fee is zero while the venue has not sent it."""
    fee = _one_fee(fill)
    return FillFact(
        at_ns=at_ns,
        price=fill.price,
        quantity=fill.quantity,
        fee=fee.amount,
        fee_asset=fee.asset,
        fee_value=_value(fee, fill.price, fill.symbol, currency),
        is_maker=None if fill.liquidity is None else fill.liquidity is Liquidity.MAKER,
        fill_id=fill.fill_id,
    )


def _one_fee(fill: Fill) -> Fee:
    """The fee of a fill; fees in several assets are one in the quote asset, as far as it goes."""
    symbol, fees = fill.symbol, fill.fees or ()
    if not fees:
        return Fee(symbol.quote, _ZERO)
    elsewhere = [one for one in fees if one.asset not in (symbol.base, symbol.quote)]
    if len(fees) == 1 or elsewhere:
        return (*elsewhere, *fees)[0]
    amounts = (
        one.amount if one.asset == symbol.quote else EXACT.multiply(one.amount, fill.price)
        for one in fees
    )
    return Fee(symbol.quote, sum(amounts, _ZERO))


def _value(fee: Fee, price: Decimal, symbol: Symbol, currency: Asset) -> Decimal | None:
    """A fee in the currency of the run; `None` if it has no price here."""
    if fee.asset == currency:
        return fee.amount
    is_base = fee.asset == symbol.base and symbol.quote == currency
    return EXACT.multiply(fee.amount, price) if is_base else None


def _simulated(
    one: WorldFill,
    order: OrderFact,
    before: Sequence[FillFact],
    venue: PaperVenue,
    currency: Asset,
) -> FillFact:
    """A fill of a world that the account does not follow, charged as the paper venue charges.

    It rounds the sum of an order's fees.
    """
    fees = venue.fees
    tier = fees.tier(venue.account.volume(one.at_ns))
    is_received_base = fees.charged is FeesIn.RECEIVED and order.side is Side.BUY
    is_base = fees.charged is FeesIn.BASE or is_received_base
    asset = order.symbol.base if is_base else order.symbol.quote
    exact = _ZERO
    for price, quantity, is_maker in (
        *((each.price, each.quantity, each.is_maker) for each in before),
        (one.price, one.quantity, one.is_maker),
    ):
        worth = quantity if is_base else EXACT.multiply(price, quantity)
        exact = EXACT.add(exact, EXACT.multiply(worth, tier.maker if is_maker else tier.taker))
    charged = sum((each.fee for each in before), _ZERO)
    fee = Fee(asset, exact.quantize(venue.quantum(asset), ROUND_HALF_UP) - charged)
    return FillFact(
        at_ns=one.at_ns,
        price=one.price,
        quantity=one.quantity,
        fee=fee.amount,
        fee_asset=fee.asset,
        fee_value=_value(fee, one.price, order.symbol, currency),
        is_maker=one.is_maker,
    )
