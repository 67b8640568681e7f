"""The money of a back-test: fees by tier, and what each of the three worlds holds. Exact."""

from collections import deque
from collections.abc import Mapping
from decimal import Decimal

from fluxum.bot.market import Market
from fluxum.fill.fees import Fees, FeesIn
from fluxum.ledger.arithmetic import EXACT
from fluxum.model.account import Fee

__all__ = ["Accounts", "charge"]

_ZERO = Decimal(0)
_MONTH_NS = 30 * 86_400 * 1_000_000_000
_WORLDS = 3


def charge(fees: Fees, market: Market, rate: Decimal, price: Decimal, signed: Decimal) -> Fee:
    """The fee of a fill of a signed quantity; a rebate is below zero.

    A third asset has no price here: fees are then charged as if there were none.
    """
    symbol = market.symbol
    quantity = abs(signed)
    in_base = fees.charged is FeesIn.BASE or (fees.charged is FeesIn.RECEIVED and signed > 0)
    if in_base and not symbol.contract:
        return Fee(symbol.base, EXACT.multiply(quantity, rate))
    return Fee(symbol.quote, EXACT.multiply(EXACT.multiply(quantity, price), rate))


class Accounts:
    """What every venue's account holds in each world, and the volume that fees depend on.

    `held` are the balances at the beginning by venue and asset. A venue that is not there has an
    account without limit, whose balances begin at zero.
    """

    def __init__(
        self, held: Mapping[str, Mapping[str, Decimal]], fees: Mapping[str, Fees], world: int
    ) -> None:
        self.limited = frozenset(held)
        self.fees = fees
        self._world = world
        self._begun = {
            (venue, asset): total for venue, all_ in held.items() for asset, total in all_.items()
        }
        self._totals = [dict(self._begun) for _ in range(_WORLDS)]
        self._bought: dict[Market, Decimal] = {}
        self._volumes: dict[str, deque[tuple[int, Decimal]]] = {}
        self._sums: dict[str, Decimal] = {}

    def total(self, venue: str, asset: str, world: int | None = None) -> Decimal:
        """What there is of an asset: in a world, or in the one that the account follows."""
        totals = self._totals[self._world if world is None else world]
        return totals.get((venue, asset), _ZERO)

    def begun(self, venue: str, asset: str) -> Decimal:
        """What there was of an asset at the beginning."""
        return self._begun.get((venue, asset), _ZERO)

    def bought(self, market: Market) -> Decimal:
        """What fills have added to a market's position, in the world that the account follows."""
        return self._bought.get(market, _ZERO)

    def fill(
        self,
        world: int,
        market: Market,
        at_ns: int,
        price: Decimal,
        signed: Decimal,
        *,
        is_maker: bool,
    ) -> Fee:
        """Book a fill in a world; returns its fee."""
        venue, symbol = market.venue, market.symbol
        notional = EXACT.multiply(price, signed)
        fees = self.fees[venue]
        tier = fees.tier(self._volume(venue, at_ns))
        fee = charge(fees, market, tier.maker if is_maker else tier.taker, price, signed)
        totals = self._totals[world]
        for asset, amount in (
            (symbol.base, signed),
            (symbol.quote, EXACT.minus(notional)),
            (fee.asset, EXACT.minus(fee.amount)),
        ):
            totals[venue, asset] = EXACT.add(totals.get((venue, asset), _ZERO), amount)
        if world == self._world:
            self._trade(venue, at_ns, abs(notional))
            is_in_base = fee.asset == symbol.base
            added = EXACT.subtract(signed, fee.amount) if is_in_base else signed
            self._bought[market] = EXACT.add(self._bought.get(market, _ZERO), added)
        return fee

    def _volume(self, venue: str, now_ns: int) -> Decimal:
        """What was traded within thirty days, in quote assets."""
        days = self._volumes.get(venue)
        while days and days[0][0] <= now_ns - _MONTH_NS:
            self._sums[venue] = EXACT.subtract(self._sums[venue], days.popleft()[1])
        return self._sums.get(venue, _ZERO)

    def _trade(self, venue: str, at_ns: int, notional: Decimal) -> None:
        if len(self.fees[venue].tiers) > 1:
            self._volumes.setdefault(venue, deque()).append((at_ns, notional))
            self._sums[venue] = EXACT.add(self._sums.get(venue, _ZERO), notional)
