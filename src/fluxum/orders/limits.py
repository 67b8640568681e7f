"""Limits of one's own: of one order, of all that is sent, and of what an account comes to."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct

from fluxum.errors import BadInput
from fluxum.model.input import (
    Number,
    Take,
    asset,
    counted,
    mapping,
    optional,
    positive,
    several,
    symbol,
    take_all,
)
from fluxum.model.instrument import Asset, Symbol

__all__ = ["COLLAR_PERCENT", "RiskLimits"]

COLLAR_PERCENT = Decimal(10)
"""How much worse than the middle of the market an order may trade unless limits say otherwise."""


class RiskLimits(Struct, frozen=True, kw_only=True):
    """What may be sent, and what an account may come to by it; `None` disables a limit.

    Of one order: `quantity_max` is in its base asset, `notional_max` in its quote asset.
    `collar_percent` is how much worse than the middle of the market it may trade: buys above,
    sells below; it is 10 unless another number or `None` is given. `symbols` are the markets.

    Of all orders: `orders_max` is how many may be open. `per_second_max` and `per_minute_max`
    count orders placed, amended and edited.

    Of the account, with all that open orders could still fill, in whichever way is worse:
    `position_max` is of each market in its base asset, long or short, one number for all or one
    for each of some; an edit counts as an order beside the one it replaces. `exposure_max` is of
    each of some base assets, over all of its markets, in that asset. `account_exposure_max` is of
    all positions without sign at the middle of their markets, in `account_asset`.

    Of the profit, in whatever asset that is counted: beyond a loss of `daily_loss_max`, or
    `drawdown_max` below the highest profit since the desk was opened, only orders pass that make
    a position smaller.
    """

    quantity_max: Decimal | None = None
    notional_max: Decimal | None = None
    collar_percent: Decimal | None = COLLAR_PERCENT
    orders_max: int | None = None
    per_second_max: int | None = None
    per_minute_max: int | None = None
    position_max: Decimal | Mapping[Symbol, Decimal] | None = None
    exposure_max: Mapping[Asset, Decimal] | None = None
    account_exposure_max: Decimal | None = None
    account_asset: Asset | None = None
    daily_loss_max: Decimal | None = None
    drawdown_max: Decimal | None = None
    symbols: frozenset[Symbol] | None = None

    if TYPE_CHECKING:  # what is taken, which is more than what it becomes

        def __init__(
            self,
            *,
            quantity_max: Number | None = None,
            notional_max: Number | None = None,
            collar_percent: Number | None = COLLAR_PERCENT,
            orders_max: int | None = None,
            per_second_max: int | None = None,
            per_minute_max: int | None = None,
            position_max: Number | Mapping[str, Number] | Mapping[Symbol, Number] | None = None,
            exposure_max: Mapping[str, Number] | Mapping[Asset, Number] | None = None,
            account_exposure_max: Number | None = None,
            account_asset: str | None = None,
            daily_loss_max: Number | None = None,
            drawdown_max: Number | None = None,
            symbols: Collection[str] | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        """Take text as well, and refuse limits that make no sense."""
        take_all(self, _LIMITS)
        if (self.account_exposure_max is None) is not (self.account_asset is None):
            raise BadInput(
                f"account_exposure_max and account_asset go together, were "
                f"{self.account_exposure_max} and {self.account_asset}"
            )

    @property
    def are_of_positions(self) -> bool:
        """Whether they need to know what is held."""
        of_account = (self.position_max, self.exposure_max, self.account_exposure_max)
        return any(limit is not None for limit in of_account)

    @property
    def are_of_profit(self) -> bool:
        """Whether they need to know what was earned."""
        return self.daily_loss_max is not None or self.drawdown_max is not None

    def position_of(self, market: Symbol) -> Decimal | None:
        """How large a position in a market may be."""
        limit = self.position_max
        return limit if limit is None or isinstance(limit, Decimal) else limit.get(market)


def _one_or_some(value: object, what: str) -> object:
    if isinstance(value, Decimal | int | float | str):
        return positive(value, what)
    return mapping(symbol, positive)(value, what)


def _some(value: object, what: str) -> object:
    return frozenset(several(symbol)(value, what))


_LIMITS: Mapping[str, Take] = {
    "quantity_max": optional(positive),
    "notional_max": optional(positive),
    "collar_percent": optional(positive),
    "orders_max": optional(counted),
    "per_second_max": optional(counted),
    "per_minute_max": optional(counted),
    "position_max": optional(_one_or_some),
    "exposure_max": optional(mapping(asset, positive)),
    "account_exposure_max": optional(positive),
    "account_asset": optional(asset),
    "daily_loss_max": optional(positive),
    "drawdown_max": optional(positive),
    "symbols": optional(_some),
}
