"""Advanced Trade's REST calls, for the simulator: the public ones, and where the others are.

Source: https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/rest-api, and live answers
of 2026-04 (nautechsystems/nautilus_trader crates/adapters/coinbase/test_data @ a95c8042b001). A
book has no number here, so it cannot be spliced into a stream.
"""

from collections.abc import Sequence

from fluxum.model.instrument import Instrument
from fluxum.model.market import Level, Side
from fluxum.venues.coinbase.advanced.queries import GRANULARITIES
from fluxum.venues.coinbase.instants import instant_text
from fluxum.venues.coinbase.server.advanced_rest_v2 import answer_v2
from fluxum.venues.coinbase.server.formats import plain, seconds
from fluxum.venues.coinbase.server.private.rest import AccountRest
from fluxum.venues.server.contract import Answer, ExchangeView
from fluxum.venues.server.formats import number
from fluxum.venues.server.rest_router import Call, answer, count, not_found, read_call
from fluxum.venues.venue import Fetch

__all__ = ["AdvancedRest"]

_ROOT = ("api", "v3", "brokerage")
_WALLETS = ("v2", "accounts")
_LEVELS_MAX = 100_000
_TRADES_MAX = 1000
_CANDLES_MAX = 350
_PRODUCTS_MAX = 100_000
_TRADES_KEPT = _CANDLES_KEPT = 100_000
_SECOND = 1_000_000_000
_FAR_S = 10**10 - 1
_GRANULARITIES = {name: interval_s for interval_s, name in GRANULARITIES.items()}


class AdvancedRest:
    """The calls of a simulated Advanced Trade; see RestServer."""

    def __init__(self, view: ExchangeView) -> None:
        self._view = view
        self._account = AccountRest(view)
        self._instruments = {one.venue_symbol: one for one in view.instruments()}

    def answer(self, call: Fetch, now_ns: int) -> Answer:
        """The answer to any call."""
        read = read_call(call)
        if read.method == "GET" and read.parts == _WALLETS:
            return self._account.answer(call, read, _WALLETS, now_ns)
        if read.method == "GET" and read.parts[:1] == ("v2",):
            return answer_v2(read, self._view, now_ns)
        if read.method not in {"GET", "POST"} or read.parts[:3] != _ROOT:
            return not_found()
        if read.method == "POST":
            return self._account.answer(call, read, read.parts[3:], now_ns)
        match read.parts[3:]:
            case ("time",):
                return _time(now_ns)
            case ("market", "products"):
                return self._products(read)
            case ("market", "product_book"):
                return self._product("book", read.query.get("product_id", ""), read, now_ns)
            case ("market", "products", name):
                return self._product("", name, read, now_ns)
            case ("market", "products", name, part):
                return self._product(part, name, read, now_ns)
            case ("market", *_):
                return not_found()
            case parts:
                return self._account.answer(call, read, parts, now_ns)

    def _product(self, part: str, name: str, call: Call, now_ns: int) -> Answer:
        one = self._instruments.get(name)
        if one is None:
            message = f"product {name[:40]} not found"
            return answer({"error": "NOT_FOUND", "message": message}, 404)
        match part:
            case "":
                return answer(self._line(one))
            case "book":
                return self._book(one, count(call, "limit", _LEVELS_MAX, _LEVELS_MAX), now_ns)
            case "ticker":
                return self._trades(one, call)
            case "candles":
                return self._candles(one, call)
            case _:
                return not_found()

    def _products(self, call: Call) -> Answer:
        """All spot markets, or those of the query; there are no others."""
        wanted = call.every("product_ids") or list(self._instruments)
        kinds = {"SPOT", "UNKNOWN_PRODUCT_TYPE", ""}
        listed = wanted if call.query.get("product_type", "") in kinds else []
        products = [self._line(one) for name, one in self._instruments.items() if name in listed]
        page = products[: count(call, "limit", _PRODUCTS_MAX, _PRODUCTS_MAX)]
        pagination = {"prev_cursor": "", "next_cursor": "", "has_next": False, "has_prev": False}
        return answer({"products": page, "num_products": len(page), "pagination": pagination})

    def _line(self, one: Instrument) -> dict[str, object]:
        ticker = self._view.ticker(one.symbol)
        return {
            "product_id": one.venue_symbol,
            "price": plain(ticker.last),
            "price_percentage_change_24h": plain(ticker.change_percent),
            "volume_24h": plain(ticker.volume),
            "base_increment": number(one.lot),
            "quote_increment": number(one.tick),
            "quote_min_size": plain(one.notional_min),
            "quote_max_size": "150000000",
            "base_min_size": number(one.quantity_min),
            "base_max_size": "3400",
            "base_name": one.base,
            "quote_name": one.quote,
            "watched": False,
            "is_disabled": False,
            "new": False,
            "status": one.status.value,
            "cancel_only": False,
            "limit_only": False,
            "post_only": False,
            "trading_disabled": False,
            "auction_mode": False,
            "product_type": "SPOT",
            "quote_currency_id": one.quote,
            "base_currency_id": one.base,
            "fcm_trading_session_details": None,
            "mid_market_price": "",
            "alias": "",
            "alias_to": [f"{one.venue_symbol}C"] if one.quote == "USD" else [],
            "base_display_symbol": one.base,
            "quote_display_symbol": one.quote,
            "view_only": False,
            "price_increment": number(one.tick),
            "display_name": one.venue_symbol,
            "product_venue": "CBE",
        }

    def _book(self, one: Instrument, levels: int, now_ns: int) -> Answer:
        bids = self._view.levels(one.symbol, Side.BUY, levels)
        asks = self._view.levels(one.symbol, Side.SELL, levels)
        book = {
            "product_id": one.venue_symbol,
            "bids": _rows(bids),
            "asks": _rows(asks),
            "time": instant_text(now_ns),
        }
        return answer({"pricebook": book})

    def _trades(self, one: Instrument, call: Call) -> Answer:
        """The last trades, or those between two seconds, newest first."""
        limit = count(call, "limit", 100, _TRADES_MAX)
        begin_s, end_s = count(call, "start", 1, _FAR_S), count(call, "end", _FAR_S, _FAR_S)
        ticker = self._view.ticker(one.symbol)
        made = [
            trade
            for trade in reversed(self._view.trades(one.symbol, _TRADES_KEPT))
            if begin_s <= (trade.venue_ns or 0) // _SECOND <= end_s
        ]
        trades = [
            {
                "trade_id": trade.trade_id,
                "product_id": one.venue_symbol,
                "price": number(trade.price),
                "size": number(trade.quantity),
                "time": instant_text(trade.venue_ns or 0),
                "side": "SELL" if trade.side is Side.BUY else "BUY",  # the maker's
                "bid": "",
                "ask": "",
                "exchange": "coinbase",
            }
            for trade in made[:limit]
        ]
        best = {"best_bid": plain(ticker.bid), "best_ask": plain(ticker.ask)}
        return answer({"trades": trades, **best})

    def _candles(self, one: Instrument, call: Call) -> Answer:
        """The candles of a window, or the last ones, newest first."""
        interval_s = _GRANULARITIES.get(call.query.get("granularity", ""))
        if interval_s is None:
            return answer({"error": "INVALID_ARGUMENT", "message": "granularity"}, 400)
        begin_s, end_s = count(call, "start", 0, _FAR_S), count(call, "end", _FAR_S, _FAR_S)
        is_window = "start" in call.query and "end" in call.query
        if is_window and (end_s - begin_s) // interval_s >= _CANDLES_MAX:
            message = f"number of candles requested should be less than {_CANDLES_MAX} "
            refused = {"error": "INVALID_ARGUMENT", "error_details": message, "message": message}
            return answer(refused, 400)
        limit = count(call, "limit", _CANDLES_MAX, _CANDLES_MAX)
        candles = [
            {
                "start": str(seconds(candle)),
                "low": number(candle.low),
                "high": number(candle.high),
                "open": number(candle.open),
                "close": number(candle.close),
                "volume": number(candle.volume),
            }
            for candle in reversed(self._view.candles(one.symbol, interval_s, _CANDLES_KEPT))
            if begin_s <= seconds(candle) <= end_s
        ]
        return answer({"candles": candles[:limit]})


def _rows(levels: Sequence[Level]) -> list[dict[str, str]]:
    return [{"price": number(one.price), "size": number(one.quantity)} for one in levels]


def _time(now_ns: int) -> Answer:
    millis = now_ns // 1_000_000
    return answer(
        {
            "iso": instant_text(now_ns),
            "epochSeconds": str(millis // 1000),
            "epochMillis": str(millis),
        }
    )
