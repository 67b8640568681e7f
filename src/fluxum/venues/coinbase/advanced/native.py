"""Advanced Trade's wire in both directions: one Struct a message, a real payload beside each.

Source of every type, unless it names another:
https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-channels
Numbers are quoted on the wire and stay text here, but for `sequence_num`, which counts every
frame of a link.
"""

from collections.abc import Callable
from typing import Annotated, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

__all__ = [
    "CANDLES",
    "LEVELS",
    "TICKERS",
    "TRADES",
    "BookEvent",
    "BookFrame",
    "Candle",
    "CandleEvent",
    "CandleFrame",
    "Envelope",
    "ErrorFrame",
    "Frame",
    "HeartbeatEvent",
    "HeartbeatFrame",
    "Kind",
    "Pagination",
    "Product",
    "ProductKind",
    "Products",
    "Request",
    "Row",
    "RowsOf",
    "SubscriptionsEvent",
    "SubscriptionsFrame",
    "Ticker",
    "TickerEvent",
    "TickerFrame",
    "Trade",
    "TradeEvent",
    "TradeFrame",
    "decode_envelope",
    "decode_error",
    "decode_frame",
    "decode_kind",
    "decode_product",
    "decode_product_kind",
    "decode_products",
    "decode_request",
    "encode",
    "next_cursor",
]

Kind = Literal["snapshot", "update"]
Number = Annotated[int, Meta(ge=0)]
Wire = TypeVar("Wire")


class Request(Struct, omit_defaults=True):
    """A client's request; one channel a frame, no products where the channel has none.

    `{"type":"subscribe","product_ids":["ETH-USD","BTC-USD"],"channel":"market_trades"}`
    """

    type: str
    channel: str = ""
    product_ids: list[str] = []
    jwt: str | None = None


class Row(Struct, gc=False):
    """A level: absolute quantity, zero when it is gone. Asks are `offer`.

    `{"side":"bid","event_time":"2026-08-09T21:05:48.170326Z","price_level":"65083.66",
    "new_quantity":"0.20371215"}`
    """

    side: Literal["bid", "offer"]
    price_level: str
    new_quantity: str


class BookEvent(Struct, gc=False):
    """One product's levels; a snapshot is the whole book, tens of thousands of them."""

    type: Kind
    product_id: str
    updates: tuple[Row, ...]


class BookFrame(Struct, tag_field="channel", tag="l2_data", gc=False):
    """Book data; the channel is subscribed as `level2`.

    `{"channel":"l2_data","client_id":"","timestamp":"2023-02-09T20:32:50.714964855Z",
    "sequence_num":0,"events":[{"type":"snapshot","product_id":"BTC-USD","updates":[{"side":"bid",
    "event_time":"1970-01-01T00:00:00Z","price_level":"21921.73","new_quantity":"0.06317902"}]}]}`
    """

    sequence_num: Number
    events: tuple[BookEvent, ...]
    timestamp: str = ""


class Trade(Struct, gc=False):
    """A trade; `side` is the maker's, `trade_id` counts up by one in each product."""

    product_id: str
    trade_id: str
    price: str
    size: str
    side: Literal["BUY", "SELL"]
    time: str | None = ""


class TradeEvent(Struct, gc=False):
    """Trades, newest first in live frames."""

    type: Kind
    trades: tuple[Trade, ...]


class TradeFrame(Struct, tag_field="channel", tag="market_trades", gc=False):
    """Trades; a snapshot holds the last hundred of one product.

    `{"channel":"market_trades","timestamp":"2026-08-09T21:05:48.251397169Z","sequence_num":9,
    "events":[{"type":"update","trades":[{"product_id":"BTC-USD","trade_id":"1068572091",
    "price":"65083.67","size":"0.01034361","time":"2026-08-09T21:05:48.167634Z","side":"SELL"}]}]}`
    """

    sequence_num: Number
    events: tuple[TradeEvent, ...]
    timestamp: str = ""


class Ticker(Struct, omit_defaults=True, gc=False):
    """One market in one line; neither last size nor trade id. Any figure may be missing."""

    product_id: str
    price: str | None = None
    volume_24_h: str | None = None
    low_24_h: str | None = None
    high_24_h: str | None = None
    price_percent_chg_24_h: str | None = None
    best_bid: str | None = None
    best_bid_quantity: str | None = None
    best_ask: str | None = None
    best_ask_quantity: str | None = None


class TickerEvent(Struct, gc=False):
    """Tickers, whole in snapshots and updates alike."""

    type: Kind
    tickers: tuple[Ticker, ...]


class TickerFrame(Struct, tag_field="channel", tag="ticker", gc=False):
    """Tickers, at each match.

    `{"channel":"ticker","client_id":"","timestamp":"2023-02-09T20:30:37.167359596Z",
    "sequence_num":0,"events":[{"type":"snapshot","tickers":[{"type":"ticker",
    "product_id":"BTC-USD","price":"21932.98","volume_24_h":"16038.28770938",
    "low_24_h":"21835.29","high_24_h":"23011.18","low_52_w":"15460","high_52_w":"48240",
    "price_percent_chg_24_h":"-4.15775596190603","best_bid":"21931.98",
    "best_bid_quantity":"8000.21","best_ask":"21933.98","best_ask_quantity":"8038.07770938"}]}]}`
    """

    sequence_num: Number
    events: tuple[TickerEvent, ...]
    timestamp: str = ""


class Candle(Struct, gc=False):
    """A candle of five minutes; `start` is in UNIX seconds, there is no closed flag."""

    start: str
    high: str
    low: str
    open: str
    close: str
    volume: str
    product_id: str


class CandleEvent(Struct, gc=False):
    """Candles, oldest first; an update repeats the running one."""

    type: Kind
    candles: tuple[Candle, ...]


class CandleFrame(Struct, tag_field="channel", tag="candles", gc=False):
    """Candles; a snapshot holds the last hundred of one product.

    `{"channel":"candles","client_id":"","timestamp":"2023-06-09T20:19:35.39625135Z",
    "sequence_num":0,"events":[{"type":"snapshot","candles":[{"start":"1688998200",
    "high":"1867.72","low":"1865.63","open":"1867.38","close":"1866.81","volume":"0.20269406",
    "product_id":"ETH-USD"}]}]}`
    """

    sequence_num: Number
    events: tuple[CandleEvent, ...]
    timestamp: str = ""


class HeartbeatEvent(Struct, gc=False):
    """`current_time` is of no format; the counter is text in the documents, a number live."""

    heartbeat_counter: int | str | None = None
    current_time: str | None = ""


class HeartbeatFrame(Struct, tag_field="channel", tag="heartbeats", gc=False):
    """One a second.

    `{"channel":"heartbeats","client_id":"","timestamp":"2023-06-23T20:31:26.122969572Z",
    "sequence_num":0,"events":[{"current_time":
    "2023-06-23 20:31:56.121961769 +0000 UTC m=+91717.525857105","heartbeat_counter":"3049"}]}`
    """

    sequence_num: Number
    events: tuple[HeartbeatEvent, ...]
    timestamp: str = ""


class SubscriptionsEvent(Struct, gc=False):
    """All subscriptions of the link, by the name of the channel as it is subscribed."""

    subscriptions: dict[str, list[str]]


class SubscriptionsFrame(Struct, tag_field="channel", tag="subscriptions", gc=False):
    """The answer to every request.

    `{"channel":"subscriptions","timestamp":"2026-08-09T21:05:48.229226136Z","sequence_num":8,
    "events":[{"subscriptions":{"candles":["ETH-USD","BTC-USD"],
    "market_trades":["BTC-USD","ETH-USD"],"ticker":["BTC-USD","ETH-USD"]}}]}`
    """

    sequence_num: Number
    events: tuple[SubscriptionsEvent, ...]
    timestamp: str = ""


class Envelope(Struct, gc=False):
    """What every numbered frame has, those of channels unknown here included.

    `{"channel":"status","client_id":"","timestamp":"2023-02-09T20:29:49.753424311Z",
    "sequence_num":0,"events":[...]}`
    """

    channel: str
    sequence_num: Number


class RowsOf(Struct, Generic[Wire], frozen=True):
    """The rows of one kind of event: the member that holds them, and how one is read."""

    member: Literal["updates", "trades", "tickers", "candles"]
    decode: Callable[[Raw], Wire]
    are_of_one_product: bool = False


class ErrorFrame(Struct, omit_defaults=True):
    """A request failed; it has neither channel nor number.

    `{"type":"error","message":"too many L2 streams requested in a single session"}` (seen live:
    https://github.com/JKorf/Coinbase.Net/issues/19)
    """

    type: Literal["error"]
    message: str
    reason: str = ""


class Product(Struct, omit_defaults=True, gc=False):
    """A market's rules; `price_increment` is the tick, `base_increment` the lot.

    `{"product_id":"BTC-USD","price":"68923.67","base_increment":"0.00000001",
    "quote_increment":"0.01","quote_min_size":"1","base_min_size":"0.00000001",
    "is_disabled":false,"status":"online","cancel_only":false,"limit_only":false,
    "post_only":false,"trading_disabled":false,"auction_mode":false,"product_type":"SPOT",
    "quote_currency_id":"USD","base_currency_id":"BTC","alias":"","alias_to":["BTC-USDC"],
    "view_only":false,"price_increment":"0.01","display_name":"BTC-USD"}`
    """

    product_id: str
    base_currency_id: str
    quote_currency_id: str
    price_increment: str
    base_increment: str
    base_min_size: str
    status: str | None = None
    quote_min_size: str | None = None
    is_disabled: bool | None = None
    cancel_only: bool | None = None
    limit_only: bool | None = None
    post_only: bool | None = None
    trading_disabled: bool | None = None
    view_only: bool | None = None


class ProductKind(Struct, gc=False):
    """What kind of market a row of the list is about; only `SPOT` is offered."""

    product_type: str


class Pagination(Struct, gc=False):
    """Whether the list of products goes on, and behind which cursor."""

    has_next: bool = False
    next_cursor: str = ""


class Products(Struct, gc=False):
    """The answer to GET /api/v3/brokerage/market/products, its rows as they came.

    Source: https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/public/list-public-products
    `{"products":[...],"num_products":920,"pagination":{"prev_cursor":"","next_cursor":"",
    "has_next":false,"has_prev":false}}` (live, 2026-08)
    """

    products: list[Raw]
    pagination: Raw = Raw(b"")


Frame = BookFrame | TradeFrame | TickerFrame | CandleFrame | HeartbeatFrame | SubscriptionsFrame

encode = msgspec.json.Encoder().encode
decode_frame = msgspec.json.Decoder(Frame).decode
decode_kind = msgspec.json.Decoder(Kind).decode
decode_envelope = msgspec.json.Decoder(Envelope).decode
decode_error = msgspec.json.Decoder(ErrorFrame).decode
decode_request = msgspec.json.Decoder(Request).decode
decode_products = msgspec.json.Decoder(Products).decode
_decode_pagination = msgspec.json.Decoder(Pagination).decode
decode_product = msgspec.json.Decoder(Product).decode
decode_product_kind = msgspec.json.Decoder(ProductKind).decode


def next_cursor(answer: Products) -> str:
    """The cursor behind which a list of products goes on; empty where it is whole."""
    try:
        pages = _decode_pagination(answer.pagination) if answer.pagination else Pagination()
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
    return pages.next_cursor if pages.has_next else ""


LEVELS = RowsOf("updates", msgspec.json.Decoder(Row).decode, are_of_one_product=True)
TRADES = RowsOf("trades", msgspec.json.Decoder(Trade).decode)
TICKERS = RowsOf("tickers", msgspec.json.Decoder(Ticker).decode)
CANDLES = RowsOf("candles", msgspec.json.Decoder(Candle).decode)
