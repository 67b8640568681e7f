"""Bybit's messages as they are on the wire, with a real payload beside each.

Sources: https://bybit-exchange.github.io/docs/v5/ws/connect and
https://bybit-exchange.github.io/docs/v5/websocket/public, 2026-07. Only the fields that are used
are declared. The order of keys differs between categories.
"""

# ruff: noqa: N815 - native names stay as the venue spells them

from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct

__all__ = [
    "Book",
    "BookFrame",
    "Candle",
    "CandleFrame",
    "Envelope",
    "InstrumentAnswer",
    "InstrumentPage",
    "ListedMarket",
    "LotSizeFilter",
    "PriceFilter",
    "Request",
    "Ticker",
    "TickerFrame",
    "Trade",
    "TradeFrame",
    "decode_book",
    "decode_candles",
    "decode_envelope",
    "decode_instruments",
    "decode_request",
    "decode_ticker",
    "decode_trades",
    "encode",
]

Count = Annotated[int, Meta(ge=0, le=(1 << 62) - 1)]
Millis = Annotated[int, Meta(ge=0, le=10**14)]
Rows = tuple[tuple[str, str], ...]


class Request(Struct, omit_defaults=True):
    """A client's request; other people's clients number theirs without quotes.

    `{"req_id":"test","op":"subscribe","args":["orderbook.1.BTCUSDT","publicTrade.BTCUSDT"]}`
    """

    op: str
    args: tuple[str, ...] = ()
    req_id: str | int = ""


class Envelope(Struct, gc=False):
    """An answer, or what all data have.

    `{"success":true,"ret_msg":"subscribe","conn_id":"2324d924-aa4d-45b0-a858-7b8be29ab52b",
    "req_id":"10001","op":"subscribe"}`

    `{"success":true,"ret_msg":"pong","conn_id":"465772b1-7630-4fdc-a492-e003e6f0f260",
    "req_id":"","op":"ping"}`

    `{"success":false,"ret_msg":"Invalid symbol :[publicTrade.NOPEUSDT]","conn_id":"...",
    "req_id":"7","op":"subscribe"}`
    """

    op: str | None = None
    success: bool | None = None
    ret_msg: str = ""
    req_id: str = ""
    topic: str | None = None
    data: Raw = Raw()


class Book(Struct, gc=False):
    """The levels of a message: best first in a snapshot, "0" removes. `u` is the topic's number."""

    s: str
    b: Rows
    a: Rows
    u: Count


class BookFrame(Struct, gc=False):
    """`orderbook.N`: a snapshot, then deltas. `cts` is the matching engine's time.

    `{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1687940967466,"data":{"s":"BTCUSDT",
    "b":[["30247.20","30.028"],["30240.00","0"]],"a":[["30248.70","0"]],"u":177400507,
    "seq":66544703342},"cts":1687940967464}`
    """

    type: str
    ts: Millis
    data: Book
    cts: Millis | None = None


class Trade(Struct, gc=False):
    """`S` is the taker's side; `i` is no number to follow.

    `{"T":1672304486865,"s":"BTCUSDT","S":"Buy","v":"0.001","p":"16578.50","L":"PlusTick",
    "i":"20f43950-d8dd-5b31-9112-a178eb6023af","BT":false,"seq":1783284617}`
    """

    T: Millis
    s: str
    S: str
    v: str
    p: str
    i: str


class TradeFrame(Struct, gc=False):
    """`publicTrade`: up to 1,024 trades, oldest first; its type is always "snapshot"."""

    data: tuple[Trade, ...]


class Ticker(Struct, gc=False):
    """What changed of a market's line; on spot the whole line, without bid and ask.

    `{"symbol":"BTCUSDT","lastPrice":"21109.77","highPrice24h":"21426.99","lowPrice24h":"20575",
    "prevPrice24h":"20704.93","volume24h":"6780.866843","turnover24h":"141946527.22907118",
    "price24hPcnt":"0.0196","usdIndexPrice":"21120.2400136"}`
    """

    symbol: str
    bid1Price: str | None = None
    bid1Size: str | None = None
    ask1Price: str | None = None
    ask1Size: str | None = None
    lastPrice: str | None = None
    prevPrice24h: str | None = None
    highPrice24h: str | None = None
    lowPrice24h: str | None = None
    volume24h: str | None = None
    turnover24h: str | None = None
    price24hPcnt: str | None = None


class TickerFrame(Struct, gc=False):
    """`tickers`: a snapshot; on futures then deltas, of which left out means unchanged."""

    type: str
    ts: Millis
    data: Ticker


class Candle(Struct, gc=False):
    """A running or closed candle; `end` is its last millisecond.

    `{"start":1672324800000,"end":1672325099999,"interval":"5","open":"16649.5","close":"16677",
    "high":"16677","low":"16608","volume":"2.081","turnover":"34666.4005","confirm":false,
    "timestamp":1672324988882}`
    """

    start: Millis
    interval: str
    open: str
    close: str
    high: str
    low: str
    volume: str
    confirm: bool
    timestamp: Millis


class CandleFrame(Struct, gc=False):
    """`kline`: the running candle again, and once as closed."""

    data: tuple[Candle, ...]


class PriceFilter(Struct):
    """The step of prices: `{"tickSize":"0.1"}`."""

    tickSize: str


class LotSizeFilter(Struct):
    """Spot has `basePrecision` and `minOrderAmt`, futures `qtyStep` and `minNotionalValue`.

    `{"basePrecision":"0.000001","quotePrecision":"0.0000001","minOrderQty":"0.000011",
    "minOrderAmt":"5"}`
    """

    minOrderQty: str
    basePrecision: str = ""
    qtyStep: str = ""
    minOrderAmt: str = ""
    minNotionalValue: str = ""


class ListedMarket(Struct):
    """A market as the list tells it.

    `{"symbol":"BTCUSDT","contractType":"LinearPerpetual","status":"Trading","baseCoin":"BTC",
    "quoteCoin":"USDT","priceFilter":{"tickSize":"0.10"},"lotSizeFilter":{"minOrderQty":"0.001",
    "qtyStep":"0.001","minNotionalValue":"5"}}`
    """

    symbol: str
    status: str
    baseCoin: str
    quoteCoin: str
    priceFilter: PriceFilter
    lotSizeFilter: LotSizeFilter
    contractType: str = ""


class InstrumentPage(Struct):
    """One page of the list; the cursor is empty on the last one."""

    list: tuple[ListedMarket, ...] = ()
    nextPageCursor: str | None = None


class InstrumentAnswer(Struct):
    """A page: `{"retCode":0,"retMsg":"OK","result":{"category":"spot","list":[...]}}`."""

    retCode: int
    retMsg: str = ""
    result: InstrumentPage = msgspec.field(default_factory=InstrumentPage)


encode = msgspec.json.Encoder().encode
decode_request = msgspec.json.Decoder(Request).decode
decode_envelope = msgspec.json.Decoder(Envelope).decode
decode_book = msgspec.json.Decoder(BookFrame).decode
decode_trades = msgspec.json.Decoder(TradeFrame).decode
decode_ticker = msgspec.json.Decoder(TickerFrame).decode
decode_candles = msgspec.json.Decoder(CandleFrame).decode
decode_instruments = msgspec.json.Decoder(InstrumentAnswer).decode
