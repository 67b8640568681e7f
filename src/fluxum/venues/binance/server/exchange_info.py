"""The list of markets as the simulated venue writes it, with what other clients look for in it.

Sources: https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md#exchange-information
and https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api/
Exchange-Information.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from fluxum.model.instrument import Instrument
from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.server.formats import plain
from fluxum.venues.server.formats import millis

__all__ = ["exchange_info"]

_MANY = Decimal(10**7)
_NEVER_MS = 4_133_404_800_000  # when a perpetual is delivered, on the wire
_ORDER_TYPES = "LIMIT LIMIT_MAKER MARKET STOP_LOSS STOP_LOSS_LIMIT TAKE_PROFIT TAKE_PROFIT_LIMIT"
_FUTURE_ORDER_TYPES = (
    "LIMIT MARKET STOP STOP_MARKET TAKE_PROFIT TAKE_PROFIT_MARKET TRAILING_STOP_MARKET"
)


def exchange_info(
    policy: Policy, instruments: Iterable[Instrument], now_ns: int
) -> Mapping[str, object]:
    """The whole answer of `exchangeInfo`."""
    market = _future if policy.is_futures else _spot
    info: dict[str, object] = {
        "timezone": "UTC",
        "serverTime": millis(now_ns),
        "rateLimits": [
            {
                "rateLimitType": "REQUEST_WEIGHT",
                "interval": "MINUTE",
                "intervalNum": 1,
                "limit": policy.weight_per_minute,
            }
        ],
        "exchangeFilters": [],
        "symbols": [market(one) for one in instruments],
    }
    if policy.is_futures:
        info["futuresType"] = "U_MARGINED"
        info["assets"] = []
    return info


def _spot(one: Instrument) -> Mapping[str, object]:
    return {
        "symbol": one.venue_symbol,
        "status": "TRADING",
        "baseAsset": one.base,
        "baseAssetPrecision": 8,
        "quoteAsset": one.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": _ORDER_TYPES.split(),
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "opoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": False,
        "amendAllowed": False,
        "pegInstructionsAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            *_filters(one),
            {
                "filterType": "NOTIONAL",
                "minNotional": plain(one.notional_min),
                "applyMinToMarket": True,
                "maxNotional": plain(_MANY),
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "NONE",
        "allowedSelfTradePreventionModes": ["NONE"],
    }


def _future(one: Instrument) -> Mapping[str, object]:
    is_perpetual = one.symbol.contract == "PERP"
    return {
        "symbol": one.venue_symbol,
        "pair": f"{one.base}{one.quote}",
        "contractType": "PERPETUAL" if is_perpetual else "CURRENT_QUARTER",
        "deliveryDate": _NEVER_MS,
        "onboardDate": 1_569_398_400_000,
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": one.base,
        "quoteAsset": one.quote,
        "marginAsset": one.quote,
        "pricePrecision": one.price_precision,
        "quantityPrecision": one.quantity_precision,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "filters": [
            *_filters(one),
            {"filterType": "MIN_NOTIONAL", "notional": plain(one.notional_min)},
        ],
        "orderTypes": _FUTURE_ORDER_TYPES.split(),
        "timeInForce": ("GTC", "IOC", "FOK", "GTX", "GTD"),
    }


def _filters(one: Instrument) -> list[Mapping[str, object]]:
    quantities = {
        "minQty": plain(one.quantity_min),
        "maxQty": plain(_MANY),
        "stepSize": plain(one.lot),
    }
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": plain(one.tick),
            "maxPrice": plain(_MANY),
            "tickSize": plain(one.tick),
        },
        {"filterType": "LOT_SIZE", **quantities},
        {"filterType": "MARKET_LOT_SIZE", **quantities},
    ]
