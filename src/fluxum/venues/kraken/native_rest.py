"""Kraken's REST answers about markets: one Struct an answer, a real payload beside each.

Source: https://docs.kraken.com/api/docs/rest-api/ followed by the call's name. Results are keyed
by the pair under a name that need not be the requested one; trades and candles have `last` beside.
Rows of lists are read one by one; what the venue adds behind the last of their values is ignored.
"""

from decimal import Decimal
from typing import Literal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

__all__ = [
    "CandleRow",
    "Depth",
    "DepthRow",
    "Envelope",
    "PairRow",
    "StatusResult",
    "TickerRow",
    "TimeResult",
    "TradeRow",
    "decode_candle",
    "decode_cursor",
    "decode_depth",
    "decode_envelope",
    "decode_keyed",
    "decode_pair",
    "decode_rows",
    "decode_status",
    "decode_text",
    "decode_ticker",
    "decode_time",
    "decode_trade",
]


class Envelope(Struct):
    """Every answer; with errors there may be no result.

    `{"error":["EAPI:Invalid nonce"]}`
    """

    error: tuple[str, ...] = ()
    result: Raw | UnsetType = UNSET


class TimeResult(Struct):
    """The venue's clock; `{"unixtime":1688669448,"rfc1123":"Thu, 06 Jul 23 18:50:48 +0000"}`."""

    unixtime: int


class StatusResult(Struct):
    """The engine's state; `{"status":"online","timestamp":"2023-07-06T18:52:00Z"}`."""

    status: str


class PairRow(Struct):
    """A market's rules.

    `{"altname":"XDGUSD","wsname":"XDG/USD","base":"XXDG","quote":"ZUSD","pair_decimals":7,
    "lot_decimals":8,"ordermin":"50","costmin":"0.5","tick_size":"0.0000001","status":"online"}`
    """

    altname: str
    wsname: str
    base: str
    quote: str
    pair_decimals: int
    lot_decimals: int
    ordermin: Decimal = Decimal(0)
    costmin: Decimal | None = None
    tick_size: Decimal | None = None
    status: str = "online"


DepthRow = tuple[Decimal, Decimal, Decimal]
"""A level: price, quantity, and when it changed in seconds."""


class Depth(Struct):
    """A book; `{"asks":[["30384.10000","2.059",1688671659]],"bids":[...]}`."""

    asks: tuple[DepthRow, ...]
    bids: tuple[DepthRow, ...]


class TradeRow(Struct, array_like=True):
    """A trade: price, quantity, seconds, `b` or `s`, `m` or `l`, miscellaneous, number.

    `["30243.40000","0.34507674",1688669597.8277369,"b","m","",61044952]`
    """

    price: Decimal
    volume: Decimal
    time: Decimal
    side: Literal["b", "s"]
    kind: str
    misc: Raw
    number: int


class CandleRow(Struct, array_like=True):
    """A candle: begin in seconds, open, high, low, close, average, volume, trades.

    `[1688671200,"30306.1","30306.2","30305.7","30305.7","30306.1","3.39243896",23]`
    """

    time: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    vwap: Decimal
    volume: Decimal
    count: int


_Pair = tuple[Decimal, Decimal]


class TickerRow(Struct):
    """A market in one line: of each pair the first is today's, the second that of 24 hours.

    `a` and `b` are price, whole lots and lots; `c` price and lots of the last trade.

    `{"a":["30300.10000","1","1.000"],"b":["30300.00000","1","1.000"],
    "c":["30303.20000","0.00067643"],"v":["4083.67001100","4412.73601799"],
    "p":["30706.77771","30689.13205"],"t":[34619,38907],"l":["29868.30000","29868.30000"],
    "h":["31631.00000","31631.00000"],"o":"30502.80000"}`
    """

    a: tuple[Decimal, Decimal, Decimal]
    b: tuple[Decimal, Decimal, Decimal]
    c: _Pair
    v: _Pair
    p: _Pair
    t: tuple[int, int]
    l: _Pair  # noqa: E741 - the venue's own name
    h: _Pair
    o: Decimal


decode_envelope = msgspec.json.Decoder(Envelope).decode
decode_time = msgspec.json.Decoder(TimeResult).decode
decode_status = msgspec.json.Decoder(StatusResult).decode
decode_pair = msgspec.json.Decoder(PairRow).decode
decode_keyed = msgspec.json.Decoder(dict[str, Raw]).decode
decode_depth = msgspec.json.Decoder(Depth).decode
decode_ticker = msgspec.json.Decoder(TickerRow).decode
decode_rows = msgspec.json.Decoder(tuple[Raw, ...]).decode
decode_trade = msgspec.json.Decoder(TradeRow).decode
decode_candle = msgspec.json.Decoder(CandleRow).decode
decode_text = msgspec.json.Decoder(str).decode
decode_cursor = msgspec.json.Decoder(int).decode
