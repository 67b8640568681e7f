"""Orders that wait for a price as the simulated OKX takes them: its algo orders, over REST alone.

https://www.okx.com/docs-v5/en/#order-book-trading-algo-trading and #error-code-rest-api. Stops,
take-profits and trailing stops are taken; prices of an index are not known here, and marks are the
last prices. Unlike at the venue an order that waits holds its funds.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal

from fluxum.errors import VenueRefused
from fluxum.model.instrument import Instrument
from fluxum.model.market import Side
from fluxum.model.order import (
    Amend,
    FeeAsset,
    OrderRequest,
    OrderType,
    PriceKind,
    Trigger,
    TriggerReference,
)
from fluxum.venues.okx.private.algos import AMEND, CANCEL, CANCELS_MAX, PLACE
from fluxum.venues.okx.private.commands import NAMES
from fluxum.venues.okx.private.words import REFERENCES, SIDES
from fluxum.venues.okx.server.formats import contract_size
from fluxum.venues.okx.server.private.access import count
from fluxum.venues.okx.server.private.algo_rows import algo_number, is_waiting
from fluxum.venues.server.accounts import Account, CommandRefused, OrderState, Refusal
from fluxum.venues.server.arguments import Arguments
from fluxum.venues.server.contract import ExchangeView
from fluxum.venues.server.order_entry import OrderEntry
from fluxum.venues.triggers import rises

__all__ = ["ALGO_CALLS", "AlgoOrders"]

ALGO_CALLS = {PLACE: 1, CANCEL: CANCELS_MAX, AMEND: 1}
"""The calls, and how many orders each is about at most."""
_MOST = 20  # of a call and market in two seconds
_TYPES = {  # by what the members begin with, and whether there is a limit
    ("sl", False): OrderType.STOP_LOSS,
    ("sl", True): OrderType.STOP_LOSS_LIMIT,
    ("tp", False): OrderType.TAKE_PROFIT,
    ("tp", True): OrderType.TAKE_PROFIT_LIMIT,
}
# Of a trigger on the wrong side of the last price, by whether it is to rise and takes a profit.
_WRONG_SIDES = {
    (False, True): ("51277", "TP trigger price cannot be higher than the last price"),
    (True, False): ("51278", "SL trigger price cannot be lower than the last price"),
    (True, True): ("51279", "TP trigger price cannot be lower than the last price"),
    (False, False): ("51280", "SL trigger price cannot be higher than the last price"),
}


class AlgoOrders:
    """Places, amends and cancels them, one by one; a refusal is a VenueRefused."""

    def __init__(
        self, view: ExchangeView, refused: Callable[[CommandRefused], VenueRefused]
    ) -> None:
        self._accounts = view.accounts
        self._refused = refused
        self._entry = OrderEntry(view, refused)
        self._verbs: dict[str, Callable[[Account, Arguments, Instrument], OrderState]] = {
            PLACE: self._place,
            AMEND: self._amend,
            CANCEL: lambda account, read, _: self._entry.cancel(account, self.find(account, read)),
        }

    def obey(
        self, name: str, account: Account, given: Mapping[str, object], now_ns: int
    ) -> OrderState:
        """Do what a call wants of one order."""
        read = Arguments(given, _wrong)
        if not read.has("instId"):
            raise VenueRefused("Parameter instId can not be empty.", "50014")
        instrument = self._entry.instrument(read.text("instId"))
        count(account, f"{name} {instrument.venue_symbol}", _MOST, now_ns)
        return self._verbs[name](account, read, instrument)

    def find(self, account: Account, read: Arguments) -> OrderState:
        """An order that waits, by its number or else its client id."""
        number, name = read.text("algoId"), read.text("algoClOrdId")
        for one in filter(is_waiting, account.open_orders()):
            update = one.update
            if number == algo_number(update) or (not number and name == update.client_order_id):
                return one
        raise self._refused(CommandRefused(Refusal.UNKNOWN_ORDER, number or name))

    def _place(self, account: Account, read: Arguments, instrument: Instrument) -> OrderState:
        request = _request(read, instrument)
        self._check_side(request)
        return self._entry.place(account, request)

    def _check_side(self, request: OrderRequest) -> None:
        """A stop or take-profit whose price is reached already is refused."""
        last, trigger = self._accounts.last_price(request.symbol), request.trigger
        if last is None or trigger is None or request.order_type is OrderType.TRAILING_STOP:
            return
        is_rising = rises(request.side, request.order_type)
        if trigger.price <= last if is_rising else trigger.price >= last:
            code, text = _WRONG_SIDES[is_rising, request.order_type.value.startswith("take")]
            raise VenueRefused(text, code)

    def _amend(self, account: Account, read: Arguments, instrument: Instrument) -> OrderState:
        order = self.find(account, read)
        kind, lots = order.update.order_type, read.number("newSz")
        if kind is OrderType.TRAILING_STOP:
            raise _wrong("ordType")
        begin = "newSl" if kind in {_TYPES["sl", False], _TYPES["sl", True]} else "newTp"
        command = Amend(
            order_id=order.update.order_id,
            quantity=None if lots is None else lots * contract_size(instrument.symbol),
            limit_price=_limit(read, f"{begin}OrdPx"),
            trigger_price=read.number(f"{begin}TriggerPx"),
        )
        return self._entry.amend(account, command)


def _request(read: Arguments, instrument: Instrument) -> OrderRequest:
    symbol, side = instrument.symbol, read.word(SIDES, "side")
    is_spot = not symbol.contract
    read.one_of({"cash"} if is_spot else {"cross", "isolated"}, "tdMode")
    is_trailing = read.one_of({"conditional", "move_order_stop"}, "ordType") != "conditional"
    kind, trigger, limit = _trailing(read) if is_trailing else _conditional(read)
    if is_spot and trigger.reference is not TriggerReference.LAST:
        raise _wrong("triggerPxType")
    is_buy = is_spot and side is Side.BUY
    if is_buy and limit is None and read.text("tgtCcy", "quote_ccy") != "base_ccy":
        raise _wrong("tgtCcy")  # amounts of the quote asset are not taken here
    return OrderRequest(
        symbol=symbol,
        side=side,
        order_type=kind,
        quantity=read.needed("sz") * contract_size(symbol),
        limit_price=limit,
        trigger=trigger,
        reduce_only=read.flag("reduceOnly"),
        fee_asset=FeeAsset.BASE if is_buy else FeeAsset.QUOTE,
        client_order_id=read.name("algoClOrdId", NAMES),
    )


def _conditional(read: Arguments) -> tuple[OrderType, Trigger, Decimal | None]:
    """A stop, or else a take-profit."""
    begin = "sl" if read.has("slTriggerPx") else "tp"
    if not read.has(f"{begin}OrdPx"):
        raise VenueRefused(f"Parameter {begin}OrdPx can not be empty.", "50014")
    limit = _limit(read, f"{begin}OrdPx")
    watched = read.word(REFERENCES, f"{begin}TriggerPxType", "last")
    trigger = Trigger(read.needed(f"{begin}TriggerPx"), reference=watched)
    return _TYPES[begin, limit is not None], trigger, limit


def _trailing(read: Arguments) -> tuple[OrderType, Trigger, Decimal | None]:
    ratio, spread = read.number("callbackRatio"), read.number("callbackSpread")
    if (ratio is None) is (spread is None):
        raise _wrong("callbackRatio")
    trigger = (
        Trigger(spread, PriceKind.QUOTE)
        if spread is not None
        else Trigger((ratio or Decimal(0)) * 100, PriceKind.PERCENT)
    )
    return OrderType.TRAILING_STOP, trigger, None


def _limit(read: Arguments, name: str) -> Decimal | None:
    """An order price, none for that of the market."""
    return None if read.text(name) == "-1" else read.number(name)


def _wrong(name: str) -> VenueRefused:
    return VenueRefused(f"Parameter {name} error", "51000")
