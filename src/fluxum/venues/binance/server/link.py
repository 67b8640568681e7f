"""The simulated venue's half of a link: requests of one client, and the events of its streams.

Source of texts and limits: https://github.com/binance/binance-spot-api-docs/blob/master/
web-socket-streams.md#live-subscribingunsubscribing-to-streams. A well-formed name of a stream that
does not exist is acknowledged, and nothing ever comes of it
(https://github.com/sammchardy/python-binance/issues/1193).
"""

import re
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from fluxum.errors import VenueRefused
from fluxum.model.instrument import Symbol
from fluxum.venues.binance import native
from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.server.formats import Market
from fluxum.venues.binance.server.offers import objection
from fluxum.venues.binance.server.snapshots import Snapshots
from fluxum.venues.binance.server.streams import make_stream, make_stream_of_all
from fluxum.venues.binance.server.target import read_target
from fluxum.venues.queries import UNDECODABLE
from fluxum.venues.server.contract import Close, Dialled, MarketView, Outgoing
from fluxum.venues.server.formats import millis
from fluxum.venues.server.streams import ClientStreams

__all__ = ["BinanceServer"]

_MESSAGES_PER_S = 5
_STREAMS_MAX = 1024
_FRAME_BYTES_MAX = 4096
_SECOND = 1_000_000_000
_NAME = re.compile(r"![A-Za-z]\S*|[^@!/\s]+@\S+")
_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_SHUTDOWN = "!serverShutdown"


class _Request(Struct):
    """A request as it may come: any field can be missing or strange."""

    id: int | str | None = None
    method: Any = UNSET
    params: list[Any] | dict[str, Any] | str | float | bool | None = None


_decode_request = msgspec.json.Decoder(_Request).decode


class BinanceServer:
    """One client of a simulated Binance; see VenueServer for what each call promises.

    `dialled` names the streams that are sent from the start, and their form. Raises VenueRefused
    for a URL that is not served, or that names a stream which is not sent over it.
    """

    def __init__(
        self, policy: Policy, snapshots: Snapshots, view: MarketView, dialled: Dialled
    ) -> None:
        target = read_target(policy, dialled)
        self._policy = policy
        self._snapshots = snapshots
        self._category = target.category
        self._markets = {
            one.venue_symbol.lower(): Market(policy, view, one) for one in view.instruments()
        }
        self._names: dict[str, None] = {}  # all that are subscribed, in order
        self._streams = ClientStreams()
        self._is_combined = target.is_combined
        self._received_ns: deque[int] = deque(maxlen=_MESSAGES_PER_S)
        self._named = [one for one in target.streams if _NAME.fullmatch(one)]
        if len(self._named) > _STREAMS_MAX:
            raise VenueRefused(f"{_STREAMS_MAX} streams at most were expected", "400")
        reason = self._objection(self._named)
        if reason:
            raise VenueRefused(reason, "400")

    # Events

    def opened(self, now_ns: int) -> Sequence[Outgoing]:
        """Nothing yet; the streams that the URL names begin."""
        for name in self._named:
            self._open(name, now_ns)
        return ()

    def publish(self, symbol: Symbol, now_ns: int) -> Sequence[Outgoing]:
        """The events of this client's streams of a market after it moved."""
        return self._streams.publish(symbol, now_ns)

    def tick(self, now_ns: int) -> Sequence[Outgoing]:
        """Candles that are over."""
        return self._streams.tick(now_ns)

    def going_away(self, now_ns: int) -> Sequence[Outgoing]:
        """The notice that the server shuts down."""
        return (self._frame(_SHUTDOWN, native.ServerShutdown(millis(now_ns))),)

    def _frame(self, name: str, event: object) -> bytes:
        return native.encode({"stream": name, "data": event} if self._is_combined else event)

    # Requests

    def receive(self, frame: bytes, now_ns: int) -> Sequence[Outgoing]:
        """The answer to a client's frame, whatever is in it; too many in a second end the link."""
        received = self._received_ns
        is_too_fast = len(received) == _MESSAGES_PER_S and now_ns - received[0] < _SECOND
        received.append(now_ns)
        if is_too_fast:
            # https://github.com/binance/binance-connector-js/issues/530
            return (Close(1008, "Too many requests"),)
        number: dict[str, int | str | None] = {}
        try:
            request = _read(frame)
            number = {"id": request.id}
            return (native.encode({"result": self._result(request, now_ns), **number}),)
        except VenueRefused as error:  # in the nested form that is sent, see native.Outline
            fault = native.Fault(int(error.code), str(error))
            return (native.encode({"error": fault, **number}),)

    def _result(self, request: _Request, now_ns: int) -> list[str] | bool | None:
        params = request.params if isinstance(request.params, list) else []
        match request.method:
            case "SUBSCRIBE":
                self._subscribe(_names(params), now_ns)
                return None
            case "UNSUBSCRIBE":
                self._unsubscribe(_names(params))
                return None
            case "LIST_SUBSCRIPTIONS":
                return list(self._names)
            case "GET_PROPERTY" if params == ["combined"]:
                return self._is_combined
            case "SET_PROPERTY" if params[:1] == ["combined"] and len(params) == 2:
                if not isinstance(params[1], bool):
                    raise VenueRefused("Invalid value type: expected Boolean", "1")
                self._is_combined = params[1]
                return None
            case _ if params and not isinstance(params[0], str):
                raise VenueRefused("Invalid request: property name must be a string", "2")
            case _ if len(params) > 2:
                raise VenueRefused("Invalid request: too many parameters", "2")
            case _:
                raise VenueRefused("Unknown property", "0")

    def _subscribe(self, names: Sequence[str], now_ns: int) -> None:
        reason = self._objection(names)
        if reason:
            raise VenueRefused(f"Invalid request: {reason}", "2")
        if len(self._names.keys() | names) > _STREAMS_MAX:
            # https://github.com/oliver-zehentleitner/unicorn-binance-websocket-api/issues/17
            raise VenueRefused("Too many subscriptions", "4")
        for name in names:
            if name not in self._names:
                self._open(name, now_ns)

    def _unsubscribe(self, names: Sequence[str]) -> None:
        for name in names:
            self._names.pop(name, None)
            self._streams.close(name)

    def _objection(self, names: Sequence[str]) -> str:
        reasons = (objection(self._policy, self._category, name) for name in names)
        return next(filter(None, reasons), "")

    def _open(self, name: str, now_ns: int) -> None:
        self._names[name] = None
        write = partial(self._frame, name)
        market, _, kind = name.partition("@")
        is_of_all = market.startswith("!")
        for one in (
            self._markets.values() if is_of_all else filter(None, (self._markets.get(market),))
        ):
            stream = (
                make_stream_of_all(one, name, write)
                if is_of_all
                else make_stream(one, self._snapshots, kind, write, now_ns)
            )
            if stream is not None:
                self._streams.open(one.symbol, name, stream)


def _read(frame: bytes) -> _Request:
    """A request of a known method; raises VenueRefused, without a number."""
    if len(frame) > _FRAME_BYTES_MAX:
        # Seen, not documented: a frame is cut at 4 KiB.
        place = f"EOF while parsing a string at line 1 column {_FRAME_BYTES_MAX}"
        raise VenueRefused(f"Invalid JSON: {place}", "3")
    try:
        request = _decode_request(frame)
    except msgspec.ValidationError:
        text = "Invalid request: request ID must be an unsigned integer"
        raise VenueRefused(text, "2") from None
    except UNDECODABLE:
        raise VenueRefused("Invalid JSON: expected value at line 1 column 1", "3") from None
    if request.method is UNSET:
        text = f"Invalid request: missing field `method` at line 1 column {len(frame)}"
        raise VenueRefused(text, "2")
    if request.method not in _METHODS:
        known = ", ".join(f"`{one}`" for one in _METHODS)
        text = f"Invalid request: unknown variant `{request.method}`, expected one of {known}"
        raise VenueRefused(f"{text} at line 1 column 28", "2")
    return request


def _names(params: list[Any]) -> list[str]:
    names = [one for one in params if isinstance(one, str) and _NAME.fullmatch(one)]
    if not names or len(names) < len(params):
        raise VenueRefused("Invalid request: invalid stream", "2")
    return names
