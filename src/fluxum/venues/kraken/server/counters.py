"""What each class of customers may do at Kraken, and how much of it was done.

Trading counts one counter per market, shared by all ways in
(https://docs.kraken.com/api/docs/guides/spot-ratelimits): it rises by a fixed part, and for
changes to young orders by more, and falls with time. REST counts one per key
(https://docs.kraken.com/api/docs/guides/spot-rest-ratelimits).
"""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from fluxum.errors import VenueRefused
from fluxum.model.instrument import Symbol
from fluxum.venues.server.access import count_decaying
from fluxum.venues.server.accounts import Account

__all__ = ["Tier", "age_cost", "count_call", "count_trading", "tier_of", "trading_count"]

_NANOS = 1_000_000_000


class Tier(Struct, frozen=True):
    """The numbers of one class of customers."""

    trading_most: int
    trading_decay_per_s: Decimal
    orders_most: int
    calls_most: int
    calls_decay_per_s: Decimal


_TIERS = {
    "starter": Tier(60, Decimal(1), 60, 15, Decimal("0.33")),
    "intermediate": Tier(125, Decimal("2.34"), 80, 20, Decimal("0.5")),
    "pro": Tier(180, Decimal("3.75"), 225, 20, Decimal(1)),
}
# Below so many seconds of age, so much more.
_AGES: dict[str, Sequence[tuple[int, int]]] = {
    "amend": ((5, 3), (10, 2), (15, 1)),
    "edit": ((5, 6), (10, 5), (15, 4), (45, 2), (90, 1)),
    "cancel": ((5, 8), (10, 6), (15, 5), (45, 4), (90, 2), (300, 1)),
}


def tier_of(account: Account) -> Tier:
    """The numbers of an account; without a name those of the lowest class."""
    return _TIERS[account.tier or "starter"]


def age_cost(method: str, age_ns: int) -> int:
    """What `amend`, `edit` or `cancel` counts for the age of the order, since its last change."""
    for below_s, cost in _AGES[method]:
        if age_ns < below_s * _NANOS:
            return cost
    return 0


def trading_count(account: Account, symbol: Symbol, now_ns: int) -> Decimal:
    """Where the trading counter of a market stands."""
    decay_per_s = tier_of(account).trading_decay_per_s
    return count_decaying(account, f"trading {symbol}", decay_per_s, now_ns).used


def count_trading(account: Account, symbol: Symbol, cost: Decimal, now_ns: int) -> None:
    """Raise the trading counter of a market; nothing is refused here."""
    trading_count(account, symbol, now_ns)
    account.counts[f"trading {symbol}"].used += cost


def count_call(account: Account, cost: int, now_ns: int) -> None:
    """Raise the counter of REST calls; raises VenueRefused where that would exceed it."""
    tier = tier_of(account)
    count = count_decaying(account, "calls", tier.calls_decay_per_s, now_ns)
    if count.used + cost > tier.calls_most:
        raise VenueRefused("EAPI:Rate limit exceeded", "EAPI")
    count.used += cost
