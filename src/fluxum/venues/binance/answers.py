"""Binance's answers to REST calls, as far as `native` does not have them.

Sources: https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md and
https://developers.binance.com/docs/derivatives/usds-margined-futures/market-data/rest-api. What a
stream sends as well has longer names over REST, and becomes the stream's own Struct. Lists are
decoded row by row; aggregated trades are rows as the stream has them.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from fluxum.venues.binance import native

__all__ = [
    "BEST_NAMES",
    "DAY_NAMES",
    "MATCH_NAMES",
    "CandleRow",
    "StatusAnswer",
    "TimeAnswer",
    "decode_agg_trade",
    "decode_best",
    "decode_candle",
    "decode_day",
    "decode_list",
    "decode_match",
    "decode_ping",
    "decode_status",
    "decode_time",
]

Wire = TypeVar("Wire", bound=Struct)

MATCH_NAMES = {"id": "t", "price": "p", "qty": "q", "time": "T", "isBuyerMaker": "m"}
"""One match; the names of native.Trade.

`{"id":28457,"price":"4.00000100","qty":"12.00000000","quoteQty":"48.000012","time":1499865549590,
"isBuyerMaker":true,"isBestMatch":true}`
"""
BEST_NAMES = {"bidPrice": "b", "bidQty": "B", "askPrice": "a", "askQty": "A"}
"""The best levels; the names of native.BookTicker.

`{"symbol":"LTCBTC","bidPrice":"4.00000000","bidQty":"431.00000000","askPrice":"4.00000200",
"askQty":"9.00000000"}`; on futures with `"time":1589437530011`.
"""
DAY_NAMES = {
    "priceChange": "p",
    "priceChangePercent": "P",
    "weightedAvgPrice": "w",
    "lastPrice": "c",
    "lastQty": "Q",
    "openPrice": "o",
    "highPrice": "h",
    "lowPrice": "l",
    "volume": "v",
    "closeTime": "E",
    "count": "n",
    **BEST_NAMES,
}
"""The last 24 hours; the names of native.Ticker. Futures lack the best levels.

`{"symbol":"BNBBTC","priceChange":"-94.99999800","priceChangePercent":"-95.960",
"weightedAvgPrice":"0.29628482","prevClosePrice":"0.10002000","lastPrice":"4.00000200",
"lastQty":"200.00000000","bidPrice":"4.00000000","bidQty":"100.00000000","askPrice":"4.00000200",
"askQty":"100.00000000","openPrice":"99.00000000","highPrice":"100.00000000",
"lowPrice":"0.10000000","volume":"8913.30000000","quoteVolume":"15.30000000",
"openTime":1499783499040,"closeTime":1499869899040,"firstId":28385,"lastId":28460,"count":76}`
"""


class TimeAnswer(Struct):
    """`{"serverTime":1499827319559}`."""

    serverTime: int  # noqa: N815 - the venue's name


class StatusAnswer(Struct):
    """What the whole exchange does: `{"status":0,"msg":"normal"}`; 1 is maintenance.

    Source: https://developers.binance.com/docs/wallet/others/system-status
    """

    status: int
    msg: str = ""


class CandleRow(Struct, array_like=True):
    """A candle.

    `[1499040000000,"0.01634790","0.80000000","0.01575800","0.01577100","148976.11427815",
    1499644799999,"2434.19055334",308,"1756.87402397","28.46694368","0"]`
    """

    start: native.Start
    open: str
    high: str
    low: str
    close: str
    volume: str
    end: int | None = None
    turnover: str | None = None
    trades: native.Number | None = None


def _renamed(kind: type[Wire], names: Mapping[str, str]) -> Callable[[bytes], Wire]:
    """A decoder of objects with the long names; raises MsgspecError."""

    def decode(data: bytes) -> Wire:
        """An object, with the names of the streams."""
        fields = _decode_fields(data)
        known = {names[name]: value for name, value in fields.items() if name in names}
        return msgspec.convert(known, kind)

    return decode


_decode_fields = msgspec.json.Decoder(dict[str, object]).decode
decode_time = msgspec.json.Decoder(TimeAnswer).decode
decode_status = msgspec.json.Decoder(StatusAnswer).decode
decode_ping = msgspec.json.Decoder(dict[str, object]).decode
decode_list = msgspec.json.Decoder(list[Raw]).decode
decode_match = _renamed(native.Trade, MATCH_NAMES)
decode_agg_trade = msgspec.json.Decoder(native.AggTrade).decode
decode_candle = msgspec.json.Decoder(CandleRow).decode
decode_day = _renamed(native.Ticker, DAY_NAMES)
decode_best = _renamed(native.BookTicker, BEST_NAMES)
