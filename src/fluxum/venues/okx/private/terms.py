"""What OKX allows those who trade, and what it takes as the name of an order.

https://www.okx.com/docs-v5/en/#overview-rate-limits, 2026-06: of each market 60 orders may be
placed in two seconds, 60 amended and 60 canceled, counted apart; batches are counted by themselves.
A cancel never waits for this. Calls have a limit each: see `queries` for what each costs.
"""

from decimal import Decimal

from fluxum.venues.okx.private.commands import is_client_id
from fluxum.venues.private import AccountTier
from fluxum.venues.rates import Decaying, Windowed
from fluxum.venues.trading import Operation, OrderRate, OrderRules, TradingAllowance

__all__ = ["TIERS"]

# https://www.okx.com/docs-v5/en/#error-code: no answer in time, a system that is busy or failed, or
# an id that was taken before.
_AMBIGUOUS = frozenset(
    (
        *("50001", "50004", "50013", "50026", "51016", "51054", "51149"),
        *("63999", "64007"),
    )
)


def _is_ambiguous(message: str) -> bool:
    """Errors after which the order may have been entered all the same: the code comes first."""
    return message.partition(" ")[0] in _AMBIGUOUS


_RATE = Windowed(Decimal(60), Decimal(2))

TIERS = {
    "default": AccountTier(
        Decaying(Decimal(10), Decimal(10)),
        OrderRules(
            allowance=TradingAllowance(
                rates=tuple(
                    OrderRate(rate=_RATE, operations=frozenset((one,)), by_symbol=True)
                    for one in (Operation.PLACE, Operation.AMEND)
                ),
                amend=Decimal(1),
            ),
            is_name=is_client_id,
            is_ambiguous=_is_ambiguous,
            deadline_min_s=1.0,
            deadline_max_s=60.0,
        ),
    )
}
"""The account's tiers by name: the limits are those of every account."""
