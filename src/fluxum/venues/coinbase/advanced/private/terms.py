"""What Advanced Trade allows those who trade.

https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/rest-api: 30 calls a second and user.
By what each counts (`CALL_COST`) a link makes 20 of them at most, and queries are 10 at most.
"""

from decimal import Decimal

from fluxum.venues.coinbase.advanced.private.signing import VALID_S
from fluxum.venues.private import AccountTier
from fluxum.venues.rates import Decaying
from fluxum.venues.trading import OrderRate, OrderRules, SwitchKeeper, TradingAllowance, begins_with

__all__ = ["TIERS"]

# Reasons after which the order may have been entered all the same.
_AMBIGUOUS = ("UNKNOWN", "INTERNAL", "TIMEOUT", "COMMANDER_", "DUPLICATE")
_TEN, _ONE = Decimal(10), Decimal(1)
TIERS = {
    "default": AccountTier(
        Decaying(Decimal("2.5"), Decimal("2.5")),
        OrderRules(
            allowance=TradingAllowance(
                rates=(OrderRate(rate=Decaying(_TEN, _TEN)),), amend=_ONE, cancel=_ONE
            ),
            is_ambiguous=begins_with(*_AMBIGUOUS),
            dead_man_switch=SwitchKeeper.CLIENT,
            deadline_min_s=2.0,
            deadline_max_s=VALID_S,
        ),
    )
}
"""The account's tiers by name."""
