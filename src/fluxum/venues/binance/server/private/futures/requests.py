"""What simulated USD-M futures do for an account, over their link and over REST alike.

https://developers.binance.com/docs/derivatives/usds-margined-futures/trade/websocket-api,
/trade/rest-api, /account/rest-api and /error-code. Accounts are in one-way mode, with cross margin.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import TypeVar

import msgspec
from msgspec import Struct

from fluxum.errors import VenueRefused
from fluxum.model.instrument import Asset
from fluxum.model.order import (
    Amend,
    FeeAsset,
    OrderRequest,
    OrderType,
    PriceKind,
    TimeInForce,
    Trigger,
    TriggerReference,
)
from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.private.commands import NAMES
from fluxum.venues.binance.private.futures.commands import BATCH_MAX
from fluxum.venues.binance.private.futures.terms import ORDERS_PER_10_S
from fluxum.venues.binance.private.futures.words import (
    CONDITIONAL,
    POST_ONLY,
    REFERENCES,
    TIMES_IN_FORCE,
    TYPES,
)
from fluxum.venues.binance.private.words import SELF_TRADES, SIDES
from fluxum.venues.binance.server.private.access import count_order
from fluxum.venues.binance.server.private.futures.rows import (
    asset_row,
    conditional_row,
    income_rows,
    is_waiting,
    order_row,
    position_row,
    trade_row,
)
from fluxum.venues.binance.server.private.reading import (
    Given,
    Method,
    OrderReading,
    cut,
    invalid,
)
from fluxum.venues.binance.server.private.rows import Row
from fluxum.venues.queries import UNDECODABLE
from fluxum.venues.server.account_lists import ListQuery
from fluxum.venues.server.accounts import Account, CommandRefused, OrderState, Refusal
from fluxum.venues.server.arguments import Arguments
from fluxum.venues.server.contract import ExchangeView
from fluxum.venues.server.formats import millis, scrambled
from fluxum.venues.server.order_entry import attempt

__all__ = ["FuturesRequests"]

Item = TypeVar("Item")

_ZERO = Decimal(0)
_WEEK_MS = 7 * 86_400_000
_TOO_LONG = "Lookup interval is too big."
_DONE = {"code": 200, "msg": "The operation of cancel all open order is done."}
_REFUSALS = {
    Refusal.INSUFFICIENT_FUNDS: ("Margin is insufficient.", "-2019"),
    Refusal.UNKNOWN_SYMBOL: ("Invalid symbol.", "-1121"),
    Refusal.UNKNOWN_ORDER: ("Unknown order sent.", "-2011"),
    Refusal.INVALID_PRICE: ("Price less than 0.", "-4001"),
    Refusal.TOO_PRECISE: ("Precision is over the maximum defined for this asset.", "-1111"),
    Refusal.OFF_TICK: ("Price not increased by tick size.", "-4014"),
    Refusal.INVALID_QUANTITY: ("Qty not increased by step size.", "-4023"),
    Refusal.QUANTITY_MINIMUM: ("Quantity less than min quantity.", "-4004"),
    Refusal.COST_MINIMUM: ("Order's notional must be no smaller than 5.", "-4164"),
    Refusal.INVALID_TRIGGER: ("Order would immediately trigger.", "-2021"),
    Refusal.NAME_TAKEN: ("ClientOrderId is duplicated.", "-4116"),
    Refusal.NO_POSITION: ("ReduceOnly Order is rejected.", "-2022"),
    Refusal.WOULD_TAKE: (
        "Due to the order could not be executed as maker, the Post Only order will be rejected.",
        "-5022",
    ),
}
_UNSUPPORTED = ("Combination of optional parameters invalid.", "-1128")
_NO_ORDER = ("Order does not exist.", "-2013")
_ELSEWHERE = (
    "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.",
    "-4120",
)


class _Kind(Struct, frozen=True):
    """Orders of one service: how they are written, which are meant, and what names one."""

    row: Callable[[Policy, OrderState], Row]
    is_meant: Callable[[OrderState], bool]
    named: tuple[str, str] = ("orderId", "origClientOrderId")
    waits: bool = False


_ORDINARY = _Kind(order_row, lambda one: not is_waiting(one))
_FORCED = _Kind(order_row, lambda one: one.update.forced is not None)
_CONDITIONAL = _Kind(
    conditional_row,
    lambda one: one.is_triggered is not None,
    ("algoId", "clientAlgoId"),
    waits=True,
)


class FuturesRequests:
    """See Requests; calls that the WebSocket API lacks have names of their own here."""

    def __init__(self, policy: Policy, view: ExchangeView) -> None:
        self._policy = policy
        self._view = view
        self._reading = OrderReading(view, _refused, _WEEK_MS, _TOO_LONG)
        self._entry = self._reading.entry
        self._methods: dict[str, Method] = {
            "order.place": self._place,
            "order.modify": self._modify,
            "order.cancel": self._cancel,
            "order.test": self._test,
            "batch.place": self._place_batch,
            "batch.cancel": self._cancel_batch,
            "cancelAll": partial(self._cancel_all, are_waiting=False),
            "countdown": self._countdown,
            "algoOrder.place": self._place_conditional,
            "algoOrder.cancel": self._cancel_conditional,
            "algoCancelAll": partial(self._cancel_all, are_waiting=True),
            "order.status": partial(self._one, kind=_ORDINARY),
            "openOrders": partial(self._open, kind=_ORDINARY),
            "allOrders": partial(self._all, kind=_ORDINARY),
            "forceOrders": partial(self._all, kind=_FORCED),
            "algoOrder.status": partial(self._one, kind=_CONDITIONAL),
            "openAlgoOrders": partial(self._open, kind=_CONDITIONAL),
            "allAlgoOrders": partial(self._all, kind=_CONDITIONAL),
            "userTrades": self._trades,
            "income": self._income,
            "positionMode": lambda _account, _read, _now_ns: {"dualSidePosition": False},
            "balance": lambda account, _read, now_ns: self._assets(account, now_ns),
            "account": self._account,
            "positions": self._positions,
            "brackets": self._brackets,
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
        return self._order_row(self._entry.place(account, request))

    def _place_conditional(self, account: Account, read: Arguments, now_ns: int) -> Row:
        read.one_of({"CONDITIONAL"}, "algoType")
        request = self._conditional(read, now_ns)
        return conditional_row(self._policy, self._entry.place(account, request))

    def _test(self, account: Account, read: Arguments, now_ns: int) -> Row:
        request = self._request(read, now_ns)
        self._entry.translated(lambda: account.check(request, now_ns))
        return {}

    def _place_batch(self, account: Account, read: Arguments, now_ns: int) -> list[Row]:
        given = _listed(read.text("batchOrders"), dict[str, object], "batchOrders")
        if not 1 <= len(given) <= BATCH_MAX:
            raise VenueRefused("Invalid number of batch place orders.", "-4082")

        def place(one: Mapping[str, object]) -> Row:
            return self._place(account, Arguments(one, invalid), now_ns)

        return [_row(result) for _, result in self._entry.each(given, place)]

    def _modify(self, account: Account, read: Arguments, now_ns: int) -> Row:
        order = self._reading.find(account, read)
        read.word(SIDES, "side")
        quantity, price = read.needed("quantity"), read.needed("price")
        if order.update.order_type is not OrderType.LIMIT:
            raise VenueRefused("This order type is not supported for modification.", "-4028")
        count_order(account, now_ns, ORDERS_PER_10_S)
        amend = Amend(order_id=order.update.order_id, quantity=quantity, limit_price=price)
        return self._order_row(self._entry.amend(account, amend))

    def _cancel(self, account: Account, read: Arguments, now_ns: int) -> Row:  # noqa: ARG002
        order = self._reading.find(account, read)
        if is_waiting(order):
            raise _refused(CommandRefused(Refusal.UNKNOWN_ORDER))
        return self._order_row(self._entry.cancel(account, order))

    def _cancel_batch(self, account: Account, read: Arguments, now_ns: int) -> list[Row]:
        numbers = _listed(read.text("orderIdList", "[]"), int, "orderIdList")
        names = _listed(read.text("origClientOrderIdList", "[]"), str, "origClientOrderIdList")
        given = [{"orderId": one} for one in numbers] + [
            {"origClientOrderId": one} for one in names
        ]

        def cancel(one: Mapping[str, object]) -> Row:
            named = {**one, "symbol": read.text("symbol")}
            return self._cancel(account, Arguments(named, invalid), now_ns)

        return [_row(result) for _, result in self._entry.each(given, cancel)]

    def _cancel_conditional(self, account: Account, read: Arguments, now_ns: int) -> Row:  # noqa: ARG002
        number, name = (read.text(one) for one in _CONDITIONAL.named)
        for one in filter(is_waiting, account.open_orders()):
            row = conditional_row(self._policy, one)
            if str(row["algoId"]) == number or (not number and row["clientAlgoId"] == name):
                self._entry.cancel(account, one)
                ids = {each: row[each] for each in _CONDITIONAL.named}
                return {**ids, "code": "200", "msg": "success"}
        raise _refused(CommandRefused(Refusal.UNKNOWN_ORDER))

    def _cancel_all(
        self,
        account: Account,
        read: Arguments,
        now_ns: int,  # noqa: ARG002
        *,
        are_waiting: bool,
    ) -> object:
        symbol = self._reading.symbol(read)
        for one in account.open_orders():
            if one.update.symbol == symbol and is_waiting(one) is are_waiting:
                attempt(partial(self._entry.cancel, account, one))
        return _DONE

    def _countdown(self, account: Account, read: Arguments, now_ns: int) -> Row:
        symbol, wait_ms = self._reading.symbol(read), int(read.needed("countdownTime"))
        account.cancel_market_after(symbol, wait_ms * 1_000_000, now_ns)
        return {"symbol": read.text("symbol"), "countdownTime": str(wait_ms)}

    # Lists

    def _one(self, account: Account, read: Arguments, now_ns: int, kind: _Kind) -> Row:  # noqa: ARG002
        number, name = (read.text(one) for one in kind.named)
        if not number and not name:
            text = "Param '{}' or '{}' must be sent, but both were empty/null!"
            raise VenueRefused(text.format(*kind.named), "-1102")
        for one in [*account.open_orders(), *reversed(account.ended)]:
            row = kind.row(self._policy, one) if kind.is_meant(one) else {}
            is_named = str(row.get(kind.named[0])) == number
            if is_named or (not number and one.update.client_order_id == name and row):
                return row
        raise VenueRefused(*_NO_ORDER)

    def _open(self, account: Account, read: Arguments, now_ns: int, kind: _Kind) -> list[Row]:  # noqa: ARG002
        wanted = self._reading.wanted(read) if read.has("symbol") else ListQuery()
        found = reversed(wanted.orders(account.open_orders()))
        return [kind.row(self._policy, one) for one in found if is_waiting(one) is kind.waits]

    def _all(self, account: Account, read: Arguments, now_ns: int, kind: _Kind) -> list[Row]:  # noqa: ARG002
        orders = [*account.ended, *account.open_orders()]
        orders.sort(key=lambda one: int(one.update.order_id.rpartition(":")[2]))
        found = [one for one in self._reading.wanted(read).orders(orders) if kind.is_meant(one)]
        return [kind.row(self._policy, one) for one in cut(read, found, ())]

    def _trades(self, account: Account, read: Arguments, now_ns: int) -> list[Row]:  # noqa: ARG002
        wanted = self._reading.wanted(read).trades(account.trades)
        first = int(read.number("fromId") or 0)
        found = [one for one in wanted if int(one.trade_id) >= first]
        return [trade_row(self._policy, one) for one in cut(read, found, ("startTime", "fromId"))]

    def _income(self, account: Account, read: Arguments, now_ns: int) -> list[Row]:  # noqa: ARG002
        wanted = self._reading.between(read, ListQuery()).entries(account.entries)
        kind = read.text("incomeType")
        rows = [
            row
            for entry in wanted
            for row in income_rows(self._policy, account, entry)
            if kind in {"", row["incomeType"]}
        ]
        return cut(read, rows, ("startTime",))

    def _assets(self, account: Account, now_ns: int) -> list[Row]:
        earned = dict[Asset, Decimal]()
        for one in account.positions():
            earned[one.symbol.quote] = earned.get(one.symbol.quote, _ZERO) + one.unrealised
        return [asset_row(one, earned.get(one.asset, _ZERO), now_ns) for one in account.balances()]

    def _account(self, account: Account, read: Arguments, now_ns: int) -> Row:
        return {
            **{f"can{one}": True for one in ("Trade", "Deposit", "Withdraw")},
            "feeTier": 0,
            "updateTime": millis(now_ns),
            "assets": self._assets(account, now_ns),
            "positions": self._positions(account, read, now_ns),
        }

    def _positions(self, account: Account, read: Arguments, now_ns: int) -> list[Row]:  # noqa: ARG002
        symbol = self._reading.symbol(read) if read.has("symbol") else None
        return [
            position_row(self._policy, one)
            for one in account.positions()
            if one.quantity and symbol in {None, one.symbol}
        ]

    def _brackets(self, account: Account, read: Arguments, now_ns: int) -> list[Row]:  # noqa: ARG002
        """One bracket without an end in every market, as margins are simulated."""
        terms: Row = {"bracket": 1, "initialLeverage": 10, "notionalCap": 10**12, "cum": 0}
        brackets = [{**terms, "notionalFloor": 0, "maintMarginRatio": 0.005}]
        markets = self._view.instruments()
        return [{"symbol": one.venue_symbol, "brackets": brackets} for one in markets]

    # Reading

    def _order_row(self, order: OrderState) -> Row:
        return order_row(self._policy, order)

    def _request(self, read: Arguments, now_ns: int) -> OrderRequest:
        kind = read.word(TYPES, "type")
        if kind in CONDITIONAL:
            raise VenueRefused(*_ELSEWHERE)
        return self._read(read, kind, None, read.name("newClientOrderId", NAMES), now_ns)

    def _conditional(self, read: Arguments, now_ns: int) -> OrderRequest:
        kind, side = read.word(TYPES, "type"), read.word(SIDES, "side")
        if kind not in CONDITIONAL:
            raise VenueRefused("Invalid orderType.", "-1116")
        watched = read.word(REFERENCES, "workingType", REFERENCES[TriggerReference.LAST])
        if kind is OrderType.TRAILING_STOP:
            trigger = Trigger(read.needed("callbackRate"), PriceKind.PERCENT, watched)
        else:
            self._reading.check_trigger(read, side, kind, "triggerPrice")
            trigger = Trigger(read.needed("triggerPrice"), reference=watched)
        return self._read(read, kind, trigger, read.name("clientAlgoId", NAMES), now_ns)

    def _read(
        self, read: Arguments, kind: OrderType, trigger: Trigger | None, name: str, now_ns: int
    ) -> OrderRequest:
        if read.text("positionSide", "BOTH") != "BOTH":
            text = "Order's position side does not match user's setting."
            raise VenueRefused(text, "-4061")
        in_force = read.text("timeInForce", "GTC")
        is_good_till = in_force == TIMES_IN_FORCE[TimeInForce.GTD]
        post_only = in_force == POST_ONLY
        ends = read.needed("goodTillDate") if is_good_till else None
        return OrderRequest(
            symbol=self._reading.symbol(read),
            side=read.word(SIDES, "side"),
            order_type=kind,
            quantity=read.needed("quantity"),
            limit_price=read.needed("price") if kind.has_limit else None,
            trigger=trigger,
            time_in_force=TimeInForce.GTC
            if post_only or not kind.has_limit
            else read.word(TIMES_IN_FORCE, "timeInForce", "GTC"),
            expires_ns=None if ends is None else int(ends) * 1_000_000,
            post_only=post_only,
            reduce_only=read.flag("reduceOnly"),
            self_trade=read.word_or_none(SELF_TRADES, "selfTradePreventionMode", "NONE"),
            fee_asset=FeeAsset.QUOTE,
            client_order_id=name or f"x-{scrambled(now_ns):016x}",
        )


def _listed(text: str, kind: type[Item], name: str) -> list[Item]:
    """A parameter that is a list in JSON."""
    try:
        return [msgspec.convert(one, kind) for one in msgspec.json.decode(text, type=list[object])]
    except UNDECODABLE:
        raise invalid(name) from None


def _row(result: Row | VenueRefused) -> Row:
    if isinstance(result, VenueRefused):
        return {"code": int(result.code), "msg": str(result)}
    return result


def _refused(error: CommandRefused) -> VenueRefused:
    return VenueRefused(*_REFUSALS.get(error.refusal, _UNSUPPORTED))
