"""What Kraken allows those who trade, by tier, and what it takes as the name of an order.

https://docs.kraken.com/api/docs/guides/spot-ratelimits (one counter for each market, which changes
of young orders raise by more), /guides/spot-clordid, and the pages of the methods, 2026-05. That
`cancel_all` counts one in each market is what Kraken's own tool does
(https://github.com/krakenfx/kraken-api-sdk, 2026).
"""

from decimal import Decimal

from fluxum.model.order import OrderRequest
from fluxum.venues.kraken.private.commands import is_client_id
from fluxum.venues.private import AccountTier
from fluxum.venues.rates import Decaying
from fluxum.venues.trading import AgeBands, OrderRate, OrderRules, TradingAllowance

__all__ = ["TIERS"]


def _bands(*bands: tuple[int, int]) -> AgeBands:
    return AgeBands(tuple((age_s, Decimal(cost)) for age_s, cost in bands))


_AMEND_AGES = _bands((5, 3), (10, 2), (15, 1))
_EDIT_AGES = _bands((5, 6), (10, 5), (15, 4), (45, 2), (90, 1))
_CANCEL_AGES = _bands((5, 8), (10, 6), (15, 5), (45, 4), (90, 2), (300, 1))


def _allowance(most: int, decay_per_s: str, orders_max: int) -> TradingAllowance:
    return TradingAllowance(
        rates=(OrderRate(rate=Decaying(Decimal(most), Decimal(decay_per_s)), by_symbol=True),),
        orders_max=orders_max,
        add=Decimal(1),
        batch_add=Decimal("0.5"),
        amend=Decimal(1),
        edit=Decimal(1),
        cancel_all=Decimal(1),
        amend_ages=_AMEND_AGES,
        edit_ages=_EDIT_AGES,
        cancel_ages=_CANCEL_AGES,
    )


def _supports_client_id(request: OrderRequest) -> bool:
    """An order with a close order, or with a tag of the user's, can have no client order id."""
    return request.close is None and request.user_reference is None


_DOUBTFUL = (
    "EService:Deadline elapsed",
    "EService:Unavailable",
    "EService:Busy",
    "EGeneral:Internal error",
)


def _is_ambiguous(message: str) -> bool:
    """Errors of the engine or of time, of which the order may have been entered all the same.

    Kraken asks to look at open orders before anything is tried again
    (https://docs.kraken.com/exchange/guides/general/errors).
    """
    return message.startswith(_DOUBTFUL)


def _rules(allowance: TradingAllowance) -> OrderRules:
    return OrderRules(
        allowance=allowance,
        is_name=is_client_id,
        supports_client_id=_supports_client_id,
        is_ambiguous=_is_ambiguous,
        # https://docs.kraken.com/api/docs/websocket-v2/add_order, `deadline`
        deadline_min_s=0.5,
        deadline_max_s=60.0,
    )


def _tier(most: int, decay_per_s: str, orders_max: int, calls: int, per_s: str) -> AccountTier:
    rules = _rules(_allowance(most, decay_per_s, orders_max))
    return AccountTier(Decaying(Decimal(calls), Decimal(per_s)), rules)


# The last two figures: https://docs.kraken.com/api/docs/guides/spot-rest-ratelimits, 2026-05
TIERS = {
    "starter": _tier(60, "1", 60, 15, "0.33"),
    "intermediate": _tier(125, "2.34", 80, 20, "0.5"),
    "pro": _tier(180, "3.75", 225, 20, "1"),
}
"""The account's tiers by name."""
