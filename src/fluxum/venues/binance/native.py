"""Binance's wire in both directions: one Struct a message, a real payload quoted beside each.

Source of every type, unless it names another: the streams page of spot,
https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-streams.md, and of futures,
https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams.
Only the fields that are used are declared; the venue may add others at any time. Names are the
venue's, where the case of a letter matters: `U` is the first update, `u` the last.
"""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

__all__ = [
    "EVENTS",
    "AggTrade",
    "BookTicker",
    "Depth",
    "DepthUpdate",
    "Event",
    "ExchangeInfo",
    "Fault",
    "Filter",
    "Frame",
    "Kline",
    "KlineBar",
    "Market",
    "MiniTicker",
    "Outline",
    "Request",
    "Row",
    "ServerShutdown",
    "Tag",
    "Ticker",
    "Trade",
    "decode_book_ticker",
    "decode_depth",
    "decode_event",
    "decode_exchange_info",
    "decode_frame",
    "decode_outline",
    "decode_request",
    "decode_tag",
    "encode",
]

Millis = Annotated[int, Meta(ge=0, lt=10**14)]
Number = Annotated[int, Meta(ge=0, lt=2**62)]
Row = tuple[str, str]
"""A level: price and quantity."""


class DepthUpdate(Struct, tag_field="e", tag="depthUpdate", gc=False, omit_defaults=True):
    """Changes of a book: absolute quantities, of updates `U` to `u`; zero removes the level.

    `{"e":"depthUpdate","E":1672515782136,"s":"BNBBTC","U":157,"u":160,"b":[["0.0024","10"]],
    "a":[["0.0026","100"]]}`; on futures with `"T":123456788` and `"pu":149`, the last update of
    the event before.
    """

    E: Millis
    s: str
    U: Number
    u: Number
    b: list[Row]
    a: list[Row]
    T: Millis | None = None
    pu: Number | None = None


class Trade(Struct, tag_field="e", tag="trade", gc=False):
    """One match; `m` tells that the buyer's order rested, so that the taker sold.

    `{"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,"p":"0.001","q":"100",
    "T":1672515782136,"m":true,"M":true}`
    """

    E: Millis
    s: str
    t: Number
    p: str
    q: str
    T: Millis
    m: bool
    M: bool = True


class AggTrade(Struct, tag_field="e", tag="aggTrade", gc=False):
    """All that one taker's order took at one price: trades `f` to `l`.

    `{"e":"aggTrade","E":1672515782136,"s":"BNBBTC","a":12345,"p":"0.001","q":"100","f":100,
    "l":105,"T":1672515782136,"m":true,"M":true}`
    """

    E: Millis
    s: str
    a: Number
    p: str
    q: str
    f: int
    l: int  # noqa: E741 - the venue's name
    T: Millis
    m: bool


class KlineBar(Struct, gc=False):
    """A candle; `T` is its last millisecond, `x` tells that it is closed."""

    t: Millis
    T: Millis
    s: str
    i: str
    f: int
    L: int
    o: str
    c: str
    h: str
    l: str  # noqa: E741 - the venue's name
    v: str
    n: Number
    x: bool
    q: str = "0"
    V: str = "0"
    Q: str = "0"
    B: str = "0"


class Kline(Struct, tag_field="e", tag="kline", gc=False):
    """The running candle, every second or two, and once when it is closed.

    `{"e":"kline","E":1672515782136,"s":"BNBBTC","k":{"t":1672515780000,"T":1672515839999,
    "s":"BNBBTC","i":"1m","f":100,"L":200,"o":"0.0010","c":"0.0020","h":"0.0025","l":"0.0015",
    "v":"1000","n":100,"x":false,"q":"1.0000","V":"500","Q":"0.500","B":"123456"}}`
    """

    E: Millis
    s: str
    k: KlineBar


class Ticker(Struct, tag_field="e", tag="24hrTicker", gc=False, omit_defaults=True):
    """The last 24 hours; futures lack `x`, `b`, `B`, `a` and `A`.

    `{"e":"24hrTicker","E":1672515782136,"s":"BNBBTC","p":"0.0015","P":"250.00","w":"0.0018",
    "x":"0.0009","c":"0.0025","Q":"10","b":"0.0024","B":"10","a":"0.0026","A":"100","o":"0.0010",
    "h":"0.0025","l":"0.0010","v":"10000","q":"18","O":0,"C":86400000,"F":0,"L":18150,"n":18151}`
    """

    E: Millis
    s: str
    p: str
    P: str
    w: str
    c: str
    Q: str
    o: str
    h: str
    l: str  # noqa: E741 - the venue's name
    v: str
    q: str
    O: int  # noqa: E741 - the venue's name
    C: int
    F: int
    L: int
    n: Number
    x: str | None = None
    b: str | None = None
    B: str | None = None
    a: str | None = None
    A: str | None = None


class MiniTicker(Struct, tag_field="e", tag="24hrMiniTicker", gc=False):
    """The last 24 hours in short, as other people's clients ask for it; we never do.

    `{"e":"24hrMiniTicker","E":1672515782136,"s":"BNBBTC","c":"0.0025","o":"0.0010","h":"0.0025",
    "l":"0.0010","v":"10000","q":"18"}`
    """

    E: Millis
    s: str
    c: str
    o: str
    h: str
    l: str  # noqa: E741 - the venue's name
    v: str
    q: str


class BookTicker(Struct, tag_field="e", tag="bookTicker", gc=False, omit_defaults=True):
    """The best levels. On spot it has no tag and no time.

    `{"u":400900217,"s":"BNBUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000",
    "A":"40.66000000"}`; on futures with `"e":"bookTicker","T":1568014460891,"E":1568014460893`.
    """

    u: Number
    s: str
    b: str
    B: str
    a: str
    A: str
    T: Millis | None = None
    E: Millis | None = None


class ServerShutdown(Struct, tag_field="e", tag="serverShutdown", gc=False):
    """The server is about to go away; a replacement is to be opened at once.

    `{"e":"serverShutdown","E":1770123456789}`, wrapped with the stream `!serverShutdown`.
    """

    E: Millis


Event = DepthUpdate | Trade | AggTrade | Kline | Ticker | BookTicker | ServerShutdown
EVENTS = frozenset(str(one.__struct_config__.tag) for one in Event.__args__)
"""The values of `e` that are understood."""


class Frame(Struct, gc=False):
    """An event of a combined connection, with the name of its stream.

    `{"stream":"btcusdt@trade","data":{"e":"trade",...}}`
    """

    stream: str
    data: Event


class Request(Struct, omit_defaults=True):
    """A client's request.

    `{"method":"SUBSCRIBE","params":["btcusdt@aggTrade","btcusdt@depth"],"id":1}`
    """

    method: str
    params: list[str | bool] | None = None
    id: int | str | None = None


class Fault(Struct):
    """Why a request is refused; `{"code":2,"msg":"Invalid request: invalid stream"}`."""

    code: int
    msg: str


class Outline(Struct):
    """What can be told of a frame that is no event of a known stream.

    An answer, `{"result":null,"id":1}`, whose error is documented flat, `{"code":2,"msg":"...",
    "id":1}`, and sent nested, `{"error":{"code":2,"msg":"..."},"id":1}`
    (https://github.com/ctubio/Krypto-trading-bot/issues/1121). Or an event that is not wrapped,
    with its tag in `e`, or one of another kind, with its content in `data`.
    """

    id: int | str | None = None
    result: list[str] | bool | UnsetType | None = UNSET
    error: Fault | None = None
    code: int | None = None
    msg: str = ""
    stream: str | None = None
    data: Raw = msgspec.field(default_factory=Raw)
    e: str | None = None


class Tag(Struct):
    """The kind of an event; empty where it has none."""

    e: str = ""


class Depth(Struct, omit_defaults=True):
    """A whole book, from REST: best levels first, as of update `lastUpdateId`.

    `{"lastUpdateId":1027024,"bids":[["4.00000000","431.00000000"]],
    "asks":[["4.00000200","12.00000000"]]}`; on futures with `"E":1617647797886` and
    `"T":1617647797881`, the time of that update.
    Source: https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md#order-book
    """

    lastUpdateId: Number  # noqa: N815 - the venue's name
    bids: list[Row]
    asks: list[Row]
    E: Millis | None = None
    T: Millis | None = None


class Filter(Struct, omit_defaults=True):
    """One rule of a market; of many kinds, these fields are of those that are used.

    `{"filterType":"PRICE_FILTER","minPrice":"0.00000100","maxPrice":"100000.00000000",
    "tickSize":"0.00000100"}`
    Source: https://github.com/binance/binance-spot-api-docs/blob/master/filters.md
    """

    filterType: str  # noqa: N815 - the venue's name
    tickSize: str | None = None  # noqa: N815 - the venue's name
    stepSize: str | None = None  # noqa: N815 - the venue's name
    minQty: str | None = None  # noqa: N815 - the venue's name
    minNotional: str | None = None  # noqa: N815 - the venue's name
    notional: str | None = None


class Market(Struct):
    """A market's rules, as `exchangeInfo` lists them; futures have `pricePrecision` as well.

    `{"symbol":"ETHBTC","status":"TRADING","baseAsset":"ETH","baseAssetPrecision":8,
    "quoteAsset":"BTC","quotePrecision":8,...,"filters":[...]}`
    Source: https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md#exchange-information
    """

    symbol: str
    status: str
    baseAsset: str  # noqa: N815 - the venue's name
    quoteAsset: str  # noqa: N815 - the venue's name
    baseAssetPrecision: int = 8  # noqa: N815 - the venue's name
    quotePrecision: int = 8  # noqa: N815 - the venue's name
    filters: tuple[Filter, ...] = ()


class ExchangeInfo(Struct):
    """The venue's list of markets; `{"timezone":"UTC","serverTime":1565246363776,"symbols":[...]}`.

    Source: https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md#exchange-information
    """

    serverTime: Millis  # noqa: N815 - the venue's name
    symbols: tuple[Market, ...]


encode = msgspec.json.Encoder().encode
decode_frame = msgspec.json.Decoder(Frame).decode
decode_event = msgspec.json.Decoder(Event).decode
decode_book_ticker = msgspec.json.Decoder(BookTicker).decode
decode_outline = msgspec.json.Decoder(Outline).decode
decode_tag = msgspec.json.Decoder(Tag).decode
decode_request = msgspec.json.Decoder(Request).decode
decode_depth = msgspec.json.Decoder(Depth).decode
decode_exchange_info = msgspec.json.Decoder(ExchangeInfo).decode
