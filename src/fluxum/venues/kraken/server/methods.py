"""Trading methods of the private link: read, done at the desk, answered."""

from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec import UNSET, MsgspecError, Struct

from fluxum.errors import VenueRefused
from fluxum.model.instant import format_rfc3339
from fluxum.venues.kraken.private import native
from fluxum.venues.kraken.server import requests
from fluxum.venues.kraken.server.heartbeat import encode, refusal, time_text
from fluxum.venues.kraken.server.order_entry import TradingDesk
from fluxum.venues.server.accounts import Account, OrderFault, OrderState
from fluxum.venues.server.contract import Close, ExchangeView, Outgoing

__all__ = ["TradingMethods"]

_INVALID_ORDER = "EOrder:Invalid order"
_NANOS = 1_000_000_000


class _TokenOnly(Struct):
    token: str = ""


class _Answer(Struct, omit_defaults=True):
    """The answer to a method that was obeyed.

    `{"method":"add_order","req_id":123456789,"result":{"order_id":"AA5JGQ-SBMRC-SCJ7J7",
    "order_userref":100054},"success":true,"time_in":"2023-09-21T14:15:07.197274Z",
    "time_out":"2023-09-21T14:15:07.205301Z"}`
    """

    method: str
    result: object
    time_in: str
    time_out: str
    req_id: int | None = None
    success: bool | None = None


_Method = Callable[[Account, bytes, int], object]
_decode_token = msgspec.json.Decoder(_TokenOnly).decode


class TradingMethods:
    """What a private link does for its client besides telling it of the account."""

    def __init__(self, view: ExchangeView) -> None:
        self._accounts = view.accounts
        self._desk = TradingDesk(view)
        self._methods: Mapping[str, _Method] = {
            "add_order": self._add,
            "amend_order": self._amend,
            "edit_order": self._edit,
            "cancel_all": self._cancel_all,
            "cancel_all_orders_after": self._cancel_after,
            "batch_add": self._batch_add,
            "batch_cancel": self._batch_cancel,
        }

    def obey(self, request: native.Request, now_ns: int) -> Sequence[Outgoing]:
        """Do what is requested; return the result."""
        if self._accounts.roll_fault(OrderFault.CUT_OFF):
            return (Close(1006, "the simulated exchange hung up"),)
        method, number = request.method, request.req_id
        raw = b"{}" if request.params is UNSET else bytes(request.params)
        try:
            account = self._accounts.by_token(_decode_token(raw).token, now_ns)
        except (MsgspecError, UnicodeDecodeError):
            return (refusal(method, number, "EGeneral:Invalid arguments", now_ns),)
        if account is None:
            return (refusal(method, number, "EAPI:Invalid token", now_ns),)
        try:
            if method == "cancel_order":
                return self._cancel(account, request, raw, now_ns)
            result = self._methods[method](account, raw, now_ns)
        except VenueRefused as error:
            return (refusal(method, number, str(error), now_ns),)
        if method == "add_order" and self._accounts.roll_fault(OrderFault.LOST_ANSWER):
            return ()
        return (_answer(request, result, now_ns),)

    def _add(self, account: Account, raw: bytes, now_ns: int) -> object:
        command = requests.read_add(raw)
        order = self._desk.place(account, command, now_ns)
        name, reference = command.request.client_order_id, command.request.user_reference
        return _row("" if order is None else order.update.order_id, name, reference)

    def _batch_add(self, account: Account, raw: bytes, now_ns: int) -> object:
        command = requests.read_batch(raw)
        rows = self._desk.place_batch(account, command, now_ns)
        return [
            _batch_row(row, one.client_order_id, one.user_reference)
            for row, one in zip(rows, command.requests, strict=True)
        ]

    def _amend(self, account: Account, raw: bytes, now_ns: int) -> object:
        command = requests.read_amend(raw)
        order = self._desk.amend(account, command, now_ns)
        row = {"amend_id": "T" + order.update.order_id[1:]}
        if command.order_id:
            return {**row, "order_id": command.order_id}
        return {**row, "cl_ord_id": command.client_order_id}

    def _edit(self, account: Account, raw: bytes, now_ns: int) -> object:
        command = requests.read_edit(raw)
        order = self._desk.edit(account, command, now_ns)
        new_id = "" if order is None else order.update.order_id
        return {"order_id": new_id, "original_order_id": command.order_id}

    def _cancel_all(self, account: Account, raw: bytes, now_ns: int) -> object:  # noqa: ARG002
        return {"count": self._desk.cancel_all(account, now_ns)}

    def _cancel_after(self, account: Account, raw: bytes, now_ns: int) -> object:
        timeout_s = requests.read_timeout(raw)
        triggers_ns = self._desk.cancel_all_after(account, timeout_s, now_ns)
        return {
            "currentTime": _seconds(now_ns),
            "triggerTime": "0" if triggers_ns is None else _seconds(triggers_ns),
        }

    def _batch_cancel(self, account: Account, raw: bytes, now_ns: int) -> object:
        params = requests.read_batch_cancel(raw)
        references = requests.user_references(params.orders)
        names = params.cl_ord_id or ()
        found = [
            order.update.order_id
            for order in account.open_orders()
            if order.update.order_id in params.orders
            or order.update.user_reference in references
            or order.update.client_order_id in names
        ]
        return {"count": self._desk.cancel_batch(account, found, now_ns)}

    def _cancel(
        self, account: Account, request: native.Request, raw: bytes, now_ns: int
    ) -> Sequence[bytes]:
        """One answer for each order; in whichever order."""
        params = requests.read_cancel(raw)
        self._desk.allow_cancel()
        rows = [{"order_id": order_id} for order_id in params.order_id or ()]
        rows += [{"cl_ord_id": name} for name in params.cl_ord_id or ()]
        for reference in params.order_userref or ():
            mine = [
                {"order_id": order.update.order_id}
                for order in account.open_orders()
                if order.update.user_reference == reference
            ]
            rows += mine or [{}]
        answers = [self._cancel_one(account, request, row, now_ns) for row in rows]
        return answers[::-1] if self._accounts.chance() else answers

    def _cancel_one(
        self, account: Account, request: native.Request, row: dict[str, str], now_ns: int
    ) -> bytes:
        try:
            order_id = row.get("order_id", "")
            order = self._desk.find(account, order_id, row.get("cl_ord_id", ""))
        except VenueRefused:
            return refusal(request.method, request.req_id, _INVALID_ORDER, now_ns)
        try:
            self._desk.cancel(account, order.update.order_id, now_ns)
        except VenueRefused as error:
            return refusal(request.method, request.req_id, str(error), now_ns)
        return _answer(request, row, now_ns)


def _row(order_id: str, name: str, reference: int | None) -> dict[str, object]:
    row: dict[str, object] = {"order_id": order_id}
    if name:
        row["cl_ord_id"] = name
    if reference is not None:
        row["order_userref"] = reference
    return row


def _batch_row(said: OrderState | str, name: str, reference: int | None) -> dict[str, object]:
    """A row of a batch; one that was refused has an error, and no id."""
    if isinstance(said, OrderState):
        return _row(said.update.order_id, name, reference)
    if not said:
        return _row("", name, reference)
    row = _row("", name, reference)
    del row["order_id"]
    return {"error": said, **row}


def _answer(request: native.Request, result: object, now_ns: int) -> bytes:
    time = time_text(now_ns)
    return encode(_Answer(request.method, result, time, time, request.req_id, success=True))


def _seconds(instant_ns: int) -> str:
    """A time in whole seconds."""
    return format_rfc3339(instant_ns // _NANOS * _NANOS)[:19] + "Z"
