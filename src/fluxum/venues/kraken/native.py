"""Kraken's wire in both directions: one Struct a message, a real payload quoted beside each.

Source of every type, unless it names another: https://docs.kraken.com/api/docs/websocket-v2/
followed by the channel's or method's name. Only the fields that are used are declared; the venue
may add others at any time. Prices stay `Raw`, as their text is looked up before it is read.
"""

from decimal import Decimal
from typing import Literal

import msgspec
from msgspec import Raw, Struct

from fluxum.model.market import Side

__all__ = [
    "Ack",
    "BookData",
    "BookFrame",
    "BookOutline",
    "Candle",
    "Frame",
    "Heartbeat",
    "InstrumentData",
    "InstrumentFrame",
    "Kind",
    "Level",
    "Level3Data",
    "Level3Frame",
    "OhlcFrame",
    "Order",
    "Outline",
    "Pair",
    "Params",
    "RateError",
    "Request",
    "Response",
    "Status",
    "StatusFrame",
    "SymbolOutline",
    "Ticker",
    "TickerFrame",
    "Trade",
    "TradeFrame",
    "decode_book_outline",
    "decode_candle",
    "decode_frame",
    "decode_level",
    "decode_number",
    "decode_order",
    "decode_outline",
    "decode_pair",
    "decode_rate_error",
    "decode_request",
    "decode_response",
    "decode_rows",
    "decode_symbol_outline",
    "decode_text",
    "decode_ticker",
    "decode_trade",
    "encode",
]

Kind = Literal["snapshot", "update"]


class Params(Struct, omit_defaults=True):
    """What a subscribe or unsubscribe is about.

    `{"channel":"book","symbol":["ALGO/USD","MATIC/USD"],"depth":10}`
    """

    channel: str
    symbol: list[str] | None = None
    depth: int | None = None
    interval: int | None = None
    snapshot: bool | None = None
    event_trigger: str | None = None
    token: str | None = None


class Request(Struct, omit_defaults=True):
    """A client's request; `req_id` stands outside `params`.

    `{"method":"ping","req_id":101}`
    """

    method: str
    params: Params | None = None
    req_id: int | None = None


class Ack(Struct, omit_defaults=True):
    """The result of an accepted subscribe or unsubscribe: the symbol is text here, not a list.

    `{"channel":"book","depth":10,"snapshot":true,"symbol":"ALGO/USD"}`
    """

    channel: str = ""
    depth: int | None = None
    event_trigger: str | None = None
    interval: int | None = None
    snapshot: bool | None = None
    symbol: str | None = None
    warnings: tuple[str, ...] = ()


class Response(Struct, omit_defaults=True):
    """The answer to a request. Anything but `success: true` is a failure.

    `{"error":"Currency pair not supported XBT/USD","method":"subscribe","success":false,
    "symbol":"XBT/USD","time_in":"2026-09-25T17:48:54.701041Z",
    "time_out":"2026-09-25T17:48:54.701062Z"}`
    """

    method: str
    channel: str | None = None
    error: str | None = None
    req_id: int | None = None
    result: Ack | None = None
    success: bool | None = None
    symbol: str | None = None
    time_in: str | None = None
    time_out: str | None = None
    warnings: tuple[str, ...] = ()


class RateError(Struct, rename={"error": "Error"}):
    """The answer to too many messages; it has neither method nor channel.

    `{"Error":"Exceeded msg rate"}` (seen by nautilus_trader, not in the documentation)
    """

    error: str


class Heartbeat(Struct, tag_field="channel", tag="heartbeat", gc=False):
    """About one a second while no data is sent.

    `{"channel":"heartbeat"}`
    """

    method: str | None = None


class Status(Struct, omit_defaults=True, gc=False):
    """The engine's state; `maintenance`, `cancel_only`, `post_only` or `online`."""

    system: str
    api_version: str = "v2"
    connection_id: int | str = 0
    version: str = ""
    upcoming_maintenance: tuple[Raw, ...] = ()


class StatusFrame(Struct, tag_field="channel", tag="status", gc=False):
    """First frame on every link, and again at each change.

    `{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online",
    "api_version":"v2","connection_id":18125794168470749634,"upcoming_maintenance":[],
    "emergency":[]}]}`
    """

    type: Literal["update"]
    data: tuple[Status]


class Level(Struct, gc=False):
    """A level; `{"price":0.5666,"qty":4831.75496356}`.

    Both stay text until the level is read; the checksum is over their digits.
    """

    price: Raw
    qty: Raw


class BookData(Struct, gc=False, kw_only=True):
    """One book's levels; the checksum is over the best ten a side after applying them."""

    symbol: str
    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()
    checksum: int
    timestamp: str | None = None


class BookFrame(Struct, tag_field="channel", tag="book", gc=False):
    """A book snapshot or update, always of one symbol.

    `{"channel":"book","type":"update","data":[{"symbol":"MATIC/USD","bids":[{"price":0.5657,
    "qty":1098.3947558}],"asks":[],"checksum":2114181697,
    "timestamp":"2023-10-06T17:35:55.440295Z"}]}`
    """

    type: Kind
    data: tuple[BookData]


class Order(Struct, omit_defaults=True, gc=False):
    """An order in level 3; `event` is missing in snapshots.

    `{"event":"add","order_id":"O2BN53-5RSB2-V3J57T","limit_price":0.564,
    "order_qty":3500.77668626,"timestamp":"2023-10-06T18:20:27.383408052Z"}`
    """

    order_id: str
    limit_price: Raw
    order_qty: Decimal
    timestamp: str | None = None
    event: Literal["add", "modify", "delete"] | None = None


class Level3Data(Struct, gc=False, kw_only=True):
    """One market's orders; the checksum is over all orders of the best ten levels a side."""

    symbol: str
    bids: tuple[Order, ...] = ()
    asks: tuple[Order, ...] = ()
    checksum: int
    timestamp: str | None = None


class Level3Frame(Struct, tag_field="channel", tag="level3", gc=False):
    """A level 3 snapshot or update.

    `{"channel":"level3","type":"update","data":[{"checksum":2841398499,"symbol":"MATIC/USD",
    "bids":[],"asks":[{"event":"delete","order_id":"OOIATY-6EIWY-ACVIUN","limit_price":0.5636,
    "order_qty":302.89736033,"timestamp":"2023-10-06T18:21:00.097010033Z"}]}]}`
    """

    type: Kind
    data: tuple[Level3Data]


class Ticker(Struct, omit_defaults=True, gc=False):
    """One market in one line; a side that is empty is 0, and everything may be missing.

    `last` is promised only of markets that traded within 24 hours.
    """

    symbol: str
    bid: Decimal | None = None
    bid_qty: Decimal | None = None
    ask: Decimal | None = None
    ask_qty: Decimal | None = None
    last: Decimal | None = None
    volume: Decimal | None = None
    vwap: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    change: Decimal | None = None
    change_pct: Decimal | None = None
    trades: int | None = None
    timestamp: str | None = None


class TickerFrame(Struct, tag_field="channel", tag="ticker", gc=False):
    """Tickers, whole in snapshots and updates alike.

    `{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":83744.2,
    "bid_qty":0.56251979,"ask":83744.3,"ask_qty":0.00044780,"last":83744.3,
    "volume":3156.84782110,"vwap":84174.6,"low":83163.6,"high":85247.4,"change":-429.3,
    "change_pct":-0.51,"trades":135262,"timestamp":"2026-09-25T17:48:26.844359Z"}]}`
    """

    type: Kind
    data: tuple[Ticker, ...]


class Trade(Struct, gc=False):
    """A trade; `side` and `ord_type` are the taker's. Its price and quantity are read from text."""

    symbol: str
    side: Side
    price: Raw
    qty: Raw
    trade_id: int
    ord_type: str | None = None
    timestamp: str | None = None


class TradeFrame(Struct, tag_field="channel", tag="trade", gc=False):
    """Trades, oldest first; a snapshot holds the last fifty.

    `{"channel":"trade","type":"update","data":[{"symbol":"MATIC/USD","side":"sell",
    "price":0.5117,"qty":40.0,"ord_type":"market","trade_id":4665906,
    "timestamp":"2023-09-25T07:49:37.708706Z"}]}`
    """

    type: Kind
    data: tuple[Trade, ...]


class Candle(Struct, gc=False):
    """A running candle; there is no closed flag, `interval` is in minutes."""

    symbol: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    interval_begin: str
    interval: int
    trades: int | None = None
    vwap: Decimal | None = None


class OhlcFrame(Struct, tag_field="channel", tag="ohlc", gc=False):
    """Candles, oldest first; an update repeats the running one.

    `{"channel":"ohlc","type":"update","timestamp":"2023-10-04T16:26:30.524394914Z","data":[
    {"symbol":"MATIC/USD","open":0.5624,"high":0.5628,"low":0.5622,"close":0.5627,"trades":12,
    "volume":30927.68066226,"vwap":0.5626,"interval_begin":"2023-10-04T16:25:00.000000000Z",
    "interval":5,"timestamp":"2023-10-04T16:30:00.000000Z"}]}`
    """

    type: Kind
    data: tuple[Candle, ...]
    timestamp: str | None = None


class Pair(Struct, omit_defaults=True, gc=False):
    """A market's rules.

    `{"symbol":"BTC/USD","base":"BTC","quote":"USD","status":"online","qty_precision":8,
    "qty_increment":1e-08,"price_precision":1,"cost_precision":5,"marginable":true,
    "has_index":true,"cost_min":0.5,"tick_size":0.1,"price_increment":0.1,"qty_min":0.0001}`
    """

    symbol: str
    base: str
    quote: str
    status: str
    qty_precision: int
    qty_increment: Decimal
    price_precision: int
    price_increment: Decimal
    qty_min: Decimal
    cost_min: Decimal | None = None


class InstrumentData(Struct, gc=False):
    """Pairs (see Pair), each to be read by itself; updates hold only what changed."""

    pairs: tuple[Raw, ...]


class InstrumentFrame(Struct, tag_field="channel", tag="instrument", gc=False):
    """The venue's list of markets; see Pair. `data` is an object here, not a list."""

    type: Kind
    data: InstrumentData


class Outline(Struct, gc=False):
    """A frame that cannot be read otherwise; an answer has a method."""

    channel: str
    method: str | None = None
    type: str = ""
    data: Raw = Raw(b"null")
    timestamp: Raw = Raw(b"null")


class BookOutline(Struct, gc=False):
    """A book or level 3 of which a level or order cannot be read."""

    symbol: str
    checksum: int
    bids: tuple[Raw, ...] | None = None
    asks: tuple[Raw, ...] | None = None
    timestamp: Raw = Raw(b"null")


class SymbolOutline(Struct, gc=False):
    """What stream a row is of that cannot be read otherwise."""

    symbol: str
    interval: int | None = None


Frame = (
    Heartbeat
    | StatusFrame
    | BookFrame
    | Level3Frame
    | TickerFrame
    | TradeFrame
    | OhlcFrame
    | InstrumentFrame
)

_encoder = msgspec.json.Encoder(decimal_format="number")
encode = _encoder.encode
decode_frame = msgspec.json.Decoder(Frame).decode
decode_outline = msgspec.json.Decoder(Outline).decode
decode_book_outline = msgspec.json.Decoder(BookOutline).decode
decode_symbol_outline = msgspec.json.Decoder(SymbolOutline).decode
decode_rows = msgspec.json.Decoder(tuple[Raw, ...] | None).decode
decode_text = msgspec.json.Decoder(str).decode
decode_level = msgspec.json.Decoder(Level).decode
decode_number = msgspec.json.Decoder(Decimal).decode
decode_order = msgspec.json.Decoder(Order).decode
decode_ticker = msgspec.json.Decoder(Ticker).decode
decode_trade = msgspec.json.Decoder(Trade).decode
decode_candle = msgspec.json.Decoder(Candle).decode
decode_pair = msgspec.json.Decoder(Pair).decode
decode_response = msgspec.json.Decoder(Response).decode
decode_request = msgspec.json.Decoder(Request).decode
decode_rate_error = msgspec.json.Decoder(RateError).decode
