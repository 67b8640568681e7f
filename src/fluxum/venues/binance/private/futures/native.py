"""Messages about an account on USD-M futures as they are on the wire, a real payload beside each.

Sources: https://developers.binance.com/docs/derivatives/usds-margined-futures/user-data-streams,
/trade and /account, 2026-05. Only the fields that are used are declared. What a stream sends as
well has longer names in lists, and becomes the stream's own Struct.
"""

# ruff: noqa: N815, E741 - native names stay as the venue spells them

from msgspec import Raw, Struct

from fluxum.venues.binance.native import Fault, Number
from fluxum.venues.binance.private.native import renamed

__all__ = [
    "CONDITIONAL_NAMES",
    "ORDER_NAMES",
    "POSITION_NAMES",
    "Account",
    "AccountEvent",
    "AccountRow",
    "AssetRow",
    "BalanceRow",
    "ConditionalEvent",
    "ConditionalOrder",
    "Income",
    "ListenKey",
    "MarginCall",
    "OrderEvent",
    "OrderReport",
    "OrderResult",
    "PositionRow",
    "StreamFrame",
    "UserTrade",
    "decode_conditional",
    "decode_order",
    "decode_position",
]


class StreamFrame(Struct):
    """Any frame of the user data stream: an answer, or an event of the kind `e`.

    `{"result":false,"id":1}`, `{"e":"listenKeyExpired","E":1736996475556,"listenKey":"WsCM..."}`
    """

    e: str = ""
    E: int | None = None
    id: int | None = None
    error: Fault | None = None


class OrderReport(Struct, kw_only=True):
    """An order, whole, with its last execution: `o` of ORDER_TRADE_UPDATE, a row of a list.

    `{"s":"BTCUSDT","c":"TEST","S":"SELL","o":"TRAILING_STOP_MARKET","f":"GTC","q":"0.001","p":"0",
    "ap":"0","sp":"7103.04","x":"NEW","X":"NEW","i":8886774,"l":"0","z":"0","L":"0","N":"USDT",
    "n":"0","T":1568879465650,"t":0,"b":"0","a":"9.91","m":false,"R":false,"ot":"TRAILING_STOP_MARKET",
    "ps":"LONG","rp":"0","V":"EXPIRE_TAKER","gtd":0,"er":"0"}`
    """

    s: str
    i: Number
    c: str = ""
    S: str
    o: str
    f: str = ""
    q: str
    p: str = ""
    ap: str = ""
    x: str = ""
    X: str
    er: str = "0"
    z: str = ""
    cost: str | None = None
    l: str = ""
    L: str = ""
    n: str | None = None
    N: str | None = None
    t: int = 0
    m: bool = False
    R: bool = False
    O: int | None = None
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
    "avgPrice": "ap",
    "status": "X",
    "executedQty": "z",
    "reduceOnly": "R",
}
"""An order of a list.

`{"avgPrice":"0.00000","clientOrderId":"abc","cumQuote":"0","executedQty":"0","orderId":1917641,
"origQty":"0.40","origType":"TRAILING_STOP_MARKET","price":"0","reduceOnly":false,"side":"BUY",
"positionSide":"SHORT","status":"NEW","stopPrice":"9300","closePosition":false,"symbol":"BTCUSDT",
"time":1579276756075,"timeInForce":"GTC","type":"TRAILING_STOP_MARKET","updateTime":1579276756075}`
"""


class OrderEvent(Struct):
    """`{"e":"ORDER_TRADE_UPDATE","E":1568879465651,"T":1568879465650,"o":{...}}`."""

    o: OrderReport


class ConditionalOrder(Struct, kw_only=True):
    """An order that waits for a price: `o` of ALGO_UPDATE, a row of a list.

    `ai` is the number of the order that it became, empty before that.

    `{"caid":"Q5xaq5EGKgXXa0fD7fs0Ip","aid":2148719,"at":"CONDITIONAL","o":"TAKE_PROFIT",
    "s":"BNBUSDT","S":"SELL","ps":"BOTH","f":"GTC","q":"0.01","X":"CANCELED","ai":"","ap":"0.00000",
    "aq":"0.00000","act":"0","tp":"750","p":"750","V":"EXPIRE_MAKER","wt":"CONTRACT_PRICE","R":false,
    "tt":0,"gtd":0,"rm":"Reduce Only reject"}`
    """

    s: str
    aid: Number
    caid: str = ""
    S: str
    o: str
    f: str = ""
    q: str
    p: str = ""
    tp: str = ""
    X: str
    ai: str = ""
    R: bool = False
    rm: str = ""
    O: int | None = None
    T: int | None = None


class ConditionalEvent(Struct):
    """`{"e":"ALGO_UPDATE","T":1750515742297,"E":1750515742303,"o":{...}}`."""

    T: int
    o: ConditionalOrder


CONDITIONAL_NAMES = {
    "symbol": "s",
    "algoId": "aid",
    "clientAlgoId": "caid",
    "side": "S",
    "orderType": "o",
    "timeInForce": "f",
    "quantity": "q",
    "price": "p",
    "triggerPrice": "tp",
    "algoStatus": "X",
    "actualOrderId": "ai",
    "reduceOnly": "R",
}
"""One of a list.

`{"algoId":2146760,"clientAlgoId":"6B2I9XVcJpCjqPAJ4YoFX7","algoType":"CONDITIONAL",
"orderType":"TAKE_PROFIT","symbol":"BNBUSDT","side":"SELL","positionSide":"BOTH",
"timeInForce":"GTC","quantity":"0.01","algoStatus":"CANCELED","actualOrderId":"",
"triggerPrice":"750.000","price":"750.000","reduceOnly":false,"createTime":1750485492076,
"updateTime":1750514545091,"triggerTime":0,"goodTillDate":0}`
"""


class BalanceRow(Struct):
    """`{"a":"USDT","wb":"122624.12345678","cw":"100.12345678","bc":"50.12345678"}`."""

    a: str
    wb: str


class PositionRow(Struct, kw_only=True):
    """A position, whole; of an account in hedge mode, one of the two that a market has.

    `{"s":"BTCUSDT","pa":"-10","ep":"6563.86000","bep":"6563.6","cr":"-45.04000000",
    "up":"-1423.15600","mt":"isolated","iw":"6570.42511771","ps":"SHORT"}`
    """

    s: str
    pa: str
    ps: str
    ep: str = ""
    up: str = ""
    mt: str = ""
    iw: str = ""
    mp: str = ""
    lp: str = ""
    T: int | None = None


POSITION_NAMES = {
    "symbol": "s",
    "positionAmt": "pa",
    "positionSide": "ps",
    "entryPrice": "ep",
    "unRealizedProfit": "up",
    "isolatedWallet": "iw",
}
"""One of a list.

`{"symbol":"COMPUSDT","positionSide":"SHORT","positionAmt":"-1.000","entryPrice":"70.92841",
"breakEvenPrice":"70.900038636","markPrice":"49.72023376","unRealizedProfit":"21.20817624",
"liquidationPrice":"2260.56757210","isolatedMargin":"0","notional":"-49.72023376",
"marginAsset":"USDT","isolatedWallet":"0","adl":2,"updateTime":1708943511656}`
"""


class AccountRow(Struct):
    """`{"m":"ORDER","B":[...],"P":[...]}`, of ACCOUNT_UPDATE: what changed, and why."""

    m: str = ""
    B: tuple[BalanceRow, ...] = ()
    P: tuple[PositionRow, ...] = ()


class AccountEvent(Struct):
    """`{"e":"ACCOUNT_UPDATE","E":1564745798939,"T":1564745798938,"a":{...}}`."""

    T: int
    a: AccountRow


class MarginCall(Struct):
    """Positions that are short of margin.

    `{"e":"MARGIN_CALL","E":1587727187525,"cw":"3.16812045","p":[{"s":"ETHUSDT","ps":"LONG",
    "pa":"1.327","mt":"CROSSED","iw":"0","mp":"187.17127","up":"-1.166074","mm":"1.614445"}]}`
    """

    p: tuple[PositionRow, ...]


class AssetRow(Struct):
    """What is held of an asset: orders that are open hold `openOrderInitialMargin`.

    `{"asset":"USDT","walletBalance":"23.72469206","unrealizedProfit":"0.00000000",
    "openOrderInitialMargin":"0.00000000","crossWalletBalance":"23.72469206",
    "availableBalance":"23.72469206","updateTime":1625474304765}`
    """

    asset: str
    walletBalance: str
    openOrderInitialMargin: str = ""
    updateTime: int = 0


class Account(Struct):
    """`{"totalWalletBalance":"103.12345678","assets":[...],"positions":[...]}`."""

    assets: tuple[Raw, ...]


class UserTrade(Struct):
    """An execution, of a list; trades are numbered market by market.

    `{"buyer":false,"commission":"0.07819010","commissionAsset":"USDT","id":698759,"maker":false,
    "orderId":25851813,"price":"7819.01","qty":"0.002","quoteQty":"15.63802",
    "realizedPnl":"-0.91539999","side":"SELL","positionSide":"SHORT","symbol":"BTCUSDT",
    "time":1569514978020}`
    """

    symbol: str
    id: Number
    orderId: Number
    side: str
    price: str
    qty: str
    time: int
    commission: str
    commissionAsset: str
    maker: bool


class Income(Struct):
    """A line of the account; `tranId` is unique among those of its type.

    `{"symbol":"BTCUSDT","incomeType":"COMMISSION","income":"-0.01000000","asset":"USDT",
    "info":"COMMISSION","time":1570636800000,"tranId":9689322392,"tradeId":"2059192"}`
    """

    incomeType: str
    income: str
    asset: str
    time: int
    tranId: int
    symbol: str = ""
    tradeId: str = ""


class ListenKey(Struct):
    """What opens the user data stream: `{"listenKey":"pqia91ma19a5s61cv6a81va65sdf19v8a65..."}`.

    https://developers.binance.com/docs/derivatives/usds-margined-futures/user-data-streams/Start-User-Data-Stream
    """

    listenKey: str


class OrderResult(Struct):
    """The answer to an order, to a change or to a cancel; of a batch, a fault stands in its place.

    `{"orderId":325078477,"symbol":"BTCUSDT","status":"NEW","clientOrderId":"iCXL1BywlBaf2sesNUrVl3",
    "price":"43187.00","origQty":"0.100",...}`, `{"algoId":2146760,
    "clientAlgoId":"6B2I9XVcJpCjqPAJ4YoFX7",...}`, `{"code":-2022,"msg":"ReduceOnly Order is
    rejected."}`. A cancel of all orders: `{"code":200,"msg":"The operation of cancel all open order
    is done."}`.
    """

    symbol: str = ""
    orderId: Number | None = None
    clientOrderId: str = ""
    algoId: Number | None = None
    clientAlgoId: str = ""
    code: int | str = 0
    msg: str = ""


# What lists have and streams have not.
_ORDER_TIMES = {"cumQuote": "cost", "time": "O", "updateTime": "T"}
_CONDITIONAL_TIMES = {"createTime": "O", "updateTime": "T"}
_PRICES = {"markPrice": "mp", "liquidationPrice": "lp", "updateTime": "T"}
decode_order = renamed(OrderReport, {**ORDER_NAMES, **_ORDER_TIMES})
decode_conditional = renamed(ConditionalOrder, {**CONDITIONAL_NAMES, **_CONDITIONAL_TIMES})
decode_position = renamed(PositionRow, {**POSITION_NAMES, **_PRICES})
