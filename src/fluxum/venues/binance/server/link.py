"""Binance's side of a link, for the simulator: streams begin and end, and what they carry.

Source of texts and limits: https://github.com/binance/binance-spot-api-docs/blob/master/
web-socket-streams.md#live-subscribingunsubscribing-to-streams. A well-formed name of a stream that
does not exist is acknowledged, and nothing ever comes of it
(https://github.com/sammchardy/python-binance/issues/1193).
"""

import re
from collections import deque
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET, MsgspecError, Struct, UnsetType

from fluxum.errors import VenueRefused
from fluxum.model.instrument import Symbol
from fluxum.venues.binance import native
from fluxum.venues.binance.policy import Policy
from fluxum.venues.binance.server.offers import objection
from fluxum.venues.binance.server.snapshots import Snapshots
from fluxum.venues.binance.server.streams import (
    KlineStream,
    Stream,
    make_stream,
    make_stream_of_all,
)
from fluxum.venues.binance.server.target import read_target
from fluxum.venues.server.contract import Close, Dialled, MarketView, Outgoing
from fluxum.venues.server.formats import millis

__all__ = ["BinanceServer"]

_MESSAGES_PER_S = 5
_STREAMS_MAX = 1024
_FRAME_BYTES_MAX = 4096
_SECOND = 1_000_000_000
_NAME = re.compile(r"![A-Za-z]\S*|[^@!/\s]+@\S+")
_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_SHUTDOWN = "!serverShutdown"


class _Result(Struct):
    """A yes; see native.Outline."""

    result: list[str] | bool | None
    id: int | str | None


class _Error(Struct, omit_defaults=True):
    """A no, in the nested form that is sent; see native.Outline."""

    error: native.Fault
    id: int | str | UnsetType | None = UNSET


class _Wrapped(Struct):
    """Any event on a combined link; see native.Frame."""

    stream: str
    data: object


class _Asked(Struct):
    """A request as it may come: everything can be missing or strange."""

    id: int | str | None = None
    method: Any = UNSET
    params: list[Any] | dict[str, Any] | str | float | bool | None = None


_decode_asked = msgspec.json.Decoder(_Asked).decode


class BinanceServer:
    """One client of a simulated Binance; see VenueServer for what each call promises.

    `dialled` says which streams are sent from the start and how; raises VenueRefused for an URL
    that is not served, or that names a stream which is not sent over it.
    """

    def __init__(
        self, policy: Policy, snapshots: Snapshots, view: MarketView, dialled: Dialled
    ) -> None:
        target = read_target(policy, dialled)
        self._policy = policy
        self._snapshots = snapshots
        self._view = view
        self._category = target.category
        self._instruments = {one.venue_symbol.lower(): one for one in view.instruments()}
        self._names: dict[str, tuple[Symbol, ...]] = {}  # all that are subscribed, in order
        self._streams: dict[Symbol, dict[str, Stream]] = {}
        self._candles: dict[str, KlineStream] = {}  # those among them that time ends
        self._is_combined = target.is_combined
        self._heard_ns: deque[int] = deque(maxlen=_MESSAGES_PER_S)
        self._named = [one for one in target.streams if _NAME.fullmatch(one)]
        if len(self._named) > _STREAMS_MAX:
            raise VenueRefused(f"{_STREAMS_MAX} streams at most were expected", "400")
        said = self._objection(self._named)
        if said:
            raise VenueRefused(said, "400")

    # The venue speaks

    def opened(self, now_ns: int) -> Sequence[Outgoing]:
        """Nothing yet; the streams that the URL names begin."""
        for name in self._named:
            self._begin(name, now_ns)
        return ()

    def publish(self, symbol: Symbol, now_ns: int) -> Sequence[Outgoing]:
        """What this client's streams of a market tell after it moved."""
        streams = self._streams.get(symbol)
        if not streams:
            return ()
        return [
            self._said(name, event)
            for name, stream in streams.items()
            for event in stream.update(now_ns)
        ]

    def tick(self, now_ns: int) -> Sequence[Outgoing]:
        """Candles that are over."""
        return [
            self._said(name, event)
            for name, stream in self._candles.items()
            for event in stream.tick(now_ns)
        ]

    def status(self, status: str, now_ns: int) -> Sequence[Outgoing]:  # noqa: ARG002
        """Nothing: what the engine does is told by REST only."""
        return ()

    def going_away(self, now_ns: int) -> Sequence[Outgoing]:
        """The notice that the server shuts down."""
        return (self._said(_SHUTDOWN, native.ServerShutdown(millis(now_ns))),)

    def _said(self, name: str, event: object) -> bytes:
        return native.encode(_Wrapped(name, event) if self._is_combined else event)

    # The client speaks

    def receive(self, frame: bytes, now_ns: int) -> Sequence[Outgoing]:
        """The answer to a client's frame, whatever is in it; too many in a second end the link."""
        heard = self._heard_ns
        is_too_fast = len(heard) == _MESSAGES_PER_S and now_ns - heard[0] < _SECOND
        heard.append(now_ns)
        if is_too_fast:
            # https://github.com/binance/binance-connector-js/issues/530
            return (Close(1008, "Too many requests"),)
        if len(frame) > _FRAME_BYTES_MAX:
            # Seen, not documented: a frame is cut at 4 KiB.
            place = f"EOF while parsing a string at line 1 column {_FRAME_BYTES_MAX}"
            return (_error(3, f"Invalid JSON: {place}"),)
        try:
            asked = _decode_asked(frame)
        except msgspec.ValidationError:
            return (_error(2, "Invalid request: request ID must be an unsigned integer"),)
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            return (_error(3, "Invalid JSON: expected value at line 1 column 1"),)
        if asked.method is UNSET:
            place = f"at line 1 column {len(frame)}"
            return (_error(2, f"Invalid request: missing field `method` {place}"),)
        if asked.method not in _METHODS:
            known = ", ".join(f"`{one}`" for one in _METHODS)
            said = f"unknown variant `{asked.method}`, expected one of {known}"
            return (_error(2, f"Invalid request: {said} at line 1 column 28"),)
        return (self._answer(asked, now_ns),)

    def _answer(self, asked: _Asked, now_ns: int) -> bytes:
        params = asked.params if isinstance(asked.params, list) else []
        match asked.method:
            case "SUBSCRIBE" | "UNSUBSCRIBE":
                return self._change(asked, params, now_ns)
            case "LIST_SUBSCRIPTIONS":
                return _result(asked, list(self._names))
            case "GET_PROPERTY" if params == ["combined"]:
                return _result(asked, self._is_combined)
            case "SET_PROPERTY" if params[:1] == ["combined"] and len(params) == 2:
                if not isinstance(params[1], bool):
                    return _error(1, "Invalid value type: expected Boolean", asked.id)
                self._is_combined = params[1]
                return _result(asked, None)
            case _ if params and not isinstance(params[0], str):
                return _error(2, "Invalid request: property name must be a string", asked.id)
            case _ if len(params) > 2:
                return _error(2, "Invalid request: too many parameters", asked.id)
            case _:
                return _error(0, "Unknown property", asked.id)

    def _change(self, asked: _Asked, params: list[Any], now_ns: int) -> bytes:
        names = [one for one in params if isinstance(one, str) and _NAME.fullmatch(one)]
        if not names or len(names) < len(params):
            return _error(2, "Invalid request: invalid stream", asked.id)
        if asked.method == "UNSUBSCRIBE":
            for name in names:
                for symbol in self._names.pop(name, ()):
                    del self._streams[symbol][name]
                self._candles.pop(name, None)
            return _result(asked, None)
        said = self._objection(names)
        if said:
            return _error(2, f"Invalid request: {said}", asked.id)
        if len(self._names.keys() | names) > _STREAMS_MAX:
            # https://github.com/oliver-zehentleitner/unicorn-binance-websocket-api/issues/17
            return _error(4, "Too many subscriptions", asked.id)
        for name in names:
            if name not in self._names:
                self._begin(name, now_ns)
        return _result(asked, None)

    def _objection(self, names: Sequence[str]) -> str:
        said = (objection(self._policy, self._category, name) for name in names)
        return next(filter(None, said), "")

    def _begin(self, name: str, now_ns: int) -> None:
        market, _, kind = name.partition("@")
        made: dict[Symbol, Stream] = {}
        one = self._instruments.get(market)
        if market.startswith("!"):
            for instrument in self._instruments.values():
                stream = make_stream_of_all(self._policy, self._view, instrument, name)
                if stream is not None:
                    made[instrument.symbol] = stream
        elif one is not None:
            stream = make_stream(self._policy, self._view, self._snapshots, one, kind, now_ns)
            if stream is not None:
                made[one.symbol] = stream
            if isinstance(stream, KlineStream):
                self._candles[name] = stream
        self._names[name] = tuple(made)
        for symbol, stream in made.items():
            self._streams.setdefault(symbol, {})[name] = stream


def _result(asked: _Asked, result: list[str] | bool | None) -> bytes:
    return native.encode(_Result(result, asked.id))


def _error(code: int, text: str, number: int | str | UnsetType | None = UNSET) -> bytes:
    return native.encode(_Error(native.Fault(code, text), number))
