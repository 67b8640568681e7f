"""What Bybit allows those who trade, and what it takes as the name of an order.

https://bybit-exchange.github.io/docs/v5/rate-limit, 2026-07: so many operations of each kind in a
second and account; of spot orders 20 may be created and 10 amended. Half of it at once and as much
a second is never more in any second. On spot 500 orders may be open (/order/create-order).
"""

from decimal import Decimal

from fluxum.venues.bybit.category import SPOT, Category
from fluxum.venues.bybit.private.commands import NAMES
from fluxum.venues.bybit.private.signing import RECEIVE_MS
from fluxum.venues.private import AccountTier
from fluxum.venues.rates import Decaying
from fluxum.venues.trading import OrderRate, OrderRules, SwitchKeeper, TradingAllowance, begins_with

__all__ = ["tiers"]

# https://bybit-exchange.github.io/docs/v5/error: the engine did not answer in time, was restarting
# or overloaded, or has had this id before.
_AMBIGUOUS = (
    *("429", "10000", "10014", "10016", "10019", "10429", "20006", "110072", "170007"),
    *("170032", "170141", "170146", "170147", "170234"),
)
_PER_S = {"spot": 20, "linear": 10}


def tiers(category: Category) -> dict[str, AccountTier]:
    """The account's tiers by name: the limits of an account without a VIP level."""
    half = Decimal(_PER_S[category.name]) / 2
    allowance = TradingAllowance(
        rates=(OrderRate(rate=Decaying(half, half)),),
        orders_max=500 if category is SPOT else None,
        amend=Decimal(2 if category is SPOT else 1),
    )
    rules = OrderRules(
        allowance=allowance,
        is_name=NAMES.allows,
        dead_man_switch=SwitchKeeper.CLIENT,
        is_ambiguous=begins_with(*(f"{code} " for code in _AMBIGUOUS)),
        deadline_min_s=1.0,
        deadline_max_s=RECEIVE_MS / 1000,
    )
    return {"default": AccountTier(Decaying(Decimal(20), Decimal(20)), rules)}
