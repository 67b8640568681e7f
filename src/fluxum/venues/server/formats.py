"""Numbers and times as most venues write them, for their servers in the simulator."""

from decimal import Decimal

__all__ = ["millis", "number", "scrambled"]


def number(value: Decimal | None) -> str:
    """The number as plain digits without trailing zeros, empty where there is none."""
    if value is None:
        return ""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def millis(instant_ns: int) -> int:
    """Milliseconds since the epoch."""
    return instant_ns // 1_000_000


def scrambled(instant_ns: int) -> int:
    """64 bits for the id of a link: they look random, and are the same each time."""
    return instant_ns * 6_364_136_223_846_793_005 % 2**64
