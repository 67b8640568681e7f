"""The server of Bybit's link of orders: its login, and operations with their answers.

https://bybit-exchange.github.io/docs/v5/websocket/trade/guideline.
"""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import MsgspecError

from fluxum.errors import VenueRefused
from fluxum.model.instrument import Symbol
from fluxum.venues.bybit import native
from fluxum.venues.bybit.category import Category
from fluxum.venues.bybit.server.private.access import check_time, log_in
from fluxum.venues.bybit.server.private.link import SignedRequest, decode_signed_request
from fluxum.venues.bybit.server.private.order_entry import OrderEntry
from fluxum.venues.server.access import lowered
from fluxum.venues.server.accounts import Account, OrderFault
from fluxum.venues.server.contract import Close, ExchangeView, Outgoing
from fluxum.venues.server.formats import millis, scrambled

__all__ = ["BybitOrderServer"]

_IDLE_NS = 600 * 1_000_000_000
_NUMBERS_MAX = 100_000
_NOTHING: Mapping[str, object] = {}


class BybitOrderServer:
    """One client of a simulated Bybit's link of orders; see VenueServer."""

    def __init__(self, view: ExchangeView, category: Category) -> None:
        self._accounts = view.accounts
        self._entry = OrderEntry(view, category)
        self._account: Account | None = None
        self._numbers: dict[str, None] = {}
        self._connection_id = ""
        self._alive_ns = 0

    def opened(self, now_ns: int) -> Sequence[Outgoing]:
        """Nothing: Bybit waits for a login."""
        self._connection_id = f"{scrambled(now_ns):016x}"
        self._alive_ns = now_ns
        return ()

    def publish(self, symbol: Symbol, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """Nothing: what becomes of orders is published on the private link."""
        return ()

    def tick(self, now_ns: int) -> Sequence[Outgoing]:
        """The end of a link that was idle."""
        if now_ns - self._alive_ns >= _IDLE_NS:
            return (Close(1006, "idle for ten minutes"),)
        return ()

    def status(self, status: str, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """Nothing: the system's status has a socket of its own, which is not simulated."""
        return ()

    def going_away(self, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """Bybit gives no notice before it closes a link."""
        return ()

    def receive(self, frame: bytes, now_ns: int) -> Sequence[Outgoing]:
        """The answers to a client's frame, whatever is in it."""
        self._alive_ns = now_ns
        try:
            request = decode_signed_request(frame)
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            return (self._answer(SignedRequest(), "10001", "Request parameter error."),)
        if request.op == "ping":
            return (self._answer(request, "0", "OK", ("pong", [str(millis(now_ns))])),)
        if request.op.startswith("order.") and self._accounts.roll_fault(OrderFault.CUT_OFF):
            return (Close(1006, "the simulated exchange hung up"),)
        try:
            if request.op == "auth":
                return self._log_in(request, now_ns)
            return self._obey(request, now_ns)
        except VenueRefused as error:
            return (self._answer(request, error.code, str(error)),)

    def _log_in(self, request: SignedRequest, now_ns: int) -> Sequence[Outgoing]:
        if self._account is not None:
            raise VenueRefused("Repeat auth.", "20001")
        self._account = log_in(self._accounts, request.args, now_ns)
        return (self._answer(request, "0", "OK"),)

    def _obey(self, request: SignedRequest, now_ns: int) -> Sequence[Outgoing]:
        account, name = self._account, request.op.removeprefix("order.")
        if account is None:
            raise VenueRefused("Request not authorized", "10005")
        if request.reqId in self._numbers:
            raise VenueRefused("Duplicated reqId.", "20006")
        if request.reqId:
            self._numbers[request.reqId] = None
            if len(self._numbers) > _NUMBERS_MAX:
                del self._numbers[next(iter(self._numbers))]
        if name in {request.op, "cancel-all"}:
            raise VenueRefused(f"Unknown operation: {request.op}", "10404")
        check_time(lowered(request.header), now_ns)
        try:
            (given,) = msgspec.convert(request.args, tuple[dict[str, object]])
        except msgspec.ValidationError as error:
            raise VenueRefused("Request parameter error.", "10001") from error
        data, about_rows, limits = self._entry.obey(name, account, given, now_ns)
        if name == "create" and self._accounts.roll_fault(OrderFault.LOST_ANSWER):
            return ()
        times = {**limits, "Timenow": str(millis(now_ns))}
        return (self._answer(request, "0", "OK", ("", data), about_rows, times),)

    def _answer(
        self,
        request: SignedRequest,
        code: str,
        message: str,
        data: tuple[str, object] = ("", {}),
        about_rows: Mapping[str, object] = _NOTHING,
        header: Mapping[str, str] = {},
    ) -> bytes:
        op, body = data
        answer: dict[str, object] = {"reqId": request.reqId} if request.reqId else {}
        answer |= {"retCode": int(code), "retMsg": message, "op": op or request.op}
        if op or request.op not in {"ping", "auth"}:
            answer |= {"data": body}
        if request.op.startswith("order."):
            answer |= {"retExtInfo": about_rows, "header": header}
        return native.encode({**answer, "connId": self._connection_id})
