"""Bybit's messages as they are on the wire, with a real payload beside each.

Sources: https://bybit-exchange.github.io/docs/v5/ws/connect and
https://bybit-exchange.github.io/docs/v5/websocket/public, 2026-07. Only the fields that are used
are declared. The order of keys differs between categories. What is not needed may be missing or
null. Frames that do not fit are read again, row by row (`LooseFrame`).
"""

# ruff: noqa: N815 - native names stay as the venue spells them

from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct

__all__ = [
    "Answer",
    "Book",
    "BookFrame",
    "Candle",
    "CandleFrame",
    "Envelope",
    "InstrumentPage",
    "Listed",
    "ListedBook",
    "ListedCandle",
    "ListedMarket",
    "ListedTrade",
    "LooseFrame",
    "LotSizeFilter",
    "Maintenance",
    "PriceFilter",
    "Request",
    "Ticker",
    "TickerFrame",
    "Time",
    "Trade",
    "TradeFrame",
    "decode_answer",
    "decode_book",
    "decode_book_data",
    "decode_candle",
    "decode_candles",
    "decode_envelope",
    "decode_instrument_page",
    "decode_level",
    "decode_line",
    "decode_listed",
    "decode_listed_book",
    "decode_listed_candle",
    "decode_listed_trade",
    "decode_loose_frame",
    "decode_maintenance",
    "decode_market",
    "decode_millis",
    "decode_named",
    "decode_request",
    "decode_rows",
    "decode_text",
    "decode_ticker",
    "decode_time",
    "decode_trade",
    "decode_trades",
    "encode",
]

Count = Annotated[int, Meta(ge=0, le=(1 << 62) - 1)]
Row = tuple[str, str]
Millis = int | None
# What may be an instant, as `model.instant.plausible_ns` has it.
_Plausible = Annotated[int, Meta(ge=1_230_940_800_000, lt=4_102_444_800_000)]


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
    req_id: str | int = ""
    topic: str | None = None


class Book(Struct, gc=False):
    """The levels of a message: best first in a snapshot, "0" removes. `u` is the topic's number."""

    u: Count
    b: tuple[Row, ...] = ()
    a: tuple[Row, ...] = ()


class BookFrame(Struct, gc=False):
    """`orderbook.N`: a snapshot, then deltas. `cts` is the matching engine's time.

    `{"topic":"orderbook.50.BTCUSDT","type":"delta","ts":1687940967466,"data":{"s":"BTCUSDT",
    "b":[["30247.20","30.028"],["30240.00","0"]],"a":[["30248.70","0"]],"u":177400507,
    "seq":66544703342},"cts":1687940967464}`
    """

    type: str
    data: Book
    ts: _Plausible | None = None
    cts: _Plausible | None = None


class Trade(Struct, gc=False):
    """`S` is the taker's side; `i` is no number to follow. `BT` is true of a block trade.

    `{"T":1672304486865,"s":"BTCUSDT","S":"Buy","v":"0.001","p":"16578.50","L":"PlusTick",
    "i":"20f43950-d8dd-5b31-9112-a178eb6023af","BT":false,"seq":1783284617}`
    """

    S: str
    v: str
    p: str
    i: str
    T: Millis = None
    BT: bool | None = None


class TradeFrame(Struct, gc=False):
    """`publicTrade`: up to 1,024 trades, oldest first; its type is always "snapshot"."""

    data: tuple[Trade, ...]


class Ticker(Struct, gc=False):
    """What changed of a market's line; on spot the whole line, without bid and ask.

    `{"symbol":"BTCUSDT","lastPrice":"21109.77","highPrice24h":"21426.99","lowPrice24h":"20575",
    "prevPrice24h":"20704.93","volume24h":"6780.866843","turnover24h":"141946527.22907118",
    "price24hPcnt":"0.0196","usdIndexPrice":"21120.2400136"}`
    """

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
    data: Ticker
    ts: Millis = None


class Candle(Struct, gc=False):
    """A running or closed candle; `end` is its last millisecond.

    `{"start":1672324800000,"end":1672325099999,"interval":"5","open":"16649.5","close":"16677",
    "high":"16677","low":"16608","volume":"2.081","turnover":"34666.4005","confirm":false,
    "timestamp":1672324988882}`
    """

    start: int
    open: str
    close: str
    high: str
    low: str
    volume: str
    confirm: bool = False
    timestamp: Millis = None


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

    minOrderQty: str | None = None
    basePrecision: str | None = None
    qtyStep: str | None = None
    minOrderAmt: str | None = None
    minNotionalValue: str | None = None


class ListedMarket(Struct):
    """A market as it is listed.

    `{"symbol":"BTCUSDT","contractType":"LinearPerpetual","status":"Trading","baseCoin":"BTC",
    "quoteCoin":"USDT","priceFilter":{"tickSize":"0.10"},"lotSizeFilter":{"minOrderQty":"0.001",
    "qtyStep":"0.001","minNotionalValue":"5"}}`
    """

    symbol: str
    baseCoin: str
    quoteCoin: str
    priceFilter: PriceFilter
    lotSizeFilter: LotSizeFilter
    status: str | None = None
    contractType: str | None = None


class InstrumentPage(Struct):
    """One page of the list; the cursor is empty on the last one."""

    list: tuple[Raw, ...] = ()
    nextPageCursor: str | None = None


class Answer(Struct):
    """The answer to any call: `{"retCode":0,"retMsg":"OK","result":{...},"time":1671017382656}`.

    A `retCode` other than 0 is a refusal, whatever the HTTP status.
    """

    retCode: int
    retMsg: str | None = ""
    result: Raw = Raw(b"{}")
    time: Millis = None


class Time(Struct):
    """The venue's clock: `{"timeSecond":"1688639403","timeNano":"1688639403423213947"}`."""

    timeNano: str


class Maintenance(Struct):
    """A maintenance; `product` 1 is futures and 2 spot, `state` is `ongoing` while it lasts.

    `{"id":"4d95b2a0-587f-11f0-bcc9-56f28c94d6ea","title":"t06","state":"completed",
    "begin":"1751596902000","end":"1751597011000","serviceTypes":[2,3,4,5],"product":[1,2],
    "maintainType":1,"env":1}` https://bybit-exchange.github.io/docs/v5/system-status
    """

    state: str
    product: tuple[int, ...] | None = None


class Listed(Struct):
    """A list of rows: `{"category":"spot","list":[...]}`."""

    list: tuple[Raw, ...] = ()


class ListedBook(Struct):
    """A book as REST lists it.

    `{"s":"BTCUSDT","a":[["65557.7","16.606555"]],"b":[["65485.47","47.081829"]],
    "ts":1716863719031,"u":230704,"seq":1432604333,"cts":1716863718905}`
    https://bybit-exchange.github.io/docs/v5/market/orderbook
    """

    b: tuple[Row, ...] = ()
    a: tuple[Row, ...] = ()
    u: int | None = None
    ts: Millis = None
    cts: Millis = None


class ListedTrade(Struct):
    """A trade as REST lists it, with its time as text.

    `{"execId":"2100000000007764263","symbol":"BTCUSDT","price":"16618.49","size":"0.00012",
    "side":"Buy","time":"1672052955758","isBlockTrade":false,"isRPITrade":true,"seq":"123456"}`
    https://bybit-exchange.github.io/docs/v5/market/recent-trade
    """

    execId: str
    price: str
    size: str
    side: str
    time: str | None = None
    isBlockTrade: bool | None = None


class ListedCandle(Struct, array_like=True):
    """A candle as REST lists it: start, open, high, low, close, volume and turnover.

    `["1670608800000","17071","17073","17027","17055.5","268611","15.74462667"]`
    https://bybit-exchange.github.io/docs/v5/market/kline
    """

    start: int  # text on the wire
    open: str
    high: str
    low: str
    close: str
    volume: str


class LooseFrame(Struct, gc=False):
    """Data of a topic that are yet to be read."""

    data: Raw
    type: Raw = Raw(b'""')
    ts: Raw = Raw(b"null")
    cts: Raw = Raw(b"null")


class _Named(Struct, gc=False):
    """No more of a frame than its topic."""

    topic: str


encode = msgspec.json.Encoder().encode
decode_request = msgspec.json.Decoder(Request).decode
decode_envelope = msgspec.json.Decoder(Envelope).decode
decode_named = msgspec.json.Decoder(_Named).decode
decode_book = msgspec.json.Decoder(BookFrame).decode
decode_trades = msgspec.json.Decoder(TradeFrame).decode
decode_ticker = msgspec.json.Decoder(TickerFrame).decode
decode_candles = msgspec.json.Decoder(CandleFrame).decode
decode_trade = msgspec.json.Decoder(Trade).decode
decode_candle = msgspec.json.Decoder(Candle).decode
decode_market = msgspec.json.Decoder(ListedMarket).decode
decode_answer = msgspec.json.Decoder(Answer).decode
decode_instrument_page = msgspec.json.Decoder(InstrumentPage).decode
decode_loose_frame = msgspec.json.Decoder(LooseFrame).decode
decode_book_data = msgspec.json.Decoder(Book).decode
decode_rows = msgspec.json.Decoder(tuple[Raw, ...]).decode
decode_level = msgspec.json.Decoder(Row).decode
decode_millis = msgspec.json.Decoder(_Plausible).decode
decode_time = msgspec.json.Decoder(Time).decode
decode_listed = msgspec.json.Decoder(Listed).decode
decode_maintenance = msgspec.json.Decoder(Maintenance).decode
decode_listed_book = msgspec.json.Decoder(ListedBook).decode
decode_line = msgspec.json.Decoder(Ticker).decode
decode_listed_trade = msgspec.json.Decoder(ListedTrade).decode
decode_listed_candle = msgspec.json.Decoder(ListedCandle, strict=False).decode
decode_text = msgspec.json.Decoder(str).decode
