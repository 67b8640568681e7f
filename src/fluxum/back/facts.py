"""The facts of a back-test as it runs and at its end: equity, orders, gaps."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from fluxum.back.columns import GapSpan
from fluxum.back.lane import Lane
from fluxum.back.money import Accounts, Charge
from fluxum.back.records import RunFill, RunOrder
from fluxum.bot.market import Market
from fluxum.ledger.arithmetic import add, multiply
from fluxum.model.instrument import Asset
from fluxum.report.run import ByWorld, EquityPoint, FillFact, GapFact, Held, OrderFact, World

__all__ = ["RunCourse", "gap_facts", "order_fact"]

_NEVER = (1 << 63) - 1
_ZERO = Decimal(0)


class RunCourse:
    """Notes the equity at each multiple of `every_s`.

    Equity is in one currency: balances in it, and those in the bases of markets against it at
    their mids. It is `None` while such a balance has no valid mid, from which it would be valued.
    A recording ends by closing its links, which withdraws every book: at the end the mids before
    `closes_ns`, its last instant, count.
    """

    def __init__(
        self,
        lanes: Mapping[Market, Lane],
        accounts: Accounts,
        currency: Asset,
        world: World,
        every_s: int,
        begins_ns: int,
        closes_ns: int = _NEVER,
    ) -> None:
        self.equity: list[EquityPoint] = []
        self._lanes = lanes
        self._accounts = accounts
        self._currency = currency
        self._world = world
        self._every_ns = every_s * 1_000_000_000
        self._sample_ns = begins_ns - begins_ns % self._every_ns + self._every_ns
        self._closes_ns = closes_ns
        self._last: Mapping[Market, Decimal | None] = {}
        self._bases = _bases(lanes.values(), currency)
        self.begun = {
            market: held
            for market in self._bases
            if (held := accounts.begun(market.venue, market.symbol.base))
        }
        """What is held at the beginning; of a base that several markets trade, in the first."""
        self.next_ns = min(self._sample_ns, closes_ns)
        """When there is something to note next."""

    def note(self, now_ns: int) -> None:
        """Note what is due."""
        if self._closes_ns <= now_ns:
            self._closes_ns, self._last = _NEVER, self._mids()
        if self._sample_ns <= now_ns:
            self.sample(now_ns)
            self._sample_ns += self._every_ns
        self.next_ns = min(self._sample_ns, self._closes_ns)

    def sample(self, now_ns: int) -> None:
        """Add a point of the equity."""
        mids = self._mids()
        held = tuple(
            Held(market.venue, market.symbol, self._held(market), mids[market])
            for market in self._lanes
        )
        worth = [
            None if one.mark is None else abs(multiply(one.quantity, one.mark))
            for one in held
            if one.symbol.quote == self._currency and one.quantity
        ]
        self.equity.append(
            EquityPoint(
                at_ns=now_ns,
                equity=ByWorld(*(self.worth(world, mids) for world in range(3))),
                held=held,
                exposure=None if None in worth else sum((one for one in worth if one), _ZERO),
            )
        )

    def _mids(self) -> dict[Market, Decimal | None]:
        mids = {market: lane.mid(lane.twice_mid) for market, lane in self._lanes.items()}
        return {
            market: self._last.get(market) if mid is None else mid for market, mid in mids.items()
        }

    def worth(self, world: int, mids: Mapping[Market, Decimal | None]) -> Decimal | None:
        """The equity in one world."""
        total = _ZERO
        for venue in {market.venue for market in self._lanes}:
            total = add(total, self._accounts.total(venue, self._currency, world))
        for market in self._bases:
            quantity = self._accounts.total(market.venue, market.symbol.base, world)
            if quantity:
                mid = mids[market]
                if mid is None:
                    return None
                total = add(total, multiply(quantity, mid))
        return total

    def held_first(self, mids: Mapping[Market, Decimal | None]) -> tuple[Held, ...]:
        """What is held at the beginning, at its marks."""
        return tuple(
            Held(market.venue, market.symbol, quantity, mids[market])
            for market, quantity in self.begun.items()
        )

    def _held(self, market: Market) -> Decimal:
        begun = self.begun.get(market, _ZERO)
        return add(begun, self._accounts.bought(market))


def _bases(lanes: Iterable[Lane], currency: Asset) -> list[Market]:
    """One market against the currency for each venue and base."""
    found: dict[tuple[str, str], Market] = {}
    for lane in lanes:
        if lane.symbol.quote == currency:
            found.setdefault((lane.venue, lane.symbol.base), lane.market)
    return list(found.values())


def order_fact(order: RunOrder, currency: Asset, charges: Sequence[Charge]) -> OrderFact:
    """An order as a fact; `charges` are what fills are charged in, by number."""
    lane, request = order.lane, order.request
    fills: list[list[FillFact]] = [[], [], []]
    for fill in order.fills:
        fills[fill.world].append(_fill_fact(fill, lane, currency, charges[fill.charge]))
    assert request.quantity is not None, "every order of a bot has a quantity"
    limit = request.limit_price
    return OrderFact(
        name=order.name,
        venue=lane.venue,
        symbol=lane.symbol,
        side=request.side,
        quantity=lane.quantity(order.quantity) if order.quantity else request.quantity,
        limit=lane.price(order.key) if order.key is not None else limit,
        decided_ns=order.decided_ns,
        arrived_ns=order.arrived_ns,
        decision_mid=lane.mid(order.decision_mid),
        arrival_mid=lane.mid(order.arrival_mid),
        status=order.status,
        is_improving=order.was_alone,
        was_in_gap=order.was_in_gap,
        fills=ByWorld(*(tuple(one) for one in fills)),
    )


def _fill_fact(fill: RunFill, lane: Lane, currency: Asset, charge: Charge) -> FillFact:
    price, quantity = lane.price(fill.key), lane.quantity(fill.units)
    fee = charge.fee(price, quantity)
    value: Decimal | None = None
    if fee.asset == currency:
        value = fee.amount
    elif fee.asset == lane.symbol.base and lane.symbol.quote == currency:
        value = multiply(fee.amount, price)
    marks = lane.marked(fill.marks)
    return FillFact(
        at_ns=fill.at_ns,
        price=price,
        quantity=quantity,
        fee=fee.amount,
        fee_asset=fee.asset,
        fee_value=value,
        is_maker=fill.is_maker,
        mid_1s=marks[0],
        mid_10s=marks[1],
        mid_60s=marks[2],
    )


def gap_facts(
    gaps: Iterable[GapSpan], markets: Iterable[Market], begins_ns: int, ends_ns: int
) -> Iterator[GapFact]:
    """The gaps of a tape that a run has met: those of its markets, in its time."""
    known = {(market.venue, str(market.symbol)) for market in markets}
    for gap in gaps:
        _, _, rest = gap.stream.partition(" ")
        symbol = rest.split(" ")[0]
        is_ours = (gap.venue, symbol) in known
        if is_ours and gap.until_ns >= begins_ns and gap.since_ns <= ends_ns:
            yield GapFact(
                venue=gap.venue,
                symbol=symbol,
                begins_ns=max(gap.since_ns, begins_ns),
                ends_ns=min(gap.until_ns, ends_ns),
                reason=f"{gap.stream}: {gap.cause}",
            )
