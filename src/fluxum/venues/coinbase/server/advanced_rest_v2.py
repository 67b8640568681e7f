"""The older calls of Advanced Trade's host that its clients make first, for the simulator.

Source: https://docs.cdp.coinbase.com/coinbase-app/track-apis/time, /currencies, /exchange-rates and
/prices, 2026-06. Names, colours and expressions of addresses are of no market and left plain.
"""

from decimal import Decimal

from fluxum.model.instrument import Asset
from fluxum.venues.coinbase.instants import instant_text
from fluxum.venues.server.contract import Answer, MarketView
from fluxum.venues.server.formats import number
from fluxum.venues.server.rest_router import Call, answer, not_found

__all__ = ["answer_v2"]

_FIAT = {"USD": "US Dollar", "EUR": "Euro", "GBP": "British Pound"}
_SECOND = 1_000_000_000


def answer_v2(call: Call, view: MarketView, now_ns: int) -> Answer:
    """The answer to a call below `/v2`."""
    match call.parts[1:]:
        case ("time",):
            second_ns = now_ns // _SECOND * _SECOND
            data = {"iso": instant_text(second_ns), "epoch": second_ns // _SECOND}
        case ("currencies",):
            listed = [
                {"id": name, "name": text, "min_size": "0.01"} for name, text in _FIAT.items()
            ]
            return answer({"data": listed})
        case ("currencies", "crypto"):
            return answer({"data": [_crypto(one) for one in _assets(view) if one not in _FIAT]})
        case ("exchange-rates",):
            currency = call.query.get("currency", "USD")
            data = {"currency": currency, "rates": _rates(view, currency)}
        case ("prices", pair, "spot" | "buy" | "sell"):
            return _price(view, pair, call.parts[-1])
        case _:
            return not_found()
    return answer({"data": data})


def _assets(view: MarketView) -> list[Asset]:
    found = [asset for one in view.instruments() for asset in (one.base, one.quote)]
    return list(dict.fromkeys(found))


def _crypto(asset: Asset) -> dict[str, object]:
    return {
        "asset_id": f"00000000-0000-0000-0000-{asset.encode().hex():0>12.12}",
        "code": asset,
        "name": asset,
        "color": "#0433FF",
        "sort_index": 100,
        "exponent": 8,
        "type": "crypto",
        "address_regex": "^[0-9a-zA-Z]+$",
    }


def _rates(view: MarketView, currency: str) -> dict[str, str]:
    """What one of a currency is worth in others, of those that it has a market with."""
    rates = {currency: Decimal(1)}
    for one in view.instruments():
        last = view.ticker(one.symbol).last
        if last and one.quote == currency:
            rates[one.base] = round(1 / last, 16)
        elif last and one.base == currency:
            rates[one.quote] = last
    return {name: number(rate) for name, rate in rates.items()}


def _price(view: MarketView, pair: str, kind: str) -> Answer:
    for one in view.instruments():
        if one.venue_symbol == pair:
            ticker = view.ticker(one.symbol)
            price = {"buy": ticker.ask, "sell": ticker.bid}.get(kind, ticker.last)
            data = {"amount": number(price), "base": one.base, "currency": one.quote}
            return answer({"data": data})
    error = {"id": "not_found", "message": f"Invalid base currency of {pair[:40]}"}
    return answer({"errors": [error]}, 404)
