"""What the Exchange allows those who trade, and what it takes as the name of an order.

https://docs.cdp.coinbase.com/exchange/rest-api/rate-limits: 15 private calls a second and profile,
30 at once; /fills ten. Half is for orders, half for queries. 500 orders may be open in a market.
"""

from decimal import Decimal

from fluxum.venues.coinbase.exchange.private.commands import NAMES
from fluxum.venues.coinbase.exchange.private.signing import VALID_S
from fluxum.venues.private import AccountTier
from fluxum.venues.rates import Decaying
from fluxum.venues.trading import OrderRate, OrderRules, SwitchKeeper, TradingAllowance

__all__ = ["TIERS"]

_HALF, _ONE = Decimal(7), Decimal(1)
TIERS = {
    "default": AccountTier(
        Decaying(Decimal("3.5"), Decimal("3.5")),
        OrderRules(
            allowance=TradingAllowance(
                rates=(OrderRate(rate=Decaying(_HALF, _HALF)),), orders_max=500, cancel=_ONE
            ),
            is_name=NAMES.allows,
            # The name was taken before, maybe by the order itself.
            is_ambiguous=lambda message: "client_oid" in message,
            can_amend=False,
            are_books_unproved=True,
            dead_man_switch=SwitchKeeper.CLIENT,
            deadline_min_s=5.0,
            deadline_max_s=VALID_S,
        ),
    )
}
"""The account's tiers by name."""
