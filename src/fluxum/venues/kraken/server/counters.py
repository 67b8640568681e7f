"""How much of what Kraken allows an account was used; the figures are those of `private.terms`.

Trading counts one counter per market, shared by all ways in
(https://docs.kraken.com/api/docs/guides/spot-ratelimits). REST counts one per key
(https://docs.kraken.com/api/docs/guides/spot-rest-ratelimits).
"""

from decimal import Decimal

from fluxum.errors import VenueRefused
from fluxum.model.instrument import Symbol
from fluxum.venues.kraken.private.terms import TIERS
from fluxum.venues.rates import RateCounter
from fluxum.venues.server.accounts import Account
from fluxum.venues.trading import TradingAllowance

__all__ = ["allowance_of", "count_call", "trading"]


def allowance_of(account: Account) -> TradingAllowance:
    """What an account may do; without a tier's name that of the lowest."""
    allowance = TIERS[account.tier or "starter"].orders.allowance
    assert allowance is not None
    return allowance


def trading(account: Account, symbol: Symbol) -> RateCounter:
    """The trading counter of a market; it refuses nothing by itself."""
    counter = account.counts.get(symbol)
    if counter is None:
        counter = account.counts[symbol] = RateCounter(allowance_of(account).rates[0].rate)
    return counter


def count_call(account: Account, cost: int, now_ns: int) -> None:
    """Raise the counter of REST calls; raises VenueRefused where that would exceed it."""
    calls = TIERS[account.tier or "starter"].calls
    counter = account.counts.setdefault("calls", RateCounter(calls))
    if counter.wait_ns(Decimal(cost), now_ns) != 0:
        raise VenueRefused("EAPI:Rate limit exceeded", "EAPI")
    counter.add(Decimal(cost), now_ns)
