"""What USD-M futures allow those who trade, and what they take as the name of an order.

https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-api-general-info and
/common-definition, 2026-05: 300 orders in ten seconds and 1,200 a minute for the whole account,
changes among them; 200 orders may be open in a market. A fifth of a minute's weight of calls is for
the account's: the rest is for market data.
"""

from decimal import Decimal

from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.private.commands import NAMES
from fluxum.venues.binance.private.signing import RECEIVE_MS
from fluxum.venues.private import AccountTier
from fluxum.venues.rates import Decaying, Windowed
from fluxum.venues.trading import OrderRate, OrderRules, TradingAllowance, begins_with

__all__ = ["ORDERS_PER_10_S", "tiers"]

ORDERS_PER_10_S = 300
_ORDERS = (
    Windowed(Decimal(ORDERS_PER_10_S), Decimal(10)),
    Windowed(Decimal(1200), Decimal(60)),
)
_ORDERS_OPEN_MAX = 200
# https://developers.binance.com/docs/derivatives/usds-margined-futures/error-code: unknown error,
# disconnected, unexpected response, time-out; and a name that an open order has, maybe the order
# itself. A status of 500 to 599 stands before the code.
_AMBIGUOUS = ("-1000 ", "-1001 ", "-1006 ", "-1007 ", "-4116 ", "5")


def tiers(policy: Policy) -> dict[str, AccountTier]:
    """The account's tiers by name: there is one."""
    allowance = TradingAllowance(
        rates=tuple(OrderRate(rate=one) for one in _ORDERS),
        amend=Decimal(1),
        orders_max=_ORDERS_OPEN_MAX,
    )
    rules = OrderRules(
        allowance=allowance,
        is_name=NAMES.allows,
        is_ambiguous=begins_with(*_AMBIGUOUS),
        deadline_min_s=1.0,
        deadline_max_s=RECEIVE_MS / 1000,
    )
    weight = Decimal(policy.weight_per_minute)
    return {"default": AccountTier(Decaying(weight / 10, weight / 300), rules)}
