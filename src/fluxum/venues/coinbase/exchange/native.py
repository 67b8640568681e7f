"""The Exchange feed's wire in both directions: one Struct a message, a real payload beside each.

Source of every type, unless it names another:
https://docs.cdp.coinbase.com/exchange/websocket-feed/channels
Numbers are quoted on the wire and stay text here, but for sequences and trade ids.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Raw, Struct

__all__ = [
    "Change",
    "ChannelList",
    "ErrorFrame",
    "Frame",
    "Heartbeat",
    "L2Update",
    "LastMatch",
    "Level",
    "Match",
    "Outline",
    "Product",
    "Request",
    "Side",
    "Snapshot",
    "Subscriptions",
    "Ticker",
    "decode_book",
    "decode_change",
    "decode_frame",
    "decode_level",
    "decode_outline",
    "decode_product",
    "decode_products",
    "decode_request",
    "decode_text",
    "encode",
]

Number = Annotated[int, Meta(ge=0)]
Side = Literal["buy", "sell"]
Level = tuple[str, str]
"""Price and quantity."""
Change = tuple[Side, str, str]
"""Side, price and quantity, zero where the level is gone."""


class ChannelList(Struct):
    """A channel and its products; `{"name":"ticker","product_ids":["ETH-BTC","ETH-USD"]}`."""

    name: str
    product_ids: list[str] = []


class Request(Struct, omit_defaults=True):
    """A client's request; root products apply to every channel. Its text hides the login.

    `{"type":"subscribe","product_ids":["BTC-USD"],"channels":["full"],"signature":"...",
    "key":"...","passphrase":"...","timestamp":"..."}`
    (https://docs.cdp.coinbase.com/exchange/websocket-feed/authentication)
    """

    type: str
    product_ids: list[str] = []
    channels: list[str | ChannelList] = []
    signature: str = ""
    key: str = ""
    passphrase: str = ""
    timestamp: str = ""

    def __repr__(self) -> str:
        """The request without its login."""
        signed = ", signed" if self.signature else ""
        return f"Request({self.type!r}, {self.product_ids}, {self.channels}{signed})"


class Subscriptions(Struct, tag_field="type", tag="subscriptions"):
    """The answer to every request: all that the link is subscribed to.

    `{"type":"subscriptions","channels":[{"name":"level2","product_ids":["ETH-USD","ETH-EUR"]},
    {"name":"heartbeat","product_ids":["ETH-USD","ETH-EUR"]}]}`
    """

    channels: list[ChannelList]


class ErrorFrame(Struct, omit_defaults=True, tag_field="type", tag="error"):
    """A request failed as a whole, its valid products too.

    `{"type":"error","message":"Failed to subscribe","reason":"GMT-USDT is not a valid product"}`
    (https://docs.cdp.coinbase.com/exchange/websocket-feed/errors)
    """

    message: str = ""
    reason: str = ""


class Snapshot(Struct, omit_defaults=True, tag_field="type", tag="snapshot", gc=False):
    """A whole book.

    `{"type":"snapshot","product_id":"BTC-USD","bids":[["10101.10","0.45054140"]],
    "asks":[["10102.55","0.57753524"]]}`
    """

    product_id: str
    asks: tuple[Level, ...]
    bids: tuple[Level, ...]
    time: str | None = ""


class L2Update(Struct, tag_field="type", tag="l2update", gc=False):
    """Levels that changed, zero for those gone; the text of a price may differ from before.

    `{"type":"l2update","product_id":"BTC-USD","changes":[["buy","22356.270000","0.00000000"],
    ["buy","22356.300000","1.00000000"]],"time":"2022-08-04T15:25:05.010758Z"}`
    """

    product_id: str
    changes: tuple[Change, ...]
    time: str | None = ""


class Ticker(Struct, omit_defaults=True, tag_field="type", tag="ticker", gc=False):
    """The last match and the best levels at that moment; `side` is the taker's.

    `{"type":"ticker","sequence":37475248783,"product_id":"ETH-USD","price":"1285.22",
    "open_24h":"1310.79","volume_24h":"245532.79269678","low_24h":"1280.52","high_24h":"1313.8",
    "volume_30d":"9788783.60117027","best_bid":"1285.04","best_bid_size":"0.46688654",
    "best_ask":"1285.27","best_ask_size":"1.56637040","side":"buy",
    "time":"2022-10-19T23:28:22.061769Z","trade_id":370843401,"last_size":"11.4396987"}`
    """

    product_id: str
    sequence: Number | None = None
    price: str | None = None
    open_24h: str | None = None
    volume_24h: str | None = None
    low_24h: str | None = None
    high_24h: str | None = None
    volume_30d: str | None = None
    best_bid: str | None = None
    best_bid_size: str | None = None
    best_ask: str | None = None
    best_ask_size: str | None = None
    side: str | None = None
    time: str | None = None
    trade_id: Number | None = None
    last_size: str | None = None


class Match(Struct, tag_field="type", tag="match", gc=False):
    """A trade; `side` is the maker's, and ids count up by one in each product.

    `{"type":"match","trade_id":10,"sequence":50,
    "maker_order_id":"ac928c66-ca53-498f-9c13-a110027a60e8",
    "taker_order_id":"132fb6ae-456b-4654-b4e0-d681ac05cea1","time":"2014-11-07T08:19:27.028459Z",
    "product_id":"BTC-USD","size":"5.23512","price":"400.23","side":"sell"}`
    """

    product_id: str
    trade_id: Number
    side: Side
    size: str
    price: str
    time: str | None = ""
    sequence: Number | None = 0
    maker_order_id: str | None = ""
    taker_order_id: str | None = ""


class LastMatch(Struct, tag_field="type", tag="last_match", gc=False):
    """The last trade before a subscription began; otherwise a Match.

    `{"type":"last_match","trade_id":563678,
    "maker_order_id":"a714a99e-e437-46dc-890e-a8bc12d3f306",
    "taker_order_id":"3560b5fa-dbc1-48eb-b3a2-e29cdbd110e5","side":"sell","size":"70",
    "price":"0.4394","product_id":"NU-GBP","sequence":108779525,
    "time":"2021-04-17T16:43:18.435588Z"}`
    """

    product_id: str
    trade_id: Number
    side: Side
    size: str
    price: str
    time: str | None = ""
    sequence: Number | None = 0
    maker_order_id: str | None = ""
    taker_order_id: str | None = ""


class Heartbeat(Struct, tag_field="type", tag="heartbeat", gc=False):
    """One a second for each product, with the last trade's id.

    `{"type":"heartbeat","sequence":90,"last_trade_id":20,"product_id":"BTC-USD",
    "time":"2014-11-07T08:19:28.464459Z"}`
    """

    product_id: str
    last_trade_id: Number
    time: str | None = ""
    sequence: Number | None = 0


class Outline(Struct):
    """What every message has; one of a type unknown here is to be ignored.

    `{"type":"auction","product_id":"LTC-USD",...}`
    (https://docs.cdp.coinbase.com/exchange/websocket-feed/overview)
    """

    type: str


class Product(Struct, omit_defaults=True, gc=False):
    """A market's rules; `quote_increment` is the tick, `base_increment` the lot.

    `{"id":"BTC-USD","base_currency":"BTC","quote_currency":"USD","base_increment":"0.00000001",
    "quote_increment":"0.01","display_name":"BTC-USD","status":"online","status_message":null,
    "min_market_funds":"10","post_only":false,"limit_only":false,"cancel_only":false}`
    (the channel `status` publishes what GET /products lists:
    https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/introduction)
    """

    id: str
    base_currency: str
    quote_currency: str
    quote_increment: str
    base_increment: str
    status: str | None = None
    min_market_funds: str | None = None
    post_only: bool | None = None
    limit_only: bool | None = None
    cancel_only: bool | None = None
    trading_disabled: bool | None = None


Frame = Snapshot | L2Update | Ticker | Match | LastMatch | Heartbeat | Subscriptions | ErrorFrame

encode = msgspec.json.Encoder().encode
decode_frame = msgspec.json.Decoder(Frame).decode
decode_outline = msgspec.json.Decoder(Outline).decode
decode_request = msgspec.json.Decoder(Request).decode
decode_products = msgspec.json.Decoder(list[Raw]).decode
decode_product = msgspec.json.Decoder(Product).decode
decode_book = msgspec.json.Decoder(Snapshot | L2Update).decode
decode_level = msgspec.json.Decoder(Level).decode
decode_change = msgspec.json.Decoder(Change).decode
decode_text = msgspec.json.Decoder(str).decode
