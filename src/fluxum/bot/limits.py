"""The limits of a bot, and what the engine reports of them. Pure."""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from fluxum.bot.market import Market
from fluxum.bot.protections import Pause, Protection
from fluxum.errors import BadInput
from fluxum.model.input import asset, counted, mapping, optional, positive, take_all
from fluxum.model.instrument import Asset
from fluxum.orders.limits import RiskLimits

__all__ = ["BotFact", "BotHalted", "BotLimits", "StrategyFailed", "Verdict"]


class BotLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a bot may do; `None` disables a limit.

    `account` are the limits of each venue's account (see `RiskLimits`), `venues` others for some.

    Over all venues: `exposure_max` is of each of some base assets, open orders included.
    `drawdown_max` is how far the profit in `currency` may fall below its high.
    `orders_per_fill_max` is how many orders may be placed without a fill, and `data_age_max_ms` how
    old the last message of a market's book may be when an order is placed there. `protections` are
    pauses after bad trades. Beyond these, only orders pass that make a position smaller.

    A bot that intends more than `commands_per_second_max` orders and changes in a second is halted:
    its orders are canceled and it places no more. `cancels_on_failure` is whether orders are
    canceled if the strategy fails.
    """

    account: RiskLimits = RiskLimits()
    venues: Mapping[str, RiskLimits] = {}
    exposure_max: Mapping[Asset, Decimal] | None = None
    drawdown_max: Decimal | None = None
    currency: Asset | None = None
    orders_per_fill_max: int | None = None
    data_age_max_ms: int | None = None
    commands_per_second_max: int | None = 100
    protections: tuple[Protection, ...] = ()
    cancels_on_failure: bool = True

    def __post_init__(self) -> None:
        """Accept text as well, and refuse limits that make no sense."""
        take_all(
            self,
            {
                "exposure_max": optional(mapping(asset, positive)),
                "drawdown_max": optional(positive),
                "currency": optional(asset),
                "orders_per_fill_max": optional(counted),
                "data_age_max_ms": optional(counted),
                "commands_per_second_max": optional(counted),
            },
        )
        if (self.drawdown_max is None) is not (self.currency is None):
            raise BadInput(
                f"drawdown_max and currency go together, were {self.drawdown_max} "
                f"and {self.currency}"
            )
        for venue, limits in (("account", self.account), *self.venues.items()):
            if limits.are_of_profit:
                raise BadInput(
                    f"{venue}: a bot's loss is limited by its drawdown_max and currency, "
                    f"not by daily_loss_max or drawdown_max of an account"
                )

    @property
    def are_of_growth(self) -> bool:
        """Whether some count only for orders that make a position or an exposure larger."""
        return bool(self.exposure_max) or any(
            one is not None
            for one in (self.drawdown_max, self.orders_per_fill_max, self.data_age_max_ms)
        )

    def of(self, venue: str) -> RiskLimits:
        """The limits of one venue's account."""
        return self.venues.get(venue, self.account)


class Verdict(Struct, frozen=True, kw_only=True, tag="verdict"):
    """An intent that is not carried out, or not now: which limit forbids it, and why."""

    limit: str
    message: str
    market: Market | None
    at_ns: int


class BotHalted(Struct, frozen=True, kw_only=True, tag="halted"):
    """The bot places nothing from now on, and its orders are canceled."""

    reason: str
    at_ns: int


class StrategyFailed(Struct, frozen=True, kw_only=True, tag="failed"):
    """The strategy raised an error; its memory stays as it was before the event."""

    error: str
    at_ns: int


BotFact = Verdict | BotHalted | StrategyFailed | Pause
"""What the engine reports of limits and failures."""
