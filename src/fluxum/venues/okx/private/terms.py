"""What OKX allows those who trade, and what it takes as the name of an order.

https://www.okx.com/docs-v5/en/#overview-rate-limits, 2026-06: of each market 60 orders may be
placed in two seconds, 60 amended and 60 canceled, counted apart; batches are counted by themselves.
Of orders that wait for a price it is 20 (#order-book-trading-algo-trading-post-place-algo-order).
A cancel never waits for this. Calls have a limit each: see `queries` for what each costs.
"""

from decimal import Decimal

from fluxum.venues.okx.private.commands import NAMES
from fluxum.venues.private import AccountTier
from fluxum.venues.rates import Decaying, Windowed
from fluxum.venues.trading import Operation, OrderRate, OrderRules, TradingAllowance, begins_with

__all__ = ["TIERS"]

# https://www.okx.com/docs-v5/en/#error-code: no answer in time, a system that is busy or failed, or
# an id that was taken before.
_AMBIGUOUS = (
    *("50001", "50004", "50013", "50026", "51016", "51054", "51149"),
    *("51065", "51068"),  # the same of algo orders
    *("63999", "64007"),
)
_RATES = {False: Windowed(Decimal(60), Decimal(2)), True: Windowed(Decimal(20), Decimal(2))}

TIERS = {
    "default": AccountTier(
        Decaying(Decimal(10), Decimal(10)),
        OrderRules(
            allowance=TradingAllowance(
                rates=tuple(
                    OrderRate(
                        rate=rate,
                        operations=frozenset((one,)),
                        by_symbol=True,
                        triggered=triggered,
                    )
                    for triggered, rate in _RATES.items()
                    for one in (Operation.PLACE, Operation.AMEND)
                ),
                amend=Decimal(1),
            ),
            is_name=NAMES.allows,
            is_ambiguous=begins_with(*(f"{code} " for code in _AMBIGUOUS)),
            deadline_min_s=1.0,
            deadline_max_s=60.0,
        ),
    )
}
"""The account's tiers by name: the limits are those of every account."""
