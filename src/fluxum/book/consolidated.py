"""One book of several venues' books, each price with the venues that stand there.

Only books that are proved take part, see `contributors`. Nothing is copied until it is read: a
read takes the best levels of every venue's live book and merges them.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import groupby

from msgspec import Struct

from fluxum.book.contributors import Contributor, Contributors
from fluxum.book.split import ConsolidatedPrice, Offer, split
from fluxum.errors import BadInput
from fluxum.model.input import Number, choice, counted, number, positive
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side

__all__ = [
    "ConsolidatedBook",
    "ConsolidatedLevel",
    "ConsolidatedPart",
    "ConsolidatedReading",
    "Cross",
]

_ZERO, _ONE = Decimal(0), Decimal(1)
_BPS = Decimal(10_000)


class ConsolidatedPart(Struct, frozen=True, gc=False):
    """The quantity of one venue at a price. `age_ns` is the time since its book's last message.

    `market` is the venue's market; it differs from the book's symbol if that is an alias.
    """

    venue: str
    market: Symbol
    quantity: Decimal
    age_ns: int


class ConsolidatedLevel(Struct, frozen=True):
    """A price and what all venues have there; the parts are ordered by fee, then by age."""

    price: Decimal
    quantity: Decimal
    parts: tuple[ConsolidatedPart, ...]

    @property
    def venues(self) -> tuple[str, ...]:
        """The venues that stand at this price."""
        return tuple(one.venue for one in self.parts)


class ConsolidatedReading(Struct, frozen=True, kw_only=True, tag="consolidated_reading"):
    """The best levels of all venues at one moment, and who takes part.

    `removed` are the venues that do not, with their reasons; see `ConsolidatedBook` for the rest.
    """

    symbol: Symbol
    bids: tuple[ConsolidatedLevel, ...]
    asks: tuple[ConsolidatedLevel, ...]
    generation: int
    venues: tuple[str, ...]
    removed: Mapping[str, str]
    clock_difference_ns: int | None
    received_ns: int


class Cross(Struct, frozen=True, kw_only=True):
    """A bid of one venue above the ask of another.

    `edge` is what a unit of the base asset brings, in the quote asset, and `edge_bps` the same per
    price paid; less fees if those were asked for. `quantity` is what both best levels have.
    `age_ns` is the age of the older of the two books, `skew_ns` the time between their last
    messages.
    """

    symbol: Symbol
    buy_venue: str
    buy_market: Symbol
    ask: Decimal
    sell_venue: str
    sell_market: Symbol
    bid: Decimal
    quantity: Decimal
    edge: Decimal
    edge_bps: Decimal
    age_ns: int
    skew_ns: int


class ConsolidatedBook:
    """The books of one symbol at all venues, as one.

    `fees` are rates of takers by venue, as fractions (`0.004` is 0.4 per cent); a venue without one
    has no fee here. Prices of levels are the venues' own, without fees; those of an alias are
    worsened by its haircut. It is empty while no venue's book is proved.
    """

    def __init__(
        self, contributors: Contributors, fees: Mapping[str, Number] | None = None
    ) -> None:
        self.symbol = contributors.symbol
        self._contributors = contributors
        self._fees = {venue: _rate(venue, fee) for venue, fee in (fees or {}).items()}

    # State

    def bids(self, count: int = 10) -> tuple[ConsolidatedLevel, ...]:
        """The best `count` bids, best first; raises BadInput."""
        return self._levels(Side.BUY, count)

    def asks(self, count: int = 10) -> tuple[ConsolidatedLevel, ...]:
        """The best `count` asks, best first; raises BadInput."""
        return self._levels(Side.SELL, count)

    @property
    def bid(self) -> ConsolidatedLevel | None:
        """The best bid of all venues."""
        return next(iter(self.bids(1)), None)

    @property
    def ask(self) -> ConsolidatedLevel | None:
        """The best ask of all venues."""
        return next(iter(self.asks(1)), None)

    @property
    def venues(self) -> tuple[str, ...]:
        """The venues that take part now."""
        return tuple(dict.fromkeys(one.venue for one in self._contributors))

    @property
    def removed(self) -> Mapping[str, str]:
        """The venues that do not take part now, with their reasons."""
        return self._contributors.removed

    @property
    def generation(self) -> int:
        """A number that changes whenever a venue leaves, returns or begins with a new snapshot."""
        self._contributors.refresh()
        return self._contributors.generation

    @property
    def clock_difference_ns(self) -> int | None:
        """The largest difference between the clocks of two venues that take part.

        `None` until two of them were measured. The ages here are by this machine's clock alone.
        """
        offsets = [one.facts.clock_offset_ns() for one in self._contributors]
        known = [one for one in offsets if one is not None]
        return max(known) - min(known) if len(known) > 1 else None

    def known_to(self, side: Side | str) -> Decimal | None:
        """The worst price to which every venue's levels are known; `None` if all are known.

        A book that is kept to a depth ends somewhere: at worse prices its share is missing here.
        """
        side = choice(Side, side, "side")
        ends = [end for end in (_end(one, side) for one in self._contributors) if end is not None]
        return (max if side is Side.BUY else min)(ends, default=None)

    def read(self, depth: int = 10) -> ConsolidatedReading:
        """A frozen copy of the best `depth` levels a side; raises BadInput."""
        bids, asks = self.bids(depth), self.asks(depth)
        return ConsolidatedReading(
            symbol=self.symbol,
            bids=bids,
            asks=asks,
            generation=self.generation,
            venues=self.venues,
            removed=self.removed,
            clock_difference_ns=self.clock_difference_ns,
            received_ns=self._contributors.now_ns(),
        )

    # Questions

    def market_price(self, side: Side | str, quantity: Number) -> ConsolidatedPrice:
        """What buying (BUY) or selling (SELL) a quantity would cost or bring, and where.

        The best price after fees is taken first. Each venue's share is a whole number of its lots
        and not below its minimums, as far as the instruments are known; what cannot be filled is in
        `unfilled`, with the reasons in `left_out`. Raises BadInput for a quantity that is not above
        zero, and for contracts whose quantities are not in the base asset.
        """
        side, quantity = choice(Side, side, "side"), positive(quantity, "quantity")
        if self.symbol.is_inverse or self.symbol.counts_contracts:
            raise BadInput(f"quantities in the base asset were expected, was '{self.symbol}'")
        every = {(one.venue, one.book.symbol): one for one in self._contributors}
        rules = {key: one.facts.instrument() for key, one in every.items()}
        return split(side, quantity, lambda key: self._offers(every[key], side), rules)

    def cross(self, *, age_max_ms: int, net_of_fees: bool = True) -> Cross | None:
        """The best bid and ask of two venues that cross, if there are any.

        Only books that are valid, and no older than `age_max_ms`, take part: an unverified book
        never crosses. Raises BadInput for an age below 1.
        """
        age_max_ns = counted(age_max_ms, "age_max_ms") * 1_000_000
        now_ns = self._contributors.now_ns()
        fresh = [
            one for one in self._contributors if one.is_valid and one.age_ns(now_ns) <= age_max_ns
        ]
        asks = [one for one in (self._quote(one, Side.SELL, net_of_fees) for one in fresh) if one]
        bids = [one for one in (self._quote(one, Side.BUY, net_of_fees) for one in fresh) if one]
        if not asks or not bids:
            return None
        ask, bid = min(asks, key=_net), max(bids, key=_net)
        if not _ZERO < ask.net < bid.net:
            return None
        ages = (ask.source.age_ns(now_ns), bid.source.age_ns(now_ns))
        edge = bid.net - ask.net
        return Cross(
            symbol=self.symbol,
            buy_venue=ask.source.venue,
            buy_market=ask.source.book.symbol,
            ask=ask.price,
            sell_venue=bid.source.venue,
            sell_market=bid.source.book.symbol,
            bid=bid.price,
            quantity=min(ask.quantity, bid.quantity),
            edge=edge,
            edge_bps=edge / ask.net * _BPS,
            age_ns=max(ages),
            skew_ns=max(ages) - min(ages),
        )

    # Pieces

    def _levels(self, side: Side, count: int) -> tuple[ConsolidatedLevel, ...]:
        counted(count, "count")
        now_ns = self._contributors.now_ns()
        sign = -1 if side is Side.BUY else 1
        parts = [
            (sign * price, self._fee(one), part)
            for one in self._contributors
            for price, part in _parts(one, side, count, now_ns)
        ]
        parts.sort(key=lambda part: (part[0], part[1], part[2].age_ns, part[2].venue))
        levels: list[ConsolidatedLevel] = []
        for price, several in groupby(parts, key=lambda part: part[0]):
            if len(levels) == count:
                break
            standing = tuple(part for _, _, part in several)
            total = sum((part.quantity for part in standing), _ZERO)
            levels.append(ConsolidatedLevel(sign * price, total, standing))
        return tuple(levels)

    def _offers(self, one: Contributor, side: Side) -> Iterable[Offer]:
        """What a taker of this side finds at one venue, best first."""
        fee = self._fee(one)
        taken = side.opposite
        for level in one.ladder(taken):
            price = one.price(taken, level.price)
            net = _net_price(taken, price, fee)
            yield Offer(one.venue, one.book.symbol, price, net, level.quantity, fee)

    def _quote(self, one: Contributor, side: Side, net_of_fees: bool) -> "_Quote | None":
        level = one.ladder(side).best
        if level is None:
            return None
        price = one.price(side, level.price)
        net = _net_price(side, price, self._fee(one)) if net_of_fees else price
        return _Quote(one, price, net, level.quantity)

    def _fee(self, one: Contributor) -> Decimal:
        return self._fees.get(one.venue, _ZERO)


class _Quote:
    """The best level of one venue's side, as it is and less fees."""

    __slots__ = ("net", "price", "quantity", "source")

    def __init__(
        self, source: Contributor, price: Decimal, net: Decimal, quantity: Decimal
    ) -> None:
        self.source = source
        self.price = price
        self.net = net
        self.quantity = quantity


def _net(quote: _Quote) -> Decimal:
    return quote.net


def _parts(
    one: Contributor, side: Side, count: int, now_ns: int
) -> Iterable[tuple[Decimal, ConsolidatedPart]]:
    age_ns = one.age_ns(now_ns)
    for level in one.ladder(side).top(count):
        part = ConsolidatedPart(one.venue, one.book.symbol, level.quantity, age_ns)
        yield one.price(side, level.price), part


def _net_price(side: Side, price: Decimal, fee: Decimal) -> Decimal:
    """What a taker gets for a bid (BUY), or pays for an ask (SELL), with the fee."""
    return price * (_ONE - fee if side is Side.BUY else _ONE + fee)


def _end(one: Contributor, side: Side) -> Decimal | None:
    """The price below (of bids) or above which levels of this book may be unknown."""
    evidence, ladder = one.book.evidence, one.ladder(side)
    end = evidence.bid_floor if side is Side.BUY else evidence.ask_ceiling
    if end is None and one.book.depth is not None and len(ladder) >= one.book.depth:
        end = ladder.top(one.book.depth)[-1].price
    return None if end is None else one.price(side, end)


def _rate(venue: str, fee: Number) -> Decimal:
    rate = number(fee, f"fee at {venue}")
    if not -_ONE < rate < _ONE:
        raise BadInput(f"fee at {venue}: a fraction such as 0.004 was expected, was {fee}")
    return rate
