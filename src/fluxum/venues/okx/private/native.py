"""OKX's messages about an account as they are on the wire, with a real payload beside each.

Sources: https://www.okx.com/docs-v5/en/#order-book-trading-trade, #trading-account-websocket and
#trading-account-rest-api, 2026-06. Only the fields that are used are declared. Numbers are text,
and empty where there is none; a row of a stream and of a list are the same.
"""

# ruff: noqa: N815 - native names stay as the venue spells them

from msgspec import Raw, Struct

from fluxum.venues.okx.native import Arg

__all__ = [
    "Bill",
    "Config",
    "Detail",
    "FillRow",
    "Frame",
    "OrderRow",
    "Placed",
    "PositionRow",
    "RowId",
    "Switch",
    "WaitingRow",
    "Wallet",
]


class Frame(Struct):
    """Any frame of the link but the text `pong`: an answer, or rows of a channel.

    `{"event":"login","code":"0","msg":"","connId":"a4d3ae55"}`

    `{"id":"1512","event":"subscribe","arg":{"channel":"account"},"connId":"a4d3ae55"}`

    `{"event":"error","code":"60009","msg":"Login failed.","connId":"a4d3ae55"}`

    `{"event":"channel-conn-count-error","channel":"orders","connCount":"30","connId":"a4d3ae55"}`

    `{"arg":{"channel":"account","uid":"44*********584"},"eventType":"snapshot","curPage":1,
    "lastPage":true,"data":[...]}`

    `{"id":"1512","op":"order","data":[...],"code":"0","msg":"","inTime":"1695190491421339",
    "outTime":"1695190491423240"}`
    """

    event: str | None = None
    op: str | None = None
    id: str = ""
    arg: Arg | None = None
    data: tuple[Raw, ...] = ()
    code: str = ""
    msg: str = ""
    channel: str = ""
    outTime: str = ""


class OrderRow(Struct):
    """An order, whole, with its last fill; `fillFee` and `fillFeeCcy` are in streams alone.

    Sizes are in contracts for derivatives; `sz` is an amount of the quote asset where `tgtCcy` says
    so, as by default of spot market buys. Fees are below zero where they were charged. An order
    that went on for an algo order names that one, and has a `clOrdId` of the venue's own.

    `{"instType":"SPOT","instId":"BTC-USDT","ordId":"452197707845865472","clOrdId":"",
    "ordType":"limit","side":"sell","tdMode":"cash","px":"31527.1","sz":"0.001","state":"filled",
    "accFillSz":"0.001","avgPx":"31527.1","fillPx":"31527.1","fillSz":"0.001",
    "tradeId":"242589207","fillTime":"1654084353263","fillFee":"-0.02522168","fillFeeCcy":"USDT",
    "execType":"M","category":"normal","cancelSource":"","reduceOnly":"false","tgtCcy":"",
    "cTime":"1654084334977","uTime":"1654084353264"}` (shortened)
    https://www.okx.com/docs-v5/en/#order-book-trading-trade-ws-order-channel
    """

    instType: str
    instId: str
    ordId: str
    ordType: str
    side: str
    state: str
    sz: str
    uTime: str
    cTime: str = ""
    clOrdId: str = ""
    algoId: str = ""
    algoClOrdId: str = ""
    source: str = ""
    px: str = ""
    accFillSz: str = ""
    avgPx: str = ""
    tgtCcy: str = ""
    reduceOnly: str = ""
    category: str = ""
    cancelSource: str = ""
    cancelSourceReason: str = ""
    fillPx: str = ""
    fillSz: str = ""
    tradeId: str = ""
    fillTime: str = ""
    fillFee: str = ""
    fillFeeCcy: str = ""
    execType: str = ""


class WaitingRow(Struct):
    """An algo order, whole: the one price that it waits for, or the two of an `oco`.

    An order price of -1 is the market's. `last` is the last price when it was placed. Once it is
    effective, `ordId` is the order that goes on, and `ordIdList` are all of them. Rows of
    `algo-advance` have `pTime` in place of `uTime`.

    `{"algoClOrdId":"","algoId":"581878926302093312","cTime":"1685002746818",
    "uTime":"1708679675245","closeFraction":"","failCode":"","instId":"BTC-USDC",
    "instType":"SPOT","last":"26174.8","ordId":"","ordIdList":[],"ordPx":"",
    "ordType":"conditional","reduceOnly":"false","side":"buy","slOrdPx":"","slTriggerPx":"",
    "state":"live","sz":"11","tgtCcy":"quote_ccy","tpOrdPx":"-1","tpTriggerPx":"1",
    "tpTriggerPxType":"last","triggerPx":"","triggerTime":""}` (shortened)
    https://www.okx.com/docs-v5/en/#order-book-trading-algo-trading-ws-algo-orders-channel
    """

    instType: str
    instId: str
    algoId: str
    ordType: str
    side: str
    state: str
    cTime: str
    sz: str = ""
    uTime: str = ""
    pTime: str = ""
    algoClOrdId: str = ""
    tgtCcy: str = ""
    reduceOnly: str = ""
    slTriggerPx: str = ""
    slOrdPx: str = ""
    tpTriggerPx: str = ""
    tpOrdPx: str = ""
    triggerPx: str = ""
    ordPx: str = ""
    moveTriggerPx: str = ""
    last: str = ""
    failCode: str = ""
    ordId: str = ""
    ordIdList: tuple[str, ...] = ()

    @property
    def went_on_as(self) -> tuple[str, ...]:
        """The ids of the orders that went on for it."""
        return self.ordIdList or ((self.ordId,) if self.ordId else ())


class FillRow(Struct):
    """A fill in a list.

    `{"side":"buy","fillSz":"0.00192834","fillPx":"51858","fee":"-0.00000192834",
    "ordId":"680800019749904384","instType":"SPOT","instId":"BTC-USDT","clOrdId":"",
    "billId":"680800019754098688","fillTime":"1708587373361","execType":"T",
    "tradeId":"744876980","feeCcy":"BTC","ts":"1708587373362"}` (shortened)
    https://www.okx.com/docs-v5/en/#order-book-trading-trade-get-transaction-details-last-3-days
    """

    instType: str
    instId: str
    ordId: str
    side: str
    fillPx: str
    fillSz: str
    tradeId: str
    ts: str
    fillTime: str = ""
    fee: str = ""
    feeCcy: str = ""
    clOrdId: str = ""
    execType: str = ""
    subType: str = ""


class RowId(Struct):
    """Where the next page of a list begins: behind the bill or the order of its last row.

    Of algo orders it begins behind `algoId`, which ordinary orders may have as well.
    """

    billId: str = ""
    ordId: str = ""
    algoId: str = ""
    instId: str = ""


class Detail(Struct):
    """What is held of one asset.

    `{"ccy":"USDT","cashBal":"4850.435693622894","availBal":"4834.317093622894",
    "frozenBal":"158.573","eq":"4992.890093622894","uTime":"1705449605015"}` (shortened)
    https://www.okx.com/docs-v5/en/#trading-account-rest-api-get-balance
    """

    ccy: str
    cashBal: str
    frozenBal: str = ""
    uTime: str = ""


class Wallet(Struct):
    """An account: `{"details":[...],"totalEq":"55837.43556134779","uTime":"1705474164160"}`."""

    details: tuple[Raw, ...] = ()


class Bill(Struct):
    """A row of the bills: `balChg` is after the fee, `bal` the balance behind it.

    `{"bal":"8694.2179403378290202","balChg":"0.0219338232210000","billId":"623950854533513219",
    "ccy":"USDT","fee":"-0.000021955779","subType":"1","tradeId":"586760148",
    "ts":"1695033476167","type":"2"}` (shortened)
    https://www.okx.com/docs-v5/en/#trading-account-rest-api-get-bills-details-last-7-days
    """

    billId: str
    ccy: str
    balChg: str
    type: str
    ts: str
    bal: str = ""
    fee: str = ""
    subType: str = ""
    tradeId: str = ""


class PositionRow(Struct):
    """A position in contracts, or on margin in a spot market.

    `pos` has its sign where a market has one position (`posSide` net), and none of a leg; on margin
    it is in `posCcy`. `liab` is what is owed on margin, below zero.

    `{"avgPx":"2566.31","ccy":"ETH","instId":"ETH-USD-210430","instType":"FUTURES",
    "liqPx":"2352.8496681818233","markPx":"2353.849","mgnMode":"isolated","pos":"1","posCcy":"",
    "posId":"307173036051017730","posSide":"long","uTime":"1619507761462",
    "upl":"-0.0000009932766034","liab":"","liabCcy":""}` (shortened)
    https://www.okx.com/docs-v5/en/#trading-account-websocket-positions-channel
    """

    instType: str
    instId: str
    posId: str
    posSide: str
    pos: str
    mgnMode: str = ""
    avgPx: str = ""
    markPx: str = ""
    liqPx: str = ""
    upl: str = ""
    posCcy: str = ""
    liab: str = ""
    liabCcy: str = ""
    uTime: str = ""


class Placed(Struct):
    """What became of one order of an operation; a `sCode` other than 0 is a refusal.

    `{"clOrdId":"","ordId":"","tag":"","ts":"1695190491421","sCode":"51008","sMsg":"Order failed.
    Insufficient USDT balance in account","subCode":"1000"}`
    """

    sCode: str
    sMsg: str = ""
    ordId: str = ""
    clOrdId: str = ""
    algoId: str = ""
    algoClOrdId: str = ""


class Config(Struct):
    """The kind of account: 1 spot, 2 futures, 3 several currencies, 4 portfolio margin.

    `{"acctLv":"2","posMode":"long_short_mode","uid":"44705892343619584"}` (shortened)
    https://www.okx.com/docs-v5/en/#trading-account-rest-api-get-account-configuration
    """

    acctLv: str
    posMode: str = ""


class Switch(Struct):
    """When all orders will be canceled, zero for never; in seconds in the published example.

    `{"triggerTime":"1587971460","tag":"","ts":"1587971400"}`
    https://www.okx.com/docs-v5/en/#order-book-trading-trade-post-cancel-all-after
    """

    triggerTime: str
