"""The short way in: a session with an exchange, over real WebSockets unless set otherwise."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import Protocol
from urllib.parse import urlsplit

from fluxum.errors import BadInput
from fluxum.flow.opening import Opening
from fluxum.flow.pipe import ReaderPolicy
from fluxum.model.event import Channel, Subscription, parse_channel
from fluxum.model.instrument import Symbol
from fluxum.runtime import LiveRuntime, Runtime
from fluxum.session.account_config import AccountConfig
from fluxum.session.session import Session
from fluxum.transport.call import Http
from fluxum.transport.link import Dial
from fluxum.venues.register import find_venue
from fluxum.venues.venue import Venue

__all__ = ["Recorder", "connect", "endpoints_at", "subscriptions", "venue_of"]

_HTTP_OF = {"ws": "http", "wss": "https"}


class Recorder(Protocol):
    """Records the frames of links and the answers of REST calls."""

    def dial(self, dial: Dial) -> Dial:
        """A dial whose links are recorded."""
        ...

    def http(self, http: Http) -> Http:
        """REST calls that are recorded."""
        ...


def connect(
    exchange: str | Venue,
    symbols: Iterable[str] = (),
    channels: Iterable[Channel | str] = (Channel.BOOK,),
    *,
    depth: int | None = None,
    interval_s: int | None = None,
    endpoint: str | None = None,
    proxy: str | None = None,
    recorder: Recorder | None = None,
    account_config: AccountConfig | None = None,
    runtime: Runtime | None = None,
    readers: ReaderPolicy | None = None,
) -> Opening[Session]:
    """A session with an exchange, subscribed but not yet ready: enter it, or await and close it.

    Every channel is subscribed for every symbol; `depth` is for books, `interval_s` for candles.
    `exchange` is a name, or a venue that was found by it and has other limits or endpoints.
    `endpoint` replaces the host of the exchange's URLs (see `endpoints_at`). A `recorder` records
    every link and REST call, except calls that contain keys. An `account_config` opens the caller's
    account there. `runtime` is this machine and its network unless another is given; `proxy` is for
    the live one. `readers` are for readers of events whose call names no others. Raises BadInput.
    """
    venue = venue_of(exchange)
    wanted = subscriptions(symbols, channels, depth=depth, interval_s=interval_s)
    endpoints = venue.endpoints if endpoint is None else endpoints_at(venue, endpoint)
    world = LiveRuntime(proxy=proxy) if runtime is None else runtime

    @asynccontextmanager
    async def opened() -> AsyncGenerator[Session]:
        async with (
            world.reach(venue) as reach,
            Session(
                venue,
                dial=reach.dial if recorder is None else recorder.dial(reach.dial),
                clock=world.clock,
                random=world.random,
                endpoints=endpoints,
                budget=world.budget(venue),
                counter=world.counter(venue, endpoints.get("rest", "")),
                http=reach.http if recorder is None else recorder.http(reach.http),
                account_config=account_config and account_config.with_calls(reach.http),
                readers=readers,
                names=reach.names,
            ) as session,
        ):
            session.subscribe(*wanted)
            yield session

    return Opening(opened)


def venue_of(exchange: str | Venue) -> Venue:
    """The venue of a name, or the given one; raises BadInput for a name that is unknown."""
    return find_venue(exchange) if isinstance(exchange, str) else exchange


def endpoints_at(venue: Venue, url: str) -> dict[str, str]:
    """The venue's endpoints at another host, such as a simulated exchange or a proxy.

    If the URL has no path, it stands for the host: every endpoint keeps its own path there, with
    its name after it if another endpoint has the same path; REST calls use http(s). If the URL has
    a path, it is used unchanged for all links. Raises BadInput.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadInput(f"a ws:// or wss:// URL was expected, was {url!r}: {error}") from error
    if parts.scheme not in _HTTP_OF or not parts.hostname or port == 0:
        raise BadInput(f"a ws:// or wss:// URL was expected, was {url!r}")
    endpoints: dict[str, str] = {}
    for name, known in venue.endpoints.items():
        theirs = urlsplit(known)
        if theirs.scheme.startswith("http"):
            endpoints[name] = f"{_HTTP_OF[parts.scheme]}://{parts.netloc}{theirs.path}"
            continue
        if parts.path not in {"", "/"}:
            endpoints[name] = url
            continue
        # Endpoints that the venue separates by host are separated by name at one host.
        own = f"{parts.scheme}://{parts.netloc}{theirs.path}"
        endpoints[name] = own if own not in endpoints.values() else f"{own}/{name}"
    return endpoints


def subscriptions(
    symbols: Iterable[str],
    channels: Iterable[Channel | str],
    *,
    depth: int | None = None,
    interval_s: int | None = None,
) -> list[Subscription]:
    """Every channel for every symbol; `depth` is for books, `interval_s` for candles.

    A channel may be given by its name. Raises BadInput.
    """
    wanted: list[Subscription] = []
    markets = [Symbol(symbol) for symbol in symbols]
    for one in channels:
        channel = parse_channel(one) if isinstance(one, str) else one
        if not channel.has_symbol:
            wanted.append(Subscription(channel))
            continue
        wanted += [
            Subscription(
                channel,
                market,
                depth if channel.is_book else None,
                interval_s if channel is Channel.CANDLE else None,
            )
            for market in markets
        ]
    return wanted
