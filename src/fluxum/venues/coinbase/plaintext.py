"""Numbers and times as Coinbase writes them, for the servers."""

from decimal import Decimal

from fluxum.model.market import Candle

__all__ = ["number", "plain", "seconds"]


def plain(value: Decimal | None) -> str:
    """Digits without an exponent; empty for what there is none of."""
    return "" if value is None else f"{value:f}"


def number(value: Decimal) -> str:
    """The same without trailing zeros, as Advanced Trade writes it."""
    text = f"{value:f}"
    return text.rstrip("0").removesuffix(".") if "." in text else text


def seconds(candle: Candle) -> int:
    """When a candle begins, in UNIX seconds."""
    return candle.start_ns // 1_000_000_000
