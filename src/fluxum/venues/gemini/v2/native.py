"""Market data v2 on the wire, in both directions, with a real payload beside each message.

Source: https://developer.gemini.com/websocket/archived/v2, 2026-03, and recorded frames of 2021 and
2026. Only the fields that are used are declared. The order of members has changed over the years:
`type` came first in 2021 and comes last in 2026.
"""

from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Raw, Struct

__all__ = [
    "CandleRow",
    "Candles",
    "Change",
    "Count",
    "Kind",
    "L2Updates",
    "Millis",
    "Request",
    "Stream",
    "Trade",
    "decode_candle",
    "decode_candles",
    "decode_change",
    "decode_kind",
    "decode_l2",
    "decode_request",
    "decode_trade",
    "encode",
    "kind_of",
]

Count = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
"""An id."""
Millis = Annotated[int, Meta(ge=0, lt=1 << 42)]
"""Milliseconds since the epoch."""
Change = tuple[Literal["buy", "sell"], str, str]
"""Side, price and quantity, zero where the level is gone."""
CandleRow = tuple[Millis, Decimal, Decimal, Decimal, Decimal, Decimal]
"""Start, open, high, low, close, volume."""


class Stream(Struct):
    """One kind of data of some markets: `l2`, or candles like `candles_1m`."""

    name: str
    symbols: list[str]


class Request(Struct):
    """A client's request; names are in capitals. The venue does not acknowledge it.

    `{"type":"subscribe","subscriptions":[{"name":"l2","symbols":["BTCUSD","ETHUSD"]},
    {"name":"candles_1m","symbols":["BTCUSD"]}]}`
    """

    type: Literal["subscribe", "unsubscribe"]
    subscriptions: list[Stream]


class Kind(Struct):
    """What any frame is, or why a request failed.

    `{"type":"heartbeat","timestamp":1624493666869}`

    `{"reason":"NoValidTradingPairs","result":"error"}`
    """

    type: str = ""
    result: str = ""
    reason: str = ""


class Trade(Struct, gc=False):
    """A trade; `side` is the taker's, or names why there was none: `block`, `auction`.

    `{"event_id":1764551741926942,"price":"65206.29","quantity":"0.00007667","side":"buy",
    "symbol":"BTCUSD","tid":2840141017904555,"timestamp":1786313194672,"type":"trade"}`. Older
    frames have no `tid`; then no two trades share an event, as they do in 2026.
    """

    symbol: str
    event_id: Count
    price: str
    quantity: str
    side: str
    timestamp: int | None = None
    tid: Count | None = None


class L2Updates(Struct, gc=False):
    """The whole book, with the last trades and auctions; afterwards changes only.

    `{"type":"l2_updates","symbol":"BTCUSD","changes":[["buy","9122.04","0.00121425"],
    ["sell","9122.07","0.98942292"]],"trades":[{"type":"trade","symbol":"BTCUSD",
    "event_id":169841458,"timestamp":1560976400428,"price":"9122.04","quantity":"0.0073173",
    "side":"sell"}],"auction_events":[]}`

    `{"type":"l2_updates","symbol":"GRTUSD","changes":[["buy","0.6157","0"]]}`
    """

    type: Literal["l2_updates"]
    symbol: str
    changes: tuple[Change, ...]
    trades: tuple[Trade, ...] | None = None
    auction_events: tuple[Raw, ...] | None = None


class Candles(Struct, gc=False):
    """Recent candles, newest first; afterwards the running one. Start, open to close, volume.

    `{"type":"candles_15m_updates","symbol":"BTCUSD","changes":[[1561054500000,9350.18,9358.35,
    9350.18,9355.51,2.07],[1561053600000,9357.33,9357.33,9350.18,9350.18,1.5900161]]}`
    """

    symbol: str
    changes: tuple[CandleRow, ...]


def kind_of(frame: bytes) -> str:
    """What a frame is, as far as can be read; empty where nothing can."""
    try:
        return decode_kind(frame).type
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""


encode = msgspec.json.Encoder().encode
decode_kind = msgspec.json.Decoder(Kind).decode
decode_l2 = msgspec.json.Decoder(L2Updates).decode
decode_trade = msgspec.json.Decoder(Trade).decode
decode_candles = msgspec.json.Decoder(Candles).decode
decode_change = msgspec.json.Decoder(Change).decode
decode_candle = msgspec.json.Decoder(CandleRow).decode
decode_request = msgspec.json.Decoder(Request).decode
