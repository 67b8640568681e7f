"""What Binance allows those who trade, and what it takes as the name of an order.

https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md#limits and enums.md,
2026-07: 50 orders in ten seconds and 160,000 a day for the whole account, where an order that is
filled in part does not count any more. Of a minute's weight of calls a fifth is for the account's:
the rest is for market data. At most 200 orders may be open in a market (filters.md#max_num_orders).
"""

from decimal import Decimal

from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.private.commands import NAMES
from fluxum.venues.binance.private.signing import RECEIVE_MS
from fluxum.venues.private import AccountTier
from fluxum.venues.rates import Decaying, Windowed
from fluxum.venues.trading import OrderRate, OrderRules, SwitchKeeper, TradingAllowance, begins_with

__all__ = ["ORDERS_PER_10_S", "tiers"]

ORDERS_PER_10_S = 50
_ORDERS = (
    Windowed(Decimal(ORDERS_PER_10_S), Decimal(10)),
    Windowed(Decimal(160_000), Decimal(86_400)),
)
_ORDERS_OPEN_MAX = 200
# https://github.com/binance/binance-spot-api-docs/blob/master/errors.md: disconnected, unexpected
# response, time-out, unknown error; and a name that an open order has, maybe the order itself. A
# status of 500 to 599 stands before the code.
_AMBIGUOUS = ("-1000 ", "-1001 ", "-1006 ", "-1007 ", "-2010 Duplicate order sent", "5")


def tiers(policy: Policy) -> dict[str, AccountTier]:
    """The account's tiers by name: there is one."""
    allowance = TradingAllowance(
        rates=tuple(OrderRate(rate=one) for one in _ORDERS),
        edit=Decimal(1),
        orders_max=_ORDERS_OPEN_MAX,
    )
    rules = OrderRules(
        allowance=allowance,
        is_name=NAMES.allows,
        can_amend=False,  # to a smaller quantity alone
        dead_man_switch=SwitchKeeper.CLIENT,
        is_ambiguous=begins_with(*_AMBIGUOUS),
        deadline_min_s=1.0,
        deadline_max_s=RECEIVE_MS / 1000,
    )
    weight = Decimal(policy.weight_per_minute)
    return {"default": AccountTier(Decaying(weight / 10, weight / 300), rules)}
