"""Kraken's REST answers about an account: one Struct an answer, a real payload beside each.

Source: https://docs.kraken.com/api/docs/rest-api/ followed by the call's name. Numbers come as
text or as JSON numbers, times as seconds with up to seven fraction digits; both become exact.
Lists keep their rows as they were written, so that each is read by itself. Of a row only what is
used is declared: what else the venue writes there harms nothing.
"""

from decimal import Decimal

import msgspec
from msgspec import Raw, Struct

__all__ = [
    "AssetRow",
    "ClosedResult",
    "Description",
    "HoldingRow",
    "LedgerResult",
    "LedgerRow",
    "OpenResult",
    "OrderRow",
    "PairRow",
    "Row",
    "TokenResult",
    "TradeRow",
    "TradesResult",
    "decode_asset",
    "decode_closed",
    "decode_count",
    "decode_holding",
    "decode_ledger",
    "decode_line",
    "decode_open",
    "decode_order",
    "decode_pair",
    "decode_rows",
    "decode_token",
    "decode_trade",
    "decode_trades",
    "rows",
]

_NOTHING = Raw(b"null")


class Row(Struct, frozen=True):
    """A row of a list: its id, and what the venue wrote. Printed it is both, as on the wire."""

    name: str
    raw: Raw

    def __repr__(self) -> str:
        """The id and the text."""
        return f'"{self.name}":{bytes(self.raw).decode("utf-8", "replace")}'


class TokenResult(Struct):
    """A token; `{"token":"1Dwc4lzSwNWOAwkMdqhssNNFhs1ed606d1WcF3XfEMw","expires":900}`."""

    token: str
    expires: int

    def __repr__(self) -> str:
        """Stars for the token."""
        return f"TokenResult(token=***, expires={self.expires})"


class AssetRow(Struct):
    """An asset; `{"aclass":"currency","altname":"XBT","decimals":10,"display_decimals":5}`."""

    altname: str


class PairRow(Struct):
    """A market; `{"altname":"XDGUSD","wsname":"XDG/USD","base":"XXDG","quote":"ZUSD"}`."""

    altname: str
    base: str
    quote: str


class HoldingRow(Struct):
    """A holding and what orders hold of it; `{"balance":"25435.21","hold_trade":"8249.76"}`."""

    balance: Decimal
    hold_trade: Decimal = Decimal(0)


class Description(Struct):
    """What an order is.

    `{"pair":"XBTUSD","type":"buy","ordertype":"limit","price":"30010.0","price2":"0",
    "leverage":"none","order":"buy 1.25000000 XBTUSD @ limit 30010.0","close":""}`

    Prices are text: of trailing orders they are distances (`+50.0000%`, seen by
    https://github.com/ccxt/ccxt/issues/21063).
    """

    pair: str
    type: str
    ordertype: str
    price: str = "0"
    price2: str = "0"


class OrderRow(Struct):
    """An order, open or ended; `price` is the average, `limitprice` that of a triggered one.

    `{"refid":null,"userref":0,"status":"open","opentm":1688666559.8974,"starttm":0,"expiretm":0,
    "descr":{...},"vol":"1.25000000","vol_exec":"0.37500000","cost":"11253.7","fee":"0.00000",
    "price":"30010.0","stopprice":"0.00000","limitprice":"0.00000","misc":"","oflags":"fciq"}`
    """

    status: str
    opentm: Decimal
    descr: Description
    vol: Decimal
    vol_exec: Decimal
    cost: Decimal
    price: Decimal
    userref: int | None = None
    cl_ord_id: str | None = None
    closetm: Decimal | None = None
    reason: str | None = None
    oflags: str = ""
    stopprice: Decimal = Decimal(0)
    limitprice: Decimal = Decimal(0)
    timeinforce: str = "GTC"


class OpenResult(Struct):
    """All open orders by their id; see OrderRow."""

    open: dict[str, Raw]


class ClosedResult(Struct):
    """A page of ended orders by their id; `count` is of all pages."""

    closed: dict[str, Raw]
    count: Raw = _NOTHING


class TradeRow(Struct):
    """An execution of one's own order.

    `fee` is worth that much of the quote asset, whichever asset it was charged in (fcib or fciq of
    https://docs.kraken.com/api/docs/websocket-v2/executions; seen in accounts with fees in base).

    `{"ordertxid":"OQCLML-BW3P3-BUCMWZ","postxid":"TKH2SE-M7IF5-CFI7LT","pair":"XXBTZUSD",
    "time":1688667796.8802,"type":"buy","ordertype":"limit","price":"30010.00000",
    "cost":"600.20000","fee":"0.00000","vol":"0.02000000","margin":"0.00000","misc":"",
    "trade_id":40274859,"maker":true}`
    """

    ordertxid: str
    pair: str
    time: Decimal
    type: str
    price: Decimal
    fee: Decimal
    vol: Decimal
    maker: bool | None = None


class TradesResult(Struct):
    """A page of executions by their id; `count` is of all pages and may be missing."""

    trades: dict[str, Raw]
    count: Raw = _NOTHING


class LedgerRow(Struct):
    """A line of the account; `amount` excludes the fee. Some old lines have `"balance":""`.

    `{"refid":"TJKLXF-PGMUI-4NTLXU","time":1688464484.1787,"type":"trade","subtype":"",
    "aclass":"currency","asset":"ZGBP","amount":"-24.5000","fee":"0.0490",
    "balance":"459567.9171"}`
    """

    refid: str
    time: Decimal
    type: str
    asset: str
    amount: Decimal
    fee: Decimal
    balance: Raw = _NOTHING


class LedgerResult(Struct):
    """A page of lines by their id; `count` is of all pages."""

    ledger: dict[str, Raw]
    count: Raw = _NOTHING


def rows(result: dict[str, Raw]) -> list[Row]:
    """The rows of a list that is written as an object."""
    return [Row(name, raw) for name, raw in result.items()]


decode_token = msgspec.json.Decoder(TokenResult).decode
decode_rows = msgspec.json.Decoder(dict[str, Raw]).decode
decode_asset = msgspec.json.Decoder(AssetRow).decode
decode_pair = msgspec.json.Decoder(PairRow).decode
decode_holding = msgspec.json.Decoder(HoldingRow).decode
decode_open = msgspec.json.Decoder(OpenResult).decode
decode_closed = msgspec.json.Decoder(ClosedResult).decode
decode_order = msgspec.json.Decoder(OrderRow).decode
decode_trades = msgspec.json.Decoder(TradesResult).decode
decode_trade = msgspec.json.Decoder(TradeRow).decode
decode_ledger = msgspec.json.Decoder(LedgerResult).decode
decode_line = msgspec.json.Decoder(LedgerRow).decode
decode_count = msgspec.json.Decoder(int).decode
