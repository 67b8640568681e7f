"""The server of Bybit's private link: its login, and the streams of one account.

https://bybit-exchange.github.io/docs/v5/ws/connect and /websocket/private. No topic begins with
a snapshot. The wallet is published for the assets whose total or held amount has changed.
"""

from collections import deque
from collections.abc import Sequence

import msgspec
from msgspec import MsgspecError, Struct

from fluxum.errors import VenueRefused
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.venues.bybit import native
from fluxum.venues.bybit.category import Category
from fluxum.venues.bybit.server.private.access import log_in
from fluxum.venues.bybit.server.private.rows import Row, coin_row, execution_row, order_row
from fluxum.venues.server.accounts import (
    Account,
    AccountChange,
    OrderEventKind,
    OrderHappening,
)
from fluxum.venues.server.contract import Close, ExchangeView, Outgoing
from fluxum.venues.server.formats import millis, scrambled

__all__ = ["BybitAccountServer", "SignedRequest", "decode_signed_request"]

_IDLE_NS = 600 * 1_000_000_000
_TOKEN_VALID_S = 86_400
_UNSENT_MAX = 100_000


class SignedRequest(Struct):
    """A client's request on a link with a login.

    `{"req_id":"10001","op":"auth","args":["api_key",1662350400000,"signature"]}`

    `reqId` and `header` are those of the link of orders.
    """

    op: str = ""
    args: tuple[object, ...] = ()
    req_id: str | int = ""
    reqId: str = ""  # noqa: N815 - the venue's spelling
    header: dict[str, str] = {}


decode_signed_request = msgspec.json.Decoder(SignedRequest).decode


class BybitAccountServer:
    """One client of a simulated Bybit's private endpoint; see VenueServer and Follower."""

    def __init__(self, view: ExchangeView, category: Category) -> None:
        self._accounts = view.accounts
        self._category = category
        self._account: Account | None = None
        self._topics: set[str] = set()
        self._unsent: deque[tuple[str, Row]] = deque()
        self._changed: dict[Asset, None] = {}
        self._connection_id = ""
        self._alive_ns = 0

    # What the venue sends by itself

    def opened(self, now_ns: int) -> Sequence[Outgoing]:
        """Nothing: Bybit waits for a login."""
        self._connection_id = f"{scrambled(now_ns):016x}"
        self._alive_ns = now_ns
        return ()

    def publish(self, symbol: Symbol, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """What happened to the account since this server last spoke."""
        if len(self._unsent) > _UNSENT_MAX:
            return (Close(1013, "too much is unsent"),)
        frames: list[Outgoing] = [self._frame(topic, (row,), now_ns) for topic, row in self._unsent]
        self._unsent.clear()
        changed, self._changed = self._changed, {}
        if changed and "wallet" in self._topics and self._account is not None:
            coins = [one for one in self._account.balances() if one.asset in changed]
            rows = [coin_row(self._category, one) for one in coins]
            frames.append(
                self._frame("wallet", ({"accountType": "UNIFIED", "coin": rows},), now_ns)
            )
        if frames:
            self._alive_ns = now_ns
        return frames

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

    def hear(self, happening: AccountChange) -> None:
        """Something happened to the account: it is published with the next frames."""
        if not isinstance(happening, OrderHappening):
            self._changed[happening.asset] = None
            return
        update, category = happening.order.update, self._category
        pays_quote = update.side is Side.BUY or bool(update.symbol.contract)
        self._changed[update.symbol.quote if pays_quote else update.symbol.base] = None
        is_published = (
            update.order_type.is_triggered or happening.what is not OrderEventKind.PENDING
        )
        is_whole = happening.what is OrderEventKind.TRADED and not update.remaining
        if is_published and not is_whole:  # an order that is filled is published once, as filled
            self._note("order", order_row(category, happening.order))
        if happening.fill is not None:
            self._note("execution", execution_row(category, happening, happening.fill))

    def _note(self, topic: str, row: Row) -> None:
        for name in (topic, f"{topic}.{self._category.name}"):
            if name in self._topics:
                self._unsent.append((name, row))

    def _frame(self, topic: str, rows: Sequence[Row], now_ns: int) -> bytes:
        now_ms = millis(now_ns)
        return native.encode(
            {"id": f"{now_ns:x}", "topic": topic, "creationTime": now_ms, "data": rows}
        )

    # What the client requests

    def receive(self, frame: bytes, now_ns: int) -> Sequence[Outgoing]:
        """The answers to a client's frame, whatever is in it."""
        self._alive_ns = now_ns
        try:
            request = decode_signed_request(frame)
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            return (self._answer(SignedRequest(), "error:invalid op", success=False),)
        match request.op:
            case "ping":
                pong = {"req_id": request.req_id, "op": "pong", "args": [str(millis(now_ns))]}
                return (native.encode({**pong, "conn_id": self._connection_id}),)
            case "auth":
                return (self._log_in(request, now_ns),)
            case "subscribe":
                return (self._subscribe(request, now_ns),)
            case "unsubscribe":
                self._topics.difference_update(map(str, request.args))
                return (self._answer(request, "", success=True),)
            case _:
                return (self._answer(request, "error:invalid op", success=False),)

    def _log_in(self, request: SignedRequest, now_ns: int) -> bytes:
        try:
            account = log_in(self._accounts, request.args, now_ns)
        except VenueRefused as error:
            return self._answer(request, str(error), success=False)
        if self._account is None:
            self._account = account
            token = self._accounts.issue_token(account, now_ns, _TOKEN_VALID_S)
            self._accounts.follow(self, token)
        return self._answer(request, "", success=True)

    def _subscribe(self, request: SignedRequest, now_ns: int) -> bytes:  # noqa: ARG002
        """One bad topic refuses the whole request; both forms of one are not taken together."""
        topics = set(map(str, request.args))
        offered = {"wallet", "position"}
        for kind in ("order", "execution", "position"):
            offered |= {kind, f"{kind}.{self._category.name}"}
        if self._account is None:
            return self._answer(request, "Request not authorized", success=False)
        unknown = sorted(topics - offered)
        if unknown:
            text = f"error:handler not found,topic:{unknown[0]}"
            return self._answer(request, text, success=False)
        if any(f"{one}.{self._category.name}" in topics for one in topics):
            return self._answer(request, "Params Error", success=False)
        self._topics |= topics
        return self._answer(request, "", success=True)

    def _answer(self, request: SignedRequest, message: str, *, success: bool) -> bytes:
        return native.encode(
            {
                "success": success,
                "ret_msg": message,
                "op": request.op,
                "req_id": request.req_id,
                "conn_id": self._connection_id,
            }
        )
