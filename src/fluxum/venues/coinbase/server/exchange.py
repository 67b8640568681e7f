"""The simulated half of the Exchange feed: one client's requests, answers and streams.

Sources: https://docs.cdp.coinbase.com/exchange/websocket-feed/overview and its neighbours
`channels`, `errors` and `authentication`. Words of refusals are those of live frames
(https://github.com/thrasher-corp/gocryptotrader/pull/1421,
https://github.com/ctubio/Krypto-trading-bot/issues/977).
"""

import hmac
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from fluxum.model.instrument import Instrument, Symbol
from fluxum.venues.coinbase.exchange import native
from fluxum.venues.coinbase.exchange.signing import signature
from fluxum.venues.coinbase.server.exchange_streams import CHANNELS, heartbeat, make_stream
from fluxum.venues.queries import UNDECODABLE
from fluxum.venues.server.contract import Close, MarketView, Outgoing
from fluxum.venues.server.streams import ClientStreams, Stream

__all__ = ["KEY", "PASSPHRASE", "SECRET", "ExchangeServer"]

KEY = "simulated-key"
PASSPHRASE = "simulated-passphrase"  # noqa: S105 - the simulator's own, good for nothing else
SECRET = "c2ltdWxhdGVkLXNlY3JldC1vZi1uby12YWx1ZS13aGF0ZXZlcg=="  # noqa: S105 - the same

_SECOND = 1_000_000_000
_FIRST_FRAME_NS = 5 * _SECOND
_SIGNED_S = 30
_HEARTBEATS = "heartbeat"
_SIGNED = frozenset({"level2", "level3", "full", "user", "balance"})
_LISTED_AS = {"level2_batch": "level2_50"}
_LOGIN_NEEDED = (
    "level2, level3, and full channels now require authentication. "
    "https://docs.cloud.coinbase.com/exchange/docs/websocket-auth"
)


class ExchangeServer:
    """One client of a simulated Exchange feed; see VenueServer for what each call promises.

    A client that signs with KEY, SECRET and PASSPHRASE is logged in.
    """

    def __init__(self, view: MarketView, endpoint: str = "public") -> None:  # noqa: ARG002 - one host
        self._view = view
        self._instruments = {one.venue_symbol: one for one in view.instruments()}
        self._streams = ClientStreams()
        self._by_channel: dict[str, dict[str, Stream]] = {name: {} for name in CHANNELS}
        self._beating: dict[str, Instrument] = {}
        self._opened_ns = self._beat_ns = 0
        self._has_subscribed = False

    # What the venue sends by itself

    def opened(self, now_ns: int) -> Sequence[Outgoing]:
        """Nothing: it waits five seconds for a request."""
        self._opened_ns = now_ns
        return ()

    def publish(self, symbol: Symbol, now_ns: int) -> Sequence[Outgoing]:
        """The frames that follow a move of a market."""
        return self._streams.publish(symbol, now_ns)

    def tick(self, now_ns: int) -> Sequence[Outgoing]:
        """A heartbeat of each product a second; the end of a link that subscribed to nothing."""
        if not self._has_subscribed:
            is_late = now_ns - self._opened_ns >= _FIRST_FRAME_NS
            return (Close(1000, "no subscribe within 5 s"),) if is_late else ()
        if now_ns - self._beat_ns < _SECOND:
            return ()
        self._beat_ns = now_ns
        matches = self._by_channel["matches"]
        return [
            heartbeat(self._view, one, matches.get(product), now_ns)
            for product, one in self._beating.items()
        ]

    # What the client sends

    def receive(self, frame: bytes, now_ns: int) -> Sequence[Outgoing]:
        """The answers to a client's frame, whatever is in it."""
        try:
            request = native.decode_request(frame)
        except UNDECODABLE:
            return (b"invalid (un)subscribe msg",)
        if request.type not in {"subscribe", "unsubscribe"}:
            return (_error("Malformed JSON", f"unknown type {request.type[:40]}"),)
        self._has_subscribed = True
        wanted = _wanted(request)
        if request.type == "unsubscribe":
            return self._unsubscribe(wanted)
        reason = self._refusal(request, wanted, now_ns)
        if reason:
            return (_error("Failed to subscribe", reason),)
        return self._subscribe(wanted, now_ns)

    def _refusal(self, request: native.Request, wanted: dict[str, list[str]], now_ns: int) -> str:
        """Why the request fails, as a whole; empty when it does not."""
        if not wanted:
            return "No channels provided"
        if _SIGNED.intersection(wanted) and not _is_signed(request, now_ns):
            return _LOGIN_NEEDED
        for channel, products in wanted.items():
            if channel != _HEARTBEATS and channel not in self._by_channel:
                return f"{channel[:40]} is not a valid channel"
            if not products:
                return f"You need to specify at least one product ID for channel {channel[:40]}"
            for product in products:
                if product not in self._instruments:
                    return f"{product[:40]} is not a valid product"
        return ""

    def _subscribe(self, wanted: dict[str, list[str]], now_ns: int) -> Sequence[Outgoing]:
        frames: list[Outgoing] = []
        for channel, products in wanted.items():
            for product in products:
                instrument = self._instruments[product]
                if channel == _HEARTBEATS:
                    self._beating[product] = instrument
                elif product not in self._by_channel[channel]:
                    stream = make_stream(channel, self._view, instrument)
                    self._by_channel[channel][product] = stream
                    self._streams.open(instrument.symbol, f"{channel} {product}", stream)
                    frames += stream.begin(now_ns)
        return [*frames, self._list()]

    def _unsubscribe(self, wanted: dict[str, list[str]]) -> Sequence[Outgoing]:
        for channel, products in wanted.items():
            if channel == _HEARTBEATS:
                for product in products or list(self._beating):
                    self._beating.pop(product, None)
            streams = self._by_channel.get(channel, {})
            for product in products or list(streams):
                streams.pop(product, None)
                self._streams.close(f"{channel} {product}")
        return (self._list(),)

    def _list(self) -> bytes:
        listed = {channel: list(streams) for channel, streams in self._by_channel.items()}
        listed[_HEARTBEATS] = list(self._beating)
        return native.encode(
            native.Subscriptions(
                [
                    native.ChannelList(_LISTED_AS.get(channel, channel), products)
                    for channel, products in listed.items()
                    if products
                ]
            )
        )


def _wanted(request: native.Request) -> dict[str, list[str]]:
    """The products of each channel; those at the root are for all."""
    wanted: dict[str, list[str]] = {}
    for channel in request.channels:
        if isinstance(channel, str):
            wanted.setdefault(channel, []).extend(request.product_ids)
        else:
            products = [*request.product_ids, *channel.product_ids]
            wanted.setdefault(channel.name, []).extend(products)
    return wanted


def _is_signed(request: native.Request, now_ns: int) -> bool:
    try:
        age_s = Decimal(now_ns // _SECOND) - Decimal(request.timestamp)
        is_fresh = -_SIGNED_S <= age_s <= _SIGNED_S
    except InvalidOperation:
        return False
    proof = signature(SECRET, request.timestamp)
    known = (KEY, PASSPHRASE, proof)
    given = (request.key, request.passphrase, request.signature)
    return is_fresh and all(
        hmac.compare_digest(one.encode(), other.encode())
        for one, other in zip(known, given, strict=True)
    )


def _error(message: str, reason: str) -> bytes:
    return native.encode(native.ErrorFrame(message, reason))
