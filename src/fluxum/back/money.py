"""The money of a back-test: fees by tier, and what each of the three worlds holds. Exact.

Fills are summed in units of their market, as integers. Balances are worked out from the sums when
they are read, which is much less often.
"""

from collections import deque
from collections.abc import Mapping
from decimal import Decimal

from fluxum.bot.market import Market
from fluxum.fill.fees import Fees, FeesIn
from fluxum.ledger.arithmetic import EXACT, add, multiply, subtract
from fluxum.model.account import Fee
from fluxum.model.instrument import Asset

__all__ = ["Accounts", "Charge", "MarketSums", "charge"]

_ZERO = Decimal(0)
_MONTH_NS = 30 * 86_400 * 1_000_000_000
_WORLDS = 3


def charge(fees: Fees, market: Market, rate: Decimal, price: Decimal, signed: Decimal) -> Fee:
    """The fee of a fill of a signed quantity; a rebate is below zero.

    A third asset has no price here: fees are then charged as if there were none.
    """
    symbol = market.symbol
    is_in_base = _is_in_base(fees, is_buy=signed > 0) and not symbol.contract
    asset = symbol.base if is_in_base else symbol.quote
    return Charge(asset, rate, is_in_base=is_in_base).fee(price, abs(signed))


class Charge:
    """The fees of one market at one rate in one asset; a rebate is below zero.

    `amounts` is what was charged at that rate in each world, in units: of the base asset if
    `is_in_base`, else of the quote asset. `number` is its place among `Accounts.charges`.
    """

    __slots__ = ("_rate", "amounts", "asset", "is_in_base", "number", "rate")

    def __init__(self, asset: Asset, rate: Decimal, *, is_in_base: bool, number: int = -1) -> None:
        self.number = number
        self._rate = rate.as_integer_ratio()
        self.asset = asset
        self.rate = rate
        self.is_in_base = is_in_base
        self.amounts = [0] * _WORLDS

    def fee(self, price: Decimal, quantity: Decimal) -> Fee:
        """The fee of a fill."""
        amount = quantity if self.is_in_base else multiply(quantity, price)
        return Fee(self.asset, multiply(amount, self.rate))

    def most(self, world: int) -> int:
        """What was charged in a world, in whole units and not less than it is."""
        rate, of = self._rate
        return -(-self.amounts[world] * rate // of)


class MarketSums:
    """What the fills of one market moved in each world, in units; `places` are those of a lane."""

    __slots__ = (
        "_every",
        "bases",
        "charges",
        "fees",
        "is_spot",
        "makers",
        "market",
        "places",
        "quotes",
        "takers",
        "tier",
    )

    def __init__(
        self, market: Market, places: tuple[int, int], fees: Fees, every: list[Charge]
    ) -> None:
        self._every = every  # what is charged in any market
        self.market = market
        self.fees = fees
        self.tier = fees.tiers[0] if len(fees.tiers) == 1 else None
        """The only tier; `None` if there are several."""
        self.is_spot = not market.symbol.contract
        price_places, quantity_places = places
        self.places = quantity_places, price_places + quantity_places
        """The decimal places of units of the base and of the quote asset."""
        self.bases = [0] * _WORLDS
        self.quotes = [0] * _WORLDS
        self.charges: dict[tuple[Decimal, bool], Charge] = {}
        lowest = fees.tiers[0]
        self.makers, self.takers = self._sides(lowest.maker), self._sides(lowest.taker)
        """What sells and buys are charged in by the lowest tier, which may be the only one."""

    def charge(self, rate: Decimal, *, is_buy: bool) -> Charge:
        """What a fill at a rate is charged in."""
        is_in_base = self.is_spot and _is_in_base(self.fees, is_buy=is_buy)
        known = self.charges.get((rate, is_in_base))
        if known is None:
            symbol = self.market.symbol
            asset = symbol.base if is_in_base else symbol.quote
            known = Charge(asset, rate, is_in_base=is_in_base, number=len(self._every))
            self.charges[rate, is_in_base] = known
            self._every.append(known)
        return known

    def _sides(self, rate: Decimal) -> tuple[Charge, Charge]:
        return self.charge(rate, is_buy=False), self.charge(rate, is_buy=True)

    def least(self, world: int, *, is_base: bool) -> int:
        """What fills have added to the base or the quote asset, in whole units and not more."""
        total = self.bases[world] if is_base else self.quotes[world]
        for one in self.charges.values():
            if one.is_in_base is is_base:
                total -= one.most(world)
        return total

    def moved(self, asset: Asset | str, world: int) -> Decimal:
        """What fills and their fees have added to an asset in a world."""
        symbol, (base_places, quote_places) = self.market.symbol, self.places
        total = _ZERO
        if symbol.base == asset:
            total = _decimal(self.bases[world], base_places)
        if symbol.quote == asset:
            total = add(total, _decimal(self.quotes[world], quote_places))
        for one in self.charges.values():
            if one.asset == asset and one.amounts[world]:
                places = base_places if one.is_in_base else quote_places
                fees = multiply(_decimal(one.amounts[world], places), one.rate)
                total = subtract(total, fees)
        return total


class Accounts:
    """What every venue's account holds in each world, and the volume that fees depend on.

    `held` are the balances at the beginning by venue and asset. A venue that is not there has an
    account without limit, whose balances begin at zero.
    """

    def __init__(
        self, held: Mapping[str, Mapping[str, Decimal]], fees: Mapping[str, Fees], world: int
    ) -> None:
        self.limited = frozenset(held)
        self.charges: list[Charge] = []
        """All that fills are charged in, by number."""
        self.fees = fees
        self._world = world
        self._begun = {
            (venue, asset): total for venue, all_ in held.items() for asset, total in all_.items()
        }
        self._sums: dict[Market, MarketSums] = {}
        self._volumes: dict[str, deque[tuple[int, Decimal]]] = {}
        self._volume_sums: dict[str, Decimal] = {}

    def open(self, market: Market, places: tuple[int, int]) -> MarketSums:
        """The sums of a market, whose units have these decimal places: of price and quantity."""
        known = self._sums.get(market)
        if known is None:
            known = self._sums[market] = MarketSums(
                market, places, self.fees[market.venue], self.charges
            )
        return known

    def total(self, venue: str, asset: str, world: int | None = None) -> Decimal:
        """What there is of an asset: in a world, or in the one that the account follows."""
        total = self.begun(venue, asset)
        for market, sums in self._sums.items():
            if market.venue == venue:
                moved = sums.moved(asset, self._world if world is None else world)
                total = add(total, moved)
        return total

    def begun(self, venue: str, asset: str) -> Decimal:
        """What there was of an asset at the beginning."""
        return self._begun.get((venue, asset), _ZERO)

    def bought(self, market: Market) -> Decimal:
        """What fills have added to a market's position, in the world that the account follows."""
        sums = self._sums.get(market)
        return _ZERO if sums is None else sums.moved(market.symbol.base, self._world)

    def fill(
        self, sums: MarketSums, world: int, at_ns: int, price: int, signed: int, *, is_maker: bool
    ) -> Charge:
        """Book a fill of a market in a world, in units; returns what it is charged in."""
        tier = sums.tier
        cost = price * signed
        sums.bases[world] += signed
        sums.quotes[world] -= cost
        if tier is None:
            tier = sums.fees.tier(self._volume(sums.market.venue, at_ns))
            charge = sums.charge(tier.maker if is_maker else tier.taker, is_buy=signed > 0)
        else:
            charge = (sums.makers if is_maker else sums.takers)[signed > 0]
        charge.amounts[world] += abs(signed if charge.is_in_base else cost)
        if sums.tier is None and world == self._world:
            self._trade(sums.market.venue, at_ns, _decimal(abs(cost), sums.places[1]))
        return charge

    def _volume(self, venue: str, now_ns: int) -> Decimal:
        """What was traded within thirty days, in quote assets."""
        days = self._volumes.get(venue)
        while days and days[0][0] <= now_ns - _MONTH_NS:
            _, gone = days.popleft()
            self._volume_sums[venue] = subtract(self._volume_sums[venue], gone)
        return self._volume_sums.get(venue, _ZERO)

    def _trade(self, venue: str, at_ns: int, notional: Decimal) -> None:
        self._volumes.setdefault(venue, deque()).append((at_ns, notional))
        self._volume_sums[venue] = add(self._volume_sums.get(venue, _ZERO), notional)


def _is_in_base(fees: Fees, *, is_buy: bool) -> bool:
    return fees.charged is FeesIn.BASE or (fees.charged is FeesIn.RECEIVED and is_buy)


def _decimal(units: int, places: int) -> Decimal:
    return EXACT.scaleb(Decimal(units), -places)
