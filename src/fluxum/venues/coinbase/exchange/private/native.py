"""The account's wire at the Exchange: one Struct a message or row, a real payload beside each.

https://docs.cdp.coinbase.com/exchange/websocket-feed/channels (`user`, `balance`) and
https://docs.cdp.coinbase.com/api-reference/exchange-api/rest-api/introduction. Numbers are text.
"""

import msgspec
from msgspec import Struct

__all__ = [
    "AccountRow",
    "BalanceFrame",
    "FillRow",
    "LedgerDetails",
    "LedgerRow",
    "OrderRow",
    "Refusal",
    "UserFrame",
    "UserRequest",
    "decode_ids",
    "encode",
]

Id = str | int


class UserRequest(Struct, omit_defaults=True):
    """A request for channels of an account; the signer adds the proof.

    `{"type":"subscribe","product_ids":["BTC-USD"],"channels":["user"],"signature":"...",...}` and
    `{"type":"subscribe","channels":["balance"],"account_ids":["d50ec984-..."],...}`
    """

    type: str
    channels: list[str]
    product_ids: list[str] = []
    account_ids: list[str] = []


class UserFrame(Struct):
    """What happened to an order of the user's.

    `{"type":"received","time":"2014-11-07T08:19:27.028459Z","product_id":"BTC-USD","sequence":10,
    "order_id":"d50ec984-77a8-460a-b958-66f114b0de9b","size":"1.34","price":"502.1","side":"buy",
    "order_type":"limit","client_oid":"d50ec974-76a2-454b-66f135b1ea8c"}`

    `{"type":"open","time":"...","product_id":"BTC-USD","sequence":10,"order_id":"d50ec984-...",
    "price":"200.2","remaining_size":"1.00","side":"sell"}`

    `{"type":"match","trade_id":10,"sequence":50,"maker_order_id":"ac928c66-...",
    "taker_order_id":"132fb6ae-...","time":"...","product_id":"BTC-USD","size":"5.23512",
    "price":"400.23","side":"sell"}`

    `{"type":"done","time":"...","product_id":"BTC-USD","sequence":10,"price":"200.2",
    "order_id":"d50ec984-...","reason":"filled","side":"sell","remaining_size":"0"}`

    `{"type":"change","reason":"STP","time":"...","sequence":80,"order_id":"ac928c66-...",
    "side":"sell","product_id":"BTC-USD","old_size":"12.234412","new_size":"5.23512",
    "price":"400.23"}`

    `{"type":"activate","product_id":"test-product","timestamp":"1483736448.299000",
    "order_id":"7b52009b-...","stop_type":"entry","side":"buy","stop_price":"80","size":"2",
    "funds":"50","private":true}`
    """

    type: str
    product_id: str
    side: str = ""
    time: str = ""
    timestamp: str = ""
    order_id: str = ""
    client_oid: str = ""
    order_type: str = ""
    size: str = ""
    funds: str = ""
    price: str = ""
    remaining_size: str = ""
    reason: str = ""
    cancel_reason: str = ""
    trade_id: int | None = None
    maker_order_id: str = ""
    taker_order_id: str = ""
    new_size: str = ""
    new_price: str = ""
    stop_type: str = ""
    stop_price: str = ""
    limit_price: str = ""


class BalanceFrame(Struct):
    """What is held of an asset has changed.

    `{"type":"balance","account_id":"d50ec984-77a8-460a-b958-66f114b0de9b","currency":"USD",
    "holds":"1000.23","available":"102030.99","updated":"2023-10-10T20:42:27.265Z",
    "timestamp":"2023-10-10T20:42:29.265Z"}`
    """

    currency: str
    holds: str
    available: str
    updated: str = ""


class AccountRow(Struct):
    """The account of an asset.

    `{"id":"7fd0abc0-e5ad-4cbb-8d54-f2b3f43364da","currency":"USD","balance":"1.0000000000000000",
    "hold":"0.0000000000000000","available":"1","profile_id":"8058d771-...","trading_enabled":true}`
    """

    id: str
    currency: str
    balance: str
    hold: str = "0"


class OrderRow(Struct):
    """An order of a list, or the answer to a new one.

    `{"id":"a9625b04-fc66-4999-a876-543c3684d702","price":"10.00000000","size":"1.00000000",
    "product_id":"BTC-USD","profile_id":"8058d771-...","side":"buy","type":"limit",
    "time_in_force":"GTC","post_only":true,"max_floor":"4","created_at":"2020-03-11T20:48:46.622Z",
    "fill_fees":"0.0000000000000000","filled_size":"0.00000000",
    "executed_value":"0.0000000000000000","status":"open","settled":false}`
    """

    id: str
    product_id: str = ""
    side: str = ""
    type: str = ""
    status: str = ""
    size: str = ""
    price: str = ""
    client_oid: str = ""
    time_in_force: str = ""
    post_only: bool = False
    max_floor: str = ""
    stop: str = ""
    stop_price: str = ""
    created_at: str = ""
    done_at: str = ""
    done_reason: str = ""
    reject_reason: str = ""
    cancel_reason: str = ""
    filled_size: str = "0"
    executed_value: str = "0"


class FillRow(Struct):
    """An execution of a list; `liquidity` is T or M.

    `{"created_at":"2019-11-21T01:38:23.878Z","trade_id":78098253,"product_id":"BTC-USD",
    "order_id":"41473628-db2c-464e-b9f4-82df7e4fb4f4","user_id":"5cf6e115aaf44503db300f1e",
    "profile_id":"8058d771-...","liquidity":"T","price":"8087.38000000","size":"0.00601800",
    "fee":"0.2433492642000000","side":"sell","settled":true,"usd_volume":"48.6698528400000000",
    "funding_currency":"USDC"}`
    """

    created_at: str
    trade_id: int
    product_id: str
    order_id: str
    liquidity: str
    price: str
    size: str
    fee: str
    side: str


class LedgerDetails(Struct, frozen=True):
    """What an entry is about: `{"order_id":"...","product_id":"BTC-USD","trade_id":"1"}`."""

    order_id: str = ""
    trade_id: Id = ""
    transfer_type: str = ""


class LedgerRow(Struct):
    """An entry of one asset's account; a trade's fee is an entry by itself.

    `{"created_at":"2019-06-11T22:11:56.382Z","id":"1444415179","amount":"3.2200000000000000",
    "balance":"3.2200000000000000","type":"transfer","details":{"to":"6d326768-...",
    "from":"20640810-...","profile_transfer_id":"1f854356-4923-4b10-8db1-d82f7fae8eda"}}`
    """

    created_at: str
    id: str
    amount: str
    balance: str
    type: str
    details: LedgerDetails = LedgerDetails()


class Refusal(Struct):
    """Why a call was refused: `{"message":"Insufficient funds"}`."""

    message: str = ""


encode = msgspec.json.Encoder().encode
decode_ids = msgspec.json.Decoder(list[str]).decode
