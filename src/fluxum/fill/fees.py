"""What a venue charges for a fill: rates by the volume of thirty days, and the asset of fees."""

from decimal import Decimal
from enum import Enum

from msgspec import Struct

from fluxum.errors import BadInput
from fluxum.model.input import Number, number
from fluxum.model.instrument import Asset

__all__ = ["FeeTier", "Fees", "FeesIn"]

_ZERO = Decimal(0)


class FeesIn(Enum):
    """The asset that fees are charged in, unless they are charged in a third one."""

    QUOTE = "quote"
    BASE = "base"
    RECEIVED = "received"
    """The asset that the fill brings: the base of a purchase, the quote of a sale."""


class FeeTier(Struct, frozen=True):
    """The rates from a volume on; a rate is a fraction (0.0025 is 0.25 %), a rebate below zero."""

    volume: Decimal
    """The volume of thirty days, in the quote asset."""
    maker: Decimal
    taker: Decimal


class Fees(Struct, frozen=True, kw_only=True):
    """The fees of one account at one venue.

    With a `third` asset fees are charged in it, at `third_rate` of their usual amount, as long as
    its price is known and the account has enough of it. Raises BadInput unless the tiers begin at
    volume 0 and ascend.
    """

    tiers: tuple[FeeTier, ...]
    charged: FeesIn = FeesIn.QUOTE
    third: Asset | None = None
    third_rate: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        """Check the tiers."""
        volumes = [tier.volume for tier in self.tiers]
        if not volumes or volumes[0] != 0 or volumes != sorted(set(volumes)):
            shown = ", ".join(map(str, volumes)) or "none"
            raise BadInput(f"fee tiers from volume 0 on, ascending, were expected, was {shown}")
        for tier in self.tiers:
            if not (abs(tier.maker) < 1 and abs(tier.taker) < 1):
                raise BadInput(
                    f"fee rates as fractions (0.0025 is 0.25 %) were expected, was {tier}"
                )

    @classmethod
    def flat(cls, maker: Number = 0, taker: Number = 0, charged: FeesIn = FeesIn.QUOTE) -> "Fees":
        """The same rates at every volume."""
        rates = number(maker, "maker"), number(taker, "taker")
        return cls(tiers=(FeeTier(_ZERO, *rates),), charged=charged)

    def tier(self, volume: Decimal) -> FeeTier:
        """The tier of a volume of thirty days."""
        return next(tier for tier in reversed(self.tiers) if tier.volume <= volume)
