"""Numbers and times as Coinbase writes them, for the servers."""

from decimal import Decimal

from fluxum.model.market import Candle

__all__ = ["plain", "seconds"]


def plain(value: Decimal | None) -> str:
    """Digits without an exponent; empty for what there is none of."""
    return "" if value is None else f"{value:f}"


def seconds(candle: Candle) -> int:
    """When a candle begins, in UNIX seconds."""
    return candle.start_ns // 1_000_000_000
