"""OKX's wire in both directions: one Struct a message, a real payload quoted beside each.

Sources: https://www.okx.com/docs-v5/en/#overview-websocket for requests and their answers, and
https://www.okx.com/docs-v5/en/#order-book-trading-market-data for data, as of June 2026. Nothing
on this wire names its type: the `arg` of a frame decides how it is read. Nearly all numbers are
text; only book frames read times and counts of orders as integers from it, for speed. Only the
fields that are used are declared; the venue may add others at any time. What is not needed may be
missing or null. Frames that do not fit are read again, row by row (`LooseFrame`).
"""

# ruff: noqa: N815 - native names stay as the venue spells them

from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

__all__ = [
    "Answer",
    "Arg",
    "BookData",
    "BookFrame",
    "Candle",
    "Envelope",
    "Instrument",
    "LooseFrame",
    "Maintenance",
    "Reply",
    "Request",
    "Row",
    "RowFrame",
    "Ticker",
    "Time",
    "Trade",
    "decode_answer",
    "decode_book",
    "decode_book_data",
    "decode_candle",
    "decode_candles",
    "decode_checksum",
    "decode_envelope",
    "decode_instrument",
    "decode_level",
    "decode_loose_frame",
    "decode_maintenance",
    "decode_millis",
    "decode_named",
    "decode_request",
    "decode_text",
    "decode_ticker",
    "decode_tickers",
    "decode_time",
    "decode_trade",
    "decode_trades",
    "encode",
]

Wire = TypeVar("Wire")

_Count = Annotated[int, Meta(ge=0, le=2**53)]
# What may be an instant, as `model.instant.plausible_ns` has it.
_Millis = Annotated[int, Meta(ge=1_230_940_800_000, lt=4_102_444_800_000)]
_Link = Annotated[int, Meta(ge=-1, le=2**63 - 1)]
_Checksum = Annotated[int, Meta(ge=-(2**31), le=2**32)]


class Arg(Struct, omit_defaults=True, gc=False):
    """The name of a stream; its data repeat it as it was requested.

    `{"channel":"books","instId":"BTC-USDT"}`
    """

    channel: str = ""
    instId: str = ""
    instType: str = ""


class Request(Struct, omit_defaults=True):
    """A client's request; `id` has up to 32 letters and digits.

    `{"id":"1512","op":"subscribe","args":[{"channel":"tickers","instId":"BTC-USDT"}]}`
    https://www.okx.com/docs-v5/en/#overview-websocket-subscribe
    """

    id: str = ""
    op: str = ""
    args: tuple[Arg, ...] = ()


class Reply(Struct, omit_defaults=True):
    """An answer or announcement, as the server writes it; `id` and `connId` may be missing.

    `{"id":"1512","event":"subscribe","arg":{"channel":"tickers","instId":"BTC-USDT"},
    "connId":"accb8e21"}`
    """

    id: str = ""
    event: str = ""
    code: str = ""
    msg: str = ""
    arg: Arg | None = None
    connId: str = ""


class Envelope(Struct, gc=False):
    """Any frame but the text `pong`: an answer has an `event`, data have an `arg`.

    `{"id":"1512","event":"error","code":"60012","msg":"Invalid request: ...",
    "connId":"a4d3ae55"}` or `{"event":"notice","code":"64008","msg":"The connection will soon be
    closed for a service upgrade. Please reconnect.","connId":"a4d3ae55"}` or
    `{"event":"channel-conn-count-error","channel":"orders","connCount":"30","connId":"a4d3ae55"}`;
    the answer to an order has an `op`.
    """

    event: str | None = None
    arg: Arg | None = None
    data: Raw = Raw(b"")
    id: str = ""
    code: str = ""
    msg: str = ""
    channel: str = ""
    connCount: str = ""
    op: str | None = None


Row = tuple[str, str, str, _Count]
"""A level: price, size, a member that died, number of orders; `["8476.98","415","0","13"]`.

The size is in the base currency for spot markets and in contracts for all others.
"""


class BookData(Struct, gc=False):
    """Levels of one book and what links them to the message before.

    A snapshot's `prevSeqId` is -1. Recordings from before 2023 have neither of the two, but a
    checksum; since 23 June 2026 the checksum is always 0.
    """

    asks: tuple[Row, ...] = ()
    bids: tuple[Row, ...] = ()
    ts: _Millis | None = None
    checksum: _Checksum | None = None
    seqId: _Link | None = None
    prevSeqId: _Link | None = None


class BookFrame(Struct, gc=False):
    """A snapshot or update; whole books (`books5`, `bbo-tbt`) name no action.

    `{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[["8476.98",
    "415","0","13"]],"bids":[],"ts":"1597026383085","checksum":0,"prevSeqId":123456,
    "seqId":123457}]}`
    https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel
    """

    data: tuple[BookData]
    action: str = ""


class RowFrame(Struct, Generic[Wire], gc=False):
    """Rows of one market."""

    data: tuple[Wire, ...]


class Trade(Struct, omit_defaults=True, gc=False):
    """Executions of one taker's order at one price; `side` is the taker's.

    `{"instId":"BTC-USDT","tradeId":"130639474","px":"42219.9","sz":"0.12060306","side":"buy",
    "ts":"1630048897897","count":"3","source":"0","seqId":1234}`; `tradeId` is the last one's.
    https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-trades-channel and, with one
    message for each execution, #order-book-trading-market-data-ws-all-trades-channel.
    """

    instId: str | None
    tradeId: str
    px: str
    sz: str
    side: str
    ts: str | None = None
    count: str | None = ""
    source: str | None = ""


class Ticker(Struct, omit_defaults=True, gc=False):
    """A market in one line; what there is not is empty, and prices are 0 where a side is empty.

    `{"instType":"SPOT","instId":"BTC-USDT","last":"9999.99","lastSz":"0.1","askPx":"9999.99",
    "askSz":"11","bidPx":"8888.88","bidSz":"5","open24h":"9000","high24h":"10000",
    "low24h":"8888.88","volCcy24h":"2222","vol24h":"2222","sodUtc0":"2222","sodUtc8":"2222",
    "ts":"1597026383085"}`
    https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-tickers-channel
    """

    instType: str | None = None
    instId: str | None = None
    last: str | None = None
    lastSz: str | None = None
    askPx: str | None = None
    askSz: str | None = None
    bidPx: str | None = None
    bidSz: str | None = None
    open24h: str | None = None
    high24h: str | None = None
    low24h: str | None = None
    volCcy24h: str | None = None
    vol24h: str | None = None
    sodUtc0: str | None = None
    sodUtc8: str | None = None
    ts: str | None = None


class Candle(Struct, array_like=True, gc=False):
    """A candle as a row; `confirm` is 1 once it is closed.

    `["1597026383085","8533.02","8553.74","8527.17","8548.26","45247","529.5858061",
    "5529.5858061","0"]`
    https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-candlesticks-channel
    """

    ts: str
    open: str
    high: str
    low: str
    close: str
    vol: str
    volCcy: str | None = ""
    volCcyQuote: str | None = ""
    confirm: str | None = ""


class Instrument(Struct, gc=False):
    """A market's rules, as listed; a contract is `ctVal` x `ctMult` of `ctValCcy`.

    `instIdCode` is the market's number in orders; lists of before 2026 have none.

    `{"instType":"SPOT","instId":"BTC-USDT","baseCcy":"BTC","quoteCcy":"USDT","tickSz":"0.1",
    "lotSz":"0.00000001","minSz":"0.00001","ctVal":"","ctValCcy":"","settleCcy":"","state":"live"}`
    (shortened)

    `{"instType":"SWAP","instId":"BTC-USD-SWAP","baseCcy":"","quoteCcy":"","ctMult":"1",
    "ctType":"inverse","ctVal":"100","ctValCcy":"USD","settleCcy":"BTC","tickSz":"0.1","lotSz":"1",
    "minSz":"1","state":"live","uly":"BTC-USD"}` (shortened)
    https://www.okx.com/docs-v5/en/#public-data-rest-api-get-instruments
    """

    instType: str
    instId: str
    baseCcy: str | None = None
    quoteCcy: str | None = None
    tickSz: str | None = None
    lotSz: str | None = None
    minSz: str | None = None
    state: str | None = None
    ctType: str | None = None
    ctVal: str | None = None
    ctMult: str | None = None
    ctValCcy: str | None = None
    settleCcy: str | None = None
    instIdCode: int | None = None


class Answer(Struct, gc=False):
    """The answer to any call; a `code` other than 0 is a refusal, whatever the HTTP status.

    `{"code":"0","msg":"","data":[]}`
    """

    code: str
    msg: str = ""
    data: tuple[Raw, ...] = ()


class Time(Struct, gc=False):
    """The venue's clock: `{"ts":"1597026383085"}`."""

    ts: str


class Maintenance(Struct, gc=False):
    """A planned or unplanned maintenance; `state` is `ongoing` while it lasts.

    `{"begin":"1672823400000","end":"1672825980000","href":"","preOpenBegin":"",
    "scheDesc":"","serviceType":"8","state":"completed","maintType":"1","env":"1",
    "system":"unified","title":"Trading account system upgrade (in batches of accounts)"}`
    https://www.okx.com/docs-v5/en/#status-get-status
    """

    state: str
    title: str | None = None
    serviceType: str | None = None
    env: str | None = None


class LooseFrame(Struct, gc=False):
    """Data of a stream whose rows are yet to be read."""

    data: tuple[Raw, ...]
    action: Raw = Raw(b'""')


class _Named(Struct, gc=False):
    """No more of a frame than what it is of."""

    arg: Arg


encode = msgspec.json.Encoder().encode
decode_request = msgspec.json.Decoder(Request).decode
decode_envelope = msgspec.json.Decoder(Envelope).decode
decode_named = msgspec.json.Decoder(_Named).decode
# Lenient, as its integers are text on the wire.
decode_book = msgspec.json.Decoder(BookFrame, strict=False).decode
decode_book_data = msgspec.json.Decoder(BookData, strict=False).decode
decode_trades = msgspec.json.Decoder(RowFrame[Trade]).decode
decode_tickers = msgspec.json.Decoder(RowFrame[Ticker]).decode
decode_candles = msgspec.json.Decoder(RowFrame[Candle]).decode
decode_trade = msgspec.json.Decoder(Trade).decode
decode_ticker = msgspec.json.Decoder(Ticker).decode
decode_candle = msgspec.json.Decoder(Candle).decode
decode_instrument = msgspec.json.Decoder(Instrument).decode
decode_answer = msgspec.json.Decoder(Answer).decode
decode_time = msgspec.json.Decoder(Time).decode
decode_maintenance = msgspec.json.Decoder(Maintenance).decode
decode_loose_frame = msgspec.json.Decoder(LooseFrame).decode
decode_level = msgspec.json.Decoder(Row, strict=False).decode
decode_millis = msgspec.json.Decoder(_Millis, strict=False).decode
decode_checksum = msgspec.json.Decoder(_Checksum, strict=False).decode
decode_text = msgspec.json.Decoder(str).decode
