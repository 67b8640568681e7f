"""Binance's messages about an account as they are on the wire, with a real payload beside each.

Sources: https://github.com/binance/binance-spot-api-docs/blob/master/user-data-stream.md,
web-socket-api.md and rest-api.md, 2026-07. Only the fields that are used are declared. What a
stream sends as well has longer names in lists, and becomes the stream's own Struct.
"""

# ruff: noqa: N815 - native names stay as the venue spells them

from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from fluxum.venues.binance.native import Fault, Number

__all__ = [
    "ORDER_NAMES",
    "AccountPosition",
    "BalanceRow",
    "BalanceUpdate",
    "Deposit",
    "ExternalLockUpdate",
    "Frame",
    "Holdings",
    "MyTrade",
    "OrderReport",
    "OrderResult",
    "Tag",
    "Timed",
    "Withdrawal",
    "decode_holding",
    "decode_order",
    "renamed",
]

Wire = TypeVar("Wire", bound=Struct)


class Frame(Struct):
    """Any frame of the WebSocket API: an answer, or an event of the account.

    `{"id":"d3df8a22","status":200,"result":{"subscriptionId":0}}`

    `{"id":"56374a46","status":400,"error":{"code":-2011,"msg":"Unknown order sent."},"rateLimits":
    [{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":50,"count":13}]}`

    `{"subscriptionId":0,"event":{"e":"balanceUpdate",...}}`; the notice of a shutdown is without a
    subscription: `{"event":{"e":"serverShutdown","E":1770123456789}}`.
    """

    id: str | int | None = None
    status: int = 200
    result: Raw = Raw(b"null")
    error: Fault | None = None
    event: Raw = Raw()


class Tag(Struct):
    """The kind and the time of an event."""

    e: str
    E: int | None = None


class OrderReport(Struct, kw_only=True):
    """An order, whole, with its last execution; `executionReport` of a stream, a row of a list.

    `C` is the order's own name if it is canceled: then `c` is the name of the cancel. What other
    markets filled (SOR) is no trade, but an allocation `a`.

    `{"e":"executionReport","E":1499405658658,"s":"ETHBTC","c":"mUvoqJxFIILMdfAW5iGSOW","S":"BUY",
    "o":"LIMIT","f":"GTC","q":"1.00000000","p":"0.10264410","P":"0.00000000","F":"0.00000000",
    "g":-1,"C":"","x":"NEW","X":"NEW","r":"NONE","i":4293153,"l":"0.00000000","z":"0.00000000",
    "L":"0.00000000","n":"0","N":null,"T":1499405658657,"t":-1,"I":8641984,"w":true,"m":false,
    "M":false,"O":1499405658657,"Z":"0.00000000","Y":"0.00000000","Q":"0.00000000"}`
    """

    s: str
    i: Number
    c: str = ""
    C: str = ""
    S: str
    o: str
    f: str = ""
    q: str
    p: str = ""
    P: str = ""
    F: str = ""
    Q: str = ""
    d: int | None = None
    x: str = ""
    X: str
    r: str = "NONE"
    eR: str = ""
    w: bool = True
    z: str = ""
    Z: str = ""
    l: str = ""  # noqa: E741 - the venue's name
    L: str = ""
    n: str | None = None
    N: str | None = None
    t: int = -1
    a: int | None = None
    m: bool = False
    O: int | None = None  # noqa: E741 - the venue's name
    T: int | None = None


ORDER_NAMES = {
    "symbol": "s",
    "orderId": "i",
    "clientOrderId": "c",
    "side": "S",
    "type": "o",
    "timeInForce": "f",
    "origQty": "q",
    "price": "p",
    "stopPrice": "P",
    "icebergQty": "F",
    "origQuoteOrderQty": "Q",
    "trailingDelta": "d",
    "status": "X",
    "isWorking": "w",
    "executedQty": "z",
    "cummulativeQuoteQty": "Z",
    "time": "O",
    "updateTime": "T",
}
"""An order of a list; the names of OrderReport.

`{"symbol":"LTCBTC","orderId":1,"orderListId":-1,"clientOrderId":"myOrder1","price":"0.1",
"origQty":"1.0","executedQty":"0.0","cummulativeQuoteQty":"0.0","status":"NEW","timeInForce":"GTC",
"type":"LIMIT","side":"BUY","stopPrice":"0.0","icebergQty":"0.0","time":1499827319559,
"updateTime":1499827319559,"isWorking":true,"origQuoteOrderQty":"0.000000"}`
"""


class MyTrade(Struct):
    """An execution, of a list; trades are numbered market by market.

    `{"symbol":"BNBBTC","id":28457,"orderId":100234,"orderListId":-1,"price":"4.00000100",
    "qty":"12.00000000","quoteQty":"48.000012","commission":"10.10000000","commissionAsset":"BNB",
    "time":1499865549590,"isBuyer":true,"isMaker":false,"isBestMatch":true}`
    """

    symbol: str
    id: Number
    orderId: Number
    price: str
    qty: str
    commission: str
    commissionAsset: str
    time: int
    isBuyer: bool
    isMaker: bool


class Timed(Struct):
    """When an order of a list was placed, or a trade made: `{"time":1499827319559}`."""

    time: int


class BalanceRow(Struct):
    """What is held of one asset: `{"a":"ETH","f":"10000.000000","l":"0.000000"}`."""

    a: str
    f: str
    l: str  # noqa: E741 - the venue's name


BALANCE_NAMES = {"asset": "a", "free": "f", "locked": "l"}
"""The same in a list: `{"asset":"BTC","free":"4723846.89208129","locked":"0.00000000"}`."""


class AccountPosition(Struct):
    """Balances that may have changed.

    `{"e":"outboundAccountPosition","E":1564034571105,"u":1564034571073,"B":[{"a":"ETH",
    "f":"10000.000000","l":"0.000000"}]}`
    """

    u: int
    B: tuple[Raw, ...]


class BalanceUpdate(Struct):
    """A deposit, a withdrawal or a transfer.

    `{"e":"balanceUpdate","E":1573200697110,"a":"BTC","d":"100.00000000","T":1573200697068}`
    """

    a: str
    d: str
    T: int


class ExternalLockUpdate(Struct):
    """A part of a balance is locked or unlocked by another system.

    `{"e":"externalLockUpdate","E":1581557507324,"a":"NEO","d":"10.00000000","T":1581557507268}`
    """

    a: str
    d: str


class Holdings(Struct):
    """The account: `{"updateTime":123456789,"accountType":"SPOT","balances":[...],...}`."""

    balances: tuple[Raw, ...]
    updateTime: int = 0


class OrderResult(Struct):
    """The answer to an order, or to a cancel; a cancel of a list of orders names each in `orders`.

    `{"symbol":"BTCUSDT","orderId":12569099453,"orderListId":-1,
    "clientOrderId":"4d96324ff9d44481926157ec08158a40","transactTime":1660801715639}`

    An order that became smaller: `{"transactTime":1741923284382,"executionId":16,"amendedOrder":
    {"symbol":"BTCUSDT","orderId":12,"origClientOrderId":"my_test_order1",...}}`. One that replaced
    another: `{"cancelResult":"SUCCESS","newOrderResult":"SUCCESS","cancelResponse":{...},
    "newOrderResponse":{...}}`. An order that was only tested: `{}`.
    """

    symbol: str = ""
    orderId: Number | None = None
    clientOrderId: str = ""
    origClientOrderId: str = ""
    orders: tuple[Raw, ...] = ()
    amendedOrder: "OrderResult | None" = None
    cancelResponse: "OrderResult | None" = None
    newOrderResponse: "OrderResult | None" = None


class Deposit(Struct):
    """A deposit; it is in the balance in the states 1 and 6, of which 6 cannot be withdrawn yet.

    `{"id":"769800519366885376","amount":"0.001","coin":"BNB","network":"BNB","status":1,
    "txId":"98A3EA560C6B3336D348B6C83F0F95ECE4F1F5919E94BD006E5BF3BF264FACFC",
    "insertTime":1661493146000,"completeTime":1661493146000,"transferType":0,"walletType":0}`
    """

    id: str
    amount: str
    coin: str
    status: int
    insertTime: int
    completeTime: int | None = None


class Withdrawal(Struct):
    """A withdrawal; its state is 6 when it is complete.

    `{"id":"b6ae22b3aa844210a7041aee7589627c","amount":"8.91000000","transactionFee":"0.004",
    "coin":"USDT","status":6,"applyTime":"2019-10-12 11:12:02","network":"ETH","transferType":0,
    "completeTime":"2023-03-23 16:52:41","walletType":1}`
    """

    id: str
    amount: str
    coin: str
    status: int
    applyTime: str
    completeTime: str = ""
    transactionFee: str = "0"


def renamed(kind: type[Wire], names: Mapping[str, str]) -> Callable[[Raw], Wire]:
    """A decoder of rows with the long names; raises MsgspecError."""

    def decode(row: Raw) -> Wire:
        """A row, with the names of the stream."""
        fields = _decode_fields(row)
        known = {names[name]: value for name, value in fields.items() if name in names}
        return msgspec.convert(known, kind)

    return decode


_decode_fields = msgspec.json.Decoder(dict[str, object]).decode
decode_order = renamed(OrderReport, ORDER_NAMES)
decode_holding = renamed(BalanceRow, BALANCE_NAMES)
