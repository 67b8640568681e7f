"""Kraken's private wire in both directions: one Struct a message, a real payload beside each.

Sources: https://docs.kraken.com/api/docs/websocket-v2/ followed by `balances`, `executions` or
the method's name. Every list of words the venue uses is open, so words stay text. Numbers that
we send are `Raw`, as they have to be written without an exponent.
"""

from decimal import Decimal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from fluxum.venues.kraken.native import Heartbeat, Kind, StatusFrame

__all__ = [
    "AccountParams",
    "AddParams",
    "AfterResult",
    "AmendParams",
    "BalanceRow",
    "BalancesFrame",
    "BatchAddParams",
    "BatchCancelParams",
    "CancelParams",
    "ChannelOutline",
    "Conditional",
    "CountResult",
    "EditParams",
    "EntryRow",
    "ExecutionsFrame",
    "FeeRow",
    "Frame",
    "OrderFields",
    "OrderResult",
    "Report",
    "ReportOutline",
    "Request",
    "Response",
    "RowsOutline",
    "SubscribeResult",
    "TokenParams",
    "Triggers",
    "TriggersReport",
    "WalletRow",
    "decode_account_params",
    "decode_add",
    "decode_after_result",
    "decode_amend",
    "decode_balance",
    "decode_batch_add",
    "decode_batch_cancel",
    "decode_cancel",
    "decode_count_result",
    "decode_edit",
    "decode_entry",
    "decode_entry_rows",
    "decode_frame",
    "decode_order_result",
    "decode_order_results",
    "decode_outline",
    "decode_raw_rows",
    "decode_report",
    "decode_report_outline",
    "decode_request",
    "decode_response",
    "decode_rows_outline",
    "decode_subscribe_result",
    "decode_token_params",
    "encode",
]


class Request(Struct, omit_defaults=True):
    """A client's request. `params` depends on the method.

    `{"method":"cancel_all","params":{"token":"..."},"req_id":1234567890}`
    """

    method: str
    params: Raw | UnsetType = UNSET
    req_id: int | None = None


class AccountParams(Struct, omit_defaults=True):
    """The parameters of a subscribe or unsubscribe of a private channel.

    `{"channel":"executions","token":"...","snap_orders":true,"snap_trades":true}`
    """

    channel: str
    token: str | None = None
    snapshot: bool | None = None
    snap_orders: bool | None = None
    snap_trades: bool | None = None
    ratecounter: bool | None = None
    snapshot_trades: bool | None = None
    order_status: bool | None = None
    users: str | None = None


class Triggers(Struct, omit_defaults=True):
    """When a triggered order begins; `{"reference":"last","price":-2.0,"price_type":"pct"}`."""

    price: Raw
    reference: str | None = None
    price_type: str | None = None


class Conditional(Struct, omit_defaults=True):
    """The order that closes this one.

    `{"order_type":"stop-loss-limit","trigger_price":28410,"limit_price":28400}`
    """

    order_type: str
    limit_price: Raw | UnsetType = UNSET
    limit_price_type: str | None = None
    trigger_price: Raw | UnsetType = UNSET
    trigger_price_type: str | None = None


class OrderFields(Struct, omit_defaults=True):
    """One order of a batch: `add_order` without symbol, token, deadline and validate.

    `{"limit_price":1010.10,"order_qty":0.123456789,"order_type":"limit","order_userref":1,
    "side":"buy"}`
    """

    order_type: str
    side: str
    order_qty: Raw | UnsetType = UNSET
    limit_price: Raw | UnsetType = UNSET
    limit_price_type: str | None = None
    triggers: Triggers | None = None
    conditional: Conditional | None = None
    time_in_force: str | None = None
    effective_time: str | None = None
    expire_time: str | None = None
    cl_ord_id: str | None = None
    order_userref: int | None = None
    sender_sub_id: str | None = None
    post_only: bool | None = None
    reduce_only: bool | None = None
    margin: bool | None = None
    display_qty: Raw | UnsetType = UNSET
    cash_order_qty: Raw | UnsetType = UNSET
    fee_preference: str | None = None
    stp_type: str | None = None
    no_mpp: bool | None = None


class AddParams(OrderFields, kw_only=True, omit_defaults=True):
    """A new order.

    `{"order_type":"limit","side":"buy","limit_price":26500.4,"order_userref":100054,
    "order_qty":1.2,"symbol":"BTC/USD","token":"..."}`
    """

    symbol: str
    token: str | None = None
    deadline: str | None = None
    validate: bool | None = None


class AmendParams(Struct, kw_only=True, omit_defaults=True):
    """A change in place, by one of the two ids.

    `{"cl_ord_id":"2c6be801-1f53-4f79-a0bb-4ea1c95dfae9","limit_price":490795,"order_qty":1.2,
    "token":"..."}`
    """

    order_id: str | None = None
    cl_ord_id: str | None = None
    symbol: str | None = None
    order_qty: Raw | UnsetType = UNSET
    limit_price: Raw | UnsetType = UNSET
    limit_price_type: str | None = None
    display_qty: Raw | UnsetType = UNSET
    trigger_price: Raw | UnsetType = UNSET
    trigger_price_type: str | None = None
    post_only: bool | None = None
    deadline: str | None = None
    token: str | None = None


class EditParams(Struct, kw_only=True, omit_defaults=True):
    """A cancel and a new order in its place.

    `{"order_id":"ORDERX-IDXXX-XXXXX1","order_qty":0.2123456789,"symbol":"BTC/USD","token":"..."}`
    """

    order_id: str
    symbol: str
    order_qty: Raw | UnsetType = UNSET
    limit_price: Raw | UnsetType = UNSET
    triggers: Triggers | None = None
    display_qty: Raw | UnsetType = UNSET
    fee_preference: str | None = None
    post_only: bool | None = None
    reduce_only: bool | None = None
    order_userref: int | None = None
    no_mpp: bool | None = None
    deadline: str | None = None
    validate: bool | None = None
    token: str | None = None


class CancelParams(Struct, kw_only=True, omit_defaults=True):
    """Orders to take out; each is answered by itself.

    `{"order_id":["OM5CRX-N2HAL-GFGWE9","OLUMT4-UTEGU-ZYM7E9"],"token":"..."}`
    """

    order_id: list[str] | None = None
    cl_ord_id: list[str] | None = None
    order_userref: list[int] | None = None
    token: str | None = None


class BatchAddParams(Struct, kw_only=True, omit_defaults=True):
    """Two to fifteen orders of one symbol.

    `{"deadline":"2022-06-13T08:09:10.123456Z","orders":[{"limit_price":1010.10,
    "order_qty":0.123456789,"order_type":"limit","order_userref":1,"side":"buy"},
    {"limit_price":2020.20,"order_qty":0.987654321,"order_type":"limit","order_userref":2,
    "side":"sell","stp_type":"cancel_both"}],"symbol":"BTC/USD","token":"...","validate":false}`
    """

    symbol: str
    orders: list[OrderFields]
    deadline: str | None = None
    validate: bool | None = None
    token: str | None = None


class BatchCancelParams(Struct, kw_only=True, omit_defaults=True):
    """Two to fifty orders to take out; ids and user references may be mixed.

    `{"orders":["1","2","ORDERX-IDXXX-XXXXX3"],"token":"..."}`
    """

    orders: list[str] = []
    cl_ord_id: list[str] | None = None
    token: str | None = None


class TokenParams(Struct, omit_defaults=True):
    """Of methods that need little more than a token: `cancel_all`, `cancel_all_orders_after`.

    `{"timeout":100,"token":"..."}`
    """

    token: str | None = None
    timeout: int | None = None


class Response(Struct, omit_defaults=True):
    """The answer to any request; anything but `success: true` is a failure.

    `{"method":"add_order","req_id":123456789,"result":{"order_id":"AA5JGQ-SBMRC-SCJ7J7",
    "order_userref":100054},"success":true,"time_in":"2023-09-21T14:15:07.197274Z",
    "time_out":"2023-09-21T14:15:07.205301Z"}`
    """

    method: str
    channel: str | None = None
    error: str | None = None
    req_id: int | None = None
    result: Raw | UnsetType = UNSET
    success: bool | None = None
    status: str | None = None
    orders_cancelled: int | None = None
    time_in: str | None = None
    time_out: str | None = None
    warnings: tuple[str, ...] = ()


class SubscribeResult(Struct, omit_defaults=True):
    """An accepted subscribe; `maxratecount` is the threshold of the account's tier.

    `{"channel":"executions","maxratecount":125,"snap_orders":true,"snap_trades":true}`
    """

    channel: str = ""
    maxratecount: int | None = None
    snapshot: bool | None = None
    snap_orders: bool | None = None
    snap_trades: bool | None = None
    warnings: tuple[str, ...] = ()


class OrderResult(Struct, omit_defaults=True):
    """One order of an accepted method; a row of a batch that failed has an `error` instead.

    `{"order_id":"ORDERX-IDXXX-XXXXX2","original_order_id":"ORDERX-IDXXX-XXXXX1"}`
    """

    order_id: str = ""
    cl_ord_id: str = ""
    order_userref: int | None = None
    original_order_id: str = ""
    amend_id: str = ""
    error: str | None = None
    warnings: tuple[str, ...] = ()


class CountResult(Struct, omit_defaults=True):
    """How many orders were taken out; `{"count":1}`."""

    count: int | None = None
    warnings: tuple[str, ...] = ()


class AfterResult(Struct):
    """The dead man's switch; disarmed, `triggerTime` is "0" or missing.

    `{"currentTime":"2023-09-21T15:49:29Z","triggerTime":"2023-09-21T15:51:09Z"}`
    """

    currentTime: str = ""  # noqa: N815 - the venue's spelling
    triggerTime: str = "0"  # noqa: N815


class FeeRow(Struct, gc=False):
    """What a fill cost; `{"asset":"USD","qty":0.3458}`."""

    asset: str
    qty: Decimal


class TriggersReport(Struct, omit_defaults=True, gc=False):
    """A trigger as reported.

    `{"price":0.2,"price_type":"static","reference":"index","status":"untriggered"}`
    """

    price: Decimal | None = None
    price_type: str | None = None
    actual_price: Decimal | None = None


class Report(Struct, omit_defaults=True, gc=False):
    """What happened to an order. All fields only in `pending_new` and in snapshots.

    `{"order_id":"OK4GJX-KSTLS-7DZZO5","order_userref":3,"exec_id":"TGBB7L-HT5LX-J3BZ4A",
    "exec_type":"trade","trade_id":62887576,"symbol":"BTC/USD","side":"sell","last_qty":0.005,
    "last_price":26599.9,"liquidity_ind":"t","cost":132.9995,"order_type":"limit",
    "timestamp":"2023-09-22T10:33:05.709993Z","order_status":"partially_filled","cum_qty":0.005,
    "cum_cost":132.9995,"avg_price":26599.9,"fee_usd_equiv":0.3458,
    "fees":[{"asset":"USD","qty":0.3458}]}`
    """

    order_id: str
    exec_type: str
    order_status: str | None = None
    timestamp: str | None = None
    cl_ord_id: str | None = None
    order_userref: int | None = None
    symbol: str | None = None
    side: str | None = None
    order_type: str | None = None
    order_qty: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    display_qty: Decimal | None = None
    time_in_force: str | None = None
    post_only: bool | None = None
    reduce_only: bool | None = None
    triggers: TriggersReport | None = None
    cum_qty: Decimal | None = None
    cum_cost: Decimal | None = None
    avg_price: Decimal | None = None
    reason: str | None = None
    exec_id: str | None = None
    last_qty: Decimal | None = None
    last_price: Decimal | None = None
    liquidity_ind: str | None = None
    fees: tuple[FeeRow, ...] | None = None
    ratecount: Decimal | None = None

    def __repr__(self) -> str:
        """The report as it is on the wire, without fields that are not used."""
        return encode(self).decode()


class ExecutionsFrame(Struct, tag_field="channel", tag="executions", gc=False):
    """Open orders and the last fills (Report), or what happened since; `sequence` counts by one.

    `{"channel":"executions","type":"update","data":[{"timestamp":"2023-09-22T10:33:05.709982Z",
    "order_status":"new","exec_type":"new","order_userref":3,"order_id":"OK4GJX-KSTLS-7DZZO5"}],
    "sequence":9}`
    """

    type: Kind
    data: tuple[Report, ...]
    sequence: int


class WalletRow(Struct):
    """A part of a balance; `{"type":"earn","id":"flex","balance":200}`."""

    type: str
    id: str
    balance: Decimal


class BalanceRow(Struct, omit_defaults=True):
    """A holding, in snapshots.

    `{"asset":"BTC","asset_class":"currency","balance":1.2,"wallets":[{"type":"spot","id":"main",
    "balance":1.2}]}`
    """

    asset: str
    balance: Decimal
    wallets: tuple[WalletRow, ...] = ()


class EntryRow(Struct, omit_defaults=True):
    """A line of the account, in updates; `amount` excludes the fee.

    `{"ledger_id":"A5KS77-LQRMP-SMMN4B","ref_id":"AGBB7L-HT5LX-J3BB4A",
    "timestamp":"2023-09-22T10:33:05.710082Z","type":"trade","asset":"USD",
    "asset_class":"currency","category":"trade","wallet_type":"spot","wallet_id":"main",
    "amount":132.9995,"fee":0.3458,"balance":500}`
    """

    ledger_id: str
    ref_id: str
    timestamp: str
    type: str
    asset: str
    amount: Decimal
    fee: Decimal
    balance: Raw = Raw(b"null")  # see number_or_none
    wallet_type: str = ""
    wallet_id: str = ""


class BalancesFrame(Struct, tag_field="channel", tag="balances", gc=False):
    """Holdings (BalanceRow) in a snapshot, lines (EntryRow) in an update."""

    type: Kind
    data: Raw
    sequence: int


class ChannelOutline(Struct, gc=False):
    """Which stream a frame is of that cannot be read; an answer has a method as well."""

    channel: str
    method: str | None = None


class RowsOutline(Struct, gc=False):
    """A frame of executions of which a row cannot be read."""

    type: Kind
    data: tuple[Raw, ...]
    sequence: int


class ReportOutline(Struct, gc=False):
    """Which order a report is of that cannot be read."""

    order_id: str
    exec_type: str = ""


Frame = Heartbeat | StatusFrame | ExecutionsFrame | BalancesFrame

encode = msgspec.json.Encoder(decimal_format="number").encode
decode_frame = msgspec.json.Decoder(Frame).decode
decode_response = msgspec.json.Decoder(Response).decode
decode_request = msgspec.json.Decoder(Request).decode
decode_subscribe_result = msgspec.json.Decoder(SubscribeResult).decode
decode_order_result = msgspec.json.Decoder(OrderResult).decode
decode_order_results = msgspec.json.Decoder(list[OrderResult]).decode
decode_count_result = msgspec.json.Decoder(CountResult).decode
decode_after_result = msgspec.json.Decoder(AfterResult).decode
decode_report_outline = msgspec.json.Decoder(ReportOutline).decode
decode_report = msgspec.json.Decoder(Report).decode
decode_raw_rows = msgspec.json.Decoder(tuple[Raw, ...]).decode
decode_entry_rows = msgspec.json.Decoder(tuple[EntryRow, ...]).decode
decode_rows_outline = msgspec.json.Decoder(RowsOutline).decode
decode_balance = msgspec.json.Decoder(BalanceRow).decode
decode_entry = msgspec.json.Decoder(EntryRow).decode
decode_outline = msgspec.json.Decoder(ChannelOutline).decode
decode_account_params = msgspec.json.Decoder(AccountParams).decode
decode_add = msgspec.json.Decoder(AddParams).decode
decode_amend = msgspec.json.Decoder(AmendParams).decode
decode_edit = msgspec.json.Decoder(EditParams).decode
decode_cancel = msgspec.json.Decoder(CancelParams).decode
decode_batch_add = msgspec.json.Decoder(BatchAddParams).decode
decode_batch_cancel = msgspec.json.Decoder(BatchCancelParams).decode
decode_token_params = msgspec.json.Decoder(TokenParams).decode
