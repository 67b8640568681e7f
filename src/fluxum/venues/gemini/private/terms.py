"""What Gemini allows those who trade, and what it takes as the name of an order.

Private calls: 600 a minute, five a second advised (https://docs.gemini.com/rest-api/#rate-limits).
Orders over the WebSocket: `conninfo` is documented with 1,000 in ten seconds, and has 3,500 live
(2026-09); the former is kept. A signed call is good for half a minute, so that it may take that
long to arrive.
"""

from decimal import Decimal

from fluxum.venues.gemini.private.commands import NAMES
from fluxum.venues.private import AccountTier
from fluxum.venues.rates import Decaying, Windowed
from fluxum.venues.trading import OrderRate, OrderRules, TradingAllowance

__all__ = ["TIERS"]

_NONCE_S = 30.0


def _is_ambiguous(message: str) -> bool:
    """Errors after which the order may have been entered: of the venue's own, or a name's second.

    https://developer.gemini.com/websocket/message-format (-1000) and /websocket/streams.
    """
    return message.startswith("-1000 ") or "DuplicateOrder" in message


TIERS = {
    "default": AccountTier(
        Decaying(Decimal(5), Decimal(5)),
        OrderRules(
            allowance=TradingAllowance(
                rates=(OrderRate(rate=Windowed(Decimal(1000), Decimal(10))),)
            ),
            is_name=NAMES.allows,
            is_ambiguous=_is_ambiguous,
            can_amend=False,
            deadline_min_s=_NONCE_S,
            deadline_max_s=_NONCE_S,
        ),
    )
}
"""The account's tiers by name; there is one."""
