"""`watch`: the screen of some markets, live or of a recording."""

import sys
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fluxum.cli.configured import config, runtime_at, session_at, venue_at
from fluxum.cli.live_screen import can_draw
from fluxum.cli.market import until
from fluxum.cli.options import (
    Depth,
    Endpoint,
    Exchanges,
    Interval,
    Keys,
    Proxy,
    Seconds,
    account_config,
    markets_of,
    parse_endpoints,
    parse_interval,
    parse_proxy,
)
from fluxum.cli.process import run_async
from fluxum.cli.sessions import Failures
from fluxum.errors import BadInput
from fluxum.flow.background import background
from fluxum.flow.merge import Merged
from fluxum.flow.pipe import Pipe
from fluxum.hub.opening import hub
from fluxum.hub.wanted import HubVenue
from fluxum.model.event import Channel, Event, VenueFailed
from fluxum.model.instrument import Symbol
from fluxum.portfolio import Portfolio
from fluxum.session.session import Session
from fluxum.tui.tape import TapePlayer
from fluxum.venues.register import find_venue
from fluxum.view import Extent, Playback, View, ViewKeeper, view

if TYPE_CHECKING:
    from fluxum.tui.screen import Controls

__all__ = ["EXTENT", "can_show", "session_view", "show", "watch"]

EXTENT = Extent(depth=25, trades=60, candles=120, losses=60)
"""As much of a view as the largest screen shows."""
_CHANNELS = (Channel.BOOK, Channel.TRADE, Channel.CANDLE)
_CAPACITY = 100_000
Feed = tuple[Callable[[], View], Callable[[Event], None], Merged[Event] | Pipe[Event]]
"""The view of a moment, what takes an event, and the events."""

SymbolArguments = Annotated[
    list[str] | None,
    typer.Argument(
        help="Symbols such as BTC/USD, for every exchange, or EXCHANGE:SYMBOL, for that one. "
        "Without: the configured ones.",
        metavar="[SYMBOL]...",
        show_default=False,
    ),
]
Tape = Annotated[
    list[Path] | None,
    typer.Option(
        "--replay",
        metavar="TAPE",
        help="Show a recording instead; repeat it for all files that one was rotated into.",
    ),
]


def watch(
    symbol: SymbolArguments = None,
    exchange: Exchanges = "",
    account: Annotated[
        bool, typer.Option("--account", help="Show positions and balances too, for reading only.")
    ] = False,
    keys: Keys = "",
    replay: Tape = None,
    speed: Annotated[
        float, typer.Option("--speed", min=0.125, max=1024, help="Of a recording: times real time.")
    ] = 1.0,
    depth: Depth = None,
    interval: Interval = None,
    endpoint: Endpoint = None,
    proxy: Proxy = None,
    seconds: Seconds = None,
) -> None:
    """Watch markets on the terminal: ladders with their proof, trades, candles, losses.

    One letter does it all: q quits, ? lists the keys, space pauses, tab goes to the next market,
    g shows gaps, m what is missing. 80x24 over ssh suffices; a larger terminal shows more. Colours
    are left out if NO_COLOR is set, and every colour has a sign. Needs the extra tui.

    Example: fluxum watch BTC/USD ETH/USD

    Example: fluxum watch -x kraken,coinbase BTC/USD

    Example: fluxum watch --replay btc.jsonl.gz --speed 10
    """
    if replay:
        _watch_tape(replay, symbol or (), exchange, depth, speed, seconds)
        return
    markets = markets_of(",".join(symbol or ()), exchange)
    if account and len(markets) > 1:
        raise BadInput(f"--account: one exchange was expected, was {', '.join(markets)}")
    endpoints = parse_endpoints(endpoint, markets)
    opening = _Opening(markets, depth, parse_interval(interval), endpoints, parse_proxy(proxy))
    _require_screen()

    feed = opening.session(account=account, keys=keys) if len(markets) == 1 else opening.hub()
    run_async(_show_live(feed, seconds))


def can_show() -> bool:
    """Whether the screen can be shown: textual is installed, and this is a terminal with keys."""
    return find_spec("textual") is not None and can_draw() and _has_keyboard()


async def show(source: Callable[[], View], controls: "Controls | None" = None) -> None:
    """Show the screen on the terminal until the user quits."""
    from fluxum.tui.screen import Screen, run_screen

    await run_screen(Screen(source, controls=controls, is_ascii=_is_ascii()))


def session_view(
    session: Session, portfolio: Portfolio | None = None
) -> tuple[Callable[[], View], ViewKeeper]:
    """What makes the view of a session's moment, and what has to be given its events."""
    keeper = ViewKeeper(session.now_ns, carries=lambda _venue, *stream: session.carries(*stream))
    ledgers = {} if portfolio is None else {session.venue.name: portfolio.ledger}
    return lambda: view(session, keeper, EXTENT, ledgers=ledgers), keeper


class _Opening:
    """What the command line asks for, and the ways to open it."""

    def __init__(
        self,
        markets: Mapping[str, Sequence[Symbol]],
        depth: int | None,
        interval_s: int | None,
        endpoints: Mapping[str, str],
        proxy: str | None,
    ) -> None:
        self._markets = markets
        self._depth = depth
        self._interval_s = interval_s
        self._endpoints = endpoints
        self._proxy = proxy

    @asynccontextmanager
    async def session(self, *, account: bool, keys: str) -> AsyncGenerator[Feed]:
        """One exchange, with the account if wanted."""
        ((name, symbols),) = self._markets.items()
        channels = _offered(name)
        if account:
            channels += [Channel.BALANCE, Channel.EXECUTION]
        opening = session_at(
            name,
            symbols,
            channels,
            depth=self._depth,
            interval_s=self._interval(name),
            endpoint=self._endpoints.get(name),
            proxy=self._proxy,
            account_config=account_config(name, keys) if account else None,
        )
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(opening)
            portfolio = await stack.enter_async_context(Portfolio(session)) if account else None
            source, keeper = session_view(session, portfolio)
            with session.events(ViewKeeper.wants, capacity=_CAPACITY) as events:
                yield source, keeper.take, events

    @asynccontextmanager
    async def hub(self) -> AsyncGenerator[Feed]:
        """Several exchanges side by side."""
        wanted = {
            name: HubVenue(
                symbols=symbols,
                channels=_offered(name),
                interval_s=self._interval(name),
                venue=venue_at(name, self._endpoints.get(name)),
            )
            for name, symbols in self._markets.items()
        }
        runtime = runtime_at(self._proxy)
        async with hub(wanted, depth=self._depth, runtime=runtime) as opened:
            keeper = ViewKeeper(runtime.clock.now_ns)
            failed: dict[str, str] = {}

            def take(event: Event) -> None:
                keeper.take(event)
                if isinstance(event, VenueFailed):
                    failed[event.venue] = event.reason
                if len(failed) == len(wanted):
                    raise Failures("; ".join(f"{one}: {why}" for one, why in failed.items()))

            with opened.events(ViewKeeper.wants, capacity=_CAPACITY) as events:
                yield lambda: view(opened, keeper, EXTENT), take, events

    def _interval(self, name: str) -> int | None:
        return self._interval_s or config().venue_settings(name).interval


def _offered(exchange: str) -> list[Channel]:
    routes = find_venue(exchange).routes
    return [one for one in _CHANNELS if one in routes]


async def _show_live(feed: AbstractAsyncContextManager[Feed], seconds: float | None) -> None:
    async with feed as (source, take, events):

        async def follow() -> None:
            async for event in events:
                take(event)

        async with background(follow()):
            await until(seconds, show(source))


def _watch_tape(
    files: Sequence[Path],
    symbols: Sequence[str],
    exchange: str,
    depth: int | None,
    speed: float,
    seconds: float | None,
) -> None:
    """Show a recording; raises BadInput for symbols, of which it has its own."""
    if symbols:
        raise BadInput(f"a recording has its own symbols: none was expected, was {symbols[0]!r}")
    _require_screen()
    path, *more = files
    playback = Playback(path, exchange or None, depth, more)

    async def main() -> None:
        player = TapePlayer(playback, speed)
        async with background(player.play()):
            work = show(lambda: view(playback, playback.keeper, EXTENT), controls=player)
            await until(seconds, work)

    run_async(main())


def _has_keyboard() -> bool:
    return sys.__stdin__ is not None and sys.__stdin__.isatty()


def _is_ascii() -> bool:
    return "utf" not in (sys.stdout.encoding or "").lower()


def _require_screen() -> None:
    """Raise BadInput if the screen cannot be shown here."""
    if find_spec("textual") is None:
        raise BadInput("the screen needs textual of the extra tui: pip install 'fluxum[tui]'")
    if not (can_draw() and _has_keyboard()):
        raise BadInput(
            "a terminal of 40x10 or more was expected; `fluxum stream` writes to files and pipes"
        )
