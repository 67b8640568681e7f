"""Which streams the simulated venue sends over a link, and why another one is refused.

The real venue acknowledges any well-formed name and stays silent about those it does not send
(https://github.com/sammchardy/python-binance/issues/1193). A name that stands for no stream is
answered like that here too. A stream that exists and is not sent is refused by its name instead,
so that a client need not wait for it.
"""

import re

from fluxum.venues.binance.policy import Policy

__all__ = ["objection"]

_BASE = re.compile(r"[a-z]+[A-Z]?[a-z]*")
# Documented, and nothing of it is simulated.
_SPOT_ONLY = frozenset(
    {"avgPrice", "referencePrice", "blockTrade", "ticker_1h", "ticker_4h", "ticker_1d", "!ticker"}
)
_FUTURES_ONLY = frozenset(
    {"markPrice", "forceOrder", "compositeIndex", "continuousKline", "rpiDepth", "contractInfo"}
    | {"assetIndex", "tradingSession"}
)


def objection(policy: Policy, category: str | None, name: str) -> str:
    """Why a stream is not sent over a link of a category; empty where it is, or is no stream."""
    kind = _kind(name)
    base = _BASE.match(kind.removeprefix("!"))
    missing = _FUTURES_ONLY if policy.is_futures else _SPOT_ONLY
    if missing & {kind, kind.removeprefix("!"), "" if base is None else base[0]}:
        return f"{name} is not sent by this simulated exchange"
    if kind.startswith("kline_") and "@" in kind:
        return f"{name} is not sent by this simulated exchange, whose days are those of UTC"
    if category is None or base is None or base[0] in policy.endpoints[category]:
        return ""
    others = [one for one, kinds in policy.endpoints.items() if base[0] in kinds]
    return f"{name} is sent over /{others[0]}, not over /{category}" if others else ""


def _kind(name: str) -> str:
    """What stands behind the market, or before it where the stream is of all markets."""
    market, _, kind = name.partition("@")
    return market if market.startswith("!") else kind
