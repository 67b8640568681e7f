"""The Exchange's public REST calls, for the simulator.

Source: https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/introduction and the
pages of each call. Prices of candles are JSON numbers; the side of a trade is the maker's.
"""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Raw

from fluxum.errors import BadInput
from fluxum.model.instant import parse_rfc3339
from fluxum.model.instrument import Asset, Instrument
from fluxum.model.market import Level, Side
from fluxum.venues.coinbase.exchange.queries import INTERVALS_S
from fluxum.venues.coinbase.instants import instant_text
from fluxum.venues.coinbase.server.exchange_private.rest import AccountRest
from fluxum.venues.coinbase.server.formats import plain, seconds
from fluxum.venues.server.contract import Answer, ExchangeView
from fluxum.venues.server.formats import number
from fluxum.venues.server.rest_router import Call, answer, count, not_found, read_call
from fluxum.venues.venue import Fetch

__all__ = ["ExchangeRest"]

_LEVELS = {1: 1, 2: 100_000}
_TRADES_MAX = 1000
_CANDLES_MAX = 300
_SEQUENCES_PER_MOVE = 100
_FAR_NS = 1 << 62
_FAR_ID = 10**10 - 1
_KEPT = 100_000
_SPARK_S, _SPARKS = 3600, 24
_SECOND = 1_000_000_000
_OF_ACCOUNTS = frozenset({"accounts", "orders", "fills", "fees"})
_FIAT = frozenset({"USD", "EUR", "GBP"})


class ExchangeRest:
    """The calls of a simulated Exchange, those about accounts among them; see RestServer."""

    def __init__(self, view: ExchangeView) -> None:
        self._view = view
        self._account = AccountRest(view)
        self._instruments = {one.venue_symbol: one for one in view.instruments()}

    def answer(self, call: Fetch, now_ns: int) -> Answer:
        """The answer to any call."""
        read = read_call(call)
        if read.parts and read.parts[0] in _OF_ACCOUNTS:
            return self._account.answer(call, read, now_ns)
        if read.method != "GET":
            return not_found()
        match read.parts:
            case ("time",):
                epoch = Raw(b"%d.%03d" % divmod(now_ns // 1_000_000, 1000))
                return answer({"iso": instant_text(now_ns), "epoch": epoch})
            case ("currencies",):
                return answer([_currency(asset) for asset in self._assets()])
            case ("currencies", name):
                found = [_currency(asset) for asset in self._assets() if asset == name]
                return answer(found[0]) if found else not_found()
            case ("products",):
                return answer([_line(one) for one in self._instruments.values()])
            case ("products", "spark-lines"):
                every = self._instruments.items()
                return answer({name: self._spark_line(one) for name, one in every})
            case ("products", name):
                return self._product("", name, read, now_ns)
            case ("products", name, part):
                return self._product(part, name, read, now_ns)
            case _:
                return not_found()

    def _assets(self) -> list[Asset]:
        found = [asset for one in self._instruments.values() for asset in (one.base, one.quote)]
        return list(dict.fromkeys(found))

    def _product(self, part: str, name: str, call: Call, now_ns: int) -> Answer:
        one = self._instruments.get(name)
        if one is None:
            return not_found()
        match part:
            case "":
                return answer(_line(one))
            case "book":
                return self._book(one, call, now_ns)
            case "ticker":
                return self._ticker(one, now_ns)
            case "stats":
                return self._stats(one)
            case "trades":
                return self._trades(one, call)
            case "candles":
                return self._candles(one, call)
            case _:
                return not_found()

    def _book(self, one: Instrument, call: Call, now_ns: int) -> Answer:
        levels = _LEVELS.get(count(call, "level", 1, 3))
        if levels is None:
            return answer({"message": "level 3 is not simulated"}, 400)
        return answer(
            {
                "bids": _rows(self._view.levels(one.symbol, Side.BUY, levels)),
                "asks": _rows(self._view.levels(one.symbol, Side.SELL, levels)),
                "sequence": self._view.revision(one.symbol) * _SEQUENCES_PER_MOVE,
                "auction_mode": False,
                "auction": None,
                "time": instant_text(now_ns),
            }
        )

    def _ticker(self, one: Instrument, now_ns: int) -> Answer:
        ticker = self._view.ticker(one.symbol)
        trades = self._view.trades(one.symbol, 1)
        return answer(
            {
                "ask": plain(ticker.ask),
                "bid": plain(ticker.bid),
                "volume": plain(ticker.volume),
                "trade_id": int(trades[-1].trade_id) if trades else 0,
                "price": plain(ticker.last),
                "size": plain(trades[-1].quantity) if trades else "",
                "time": instant_text(now_ns),
            }
        )

    def _spark_line(self, one: Instrument) -> list[list[object]]:
        """The hours of the last day: time, low, high, open, close, newest first.

        Clients make this call, and no document describes it
        (https://github.com/ccxt/ccxt/blob/master/python/ccxt/coinbaseexchange.py, `fetch_tickers`).
        """
        hours = self._view.candles(one.symbol, _SPARK_S, _SPARKS)
        return [
            [seconds(hour), *map(_raw, (hour.low, hour.high, hour.open, hour.close))]
            for hour in reversed(hours)
        ]

    def _stats(self, one: Instrument) -> Answer:
        ticker = self._view.ticker(one.symbol)
        return answer(
            {
                "open": plain(ticker.open),
                "high": plain(ticker.high),
                "low": plain(ticker.low),
                "last": plain(ticker.last),
                "volume": plain(ticker.volume),
                "volume_30day": plain(ticker.volume),
            }
        )

    def _trades(self, one: Instrument, call: Call) -> Answer:
        """Trades, newest first: the last ones, those before the cursor `after`, or above `before`.

        https://docs.cdp.coinbase.com/exchange/rest-api/pagination
        """
        limit = count(call, "limit", _TRADES_MAX, _TRADES_MAX)
        last, first = count(call, "after", _FAR_ID, _FAR_ID), count(call, "before", 0, _FAR_ID)
        above = first if "before" in call.query else 0
        made = [
            trade
            for trade in reversed(self._view.trades(one.symbol, _KEPT))
            if above < int(trade.trade_id) < last
        ][:limit]
        trades = [
            {
                "trade_id": int(trade.trade_id),
                "side": trade.side.opposite.value,
                "size": plain(trade.quantity),
                "price": plain(trade.price),
                "time": instant_text(trade.venue_ns or 0),
            }
            for trade in made
        ]
        if not made:
            return answer(trades)
        cursors = {"CB-BEFORE": made[0].trade_id, "CB-AFTER": made[-1].trade_id}
        return answer(trades, headers=cursors)

    def _candles(self, one: Instrument, call: Call) -> Answer:
        """The candles of a window, or the last 300, newest first."""
        interval_s = count(call, "granularity", 60, 86_400)
        if interval_s not in INTERVALS_S:
            return answer({"message": "Unsupported granularity"}, 400)
        try:
            begin_ns = _instant(call.query.get("start"), 0)
            end_ns = _instant(call.query.get("end"), _FAR_NS)
        except BadInput:
            return answer({"message": "Invalid start or end"}, 400)
        is_window = "start" in call.query and "end" in call.query
        if is_window and (end_ns - begin_ns) // (interval_s * _SECOND) >= _CANDLES_MAX:
            message = (
                "granularity too small for the requested time range. "
                f"Count of aggregations requested exceeds {_CANDLES_MAX}"
            )
            return answer({"message": message}, 400)
        candles = self._view.candles(one.symbol, interval_s, _KEPT)
        rows = [
            [
                seconds(candle),
                *map(_raw, (candle.low, candle.high, candle.open, candle.close, candle.volume)),
            ]
            for candle in reversed(candles)
            if begin_ns <= candle.start_ns <= end_ns
        ]
        return answer(rows[:_CANDLES_MAX])


def _raw(value: Decimal) -> Raw:
    """A JSON number, digit for digit."""
    return Raw(number(value).encode())


def _instant(text: str | None, default_ns: int) -> int:
    """An instant as RFC 3339 text or in seconds; raises BadInput."""
    if text is None:
        return default_ns
    if text.isascii() and text.isdecimal() and len(text) <= 10:
        return int(text) * _SECOND
    return parse_rfc3339(text)


def _currency(asset: Asset) -> dict[str, object]:
    """A currency; the members that depend on its network are empty."""
    kind = "fiat" if asset in _FIAT else "crypto"
    return {
        "id": asset,
        "name": asset,
        "min_size": "0.00000001",
        "status": "online",
        "message": "",
        "max_precision": "0.00000001",
        "convertible_to": [],
        "details": {
            "type": kind,
            "symbol": None,
            "network_confirmations": None,
            "sort_order": 0,
            "crypto_address_link": None,
            "crypto_transaction_link": None,
            "push_payment_methods": [],
            "group_types": [],
            "display_name": None,
            "processing_time_seconds": None,
            "min_withdrawal_amount": None,
            "max_withdrawal_amount": None,
        },
        "default_network": "",
        "supported_networks": [],
        "display_name": asset,
    }


def _line(one: Instrument) -> dict[str, object]:
    return {
        "id": one.venue_symbol,
        "base_currency": one.base,
        "quote_currency": one.quote,
        "quote_increment": plain(one.tick),
        "base_increment": plain(one.lot),
        "display_name": str(one.symbol),
        "min_market_funds": plain(one.notional_min),
        "margin_enabled": False,
        "post_only": False,
        "limit_only": False,
        "cancel_only": False,
        "status": one.status.value,
        "status_message": "",
        "trading_disabled": False,
        "fx_stablecoin": False,
        "max_slippage_percentage": "0.02000000",
        "auction_mode": False,
        "high_bid_limit_percentage": "",
    }


def _rows(levels: Sequence[Level]) -> list[tuple[str, str, int]]:
    return [(plain(one.price), plain(one.quantity), one.orders or 1) for one in levels]
