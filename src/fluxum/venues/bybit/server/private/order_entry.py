"""Orders as Bybit takes them, over its link and over REST: read, counted, refused in its words.

https://bybit-exchange.github.io/docs/v5/order and /error. That a post-only order which would trade
is refused at once is the exchange's way here; the venue takes it and cancels it.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import msgspec

from fluxum.errors import VenueRefused
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import (
    Amend,
    FeeAsset,
    OrderRequest,
    OrderType,
    TimeInForce,
    Trigger,
    TriggerReference,
)
from fluxum.venues.bybit.category import SPOT, Category
from fluxum.venues.bybit.private.commands import BATCH_MAX, NAMES
from fluxum.venues.bybit.private.words import REFERENCES, SELF_TRADES, SIDES, TIMES_IN_FORCE
from fluxum.venues.bybit.server.private.access import count
from fluxum.venues.server.accounts import Account, CommandRefused, OrderState, Refusal
from fluxum.venues.server.arguments import Arguments
from fluxum.venues.server.contract import ExchangeView
from fluxum.venues.server.order_entry import OrderEntry
from fluxum.venues.triggers import triggered_type

__all__ = ["BybitOrders"]

Given = Mapping[str, object]
Result = dict[str, object]

_PARAMETER = ("10001", "10001", "Request parameter error.")
# The code on spot, the code of contracts, and the text.
_REFUSALS = {
    Refusal.INSUFFICIENT_FUNDS: ("170131", "110007", "Insufficient balance."),
    Refusal.UNKNOWN_SYMBOL: ("170121", "10001", "Invalid symbol."),
    Refusal.UNKNOWN_ORDER: ("170213", "110001", "Order does not exist."),
    Refusal.TOO_PRECISE: ("170134", "10001", "Order price has too many decimals."),
    Refusal.OFF_TICK: ("170134", "10001", "Order price has too many decimals."),
    Refusal.INVALID_QUANTITY: ("170137", "10001", "Order quantity has too many decimals."),
    Refusal.QUANTITY_MINIMUM: ("170136", "10001", "Order quantity below the lower limit."),
    Refusal.COST_MINIMUM: ("170140", "110094", "Order value below the lower limit."),
    Refusal.WOULD_TAKE: ("170218", "170218", "The LIMIT-MAKER order is rejected."),
    Refusal.NAME_TAKEN: ("170141", "110072", "Duplicate clientOrderId."),
    Refusal.NO_POSITION: ("170210", "110017", "Current position is zero."),
}
_LIMITS = {"spot": (20, 10), "linear": (10, 10)}  # of creating or canceling, and of amending


class BybitOrders:
    """Takes operations for the accounts of one category; every refusal is a VenueRefused."""

    def __init__(self, view: ExchangeView, category: Category) -> None:
        self._view = view
        self._category = category
        self._entry = OrderEntry(view, self._refused)
        self._operations: dict[str, Callable[[Account, Given], Result]] = {
            "create": self._create,
            "amend": self._amend,
            "cancel": self._cancel,
        }

    def obey(
        self, name: str, account: Account, given: Given, now_ns: int
    ) -> tuple[Result, Result, Mapping[str, str]]:
        """Do an operation; returns its result, the verdicts of its rows, and the headers."""
        if given.get("category") != self._category.name:
            raise VenueRefused("Illegal category", "10001")
        if self._view.status == "maintenance":
            raise VenueRefused("Service is restarting.", "10019")
        verb, is_batch = name.removesuffix("-batch"), name.endswith("-batch")
        if name == "cancel-all":
            headers = self._count(account, "cancel", 1, now_ns)
            return {"list": self._cancel_all(account, given), "success": "1"}, {}, headers
        operation = self._operations.get(verb)
        if operation is None:
            raise VenueRefused(f"Unknown operation: {name}", "10404")
        if not is_batch:
            headers = self._count(account, verb, 1, now_ns)
            return operation(account, given), {}, headers
        try:
            rows = msgspec.convert(given.get("request"), list[dict[str, object]])
        except msgspec.ValidationError:
            rows = []
        if not 1 <= len(rows) <= BATCH_MAX:
            raise self._invalid()
        headers = self._count(account, verb, len(rows), now_ns)
        return *self._batch(operation, account, rows), headers

    def symbol(self, name: str) -> Symbol:
        """The market of a name of the venue's."""
        return self._entry.instrument(name).symbol

    def _batch(
        self, operation: Callable[[Account, Given], Result], account: Account, rows: Sequence[Given]
    ) -> tuple[Result, Result]:
        """Each row succeeds or fails by itself."""
        results: list[Result] = []
        verdicts: list[Result] = []
        for row, result in self._entry.each(rows, lambda row: operation(account, row)):
            if isinstance(result, VenueRefused):
                results.append({"orderId": "", "orderLinkId": row.get("orderLinkId", "")})
                verdicts.append({"code": int(result.code), "msg": str(result)})
            else:
                results.append(result)
                verdicts.append({"code": 0, "msg": "OK"})
        return {"list": results}, {"list": verdicts}

    def _count(self, account: Account, verb: str, cost: int, now_ns: int) -> Mapping[str, str]:
        most = _LIMITS[self._category.name][verb == "amend"]
        return count(account, f"{self._category.name} {verb}", cost, most, now_ns)

    # Operations

    def _create(self, account: Account, given: Given) -> Result:
        return _ids(self._entry.place(account, self._request(self._read(given))))

    def _amend(self, account: Account, given: Given) -> Result:
        read = self._read(given)
        command = Amend(
            order_id=self._find(account, read).update.order_id,
            quantity=read.number("qty"),
            limit_price=read.number("price"),
            trigger_price=read.number("triggerPrice"),
        )
        return _ids(self._entry.amend(account, command))

    def _cancel(self, account: Account, given: Given) -> Result:
        return _ids(self._entry.cancel(account, self._find(account, self._read(given))))

    def _cancel_all(self, account: Account, given: Given) -> list[Result]:
        """Contracts are named by their market, or by the asset they settle in."""
        read = self._read(given)
        name, coin = read.text("symbol"), read.text("settleCoin")
        if self._category is not SPOT and not name and not coin:
            raise self._invalid()
        ended = self._entry.cancel_all(
            account,
            lambda one: (
                name in {"", self._category.format_symbol(one.symbol)}
                and coin in {"", one.symbol.quote}
            ),
        )
        return [_ids(one) for one in ended]

    def _find(self, account: Account, read: Arguments) -> OrderState:
        """The open order of a market by either id; the venue's own wins."""
        symbol = self.symbol(read.text("symbol"))
        return self._entry.find(account, read.text("orderId"), read.text("orderLinkId"), symbol)

    # Reading

    def _request(self, read: Arguments) -> OrderRequest:
        symbol = self.symbol(read.text("symbol"))
        side = read.word(SIDES, "side")
        has_limit = read.one_of({"Market", "Limit"}, "orderType") == "Limit"
        is_careful = read.text("timeInForce") == "PostOnly"
        quantity = read.needed("qty")
        is_spot_buy = self._category is SPOT and side is Side.BUY
        spends = is_spot_buy and not has_limit and read.text("marketUnit") != "baseCoin"
        trigger_price = read.number("triggerPrice")
        watched = read.word(REFERENCES, "triggerBy", REFERENCES[TriggerReference.LAST])
        in_force = TimeInForce.GTC
        if has_limit and not is_careful:
            in_force = read.word(TIMES_IN_FORCE, "timeInForce", "GTC")
        return OrderRequest(
            symbol=symbol,
            side=side,
            order_type=self._type(symbol, side, read, has_limit=has_limit),
            quantity=None if spends else quantity,
            quote_quantity=quantity if spends else None,
            limit_price=read.number("price") if has_limit else None,
            trigger=Trigger(trigger_price, reference=watched) if trigger_price else None,
            time_in_force=in_force,
            post_only=is_careful,
            reduce_only=read.flag("reduceOnly"),
            margin=read.flag("isLeverage"),
            self_trade=read.word_or_none(SELF_TRADES, "smpType", "None"),
            fee_asset=FeeAsset.BASE if is_spot_buy else FeeAsset.QUOTE,
            client_order_id=read.name("orderLinkId", NAMES),
        )

    def _type(self, symbol: Symbol, side: Side, read: Arguments, *, has_limit: bool) -> OrderType:
        """On spot the price decides on which side of it a triggered order waits."""
        trigger_price = read.number("triggerPrice")
        if not trigger_price:
            return OrderType.LIMIT if has_limit else OrderType.MARKET
        direction = read.text("triggerDirection")
        is_rising = direction == "1"
        if direction not in {"1", "2"}:
            is_rising = trigger_price > (self._view.accounts.last_price(symbol) or Decimal(0))
        return triggered_type(side, is_rising=is_rising, has_limit=has_limit)

    def _read(self, given: Given) -> Arguments:
        return Arguments(given, lambda _name: self._invalid())

    def _invalid(self) -> VenueRefused:
        return self._error(_PARAMETER)

    def _refused(self, error: CommandRefused) -> VenueRefused:
        return self._error(_REFUSALS.get(error.refusal, _PARAMETER))

    def _error(self, words: tuple[str, str, str]) -> VenueRefused:
        return VenueRefused(words[2], words[0] if self._category is SPOT else words[1])


def _ids(order: OrderState) -> Result:
    return {"orderId": order.update.order_id, "orderLinkId": order.update.client_order_id}
