"""What a simulated Binance does for an account, over its link and over REST alike.

https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-api.md#trading-requests and
#account-requests, errors.md. An order that becomes smaller keeps its name here.
"""

from decimal import Decimal
from functools import partial

from fluxum.errors import VenueRefused
from fluxum.model.account import EntryKind
from fluxum.model.market import Side
from fluxum.model.order import (
    Amend,
    FeeAsset,
    OrderRequest,
    OrderType,
    PriceKind,
    TimeInForce,
    Trigger,
)
from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.private.commands import NAMES
from fluxum.venues.binance.private.terms import ORDERS_PER_10_S
from fluxum.venues.binance.private.transfers import DEPOSITS, WITHDRAWALS
from fluxum.venues.binance.private.words import POST_ONLY, SELF_TRADES, SIDES, TIMES_IN_FORCE, TYPES
from fluxum.venues.binance.server.formats import plain
from fluxum.venues.binance.server.private.access import count_order
from fluxum.venues.binance.server.private.reading import (
    Given,
    Method,
    OrderReading,
    cut,
    invalid,
)
from fluxum.venues.binance.server.private.rows import (
    Row,
    balance_row,
    fill_row,
    order_row,
    trade_row,
)
from fluxum.venues.binance.server.private.transfers import list_transfers
from fluxum.venues.server.account_lists import ListQuery
from fluxum.venues.server.accounts import Account, CommandRefused, OrderState, Refusal
from fluxum.venues.server.arguments import Arguments
from fluxum.venues.server.contract import ExchangeView
from fluxum.venues.server.formats import millis, scrambled
from fluxum.venues.server.order_entry import attempt

__all__ = ["ReplaceFailed", "SpotAccounts", "cancel_name"]

_FILTER = "Filter failure: "
_REFUSALS = {
    Refusal.INSUFFICIENT_FUNDS: ("Account has insufficient balance for requested action.", "-2010"),
    Refusal.UNKNOWN_SYMBOL: ("Invalid symbol.", "-1121"),
    Refusal.UNKNOWN_ORDER: ("Unknown order sent.", "-2011"),
    Refusal.INVALID_PRICE: (f"{_FILTER}PRICE_FILTER", "-1013"),
    Refusal.TOO_PRECISE: (f"{_FILTER}PRICE_FILTER", "-1013"),
    Refusal.OFF_TICK: (f"{_FILTER}PRICE_FILTER", "-1013"),
    Refusal.INVALID_QUANTITY: (f"{_FILTER}LOT_SIZE", "-1013"),
    Refusal.QUANTITY_MINIMUM: (f"{_FILTER}LOT_SIZE", "-1013"),
    Refusal.COST_MINIMUM: (f"{_FILTER}NOTIONAL", "-1013"),
    Refusal.INVALID_DISPLAY: (f"{_FILTER}ICEBERG_PARTS", "-1013"),
    Refusal.WOULD_TAKE: ("Order would immediately match and take.", "-2010"),
    Refusal.INVALID_TRIGGER: ("Order would trigger immediately.", "-2010"),
    Refusal.NAME_TAKEN: ("Duplicate order sent.", "-2010"),
}
_UNSUPPORTED = ("Combination of optional parameters invalid.", "-1128")
_DAY_MS = 86_400_000
_ZERO = Decimal(0)


class ReplaceFailed(VenueRefused):
    """One order was not put in the place of another; `data` is what became of each."""

    def __init__(self, message: str, code: str, status: int, data: Row) -> None:
        super().__init__(message, code)
        self.status = status
        self.data = data


class SpotAccounts:
    """Does what the accounts of a simulated exchange request, by the names of the WebSocket API."""

    def __init__(self, policy: Policy, view: ExchangeView) -> None:
        self._policy = policy
        self._view = view
        too_long = "More than 24 hours between startTime and endTime."
        self._reading = OrderReading(view, _refused, _DAY_MS, too_long)
        self._entry = self._reading.entry
        self._methods: dict[str, Method] = {
            "order.place": self._place,
            "order.test": self._test,
            "order.cancel": self._cancel,
            "order.cancelReplace": self._replace,
            "order.amend.keepPriority": self._amend,
            "openOrders.cancelAll": self._cancel_all,
            "order.status": self._status,
            "openOrders.status": self._open_orders,
            "allOrders": self._all_orders,
            "myTrades": self._trades,
            "account.status": self._account,
            DEPOSITS: partial(list_transfers, EntryKind.DEPOSIT),
            WITHDRAWALS: partial(list_transfers, EntryKind.WITHDRAWAL),
        }

    def is_known(self, method: str) -> bool:
        """Whether there is such a request."""
        return method in self._methods

    def obey(self, method: str, account: Account, given: Given, now_ns: int) -> object:
        """The result of a request; raises VenueRefused."""
        if self._view.status == "maintenance":
            text = "Server is currently overloaded with other requests. Please try again later."
            raise VenueRefused(text, "-1008")
        return self._methods[method](account, Arguments(given, invalid), now_ns)

    # Orders

    def _place(self, account: Account, read: Arguments, now_ns: int) -> Row:
        request = self._request(read, now_ns)
        count_order(account, now_ns, ORDERS_PER_10_S)
        return self._placed(account, read, self._entry.place(account, request))

    def _placed(self, account: Account, read: Arguments, order: OrderState) -> Row:
        """The answer to an order, as short as it is wanted."""
        row = order_row(self._policy, order)
        row["transactTime"] = row["updateTime"]
        default = "FULL" if row["type"] in {"LIMIT", "MARKET"} else "ACK"
        form = read.one_of({"ACK", "RESULT", "FULL"}, "newOrderRespType", default)
        if form == "ACK":
            names = ("symbol", "orderId", "orderListId", "clientOrderId", "transactTime")
            return {name: row[name] for name in names}
        if form == "FULL":
            latest = list(account.trades)[-len(order.fill_ids) :] if order.fill_ids else []
            row["fills"] = [fill_row(one.fill) for one in latest if one.fill is not None]
        return row

    def _test(self, account: Account, read: Arguments, now_ns: int) -> Row:
        request = self._request(read, now_ns)
        self._entry.translated(lambda: account.check(request, now_ns))
        return {}

    def _cancel(self, account: Account, read: Arguments, now_ns: int) -> Row:  # noqa: ARG002
        order = self._reading.find(account, read)
        rule = read.text("cancelRestrictions")
        wanted = {"": order.update.filled > 0, "ONLY_NEW": False, "ONLY_PARTIALLY_FILLED": True}
        if rule not in wanted:
            raise VenueRefused("Invalid cancelRestrictions", "-1145")
        if wanted[rule] is not (order.update.filled > 0):
            text = "Order was not canceled due to cancel restrictions."
            raise VenueRefused(text, "-2011")
        return self._canceled(self._entry.cancel(account, order))

    def _canceled(self, order: OrderState) -> Row:
        row = order_row(self._policy, order)
        names = {"origClientOrderId": row["clientOrderId"], "clientOrderId": cancel_name(order)}
        return {**row, **names, "transactTime": row["updateTime"]}

    def _cancel_all(self, account: Account, read: Arguments, now_ns: int) -> list[Row]:  # noqa: ARG002
        symbol = self._reading.symbol(read)
        ended = self._entry.cancel_all(account, lambda one: one.symbol == symbol)
        if not ended:
            raise _refused(CommandRefused(Refusal.UNKNOWN_ORDER))
        return [self._canceled(one) for one in ended]

    def _replace(self, account: Account, read: Arguments, now_ns: int) -> Row:
        mode = read.one_of({"STOP_ON_FAILURE", "ALLOW_FAILURE"}, "cancelReplaceMode")
        named = {
            "symbol": read.text("symbol"),
            "orderId": read.text("cancelOrderId"),
            "origClientOrderId": read.text("cancelOrigClientOrderId"),
            "cancelRestrictions": read.text("cancelRestrictions"),
        }
        canceled = attempt(lambda: self._cancel(account, Arguments(named, invalid), now_ns))
        entered: Row | VenueRefused | None = None
        if not isinstance(canceled, VenueRefused) or mode == "ALLOW_FAILURE":
            entered = attempt(lambda: self._place(account, read, now_ns))
        data: Row = {
            "cancelResult": _outcome(canceled),
            "newOrderResult": _outcome(entered),
            "cancelResponse": _response(canceled),
            "newOrderResponse": _response(entered),
        }
        outcomes = {data["cancelResult"], data["newOrderResult"]}
        if outcomes == {"SUCCESS"}:
            return data
        if "SUCCESS" in outcomes:
            raise ReplaceFailed("Order cancel-replace partially failed.", "-2021", 409, data)
        raise ReplaceFailed("Order cancel-replace failed.", "-2022", 400, data)

    def _amend(self, account: Account, read: Arguments, now_ns: int) -> Row:
        order, quantity = self._reading.find(account, read), read.needed("newQty")
        if not order.update.filled < quantity < order.update.quantity:
            raise VenueRefused("Order amend (quantity increase) is not supported.", "-2038")
        amend = Amend(order_id=order.update.order_id, quantity=quantity)
        row = order_row(self._policy, self._entry.amend(account, amend))
        row["origClientOrderId"], row["qty"] = row["clientOrderId"], row.pop("origQty")
        row["cumulativeQuoteQty"] = row.pop("cummulativeQuoteQty")
        return {"transactTime": millis(now_ns), "executionId": now_ns // 1000, "amendedOrder": row}

    # Lists

    def _status(self, account: Account, read: Arguments, now_ns: int) -> Row:  # noqa: ARG002
        wanted = self._reading.wanted(read)
        if not wanted.order_id and not wanted.client_order_id:
            text = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
            raise VenueRefused(text, "-1102")
        for one in wanted.orders([*account.ended, *account.open_orders()]):
            return order_row(self._policy, one)
        raise VenueRefused("Order does not exist.", "-2013")

    def _open_orders(self, account: Account, read: Arguments, now_ns: int) -> list[Row]:  # noqa: ARG002
        wanted = self._reading.wanted(read) if read.has("symbol") else ListQuery()
        orders = wanted.orders(account.open_orders())
        return [order_row(self._policy, one) for one in reversed(orders)]

    def _all_orders(self, account: Account, read: Arguments, now_ns: int) -> list[Row]:  # noqa: ARG002
        orders = [*account.ended, *account.open_orders()]
        orders.sort(key=lambda one: int(one.update.order_id.rpartition(":")[2]))
        wanted = self._reading.wanted(read).orders(orders)
        return [order_row(self._policy, one) for one in cut(read, wanted, ("startTime",))]

    def _trades(self, account: Account, read: Arguments, now_ns: int) -> list[Row]:  # noqa: ARG002
        wanted = self._reading.wanted(read).trades(account.trades)
        first = int(read.number("fromId") or 0)
        found = [one for one in wanted if int(one.trade_id) >= first]
        return [trade_row(self._policy, one) for one in cut(read, found, ("startTime", "fromId"))]

    def _account(self, account: Account, read: Arguments, now_ns: int) -> Row:
        maker, taker = map(plain, account.rates)
        is_short = read.flag("omitZeroBalances")
        held = [one for one in account.balances() if one.total or not is_short]
        return {
            "makerCommission": int(account.rates[0] * 10_000),
            "takerCommission": int(account.rates[1] * 10_000),
            "commissionRates": {"maker": maker, "taker": taker, "buyer": "0", "seller": "0"},
            **{f"can{one}": True for one in ("Trade", "Withdraw", "Deposit")},
            "updateTime": millis(now_ns),
            "accountType": "SPOT",
            "balances": [balance_row(one, "asset", "free", "locked") for one in held],
            "permissions": ["SPOT"],
            "uid": 354937868,
        }

    # Reading

    def _request(self, read: Arguments, now_ns: int) -> OrderRequest:
        symbol, word = self._reading.symbol(read), read.text("type")
        side, shown, points = (
            read.word(SIDES, "side"),
            *map(read.number, ("icebergQty", "trailingDelta")),
        )
        kind = OrderType.LIMIT if word == POST_ONLY else read.word(TYPES, "type")
        name = read.name("newClientOrderId", NAMES) or f"x-{scrambled(now_ns):016x}"
        trigger = Trigger(read.needed("stopPrice")) if kind.is_triggered and not points else None
        if trigger is not None:
            self._reading.check_trigger(read, side, kind, "stopPrice")
        if points is not None and kind is OrderType.STOP_LOSS:
            kind, trigger = OrderType.TRAILING_STOP, Trigger(points / 100, PriceKind.PERCENT)
        has_time = kind.has_limit and word != POST_ONLY
        return OrderRequest(
            symbol=symbol,
            side=side,
            order_type=OrderType.ICEBERG if shown and kind is OrderType.LIMIT else kind,
            quantity=None if read.has("quoteOrderQty") else read.needed("quantity"),
            quote_quantity=read.number("quoteOrderQty"),
            limit_price=read.needed("price") if kind.has_limit else None,
            trigger=trigger,
            time_in_force=read.word(TIMES_IN_FORCE, "timeInForce") if has_time else TimeInForce.GTC,
            post_only=word == POST_ONLY,
            display_quantity=shown or None,
            self_trade=read.word_or_none(SELF_TRADES, "selfTradePreventionMode", "NONE"),
            fee_asset=FeeAsset.BASE if side is Side.BUY else FeeAsset.QUOTE,
            client_order_id=name,
        )


def cancel_name(order: OrderState) -> str:
    """The name of the cancel of an order, which the venue makes."""
    return f"c-{scrambled(order.update.venue_ns):016x}"


def _refused(error: CommandRefused) -> VenueRefused:
    return VenueRefused(*_REFUSALS.get(error.refusal, _UNSUPPORTED))


def _outcome(result: Row | VenueRefused | None) -> str:
    if result is None:
        return "NOT_ATTEMPTED"
    return "FAILURE" if isinstance(result, VenueRefused) else "SUCCESS"


def _response(result: Row | VenueRefused | None) -> Row | None:
    if isinstance(result, VenueRefused):
        return {"code": int(result.code), "msg": str(result)}
    return result
