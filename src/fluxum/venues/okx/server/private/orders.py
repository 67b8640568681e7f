"""Orders as OKX takes them, over its link and over REST: read, counted, refused in its words.

https://www.okx.com/docs-v5/en/#order-book-trading-trade and #error-code. That a post-only order
which would trade is refused at once is the exchange's way here; the venue takes it and cancels it.
"""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from fluxum.errors import VenueRefused
from fluxum.model.instrument import Instrument, Symbol
from fluxum.model.market import Side
from fluxum.model.order import Amend, FeeAsset, OrderRequest
from fluxum.venues.okx.private.commands import BATCH_MAX, NAMES
from fluxum.venues.okx.private.words import KINDS, SELF_TRADES, SIDES
from fluxum.venues.okx.server.formats import contract_size, instrument_code
from fluxum.venues.okx.server.private.access import count
from fluxum.venues.okx.server.private.algo_rows import algo_number, is_ordinary, ordinary_name
from fluxum.venues.okx.server.private.algos import ALGO_CALLS, AlgoOrders
from fluxum.venues.server.accounts import Account, CommandRefused, OrderState, Refusal
from fluxum.venues.server.arguments import Arguments
from fluxum.venues.server.contract import ExchangeView
from fluxum.venues.server.formats import millis
from fluxum.venues.server.order_entry import OrderEntry

__all__ = ["OkxOrders", "Operated"]

Given = Mapping[str, object]

_GONE = "Operation failed as the order has been filled, canceled or does not exist."
_REFUSALS = {
    Refusal.INSUFFICIENT_FUNDS: ("51008", "Order failed. Insufficient balance in account"),
    Refusal.UNKNOWN_SYMBOL: ("51001", "Instrument ID does not exist"),
    Refusal.UNKNOWN_ORDER: ("51400", _GONE),
    Refusal.TOO_PRECISE: ("51000", "Parameter px error"),
    Refusal.OFF_TICK: ("51000", "Parameter px error"),
    Refusal.INVALID_QUANTITY: ("51121", "Order quantity must be a multiple of the lot size."),
    Refusal.QUANTITY_MINIMUM: ("51020", "Your order should meet or exceed the minimum amount."),
    Refusal.COST_MINIMUM: ("51020", "Your order should meet or exceed the minimum amount."),
    Refusal.NAME_TAKEN: ("51016", "Client order ID already exists."),
    Refusal.NO_POSITION: ("51169", "Order failed because you don't have any positions to reduce."),
}
# The operations by their names on the link and of calls, and whether they are of several orders.
_OPERATIONS = {
    "order": ("place", False),
    "cancel-order": ("cancel", False),
    "amend-order": ("amend", False),
    "batch-orders": ("place", True),
    "batch-cancel-orders": ("cancel", True),
    "cancel-batch-orders": ("cancel", True),
    "batch-amend-orders": ("amend", True),
    "amend-batch-orders": ("amend", True),
}
_MOST = {False: 60, True: 300}  # of an operation and market in two seconds, batches apart
# Code and text, by whether orders of an operation succeeded and whether some failed.
_OUTCOMES = {
    frozenset({True}): ("0", ""),
    frozenset({False}): ("1", "All operations failed"),
    frozenset({True, False}): ("2", "Bulk operation partially succeeded."),
}


class Operated(Struct, frozen=True):
    """What became of an operation: a code of all its orders, a text, and a row for each."""

    code: str
    message: str
    rows: Sequence[Mapping[str, object]]


class OkxOrders:
    """Takes operations for accounts; a refusal of all of it is a VenueRefused."""

    def __init__(self, view: ExchangeView) -> None:
        self._view = view
        self._entry = OrderEntry(view, _refused)
        self._algos = AlgoOrders(view, _refused)
        self._names = {instrument_code(one): one.venue_symbol for one in view.instruments()}
        self._verbs: dict[str, Callable[[Account, Arguments, Instrument], OrderState]] = {
            "place": self._place,
            "amend": self._amend,
            "cancel": self._cancel,
        }

    def obey(
        self, name: str, account: Account, given: Sequence[Given], now_ns: int, *, by_code: bool
    ) -> Operated:
        """Do an operation; `by_code` is whether markets are named by their number, as on links."""
        is_algo = name in ALGO_CALLS and not by_code
        if name not in _OPERATIONS and not is_algo:
            raise VenueRefused(f"Invalid op: {name}", "60019")
        verb, is_batch = ("", False) if is_algo else _OPERATIONS[name]
        if not 1 <= len(given) <= (ALGO_CALLS.get(name) or (BATCH_MAX if is_batch else 1)):
            raise VenueRefused("Invalid args", "60013")
        if self._view.status == "maintenance":
            raise VenueRefused("Service temporarily unavailable. Try again later.", "50001")

        def act(row: Given) -> OrderState:
            if is_algo:
                return self._algos.obey(name, account, row, now_ns)
            read = Arguments(row, lambda field: VenueRefused(f"Parameter {field} error", "51000"))
            instrument = self._instrument(read, by_code=by_code)
            kind = "batch " if is_batch else ""
            bucket = f"{kind}{verb} {instrument.venue_symbol}"
            count(account, bucket, _MOST[is_batch], now_ns)
            return self._verbs[verb](account, read, instrument)

        write = _algo_row if is_algo else _row
        rows = [write(row, result, now_ns) for row, result in self._entry.each(given, act)]
        outcomes = frozenset(row["sCode"] == "0" for row in rows)
        return Operated(*_OUTCOMES[outcomes], rows)

    def symbol(self, name: str) -> Symbol:
        """The market of a name of the venue's; raises VenueRefused."""
        return self._entry.instrument(name).symbol

    def _place(self, account: Account, read: Arguments, instrument: Instrument) -> OrderState:
        return self._entry.place(account, _request(read, instrument))

    def _amend(self, account: Account, read: Arguments, instrument: Instrument) -> OrderState:
        size = read.number("newSz")
        command = Amend(
            order_id=self._find(account, read, instrument).update.order_id,
            quantity=None if size is None else size * contract_size(instrument.symbol),
            limit_price=read.number("newPx"),
        )
        return self._entry.amend(account, command)

    def _cancel(self, account: Account, read: Arguments, instrument: Instrument) -> OrderState:
        return self._entry.cancel(account, self._find(account, read, instrument))

    def _find(self, account: Account, read: Arguments, instrument: Instrument) -> OrderState:
        order_id, name = read.text("ordId"), read.text("clOrdId")
        for one in filter(is_ordinary, account.open_orders()):
            is_named = one.update.order_id == order_id if order_id else name == ordinary_name(one)
            if is_named and one.update.symbol == instrument.symbol:
                return one
        raise _refused(CommandRefused(Refusal.UNKNOWN_ORDER, order_id or name))

    def _instrument(self, read: Arguments, *, by_code: bool) -> Instrument:
        field = "instIdCode" if by_code else "instId"
        if not read.has(field):
            raise VenueRefused(f"Parameter {field} can not be empty.", "50014")
        name = read.text(field)
        return self._entry.instrument(self._names.get(name, "") if by_code else name)


def _request(read: Arguments, instrument: Instrument) -> OrderRequest:
    symbol, side = instrument.symbol, read.word(SIDES, "side")
    is_spot = not symbol.contract
    read.one_of({"cash"} if is_spot else {"cross", "isolated"}, "tdMode")
    order_type, in_force, post_only = KINDS[read.one_of(set(KINDS), "ordType")]
    size = read.needed("sz")
    is_spot_buy = is_spot and side is Side.BUY
    spends = is_spot and not order_type.has_limit
    default = "quote_ccy" if side is Side.BUY else "base_ccy"
    spends = spends and read.text("tgtCcy", default) == "quote_ccy"
    return OrderRequest(
        symbol=symbol,
        side=side,
        order_type=order_type,
        quantity=None if spends else size * contract_size(symbol),
        quote_quantity=size if spends else None,
        limit_price=read.number("px") if order_type.has_limit else None,
        time_in_force=in_force,
        post_only=post_only,
        reduce_only=read.flag("reduceOnly"),
        self_trade=read.word_or_none(SELF_TRADES, "stpMode"),
        fee_asset=FeeAsset.BASE if is_spot_buy else FeeAsset.QUOTE,
        client_order_id=read.name("clOrdId", NAMES),
    )


def _row(given: Given, result: OrderState | VenueRefused, now_ns: int) -> Mapping[str, object]:
    row = {"tag": "", "ts": str(millis(now_ns)), "subCode": ""}
    if isinstance(result, VenueRefused):
        names = {name: str(given.get(name) or "") for name in ("clOrdId", "ordId")}
        return {**names, **row, "sCode": result.code, "sMsg": str(result)}
    names = {"clOrdId": ordinary_name(result), "ordId": result.update.order_id}
    return {**names, **row, "sCode": "0", "sMsg": ""}


def _algo_row(given: Given, result: OrderState | VenueRefused, now_ns: int) -> Mapping[str, object]:
    """The same of an algo order; there is no time in it."""
    row = {name: value for name, value in _row(given, result, now_ns).items() if name != "ts"}
    if isinstance(result, VenueRefused):
        names = {name: str(given.get(name) or "") for name in ("algoClOrdId", "algoId")}
    else:
        update = result.update
        names = {"algoClOrdId": update.client_order_id, "algoId": algo_number(update)}
    return {**row, **names, "clOrdId": "", "ordId": ""}


def _refused(error: CommandRefused) -> VenueRefused:
    code, text = _REFUSALS.get(error.refusal, ("51000", f"Parameter error: {error}"))
    return VenueRefused(text, code)
