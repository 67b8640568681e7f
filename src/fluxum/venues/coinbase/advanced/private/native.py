"""Advanced Trade's messages about an account as they are on the wire, a real payload beside each.

Sources: https://docs.cdp.coinbase.com/coinbase-app/advanced-trade-apis/websocket/websocket-channels
and https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api, 2026-06. Only fields
that are used are declared. Numbers are text.
"""

from msgspec import Raw, Struct

__all__ = [
    "AccountRow",
    "Accounts",
    "Amount",
    "Canceled",
    "Cancels",
    "Configuration",
    "Edit",
    "EditError",
    "Edited",
    "FillRow",
    "Fills",
    "OrderAnswer",
    "OrderRow",
    "Orders",
    "PlaceError",
    "Placed",
    "PlacedOrder",
    "UserEvent",
    "UserFrame",
    "UserOrder",
]


class UserOrder(Struct):
    """An order as the stream has it: what was filled and what is left, and not how much was wanted.

    `{"avg_price":"50000","cancel_reason":"","client_order_id":"...","completion_percentage":
    "100.00","cumulative_quantity":"0.01","filled_value":"500","leaves_quantity":"0",
    "limit_price":"50000","number_of_fills":"1","order_id":"YYY","order_side":"BUY",
    "order_type":"Limit","outstanding_hold_amount":"0","post_only":"false",
    "product_id":"BTC-USD","product_type":"SPOT","reject_reason":"","status":"FILLED",
    "stop_price":"","time_in_force":"GOOD_UNTIL_CANCELLED","total_fees":"2",
    "creation_time":"2024-06-21T18:29:13.909347Z","end_time":"0001-01-01T00:00:00Z"}`
    """

    order_id: str
    product_id: str
    order_side: str
    order_type: str
    status: str
    cumulative_quantity: str
    leaves_quantity: str = ""
    client_order_id: str = ""
    avg_price: str = ""
    filled_value: str = ""
    limit_price: str = ""
    stop_price: str = ""
    post_only: str | bool = ""
    time_in_force: str = ""
    cancel_reason: str = ""
    reject_reason: str = ""
    creation_time: str = ""
    trigger_status: str = ""
    product_type: str = "SPOT"


class UserEvent(Struct):
    """Orders of one event, of a snapshot the open ones; positions of contracts are beside them."""

    type: str = ""
    orders: tuple[Raw, ...] = ()


class UserFrame(Struct):
    """A frame of the channel `user`.

    `{"channel":"user","client_id":"","timestamp":"2023-02-09T20:33:57.609931463Z",
    "sequence_num":0,"events":[{"type":"snapshot","orders":[...],"positions":{}}]}`
    """

    events: tuple[UserEvent, ...]
    timestamp: str = ""


class Configuration(Struct):
    """What an order was placed with. Some documents show its size as a bare number.

    `{"limit_limit_gtc":{"base_size":"0.001","limit_price":"10000.00","post_only":false}}`
    """

    base_size: Raw = Raw(b"")
    limit_price: str | None = None
    stop_price: str | None = None
    stop_direction: str | None = None
    post_only: bool | None = None


class Edit(Struct):
    """A change of an order: `{"price":"19000.00","size":"0.001","replace_accept_timestamp":""}`."""

    price: str = ""
    size: str = ""
    replace_accept_timestamp: str | None = None


class OrderRow(Struct):
    """An order as lists have it.

    `{"order_id":"0000-000000-000001","product_id":"BTC-USD","order_configuration":{
    "limit_limit_gtc":{"base_size":"0.01","limit_price":"45000.00","post_only":false}},
    "side":"BUY","client_order_id":"11111-000000-000001","status":"OPEN",
    "time_in_force":"GOOD_UNTIL_CANCELLED","created_time":"2024-01-15T10:00:00Z",
    "filled_size":"0","average_filled_price":"0","number_of_fills":"0","filled_value":"0",
    "total_fees":"0","order_type":"LIMIT","reject_reason":"","product_type":"SPOT",
    "cancel_message":"","last_fill_time":null,"edit_history":[],"last_update_time":null}`
    """

    order_id: str
    product_id: str
    side: str
    status: str
    order_configuration: dict[str, Configuration]
    client_order_id: str = ""
    order_type: str = ""
    time_in_force: str = ""
    created_time: str = ""
    filled_size: str = ""
    filled_value: str = ""
    average_filled_price: str = ""
    reject_reason: str = ""
    cancel_message: str = ""
    last_fill_time: str | None = None
    last_update_time: str | None = None
    edit_history: tuple[Edit, ...] | None = ()
    trigger_status: str = ""
    product_type: str = "SPOT"


class Orders(Struct):
    """A page of orders: `{"orders":[...],"has_next":true,"sequence":"0","cursor":"789100"}`."""

    orders: tuple[Raw, ...] = ()
    cursor: str = ""
    has_next: bool = False


class OrderAnswer(Struct):
    """One order: `{"order":{...}}`."""

    order: Raw


class FillRow(Struct):
    """A trade of an order; `commission` is in the quote asset.

    `{"entry_id":"22222-2222222-22222222","trade_id":"1111-11111-111111",
    "order_id":"0000-000000-000000","trade_time":"2021-05-31T09:59:59.000Z","trade_type":"FILL",
    "price":"10000.00","size":"0.001","commission":"1.25","product_id":"BTC-USD",
    "sequence_timestamp":"2021-05-31T09:58:59.000Z","liquidity_indicator":"MAKER",
    "size_in_quote":false,"side":"BUY"}`
    """

    entry_id: str
    order_id: str
    product_id: str
    price: str
    size: str
    side: str
    trade_time: str
    trade_type: str = "FILL"
    commission: str = ""
    liquidity_indicator: str = ""
    size_in_quote: bool = False


class Fills(Struct):
    """A page of trades, newest first: `{"fills":[...],"cursor":"789100"}`."""

    fills: tuple[Raw, ...] = ()
    cursor: str = ""


class Amount(Struct):
    """An amount of an asset: `{"value":"1.23","currency":"BTC"}`."""

    value: str


class AccountRow(Struct):
    """What is held of one asset: the total is what is available and what is on hold.

    `{"uuid":"8bfc20d7-f7c6-4422-bf07-8243ca4169fe","name":"BTC Wallet","currency":"BTC",
    "available_balance":{"value":"1.23","currency":"BTC"},"default":false,"active":true,
    "type":"ACCOUNT_TYPE_CRYPTO","ready":true,"hold":{"value":"1.23","currency":"BTC"}}`
    """

    currency: str
    available_balance: Amount
    hold: Amount


class Accounts(Struct):
    """A page of accounts: `{"accounts":[...],"has_next":true,"cursor":"789100","size":1}`."""

    accounts: tuple[Raw, ...] = ()
    cursor: str = ""
    has_next: bool = False


class PlacedOrder(Struct, frozen=True):
    """The ids of an order that was placed: `{"order_id":"62475e97","client_order_id":"1234"}`."""

    order_id: str
    client_order_id: str = ""


class PlaceError(Struct, frozen=True):
    """Why an order was refused.

    `{"error":"INSUFFICIENT_FUND","message":"Insufficient balance in source account",
    "error_details":"","preview_failure_reason":"PREVIEW_INSUFFICIENT_FUND"}`
    """

    error: str = ""
    message: str = ""
    error_details: str = ""
    preview_failure_reason: str = ""
    new_order_failure_reason: str = ""


class Placed(Struct):
    """The answer to an order; HTTP 200 means nothing, `success` decides.

    `{"success":true,"failure_reason":"UNKNOWN_FAILURE_REASON","order_id":
    "62475e97-7485-45eb-a5ac-594805fa2748","success_response":{"order_id":
    "62475e97-7485-45eb-a5ac-594805fa2748","product_id":"BTC-USD","side":"BUY",
    "client_order_id":"12345678"}}`
    """

    success: bool
    success_response: PlacedOrder | None = None
    error_response: PlaceError | None = None
    failure_reason: str = ""


class Canceled(Struct):
    """What became of one order of a cancel.

    `{"success":true,"failure_reason":"UNKNOWN_CANCEL_FAILURE_REASON","order_id":"0000-00000"}`
    """

    success: bool
    failure_reason: str = ""
    order_id: str = ""


class Cancels(Struct):
    """The answer to a cancel: `{"results":[...]}`."""

    results: tuple[Canceled, ...]


class EditError(Struct):
    """`{"edit_failure_reason":"ORDER_NOT_FOUND","preview_failure_reason":"UNKNOWN"}`."""

    edit_failure_reason: str = ""
    preview_failure_reason: str = ""


class Edited(Struct):
    """The answer to a change: `{"success":true,"errors":[]}`."""

    success: bool
    errors: tuple[EditError, ...] = ()
