"""Orders as Bybit takes them, over its link and over REST: read, counted, refused in its words.

https://bybit-exchange.github.io/docs/v5/order and /error. That a post-only order which would trade
is refused at once is the exchange's way here; the venue takes it and cancels it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from typing import TypeVar

import msgspec

from fluxum.errors import VenueRefused
from fluxum.model.instrument import Instrument
from fluxum.model.market import Side
from fluxum.model.order import Amend, FeeAsset, OrderRequest, OrderType, TimeInForce, Trigger
from fluxum.venues.bybit.category import SPOT, Category
from fluxum.venues.bybit.private.commands import BATCH_MAX, is_client_id
from fluxum.venues.bybit.private.words import SELF_TRADES, SIDES, TIMES_IN_FORCE
from fluxum.venues.bybit.server.private.access import count
from fluxum.venues.server.accounts import Account, CommandRefused, OrderState, Refusal
from fluxum.venues.server.contract import ExchangeView

__all__ = ["Arguments", "OrderEntry"]

Arguments = Mapping[str, object]
Result = dict[str, object]
Word = TypeVar("Word", bound=Enum)

_NUMBER = re.compile(r"\d{1,30}(\.\d{1,30})?")
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
_TYPES = {  # by whether the order takes profit, and whether it has a limit
    (False, False): OrderType.STOP_LOSS,
    (False, True): OrderType.STOP_LOSS_LIMIT,
    (True, False): OrderType.TAKE_PROFIT,
    (True, True): OrderType.TAKE_PROFIT_LIMIT,
}


class OrderEntry:
    """Takes operations for the accounts of one category; every refusal is a VenueRefused."""

    def __init__(self, view: ExchangeView, category: Category) -> None:
        self._view = view
        self._category = category
        self._instruments = {one.venue_symbol: one for one in view.instruments()}
        self._operations: dict[str, Callable[[Account, Arguments], Result]] = {
            "create": self._create,
            "amend": self._amend,
            "cancel": self._cancel,
        }

    def obey(
        self, name: str, account: Account, given: Arguments, now_ns: int
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
            raise _refused(_PARAMETER, self._category)
        headers = self._count(account, verb, len(rows), now_ns)
        return *self._batch(operation, account, rows), headers

    def _batch(
        self,
        operation: Callable[[Account, Arguments], Result],
        account: Account,
        rows: Sequence[Arguments],
    ) -> tuple[Result, Result]:
        """Each row succeeds or fails by itself."""
        results: list[Result] = []
        verdicts: list[Result] = []
        for row in rows:
            try:
                results.append(operation(account, row))
                verdicts.append({"code": 0, "msg": "OK"})
            except VenueRefused as error:
                results.append({"orderId": "", "orderLinkId": row.get("orderLinkId", "")})
                verdicts.append({"code": int(error.code), "msg": str(error)})
        return {"list": results}, {"list": verdicts}

    def _count(self, account: Account, verb: str, cost: int, now_ns: int) -> Mapping[str, str]:
        most = _LIMITS[self._category.name][verb == "amend"]
        return count(account, f"{self._category.name} {verb}", cost, most, now_ns)

    # Operations

    def _create(self, account: Account, given: Arguments) -> Result:
        request = self._request(given)
        try:
            return _ids(account.place(request))
        except CommandRefused as error:
            raise self._told(error) from error

    def _amend(self, account: Account, given: Arguments) -> Result:
        order = self._find(account, given)
        command = Amend(
            order_id=order.update.order_id,
            quantity=self._number(given, "qty"),
            limit_price=self._number(given, "price"),
            trigger_price=self._number(given, "triggerPrice"),
        )
        try:
            return _ids(account.amend(command))
        except CommandRefused as error:
            raise self._told(error) from error

    def _cancel(self, account: Account, given: Arguments) -> Result:
        return _ids(account.cancel(self._find(account, given).update.order_id, "User requested"))

    def _cancel_all(self, account: Account, given: Arguments) -> list[Result]:
        """Contracts are named by their market, or by the asset they settle in."""
        name, coin = given.get("symbol"), given.get("settleCoin")
        if self._category is not SPOT and not name and not coin:
            raise _refused(_PARAMETER, self._category)
        found = [
            one
            for one in account.open_orders()
            if name in {None, self._category.format_symbol(one.update.symbol)}
            and coin in {None, one.update.symbol.quote}
        ]
        return [_ids(account.cancel(one.update.order_id, "User requested")) for one in found]

    def _find(self, account: Account, given: Arguments) -> OrderState:
        """The open order of a market by either id; the venue's own wins."""
        instrument = self._instrument(given)
        order_id, name = given.get("orderId"), given.get("orderLinkId")
        for order in account.open_orders():
            update = order.update
            is_named = update.order_id == order_id or (
                not order_id and name and update.client_order_id == name
            )
            if is_named and update.symbol == instrument.symbol:
                return order
        raise _refused(_REFUSALS[Refusal.UNKNOWN_ORDER], self._category)

    # Reading

    def _request(self, given: Arguments) -> OrderRequest:
        instrument = self._instrument(given)
        side = self._word(SIDES, given.get("side"))
        has_limit = self._is_limit(given)
        in_force = str(given.get("timeInForce") or "GTC")
        is_careful = in_force == "PostOnly"
        quantity = self._number(given, "qty")
        is_spot_buy = self._category is SPOT and side is Side.BUY
        spends = is_spot_buy and not has_limit and given.get("marketUnit") != "baseCoin"
        trigger_price = self._number(given, "triggerPrice") or Decimal(0)
        name, rule = str(given.get("orderLinkId") or ""), given.get("smpType")
        if quantity is None or (name and not is_client_id(name)):
            raise _refused(_PARAMETER, self._category)
        return OrderRequest(
            symbol=instrument.symbol,
            side=side,
            order_type=self._type(instrument, side, given, trigger_price, has_limit=has_limit),
            quantity=None if spends else quantity,
            quote_quantity=quantity if spends else None,
            limit_price=self._number(given, "price") if has_limit else None,
            trigger=Trigger(trigger_price) if trigger_price else None,
            time_in_force=TimeInForce.GTC
            if is_careful or not has_limit
            else self._word(TIMES_IN_FORCE, in_force),
            post_only=is_careful,
            reduce_only=given.get("reduceOnly") is True,
            margin=given.get("isLeverage") == 1,
            self_trade=None if rule in {None, "None"} else self._word(SELF_TRADES, rule),
            fee_asset=FeeAsset.BASE if is_spot_buy else FeeAsset.QUOTE,
            client_order_id=name,
        )

    def _type(
        self,
        instrument: Instrument,
        side: Side,
        given: Arguments,
        trigger_price: Decimal,
        *,
        has_limit: bool,
    ) -> OrderType:
        if not trigger_price:
            return OrderType.LIMIT if has_limit else OrderType.MARKET
        direction = given.get("triggerDirection")
        if direction not in {1, 2}:  # on spot the price decides
            last = self._view.accounts.last_price(instrument.symbol) or instrument.tick
            direction = 1 if trigger_price > last else 2
        return _TYPES[(direction == 1) is not (side is Side.BUY), has_limit]

    def _instrument(self, given: Arguments) -> Instrument:
        instrument = self._instruments.get(str(given.get("symbol")))
        if instrument is None:
            raise _refused(_REFUSALS[Refusal.UNKNOWN_SYMBOL], self._category)
        return instrument

    def _is_limit(self, given: Arguments) -> bool:
        kind = given.get("orderType")
        if kind not in {"Market", "Limit"}:
            raise _refused(_PARAMETER, self._category)
        return kind == "Limit"

    def _number(self, given: Arguments, name: str) -> Decimal | None:
        text = given.get(name)
        if text in {None, ""}:
            return None
        if not (isinstance(text, str) and _NUMBER.fullmatch(text)):
            raise _refused(_PARAMETER, self._category)
        return Decimal(text)

    def _word(self, words: Mapping[Word, str], text: object) -> Word:
        for one, word in words.items():
            if word == text:
                return one
        raise _refused(_PARAMETER, self._category)

    def _told(self, error: CommandRefused) -> VenueRefused:
        return _refused(_REFUSALS.get(error.refusal, _PARAMETER), self._category)


def _refused(words: tuple[str, str, str], category: Category) -> VenueRefused:
    return VenueRefused(words[2], words[0] if category is SPOT else words[1])


def _ids(order: OrderState) -> Result:
    return {"orderId": order.update.order_id, "orderLinkId": order.update.client_order_id}
