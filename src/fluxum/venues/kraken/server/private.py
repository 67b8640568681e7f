"""The simulated half of Kraken's private endpoint: one client's account, and its orders.

Sources: https://docs.kraken.com/api/docs/websocket-v2/balances, /executions and the pages of the
trading methods. There is no login: each request carries a token. What happens to the account is
sent on its channels, before the answer to the command that caused it or after: no page promises
either, so chance has it.
"""

from collections import deque
from collections.abc import Sequence

from msgspec import UNSET, MsgspecError, Struct

from fluxum.model.instrument import Symbol
from fluxum.venues.kraken.private import native
from fluxum.venues.kraken.server.account_streams import BalancesStream, ExecutionsStream
from fluxum.venues.kraken.server.counters import allowance_of
from fluxum.venues.kraken.server.heartbeat import (
    RATE_REFUSAL,
    TRADING,
    Pulse,
    bad_session,
    encode,
    malformed,
    misplaced,
    pong,
    refusal,
    time_text,
)
from fluxum.venues.kraken.server.methods import TradingMethods
from fluxum.venues.kraken.server.reports import ReportWriter
from fluxum.venues.server.accounts import Account, AccountChange
from fluxum.venues.server.contract import Close, ExchangeView, Outgoing

__all__ = ["KrakenPrivateServer"]

_IDLE_NS = 60_000_000_000
_UNSAID_MAX = 100_000
_ELSEWHERE = {
    "book": "public",
    "ticker": "public",
    "trade": "public",
    "ohlc": "public",
    "instrument": "public",
    "level3": "level3",
}

Stream = BalancesStream | ExecutionsStream


class _Result(Struct, omit_defaults=True):
    """The result of an accepted subscribe or unsubscribe.

    `{"channel":"executions","maxratecount":125,"snap_orders":true,"snap_trades":true}`
    """

    channel: str
    maxratecount: int | None = None
    snap_orders: bool | None = None
    snap_trades: bool | None = None
    snapshot: bool | None = None


class _Answer(Struct, omit_defaults=True):
    """The acceptance of a subscribe or unsubscribe.

    `{"method":"subscribe","result":{"channel":"balances","snapshot":true},"success":true,
    "time_in":"2023-10-16T13:29:13.111530Z","time_out":"2023-10-16T13:29:13.111775Z"}`
    """

    method: str
    result: _Result
    time_in: str
    time_out: str
    req_id: int | None = None
    success: bool | None = None


class KrakenPrivateServer:
    """One client of a simulated Kraken's private endpoint; see VenueServer and Follower."""

    def __init__(self, view: ExchangeView) -> None:
        self._accounts = view.accounts
        self._methods = TradingMethods(view)
        self._writer = ReportWriter(view.instruments(), view.accounts)
        self._pulse = Pulse()
        self._opened_ns = 0
        self._account: Account | None = None
        self._streams: dict[str, Stream] = {}
        self._unsaid: deque[tuple[Stream, bytes]] = deque()
        self._is_answering = False
        self._is_held_up = False

    # The venue speaks

    def opened(self, now_ns: int) -> Sequence[Outgoing]:
        """The engine's status, before anything else."""
        self._opened_ns = now_ns
        return self._pulse.opened(now_ns)

    def publish(self, symbol: Symbol, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """What happened to the account since this server last spoke."""
        if self._is_answering:
            self._is_held_up = True
            return ()
        return self._say(now_ns)

    def tick(self, now_ns: int) -> Sequence[Outgoing]:
        """A heartbeat after a second of silence; an end to a link that is used for nothing."""
        last_ns = max(self._pulse.last_heard_ns or 0, self._opened_ns)
        if not self._streams and now_ns - last_ns > _IDLE_NS:
            return (Close(1000, "idle"),)
        return self._pulse.tick(now_ns)

    def status(self, status: str, now_ns: int) -> Sequence[Outgoing]:
        """The engine's new status."""
        return self._pulse.status(status, now_ns)

    def account_changed(self, happening: AccountChange) -> None:
        """Something happened to the account: its frames are sent next."""
        for stream in self._streams.values():
            frame = stream.frame(happening)
            if frame is not None:
                self._unsaid.append((stream, frame))

    def _say(self, now_ns: int) -> Sequence[Outgoing]:
        if not self._unsaid:
            return ()
        if len(self._unsaid) > _UNSAID_MAX:
            return (Close(1013, "too much was left unsaid"),)
        self._pulse.said(now_ns)
        live = self._streams.values()
        frames = [frame for stream, frame in self._unsaid if stream in live]
        self._unsaid.clear()
        return frames

    # The client speaks

    def receive(self, frame: bytes, now_ns: int) -> Sequence[Outgoing]:
        """The answers to a client's frame, whatever is in it."""
        if self._pulse.is_too_fast(now_ns):
            return (RATE_REFUSAL,)
        try:
            request = native.decode_request(frame)
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            return (malformed(frame, now_ns),)
        if request.method == "ping":
            return (pong(request.req_id, now_ns),)
        if request.method in TRADING:
            return self._obey(request, now_ns)
        if request.method in {"subscribe", "unsubscribe"}:
            return self._subscription(request, now_ns)
        return (refusal(request.method, request.req_id, "Unknown method", now_ns),)

    def _obey(self, request: native.Request, now_ns: int) -> Sequence[Outgoing]:
        """Do what is asked; half of the time the answer comes before the reports."""
        self._is_answering = self._accounts.chance()
        try:
            answers = self._methods.obey(request, now_ns)
        finally:
            self._is_answering = False
        if not self._is_held_up:
            return answers
        self._is_held_up = False
        return [*answers, *self._say(now_ns)]

    def _subscription(self, request: native.Request, now_ns: int) -> Sequence[Outgoing]:
        method, number = request.method, request.req_id
        raw = b"{}" if request.params is UNSET else request.params
        try:
            params = native.decode_account_params(raw)
        except (MsgspecError, UnicodeDecodeError):
            return (refusal(method, number, "Malformed request", now_ns),)
        channel = params.channel
        if channel in _ELSEWHERE:
            return (misplaced(method, number, _ELSEWHERE[channel], now_ns),)
        if channel == "status":
            return (refusal(method, number, "Symbol(s) not found", now_ns),)
        if channel not in {"balances", "executions"}:
            return (refusal(method, number, "Subscription name invalid", now_ns),)
        account = self._accounts.by_token(params.token or "", now_ns)
        if account is None or (self._streams and account is not self._account):
            return (bad_session(channel, method, number, now_ns),)
        if method == "unsubscribe":
            return (self._unsubscribe(channel, number, now_ns),)
        if channel in self._streams:
            return (refusal(method, number, "Already subscribed", now_ns),)
        return self._subscribe(account, params, number, now_ns)

    def _subscribe(
        self, account: Account, params: native.AccountParams, number: int | None, now_ns: int
    ) -> Sequence[Outgoing]:
        if not self._streams:
            self._account = account
            self._accounts.follow(self, params.token or "")
        if params.channel == "balances":
            stream: Stream = BalancesStream(account, params, self._writer)
            result = _Result("balances", snapshot=stream.wants_snapshot)
        else:
            stream = ExecutionsStream(account, params, self._writer)
            result = _Result(
                "executions",
                maxratecount=int(allowance_of(account).rates[0].rate.most),
                snap_orders=stream.has_orders,
                snap_trades=stream.has_trades,
            )
        self._streams[params.channel] = stream
        self._pulse.begin(now_ns)
        accepted = _acceptance("subscribe", number, result, now_ns)
        return (accepted, stream.snapshot()) if stream.wants_snapshot else (accepted,)

    def _unsubscribe(self, channel: str, number: int | None, now_ns: int) -> bytes:
        if self._streams.pop(channel, None) is None:
            return refusal("unsubscribe", number, "Subscription not found", now_ns)
        if not self._streams:
            self._accounts.leave(self)
        return _acceptance("unsubscribe", number, _Result(channel), now_ns)


def _acceptance(method: str, number: int | None, result: _Result, now_ns: int) -> bytes:
    time = time_text(now_ns)
    return encode(_Answer(method, result, time, time, number, success=True))
