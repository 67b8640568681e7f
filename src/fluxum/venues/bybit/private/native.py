"""Bybit's messages about an account as they are on the wire, with a real payload beside each.

Sources: https://bybit-exchange.github.io/docs/v5/websocket/private, /websocket/trade/guideline,
/order, /account, 2026-07. Only the fields that are used are declared. Numbers are text, and empty
where there is none; a row of a stream and of a list are the same.
"""

# ruff: noqa: N815 - native names stay as the venue spells them

from msgspec import Raw, Struct

from fluxum.venues.bybit.native import Millis

__all__ = [
    "AccountInfo",
    "Coin",
    "Entry",
    "Execution",
    "ExtraFee",
    "Frame",
    "OrderAnswer",
    "OrderRow",
    "Placed",
    "PlacedRows",
    "PositionRow",
    "Rows",
    "Verdict",
    "Verdicts",
    "Wallet",
]


class Frame(Struct):
    """Any frame of the account's link: an answer, or rows of a topic.

    `{"success":true,"ret_msg":"","op":"auth","conn_id":"cejreaspqfh3sjdnldmg-p"}`

    `{"success":true,"ret_msg":"","op":"subscribe","conn_id":"cejreassvfrsfvb9v1a0-2m"}`

    `{"req_id":"test","op":"pong","args":["1675418560633"],"conn_id":"cfcb4ocsvfriu23r3er0-1b"}`

    `{"id":"592324d2bce751-ad38-48eb-8f42-4671d1fb4d4e","topic":"wallet",
    "creationTime":1700034722104,"data":[...]}`
    """

    op: str | None = None
    success: bool | None = None
    ret_msg: str = ""
    req_id: str = ""
    topic: str | None = None
    creationTime: Millis = None
    data: tuple[Raw, ...] = ()


class OrderRow(Struct):
    """An order, whole. Of a market buy by value `qty` is an amount of the quote asset.

    `{"category":"spot","symbol":"BTCUSDT","orderId":"1552132392821724672",
    "orderLinkId":"1552132392821724673","side":"Buy","orderStatus":"PartiallyFilledCanceled",
    "cancelType":"UNKNOWN","rejectReason":"EC_CancelForNoFullFill","timeInForce":"IOC",
    "price":"0","qty":"10.000000","avgPrice":"32635","leavesQty":"0.000000",
    "cumExecQty":"0.000306","cumExecValue":"9.98631000","orderType":"Market","stopOrderType":"",
    "triggerPrice":"0.00","triggerDirection":0,"reduceOnly":false,"createdTime":"1699764599837",
    "updatedTime":"1699764599841","feeCurrency":"BTC"}`
    https://bybit-exchange.github.io/docs/v5/websocket/private/order
    """

    symbol: str
    orderId: str
    side: str
    orderType: str
    orderStatus: str
    qty: str
    category: str = ""
    orderLinkId: str = ""
    price: str = ""
    avgPrice: str = ""
    cumExecQty: str = ""
    cumExecValue: str = ""
    timeInForce: str = ""
    marketUnit: str = ""
    rejectReason: str = ""
    cancelType: str = ""
    stopOrderType: str = ""
    createType: str = ""
    triggerPrice: str = ""
    triggerDirection: int = 0
    reduceOnly: bool = False
    createdTime: str = ""
    updatedTime: str = ""


class ExtraFee(Struct):
    """A tax on the fee: `{"feeCoin":"USDT","feeType":"GST","fee":"0.006403779"}`."""

    feeCoin: str
    fee: str


class Execution(Struct):
    """An execution, or what else changes a position; `extraFees` is a list or empty text.

    `{"category":"linear","symbol":"BTCUSDT","execFee":"26.3725275",
    "execId":"0ab1bdf7-4219-438b-b30a-32ec863018f7","execPrice":"95900.1","execQty":"0.5",
    "execType":"Trade","orderId":"9aac161b-8ed6-450d-9cab-c5cc67c21784","orderLinkId":"",
    "side":"Sell","execTime":"1746270400353","isMaker":false,
    "extraFees":[{"feeCoin":"USDT","feeType":"GST","fee":"0.006403779"}],"feeCurrency":"USDT"}`
    https://bybit-exchange.github.io/docs/v5/websocket/private/execution
    """

    symbol: str
    execId: str
    execPrice: str
    execQty: str
    execTime: str
    side: str
    orderId: str
    execType: str = "Trade"
    orderLinkId: str = ""
    execFee: str = ""
    feeCurrency: str = ""
    isMaker: bool | None = None
    category: str = ""
    extraFees: Raw = Raw(b'""')


class PositionRow(Struct):
    """A position, whole; of an account in hedge mode, one of the two that a market has.

    `positionIdx` is 0 where a market has one position, else 1 for the long and 2 for the short
    one. Lists name the entry price `avgPrice`, the stream `entryPrice`.

    `{"positionIdx":2,"tradeMode":0,"symbol":"BTCUSDT","side":"","size":"0","entryPrice":"0",
    "leverage":"10","positionValue":"0","markPrice":"28184.5","unrealisedPnl":"0",
    "updatedTime":"1697682317038","liqPrice":"0","bustPrice":"","category":"linear",
    "positionStatus":"Normal","adlRankIndicator":0,"seq":8327597863}`
    https://bybit-exchange.github.io/docs/v5/websocket/private/position and /position
    """

    symbol: str
    side: str
    size: str
    positionIdx: int = 0
    tradeMode: int | None = None
    entryPrice: str = ""
    avgPrice: str = ""
    markPrice: str = ""
    liqPrice: str = ""
    unrealisedPnl: str = ""
    positionStatus: str = ""
    updatedTime: str = ""
    category: str = ""


class AccountInfo(Struct):
    """How the account is margined: `{"marginMode":"REGULAR_MARGIN","unifiedMarginStatus":5}`.

    https://bybit-exchange.github.io/docs/v5/account/account-info
    """

    marginMode: str = ""


class Coin(Struct):
    """What is held of one asset.

    `{"coin":"BTC","equity":"0.00102964","walletBalance":"0.00102964","totalOrderIM":"",
    "totalPositionIM":"","locked":"0","spotBorrow":"0"}`
    https://bybit-exchange.github.io/docs/v5/account/wallet-balance
    """

    coin: str
    walletBalance: str
    locked: str = ""
    totalOrderIM: str = ""


class Wallet(Struct):
    """An account: `{"accountType":"UNIFIED","coin":[...]}`."""

    coin: tuple[Raw, ...] = ()


class Entry(Struct):
    """A row of the transaction log: `change` is cash flow and funding, less the fee.

    Rows of one settlement share an `id`: `tradeId` differs.

    `{"transSubType":"","id":"592324_XRPUSDT_161440249321","symbol":"XRPUSDT","side":"Buy",
    "funding":"","orderId":"592b7e41-78fd-42e2-9aa3-91e1835ef3e1","fee":"0.01908720",
    "change":"-0.0190872","cashFlow":"0","transactionTime":"1672121182224","type":"TRADE",
    "cashBalance":"5086.56192602","currency":"USDT","category":"linear","tradePrice":"0.3615",
    "tradeId":"5184f079-88ec-54c7-8774-5173cafd2b4e"}`
    https://bybit-exchange.github.io/docs/v5/account/transaction-log
    """

    id: str
    type: str
    currency: str
    change: str
    transactionTime: str
    fee: str = ""
    cashBalance: str = ""
    tradeId: str = ""
    orderId: str = ""


class Rows(Struct):
    """A page of any list; the cursor is URL-encoded, and empty on the last page.

    `{"list":[...],"nextPageCursor":"132766%3A2%2C132766%3A2","category":"linear"}`
    """

    list: tuple[Raw, ...] = ()
    nextPageCursor: str | None = None


class Placed(Struct):
    """The ids of an order that a request was about; both are empty in a refused row of a batch.

    `{"orderId":"a4c1718e-fe53-4659-a118-1f6ecce04ad9","orderLinkId":""}`
    """

    orderId: str = ""
    orderLinkId: str = ""


class PlacedRows(Struct):
    """Those of a batch, or of a cancel of all: `{"list":[{"orderId":"","orderLinkId":"b-0"}]}`."""

    list: tuple[Placed, ...] = ()


class Verdict(Struct):
    """What became of one row of a batch: `{"code":10001,"msg":"position idx not match"}`."""

    code: int
    msg: str = ""


class Verdicts(Struct):
    """Those of a batch, row by row: `{"list":[{"code":0,"msg":"OK"}]}`."""

    list: tuple[Verdict, ...] = ()


class OrderAnswer(Struct):
    """Any frame of the link of orders.

    `{"reqId":"test-005","retCode":0,"retMsg":"OK","op":"order.create",
    "data":{"orderId":"a4c1718e-fe53-4659-a118-1f6ecce04ad9","orderLinkId":""},"retExtInfo":{},
    "header":{"X-Bapi-Limit":"10","Timenow":"1711001595209"},"connId":"cnt5leec0hvan15eukcg-2v"}`

    `{"retCode":0,"retMsg":"OK","op":"auth","connId":"cnt5leec0hvan15eukcg-2t"}`

    `{"retCode":0,"retMsg":"OK","op":"pong","data":["1711002002529"],"connId":"..."}`
    https://bybit-exchange.github.io/docs/v5/websocket/trade/guideline
    """

    op: str
    retCode: int
    retMsg: str = ""
    reqId: str = ""
    data: Raw = Raw(b"{}")
    retExtInfo: Raw = Raw(b"{}")
    header: dict[str, str] = {}
