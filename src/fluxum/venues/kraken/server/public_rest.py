"""Kraken's public REST calls for the simulator, as far as clients use them.

Source: https://docs.kraken.com/api/docs/rest-api/ followed by the call's name. Numbers are text
almost everywhere. Results are keyed by the older name of a pair, but by the requested
name where that has a slash, as seen in 2026.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

from msgspec import Raw

from fluxum.errors import VenueRefused
from fluxum.model.instant import format_rfc3339
from fluxum.model.instrument import Asset, Instrument
from fluxum.model.market import Candle, Side, Trade
from fluxum.venues.kraken.server.formats import plain
from fluxum.venues.kraken.server.legacy import (
    PairNames,
    altname,
    asset_name,
    pair_altname,
    pair_name,
    ws_name,
)
from fluxum.venues.server.contract import ExchangeView
from fluxum.venues.server.formats import number

__all__ = ["FEES", "PublicCalls", "fee_rows", "seconds"]

_NANOS = 1_000_000_000
_INTERVALS = (1, 5, 15, 30, 60, 240, 1440, 10080, 21600)
_ZERO = Decimal(0)
FEES = (
    # 30-day volume in USD, taker and maker in per cent; AssetPairs, recorded 2025-11-12.
    (0, "0.40", "0.25"),
    (10_000, "0.35", "0.20"),
    (50_000, "0.24", "0.14"),
    (100_000, "0.22", "0.12"),
    (250_000, "0.20", "0.10"),
    (500_000, "0.18", "0.08"),
    (1_000_000, "0.16", "0.06"),
    (2_500_000, "0.14", "0.04"),
    (5_000_000, "0.12", "0.02"),
    (10_000_000, "0.10", "0.00"),
)
"""The schedule that lists name; what an account is charged is its own."""

# https://docs.kraken.com/api/docs/rest-api/get-tradable-asset-pairs, `info`
_PAIR_INFO: Mapping[str, Sequence[str]] = {
    "info": (),
    "leverage": ("leverage_buy", "leverage_sell"),
    "fees": ("fees", "fees_maker", "fee_volume_currency"),
    "margin": ("margin_call", "margin_stop"),
}

Query = Mapping[str, str]


class PublicCalls:
    """Calls without a key; a refusal is a VenueRefused with the venue's text."""

    def __init__(self, view: ExchangeView) -> None:
        self._view = view
        self._instruments = view.instruments()
        self._names = PairNames(self._instruments)
        self.calls: Mapping[str, Callable[[Query, int], object]] = {
            "Time": self._time,
            "SystemStatus": self._status,
            "Assets": self._assets,
            "AssetPairs": self._pairs,
            "Ticker": self._tickers,
            "Spread": self._of_market(self._spread),
            "Depth": self._of_market(self._depth),
            "Trades": self._of_market(self._trades),
            "OHLC": self._of_market(self._candles),
        }
        """What answers each call."""

    def find(self, name: str) -> Instrument:
        """The market of any of its names."""
        found = self._names.find(name)
        if found is None:
            raise VenueRefused("EQuery:Unknown asset pair", "EQuery")
        return found

    def _time(self, query: Query, now_ns: int) -> object:  # noqa: ARG002
        return {"unixtime": now_ns // _NANOS, "rfc1123": _rfc1123(now_ns)}

    def _status(self, query: Query, now_ns: int) -> object:  # noqa: ARG002
        return {"status": self._view.status, "timestamp": format_rfc3339(now_ns)[:19] + "Z"}

    def _assets(self, query: Query, now_ns: int) -> object:  # noqa: ARG002
        listed = {asset: None for one in self._instruments for asset in (one.base, one.quote)}
        wanted = _names(query, "asset")
        if _is_tokenised(query, "aclass"):
            listed = {}
        found = {
            asset_name(asset): self._asset(asset)
            for asset in listed
            if not wanted or {asset, altname(asset), asset_name(asset)} & set(wanted)
        }
        if len(found) < len(wanted):
            raise VenueRefused("EQuery:Unknown asset", "EQuery")
        return found

    def _asset(self, asset: Asset) -> object:
        decimals = self._view.accounts.decimals(asset)
        return {
            "aclass": "currency",
            "altname": altname(asset),
            "decimals": decimals,
            "display_decimals": min(decimals, 5) if decimals > 4 else 2,
            "collateral_value": 1,
            "status": "enabled",
        }

    def _pairs(self, query: Query, now_ns: int) -> object:  # noqa: ARG002
        wanted = _names(query, "pair")
        info = query.get("info", "info")
        if info not in _PAIR_INFO:
            raise VenueRefused("EGeneral:Invalid arguments:info", "EGeneral")
        found = [(name, self.find(name)) for name in wanted]
        if not wanted and not _is_tokenised(query, "aclass_base"):
            found = [("", one) for one in self._instruments]
        rows = {_key(name, one): self._pair(one) for name, one in found}
        fields = _PAIR_INFO[info]
        if not fields:
            return rows
        return {key: {name: row[name] for name in fields} for key, row in rows.items()}

    def _pair(self, one: Instrument) -> dict[str, object]:
        symbol = one.symbol
        return {
            "altname": pair_altname(symbol),
            "wsname": ws_name(symbol),
            "aclass_base": "currency",
            "base": asset_name(one.base),
            "aclass_quote": "currency",
            "quote": asset_name(one.quote),
            "lot": "unit",
            "cost_decimals": self._view.accounts.decimals(one.quote),
            "pair_decimals": one.price_precision,
            "lot_decimals": one.quantity_precision,
            "lot_multiplier": 1,
            "leverage_buy": [],
            "leverage_sell": [],
            "fees": fee_rows(1),
            "fees_maker": fee_rows(2),
            "fee_volume_currency": "ZUSD",
            "margin_call": 80,
            "margin_stop": 40,
            "ordermin": number(one.quantity_min),
            "costmin": number(one.notional_min or _ZERO),
            "tick_size": number(one.tick),
            "status": one.status.value,
            "execution_venue": "international",
        }

    def _tickers(self, query: Query, now_ns: int) -> object:  # noqa: ARG002
        wanted = _names(query, "pair")
        found = [(name, self.find(name)) for name in wanted] or [
            ("", one) for one in self._instruments
        ]
        return {_key(name, one): self._ticker(one) for name, one in found}

    def _ticker(self, one: Instrument) -> object:
        ticker = self._view.ticker(one.symbol)

        price, quantity = partial(_price, one=one), partial(_quantity, one=one)
        return {
            "a": [price(ticker.ask), "1", quantity(ticker.ask_quantity)],
            "b": [price(ticker.bid), "1", quantity(ticker.bid_quantity)],
            "c": [price(ticker.last), quantity(ticker.last_quantity)],
            "v": [quantity(ticker.volume)] * 2,
            "p": [price(ticker.vwap)] * 2,
            "t": [ticker.trades or 0] * 2,
            "l": [price(ticker.low)] * 2,
            "h": [price(ticker.high)] * 2,
            "o": price(ticker.open),
        }

    def _of_market(
        self, read: Callable[[Instrument, Query, int], tuple[object, object]]
    ) -> Callable[[Query, int], object]:
        """A call about one market: its result by the market's name, and `last` where it has one."""

        def answer(query: Query, now_ns: int) -> object:
            name = query.get("pair", "")
            one = self.find(name)
            result, last = read(one, query, now_ns)
            keyed = {_key(name, one): result}
            return keyed if last is None else {**keyed, "last": last}

        return answer

    def _spread(self, one: Instrument, query: Query, now_ns: int) -> tuple[object, object]:  # noqa: ARG002
        """The best prices of now; earlier ones are not kept."""
        ticker, now_s = self._view.ticker(one.symbol), now_ns // _NANOS
        rows: list[object] = []
        if ticker.bid is not None and ticker.ask is not None:
            rows.append([now_s, _price(ticker.bid, one), _price(ticker.ask, one)])
        return rows, now_s

    def _depth(self, one: Instrument, query: Query, now_ns: int) -> tuple[object, object]:
        count = _count(query, "count", 100, 500)

        def rows(side: Side) -> list[object]:
            return [
                [_price(level.price, one), _quantity(level.quantity, one), now_ns // _NANOS]
                for level in self._view.levels(one.symbol, side, count)
            ]

        return {"asks": rows(Side.SELL), "bids": rows(Side.BUY)}, None

    def _trades(self, one: Instrument, query: Query, now_ns: int) -> tuple[object, object]:  # noqa: ARG002
        count = _count(query, "count", 1000, 1000)
        trades = self._view.trades(one.symbol, 1000)
        since = query.get("since")
        if since is None:
            trades = trades[-count:]
        else:
            since_ns = _since_ns(since)
            trades = [trade for trade in trades if trade.received_ns > since_ns][:count]
        last_ns = trades[-1].received_ns if trades else _since_ns(since or "0")
        return [_trade(trade, one) for trade in trades], str(last_ns)

    def _candles(self, one: Instrument, query: Query, now_ns: int) -> tuple[object, object]:
        interval = query.get("interval", "1")
        if interval not in map(str, _INTERVALS):
            raise VenueRefused("EGeneral:Invalid arguments:interval", "EGeneral")
        since_s = _since_ns(query.get("since", "0")) // _NANOS
        candles = [
            candle
            for candle in self._view.candles(one.symbol, int(interval) * 60, 720)
            if candle.start_ns // _NANOS > since_s
        ]
        committed = [candle for candle in candles if candle.end_ns <= now_ns]
        last_s = committed[-1].start_ns // _NANOS if committed else since_s
        return [_candle(candle, one) for candle in candles], last_s


def seconds(instant_ns: int) -> Raw:
    """A time in seconds with as many digits as it takes, as a JSON number."""
    whole, fraction = divmod(instant_ns, _NANOS)
    return Raw(f"{whole}.{fraction:09d}".rstrip("0").rstrip(".").encode())


def fee_rows(column: int) -> Sequence[object]:
    """The schedule of takers (1) or makers (2): volumes and per cents."""
    return [[row[0], Raw(str(row[column]).encode())] for row in FEES]


def _price(price: Decimal | None, one: Instrument) -> str:
    """Prices have five decimals there, or the pair's where these are more."""
    return plain(price or _ZERO, max(5, one.price_precision)).decode()


def _quantity(quantity: Decimal | None, one: Instrument) -> str:
    return plain(quantity or _ZERO, one.quantity_precision).decode()


def _trade(trade: Trade, one: Instrument) -> object:
    return [
        _price(trade.price, one),
        _quantity(trade.quantity, one),
        seconds(trade.received_ns),
        trade.side.value[0],
        trade.order_type[:1],
        "",
        int(trade.trade_id),
    ]


def _candle(candle: Candle, one: Instrument) -> object:
    prices = (candle.open, candle.high, candle.low, candle.close, candle.vwap or candle.close)
    return [
        candle.start_ns // _NANOS,
        *(plain(price, one.price_precision).decode() for price in prices),
        _quantity(candle.volume, one),
        candle.trades or 0,
    ]


def _key(name: str, one: Instrument) -> str:
    return name if "/" in name else pair_name(one.symbol)


def _is_tokenised(query: Query, name: str) -> bool:
    """Whether a request is about the list of tokenised assets, which is empty here."""
    wanted = query.get(name, "currency")
    if wanted not in {"currency", "tokenized_asset"}:
        raise VenueRefused(f"EGeneral:Invalid arguments:{name}", "EGeneral")
    return wanted == "tokenized_asset"


def _names(query: Query, name: str) -> list[str]:
    return [one.strip() for one in query.get(name, "").split(",") if one.strip()]


def _count(query: Query, name: str, usual: int, most: int) -> int:
    text = query.get(name)
    if text is None:
        return usual
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:9]) <= most:
        raise VenueRefused(f"EGeneral:Invalid arguments:{name}", "EGeneral")
    return int(text)


def _since_ns(text: str) -> int:
    """An opaque cursor: nanoseconds, or what looks like seconds."""
    whole, _, fraction = text.partition(".")
    if not (whole + fraction).isascii() or not (whole + fraction).isdecimal() or len(text) > 25:
        raise VenueRefused("EGeneral:Invalid arguments:since", "EGeneral")
    if len(whole) > 12:
        return int(whole)
    return int(whole) * _NANOS + int(fraction[:9].ljust(9, "0"))


def _rfc1123(now_ns: int) -> str:
    """`Thu, 06 Jul 23 18:50:48 +0000`: the year has two digits there."""
    return datetime.fromtimestamp(now_ns // _NANOS, UTC).strftime("%a, %d %b %y %H:%M:%S +0000")
