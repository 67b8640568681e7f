"""Binance's wire in both directions: one Struct a message, a real payload quoted beside each.

Source of every type, unless it names another: the streams page of spot,
https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-streams.md, and of futures,
https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams.
Only the fields that are used are declared; the venue may add others at any time. What is not
needed to make sense of a message may be missing or `null`. Names are the venue's, where the case
of a letter matters: `U` is the first update, `u` the last.
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
    "MarketEvent",
    "MarketName",
    "Outline",
    "Request",
    "Row",
    "ServerShutdown",
    "Tag",
    "Ticker",
    "Trade",
    "decode_book_ticker",
    "decode_depth",
    "decode_depth_update",
    "decode_event",
    "decode_exchange_info",
    "decode_fault",
    "decode_frame",
    "decode_market",
    "decode_market_name",
    "decode_outline",
    "decode_request",
    "decode_row",
    "decode_tag",
    "encode",
]

Start = Annotated[int, Meta(ge=0, lt=4_102_444_800_000)]
"""When a candle starts, in milliseconds before the year 2100."""
Number = Annotated[int, Meta(ge=0, lt=2**62)]
Row = tuple[str, str]
"""A level: price and quantity."""


class DepthUpdate(Struct, tag_field="e", tag="depthUpdate", gc=False, omit_defaults=True):
    """Changes of a book: absolute quantities, of updates `U` to `u`; zero removes the level.

    `{"e":"depthUpdate","E":1672515782136,"s":"BNBBTC","U":157,"u":160,"b":[["0.0024","10"]],
    "a":[["0.0026","100"]]}`; on futures with `"T":123456788` and `"pu":149`, the last update of
    the event before.
    """

    u: Number
    b: list[Row]
    a: list[Row]
    E: int | None = None
    s: str | None = None
    U: Number | None = None
    T: int | None = None
    pu: Number | None = None


class Trade(Struct, tag_field="e", tag="trade", gc=False, kw_only=True):
    """One match; if `m` is true, the buyer's order rested and the taker sold.

    `{"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,"p":"0.001","q":"100",
    "T":1672515782136,"m":true,"M":true}`; on futures with `"X":"MARKET"`. Other words there are
    no match in the book: `INSURANCE_FUND`, `ADL`
    (https://github.com/QuantConnect/Lean.Brokerages.Binance/issues/28), and `NA` at a price of
    zero, an id that no trade has (https://docs.rs/crate/maxt, docs/providers, seen 2026-07-30).
    """

    E: int | None = None
    s: str | None = None
    t: Number
    p: str
    q: str
    T: int | None = None
    m: bool
    M: bool = True
    X: str | UnsetType | None = UNSET


class AggTrade(Struct, tag_field="e", tag="aggTrade", gc=False, kw_only=True):
    """All that one taker's order took at one price: trades `f` to `l`.

    `{"e":"aggTrade","E":1672515782136,"s":"BNBBTC","a":12345,"p":"0.001","q":"100","f":100,
    "l":105,"T":1672515782136,"m":true,"M":true}`
    """

    E: int | None = None
    s: str | None = None
    a: Number
    p: str
    q: str
    f: int | None = None
    l: int | None = None  # noqa: E741 - the venue's name
    T: int | None = None
    m: bool


class KlineBar(Struct, gc=False, kw_only=True):
    """A candle; `T` is its last millisecond, `x` is true once it is closed."""

    t: Start
    T: int | None = None
    s: str | None = None
    i: str
    f: int | None = None
    L: int | None = None
    o: str
    c: str
    h: str
    l: str  # noqa: E741 - the venue's name
    v: str
    n: Number | None = None
    x: bool
    q: str | None = "0"
    V: str | None = "0"
    Q: str | None = "0"
    B: str | None = "0"


class Kline(Struct, tag_field="e", tag="kline", gc=False, kw_only=True):
    """The running candle, every second or two, and once when it is closed.

    `{"e":"kline","E":1672515782136,"s":"BNBBTC","k":{"t":1672515780000,"T":1672515839999,
    "s":"BNBBTC","i":"1m","f":100,"L":200,"o":"0.0010","c":"0.0020","h":"0.0025","l":"0.0015",
    "v":"1000","n":100,"x":false,"q":"1.0000","V":"500","Q":"0.500","B":"123456"}}`
    """

    E: int | None = None
    s: str | None = None
    k: KlineBar


class Ticker(Struct, tag_field="e", tag="24hrTicker", gc=False, omit_defaults=True, kw_only=True):
    """The last 24 hours; futures lack `x`, `b`, `B`, `a` and `A`.

    `{"e":"24hrTicker","E":1672515782136,"s":"BNBBTC","p":"0.0015","P":"250.00","w":"0.0018",
    "x":"0.0009","c":"0.0025","Q":"10","b":"0.0024","B":"10","a":"0.0026","A":"100","o":"0.0010",
    "h":"0.0025","l":"0.0010","v":"10000","q":"18","O":0,"C":86400000,"F":0,"L":18150,"n":18151}`
    """

    E: int | None = None
    s: str | None = None
    p: str | None = None
    P: str | None = None
    w: str | None = None
    x: str | None = None
    c: str | None = None
    Q: str | None = None
    b: str | None = None
    B: str | None = None
    a: str | None = None
    A: str | None = None
    o: str | None = None
    h: str | None = None
    l: str | None = None  # noqa: E741 - the venue's name
    v: str | None = None
    q: str | None = None
    O: int | None = None  # noqa: E741 - the venue's name
    C: int | None = None
    F: int | None = None
    L: int | None = None
    n: Number | None = None


class BookTicker(
    Struct, tag_field="e", tag="bookTicker", gc=False, omit_defaults=True, kw_only=True
):
    """The best levels. On spot it has no tag and no time.

    `{"u":400900217,"s":"BNBUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000",
    "A":"40.66000000"}`; on futures with `"e":"bookTicker","T":1568014460891,"E":1568014460893`.
    """

    u: int | None = None
    s: str | None = None
    b: str | None
    B: str | None = None
    a: str | None
    A: str | None = None
    T: int | None = None
    E: int | None = None


class ServerShutdown(Struct, tag_field="e", tag="serverShutdown", gc=False):
    """The server is about to go away; a replacement is to be opened at once.

    `{"e":"serverShutdown","E":1770123456789}`, wrapped with the stream `!serverShutdown`.
    """

    E: int | None = None


MarketEvent = DepthUpdate | Trade | AggTrade | Kline | Ticker | BookTicker
Event = MarketEvent | ServerShutdown
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
    """What can be read of a frame that is no event of a known stream.

    An answer, `{"result":null,"id":1}`, whose error is documented flat, `{"code":2,"msg":"...",
    "id":1}`, and sent nested, `{"error":{"code":2,"msg":"..."},"id":1}`
    (https://github.com/ctubio/Krypto-trading-bot/issues/1121). Or an event that is not wrapped,
    with its tag in `e` and its market in `s`, or one of another kind, with its content in `data`.
    """

    id: int | str | None = None
    result: list[str] | bool | UnsetType | None = UNSET
    error: Fault | None = None
    code: int | None = None
    msg: str = ""
    stream: str | None = None
    data: Raw = msgspec.field(default_factory=Raw)
    e: str | None = None
    s: str | None = None


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
    E: int | None = None
    T: int | None = None


class Filter(Struct):
    """One rule of a market; of many kinds, these fields are of those that are used.

    `{"filterType":"PRICE_FILTER","minPrice":"0.00000100","maxPrice":"100000.00000000",
    "tickSize":"0.00000100"}`. There may be more kinds at any time, whose fields of these names may
    be anything.
    Source: https://github.com/binance/binance-spot-api-docs/blob/master/filters.md
    """

    filterType: object = None  # noqa: N815 - the venue's name
    tickSize: object = None  # noqa: N815 - the venue's name
    stepSize: object = None  # noqa: N815 - the venue's name
    minQty: object = None  # noqa: N815 - the venue's name
    minNotional: object = None  # noqa: N815 - the venue's name
    notional: object = None


class Market(Struct):
    """A market's rules, as `exchangeInfo` lists them; contracts have what they are and their end.

    `{"symbol":"ETHBTC","status":"TRADING","baseAsset":"ETH","baseAssetPrecision":8,
    "quoteAsset":"BTC","quotePrecision":8,...,"filters":[...]}`; of futures also
    `"contractType":"PERPETUAL","deliveryDate":4133404800000`.
    Source: https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md#exchange-information
    """

    symbol: str
    baseAsset: str  # noqa: N815 - the venue's name
    quoteAsset: str  # noqa: N815 - the venue's name
    status: str | None = None
    baseAssetPrecision: int = 8  # noqa: N815 - the venue's name
    quotePrecision: int = 8  # noqa: N815 - the venue's name
    filters: tuple[Filter, ...] = ()
    contractType: str | None = None  # noqa: N815 - the venue's name
    deliveryDate: int | None = None  # noqa: N815 - the venue's name


class MarketName(Struct):
    """The name of a market whose row cannot be read."""

    symbol: str


class ExchangeInfo(Struct):
    """The venue's list of markets; `{"timezone":"UTC","serverTime":1565246363776,"symbols":[...]}`.

    Source: https://github.com/binance/binance-spot-api-docs/blob/master/rest-api.md#exchange-information
    """

    symbols: list[Raw]
    serverTime: int | None = None  # noqa: N815 - the venue's name


encode = msgspec.json.Encoder().encode
decode_frame = msgspec.json.Decoder(Frame).decode
decode_event = msgspec.json.Decoder(Event).decode
decode_book_ticker = msgspec.json.Decoder(BookTicker).decode
decode_outline = msgspec.json.Decoder(Outline).decode
decode_tag = msgspec.json.Decoder(Tag).decode
decode_request = msgspec.json.Decoder(Request).decode
decode_fault = msgspec.json.Decoder(Fault).decode
decode_depth_update = msgspec.json.Decoder(DepthUpdate).decode
decode_depth = msgspec.json.Decoder(Depth).decode
decode_exchange_info = msgspec.json.Decoder(ExchangeInfo).decode
decode_market = msgspec.json.Decoder(Market).decode
decode_market_name = msgspec.json.Decoder(MarketName).decode
decode_row = msgspec.json.Decoder(Row).decode
