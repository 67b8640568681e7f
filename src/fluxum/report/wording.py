"""Numbers and times of a report as texts for a reader, rounded; the facts keep every digit."""

from decimal import ROUND_HALF_EVEN, Context, Decimal

from fluxum.ledger.arithmetic import EXACT
from fluxum.report.trading import Cost

__all__ = [
    "UNKNOWN",
    "amount_text",
    "bps_text",
    "cost_text",
    "duration_text",
    "rate_text",
    "ratio_text",
    "share_text",
    "signed_text",
]

UNKNOWN = "unknown"
"""What stands for a number that is not known."""
_ROUNDING = Context(prec=120, rounding=ROUND_HALF_EVEN)
_DIGITS = 4
_DECIMALS_MIN = 2
_DECIMALS_MAX = 12
_HUNDRED = Decimal(100)
_CENT = Decimal("0.01")
_NS = 1_000_000_000
_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"))


def amount_text(value: Decimal | None) -> str:
    """An amount with at least two decimals and four digits, thousands with commas: `1,234.56`."""
    if value is None:
        return UNKNOWN
    if not value:
        return "0"
    decimals = min(_DECIMALS_MAX, max(_DECIMALS_MIN, _DIGITS - 1 - value.adjusted()))
    rounded = value.quantize(Decimal(1).scaleb(-decimals), context=_ROUNDING)
    whole, _, fraction = f"{rounded:,f}".partition(".")
    fraction = fraction.rstrip("0")
    if abs(value) >= 1:
        fraction = fraction.ljust(_DECIMALS_MIN, "0")
    return f"{whole}.{fraction}" if fraction else whole


def signed_text(value: Decimal | None) -> str:
    """An amount with its sign, as for a profit: `+12.50`."""
    text = amount_text(value)
    return f"+{text}" if value is not None and value > 0 else text


def share_text(value: Decimal | None) -> str:
    """A share in percent, with two decimals, or two digits if it is smaller: `1.37 %`."""
    if value is None:
        return UNKNOWN
    percent = EXACT.multiply(value, _HUNDRED)
    if percent and abs(percent) < _CENT:
        return (
            f"{percent.quantize(Decimal(1).scaleb(percent.adjusted() - 1), context=_ROUNDING):f} %"
        )
    return f"{percent:.2f} %"


def rate_text(value: Decimal) -> str:
    """A rate of fees in percent, with every digit: `0.0025 %`."""
    percent = EXACT.normalize(EXACT.multiply(value, _HUNDRED))
    return f"{percent:f} %"


def bps_text(value: Decimal | None) -> str:
    """Basis points with their sign: `-2.03 bps`."""
    return UNKNOWN if value is None else f"{value:+.2f} bps"


def cost_text(cost: Cost) -> str:
    """A cost in basis points, and how many of its fills were not measured, if any."""
    if not cost.fills:
        return "no fills" if not cost.unmeasured else UNKNOWN
    return bps_text(cost.bps)


def ratio_text(value: float | None) -> str:
    """A ratio or a probability: `0.9505`, `1.23`, `1,140`."""
    if value is None:
        return "undefined"
    decimals = 4 if abs(value) < 1 else 2 if abs(value) < 100 else 0
    return f"{value:,.{decimals}f}"


def duration_text(ns: int) -> str:
    """A time in its two largest units: `2 d 4 h`, `3 min 20 s`, `5.0 s`."""
    if ns < 60 * _NS:
        return f"{ns / _NS:.1f} s"
    seconds = ns // _NS
    parts: list[str] = []
    for unit_s, name in (*_UNITS, (1, "s")):
        count, seconds = divmod(seconds, unit_s)
        if count:
            parts.append(f"{count:,} {name}")
    return " ".join(parts[:2])
