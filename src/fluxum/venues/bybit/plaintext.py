"""Numbers, times and rows as Bybit writes them: plain digits, milliseconds."""

from collections.abc import Sequence
from decimal import Decimal

from fluxum.model.market import Level

__all__ = ["millis", "number", "rows"]


def number(value: Decimal | None) -> str:
    """The number as plain digits without trailing zeros, empty where there is none."""
    if value is None:
        return ""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def millis(instant_ns: int) -> int:
    """Milliseconds since the epoch."""
    return instant_ns // 1_000_000


def rows(levels: Sequence[Level]) -> list[tuple[str, str]]:
    """Rows of price and size, "0" for a level that is gone."""
    return [(number(level.price), number(level.quantity)) for level in levels]
