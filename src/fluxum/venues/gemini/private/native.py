"""Gemini's messages about an account as they are on the wire, with a real payload beside each.

Sources: https://docs.gemini.com/websocket/order-events, https://docs.gemini.com/rest/orders and
https://developer.gemini.com/websocket/message-format, 2026-03. Only the fields that are used are
declared. Ids are whole numbers, mostly as text. An order of an event and of a list are the same but
for the field of its type.
"""

# ruff: noqa: N815 - native names stay as the venue spells them

from msgspec import Raw, Struct, field

from fluxum.venues.gemini.native import Error

__all__ = [
    "Canceled",
    "Change",
    "Execution",
    "Funds",
    "Kind",
    "Message",
    "Order",
    "Placed",
    "Stamp",
    "Trade",
    "Transfer",
]

Id = str | int


class Execution(Struct):
    """A fill within an event.

    `{"trade_id":"109535970","liquidity":"Maker","price":"3592.23","amount":"1","fee":"8.980575",
    "fee_currency":"USD"}`
    """

    trade_id: Id
    price: str
    amount: str
    liquidity: str = ""
    fee: str = ""
    fee_currency: str = ""


class Order(Struct):
    """An order: an event, where `type` is that of the event, or a row of a list, where it is its.

    `{"type":"booked","order_id":"2329463034","event_id":"2329463044","account_name":"primary",
    "client_order_id":"4aukltbw","api_session":"account-8BDIOhP2VnBAzQHAn6DT","symbol":"btcusd",
    "side":"buy","order_type":"exchange limit","timestamp":"1683743074",
    "timestampms":1683743074294,"is_live":true,"is_cancelled":false,"is_hidden":false,
    "avg_execution_price":"0.00","executed_amount":"0","remaining_amount":"0.1",
    "original_amount":"0.1","price":"10001.10","socket_sequence":36}`

    `{"order_id":"107421205","id":"107421205","symbol":"ethusd","exchange":"gemini",
    "avg_execution_price":"125.41","side":"buy","type":"exchange limit","timestamp":"1547241626",
    "timestampms":1547241626991,"is_live":true,"is_cancelled":false,"is_hidden":false,
    "was_forced":false,"executed_amount":"0.029147","remaining_amount":"0.970853","options":[],
    "price":"125.42","original_amount":"1"}`

    The three fields at the end are those of an older sample.
    """

    order_id: Id
    symbol: str
    side: str
    type: str
    order_type: str = ""
    client_order_id: str = ""
    timestampms: int | None = None
    is_live: bool = False
    is_cancelled: bool = False
    price: str = ""
    stop_price: str = ""
    original_amount: str = ""
    executed_amount: str = ""
    remaining_amount: str = ""
    avg_execution_price: str = ""
    behavior: str = ""
    options: tuple[str, ...] = ()
    reason: str = ""
    fill: Execution | None = None
    socket_sequence: int | None = None
    timestampMs: int | None = None
    total_executed_amount: str = ""
    original_price: str = ""


class Kind(Struct):
    """A frame of the order events that is no array of them.

    `{"type":"subscription_ack","accountId":5365,
    "subscriptionId":"ws-order-events-5365-b8bk32clqeb13g9tk8p0","symbolFilter":["btcusd"],
    "apiSessionFilter":["UI"],"eventTypeFilter":["fill","closed"]}`

    `{"type":"heartbeat","timestampms":1683742950463,"sequence":0,
    "trace_id":"aecf3eba16bedfd598fc6d3edfc5c7a2","socket_sequence":10}`

    `{"result":"error","reason":"MissingRole","message":"To access this endpoint, ..."}`
    """

    type: str = ""
    timestampms: int | None = None
    socket_sequence: int | None = None
    result: str = ""
    reason: str = ""


class Trade(Struct):
    """A fill of the list; `break` is `full` for one that counts no more.

    `{"price":"3648.09","amount":"0.0027343246","timestamp":1547232911,
    "timestampms":1547232911021,"type":"Buy","aggressor":true,"fee_currency":"USD",
    "fee_amount":"0.024937655575035","tid":107317526,"order_id":"107317524","exchange":"gemini",
    "is_clearing_fill":false,"symbol":"BTCUSD"}`
    """

    price: str
    amount: str
    timestampms: int
    type: str
    tid: Id
    order_id: Id
    symbol: str
    aggressor: bool | None = None
    fee_currency: str = ""
    fee_amount: str = ""
    client_order_id: str = ""
    broken: str = field(name="break", default="")


class Stamp(Struct):
    """When a row of any list was, or was placed."""

    timestampms: int


class Funds(Struct):
    """What is held of one asset.

    `{"type":"exchange","currency":"BTC","amount":"5.0","available":"4.5",
    "availableForWithdrawal":"4.5","pendingWithdrawal":"0.25","pendingDeposit":"0.25"}`
    """

    currency: str
    amount: str
    available: str = ""


class Transfer(Struct):
    """What came in or went out.

    `{"type":"Deposit","status":"Advanced","timestampms":1507913541275,"eid":320013281,
    "currency":"USD","amount":"36.00","method":"ACH"}`
    """

    type: str
    status: str
    timestampms: int
    eid: Id
    currency: str
    amount: str
    feeAmount: str = ""
    feeCurrency: str = ""


class Change(Struct):
    """An asset of which something has changed: `{"a":"USD","f":"207.39"}`."""

    a: str


class Canceled(Struct):
    """The answer to a cancel of all orders, or to a heartbeat, which has no details.

    `{"result":"ok","details":{"cancelRejects":[],"cancelledOrders":[330429106,330429079]}}`
    """

    result: str = ""
    details: dict[str, tuple[Id, ...]] | None = None


class Placed(Struct):
    """The ids of an order that an answer is about; the WebSocket's may be without them."""

    orderId: Id = ""
    order_id: Id = ""
    clientOrderId: str = ""
    client_order_id: str = ""


class Message(Struct):
    """Any frame of ws.gemini.com: an answer, or what happened to balances.

    `{"id":"1","status":401,"error":{"code":-1002,"msg":"Authentication required"}}`

    `{"e":"balanceUpdate","E":1768250434780,"u":1768250421600,"B":[{"a":"USD","f":"207.39"}]}`
    """

    id: str | int | None = None
    status: int | None = None
    error: Error | None = None
    result: Raw = Raw(b"{}")
    e: str = ""
    B: tuple[Raw, ...] = ()
