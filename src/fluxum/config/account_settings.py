"""The settings of one account."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

from msgspec import Struct

from fluxum.config import values
from fluxum.config.about import About
from fluxum.model.instrument import Asset, Symbol

__all__ = ["AccountSettings", "RiskSettings", "TokenSettings"]


class TokenSettings(Struct, frozen=True, kw_only=True):
    """Tokens of private links, at venues that use them."""

    renew_s: Annotated[
        float | None,
        About(
            values.seconds,
            "How often it is renewed; without: when a link needs one.",
            "S2 `token_refresh_interval` = 780, S3 `token_refresh_interval` = 600, "
            "S3 `refresh_interval` = 600",
        ),
    ] = None
    retry_s: Annotated[
        float,
        About(values.seconds, "Wait after a renewal that failed.", "S3 (back-off of refreshes)"),
    ] = 10.0


class RiskSettings(Struct, frozen=True, kw_only=True):
    """Limits of orders, see `RiskLimits`; a limit that is not set is none."""

    quantity_max: Annotated[
        Decimal | None, About(values.positive, "Of one order.", "S3 S4", unit="base asset")
    ] = None
    notional_max: Annotated[
        Decimal | None, About(values.positive, "Of one order.", "S3 S4", unit="quote asset")
    ] = None
    collar_percent: Annotated[
        Decimal | None,
        About(values.collar, "How much worse than the market; `none`: any.", "S3", unit="%"),
    ] = Decimal(10)
    orders_max: Annotated[int | None, About(values.AtLeast(1), "Open orders.", "S3 S4")] = None
    per_second_max: Annotated[
        int | None, About(values.AtLeast(1), "Orders in a second.", "S3 S4")
    ] = None
    per_minute_max: Annotated[
        int | None, About(values.AtLeast(1), "Orders in a minute.", "S3 S4")
    ] = None
    position_max: Annotated[
        Decimal | Mapping[Symbol, Decimal] | None,
        About(
            values.one_or_some,
            "Of each market, or for each of some.",
            "S4 (position service)",
            unit="base asset",
        ),
    ] = None
    exposure_max: Annotated[
        Mapping[Asset, Decimal] | None,
        About(
            values.mapping(values.text, values.positive),
            "Of each of some base assets.",
            "S4 (risk service)",
            unit="the asset",
        ),
    ] = None
    account_exposure_max: Annotated[
        Decimal | None,
        About(values.positive, "Of all positions.", "S4 (risk service)", unit="account_asset"),
    ] = None
    account_asset: Annotated[
        Asset | None, About(values.text, "The asset of account_exposure_max.", "S4")
    ] = None
    daily_loss_max: Annotated[
        Decimal | None, About(values.positive, "Then only smaller positions.", "S4 (risk service)")
    ] = None
    drawdown_max: Annotated[
        Decimal | None, About(values.positive, "The same, below the best.", "S4 (risk service)")
    ] = None
    symbols: Annotated[
        tuple[Symbol, ...] | None,
        About(values.several(values.symbol), "The only markets for orders.", "S4"),
    ] = None


class AccountSettings(Struct, frozen=True, kw_only=True):
    """One account, by a name of your own."""

    venue: Annotated[str, About(values.venue, "The exchange; required.", "S2 S4")] = ""
    keys: Annotated[
        str,
        About(
            values.keys,
            "Where the keys are, never the keys: `env:PREFIX`, `file:PATH#TABLE`, `keyring:NAME`.",
            "S2 (keys in the constructor)",
        ),
    ] = ""
    tier: Annotated[
        str, About(values.text, "The account's tier; without: the lowest.", "S3 (rate counter)")
    ] = ""
    journal: Annotated[str | None, About(values.path, "The file of the order journal.", "")] = None
    audit_s: Annotated[
        float,
        About(values.seconds, "How often open orders are compared with the venue's.", "S4"),
    ] = 60.0
    ready_s: Annotated[
        float, About(values.seconds, "Longest wait until an account can trade.", "S4 `timeout`")
    ] = 60.0
    token: TokenSettings = TokenSettings()
    risk: RiskSettings = RiskSettings()
