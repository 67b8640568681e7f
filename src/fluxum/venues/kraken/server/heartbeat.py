"""What every simulated Kraken endpoint has in common: status, heartbeats, refusals.

Sources: https://docs.kraken.com/api/docs/guides/spot-ws-intro, /websocket-v2/status and
/websocket-v2/heartbeat. Key order in answers is alphabetical, as in live frames.
"""

from collections import deque
from collections.abc import Sequence

import msgspec
from msgspec import UNSET, MsgspecError, Struct, UnsetType

from fluxum.venues.kraken import native
from fluxum.venues.kraken.server.formats import micros

__all__ = [
    "RATE_REFUSAL",
    "TRADING",
    "Pulse",
    "bad_session",
    "encode",
    "malformed",
    "misplaced",
    "pong",
    "refusal",
    "time_text",
]

_HEARTBEAT = b'{"channel":"heartbeat"}'
_HEARTBEAT_NS = 1_000_000_000
_MESSAGES_PER_S = 50  # the real number is dynamic and not published
_HOSTS = {"public": "ws.kraken.com", "level3": "ws-l3.kraken.com", "private": "ws-auth.kraken.com"}

TRADING = frozenset(
    {
        "add_order",
        "amend_order",
        "edit_order",
        "cancel_order",
        "cancel_all",
        "cancel_all_orders_after",
        "batch_add",
        "batch_cancel",
    }
)
"""What can be asked of the private endpoint besides subscribing."""

encode = msgspec.json.Encoder(order="sorted").encode
"""Encodes answers with their keys in alphabetical order."""
RATE_REFUSAL = encode(native.RateError("Exceeded msg rate"))
"""The answer to too many messages."""


class _Outline(Struct):
    """What can be read of a request that makes no sense otherwise."""

    method: str = ""
    req_id: int | None = None


class _SessionError(Struct):
    """The answer to a bad token.

    `{"channel":"executions","error":"ESession:Invalid session","method":"subscribe",
    "status":"error","success":false,"time_in":"2026-09-25T17:58:09.493462Z",
    "time_out":"2026-09-25T17:58:09.493897Z"}`
    """

    channel: str
    method: str
    time_in: str
    time_out: str
    req_id: int | UnsetType = UNSET
    error: str = "ESession:Invalid session"
    status: str = "error"
    success: bool = False


class Pulse:
    """What one link sends by itself, and how many frames its client may send."""

    def __init__(self) -> None:
        self._status = "online"
        self._connection_id = 0
        self._beats = False
        self._last_sent_ns = 0
        self._received_ns: deque[int] = deque(maxlen=_MESSAGES_PER_S)

    def opened(self, now_ns: int) -> Sequence[bytes]:
        """The engine's status, before anything else."""
        # Published ids use all 64 bits; this one is scrambled, not random.
        self._connection_id = (now_ns * 6_364_136_223_846_793_005 + 1) % 2**63 + 2**63
        return (self._status_frame(now_ns),)

    def status(self, status: str, now_ns: int) -> Sequence[bytes]:
        """The engine's new status."""
        self._status = status
        return (self._status_frame(now_ns),)

    def tick(self, now_ns: int) -> Sequence[bytes]:
        """A heartbeat after a second of silence, once anything was subscribed."""
        if not self._beats or now_ns - self._last_sent_ns < _HEARTBEAT_NS:
            return ()
        self._last_sent_ns = now_ns
        return (_HEARTBEAT,)

    def begin(self, now_ns: int) -> None:
        """Heartbeats begin with the first subscription."""
        self._beats = True
        self._last_sent_ns = now_ns

    def said(self, now_ns: int) -> None:
        """Data was sent."""
        self._last_sent_ns = now_ns

    def is_too_fast(self, now_ns: int) -> bool:
        """Take note of a client's frame; whether it is one too many."""
        received = self._received_ns
        is_too_fast = len(received) == _MESSAGES_PER_S and now_ns - received[0] < 1_000_000_000
        received.append(now_ns)
        return is_too_fast

    @property
    def last_heard_ns(self) -> int | None:
        """When the client's last frame was received."""
        return self._received_ns[-1] if self._received_ns else None

    def _status_frame(self, now_ns: int) -> bytes:
        self._last_sent_ns = now_ns
        return (
            b'{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"%s",'
            b'"api_version":"v2","connection_id":%d,"upcoming_maintenance":[],"emergency":[]}]}'
        ) % (self._status.encode(), self._connection_id)


def pong(req_id: int | None, now_ns: int) -> bytes:
    """The answer to a ping."""
    time = time_text(now_ns)
    return encode(native.Response("pong", req_id=req_id, time_in=time, time_out=time))


def refusal(
    method: str, req_id: int | None, error: str, now_ns: int, symbol: str | None = None
) -> bytes:
    """A refusal, in the venue's words."""
    time = time_text(now_ns)
    return encode(
        native.Response(
            method,
            error=error,
            req_id=req_id,
            success=False,
            symbol=symbol,
            time_in=time,
            time_out=time,
        )
    )


def malformed(frame: bytes, now_ns: int) -> bytes:
    """The refusal of a frame that is no request."""
    try:
        outline = _decode_outline(frame)
    except (MsgspecError, UnicodeDecodeError, RecursionError):
        outline = _Outline()
    return refusal(outline.method, outline.req_id, "Malformed request", now_ns)


def bad_session(channel: str, method: str, req_id: int | None, now_ns: int) -> bytes:
    """The answer to a subscribe with an unknown token."""
    time = time_text(now_ns)
    number = UNSET if req_id is None else req_id
    return encode(_SessionError(channel, method, time, time, number))


def misplaced(method: str, req_id: int | None, host: str, now_ns: int) -> bytes:
    """The refusal that names the host where this would work."""
    what = (
        "Public market data subscriptions are"
        if host == "public"
        else "Private data and trading are"
    )
    error = f"{what} unavailable on this endpoint. Try {_HOSTS[host]}"
    return refusal(method, req_id, error, now_ns)


def time_text(now_ns: int) -> str:
    """A time as answers write it."""
    return micros(now_ns).decode()


_decode_outline = msgspec.json.Decoder(_Outline).decode
