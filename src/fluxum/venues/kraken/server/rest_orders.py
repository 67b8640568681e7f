"""Orders over REST: the same desk as on the private link, under REST's names.

https://docs.kraken.com/api/docs/rest-api/add-order, /amend-order, /edit-order, /cancel-order,
/cancel-all-orders and /cancel-all-orders-after.
"""

from collections.abc import Callable, Mapping

from fluxum.errors import VenueRefused
from fluxum.model.instant import format_rfc3339
from fluxum.model.order import OrderRequest, Place
from fluxum.venues.kraken.server.order_entry import TradingDesk
from fluxum.venues.kraken.server.public_rest import PublicCalls
from fluxum.venues.kraken.server.rest_forms import (
    Form,
    read_amend,
    read_deadline,
    read_edit,
    read_order,
)
from fluxum.venues.kraken.server.rest_rows import described
from fluxum.venues.server.accounts import Account, OrderState
from fluxum.venues.server.contract import ExchangeView

__all__ = ["RestTrading"]

_NANOS = 1_000_000_000


class RestTrading:
    """Answers calls that trade; `public` knows markets by all their names."""

    def __init__(self, view: ExchangeView, public: PublicCalls) -> None:
        self._accounts = view.accounts
        self._desk = TradingDesk(view)
        self._public = public
        self.calls: Mapping[str, Callable[[Account, Form, int], object]] = {
            "AddOrder": self._add,
            "AmendOrder": self._amend,
            "EditOrder": self._edit,
            "CancelOrder": self._cancel,
            "CancelAll": self._cancel_all,
            "CancelAllOrdersAfter": self._cancel_after,
        }
        """What answers each call."""

    def _add(self, account: Account, form: Form, now_ns: int) -> object:
        instrument = self._public.find(form.get("pair", ""))
        request = read_order(form, instrument.symbol)
        is_only_checked = form.get("validate") == "true"
        command = Place(request=request, deadline_ns=read_deadline(form), validate=is_only_checked)
        order = self._desk.place(account, command, now_ns)
        if order is None:
            return {"descr": {"order": _summary(request)}}
        texts = described(order, instrument)
        descr = {"order": texts["order"]}
        if texts["close"]:
            descr["close"] = texts["close"]
        return {"descr": descr, "txid": [order.update.order_id]}

    def _amend(self, account: Account, form: Form, now_ns: int) -> object:
        order = self._desk.amend(account, read_amend(form), now_ns)
        return {"amend_id": "T" + order.update.order_id[1:]}

    def _edit(self, account: Account, form: Form, now_ns: int) -> object:
        instrument = self._public.find(form.get("pair", ""))
        before = self._desk.find(account, form.get("txid", ""))
        command = read_edit(form, instrument.symbol, before.update.order_type)
        order = self._desk.edit(account, command, now_ns)
        descr = {"order": described(before if order is None else order, instrument)["order"]}
        if order is None:
            return {"descr": descr}
        return {
            "status": "ok",
            "txid": order.update.order_id,
            "originaltxid": command.order_id,
            "volume": f"{order.update.quantity:f}",
            "orders_cancelled": 1,
            "descr": descr,
        }

    def _cancel(self, account: Account, form: Form, now_ns: int) -> object:
        """By id, by the client's name, or by the user's reference, which may be of several."""
        name, txid = form.get("cl_ord_id", ""), form.get("txid", "")
        self._desk.allow_cancel()
        found = [one for one in account.open_orders() if _is_meant(one, txid, name)]
        if not found:
            raise VenueRefused("EOrder:Unknown order", "EOrder")
        for order in found:
            self._desk.cancel(account, order.update.order_id, now_ns)
        return {"count": len(found)}

    def _cancel_all(self, account: Account, form: Form, now_ns: int) -> object:  # noqa: ARG002
        return {"count": self._desk.cancel_all(account, now_ns)}

    def _cancel_after(self, account: Account, form: Form, now_ns: int) -> object:
        text = form.get("timeout", "")
        if not (text.isascii() and text.isdecimal() and len(text) < 10):
            raise VenueRefused("EGeneral:Invalid arguments:timeout", "EGeneral")
        triggers_ns = self._desk.cancel_all_after(account, int(text), now_ns)
        return {
            "currentTime": _seconds(now_ns),
            "triggerTime": "0" if triggers_ns is None else _seconds(triggers_ns),
        }


def _is_meant(order: OrderState, txid: str, name: str) -> bool:
    update = order.update
    if name:
        return update.client_order_id == name
    return bool(txid) and txid in (update.order_id, str(update.user_reference))


def _summary(request: OrderRequest) -> str:
    """An order that is only checked, in words."""
    volume = request.quantity if request.quote_quantity is None else request.quote_quantity
    price = "" if request.limit_price is None else f" {request.limit_price:f}"
    kind = request.order_type.value.replace("_", " ")
    return f"{request.side.value} {volume:.8f} {request.symbol} @ {kind}{price}"


def _seconds(instant_ns: int) -> str:
    return format_rfc3339(instant_ns // _NANOS * _NANOS)[:19] + "Z"
