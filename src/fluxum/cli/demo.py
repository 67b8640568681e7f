"""`demo`: a simulated exchange, a real session with it, and injected faults."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from fluxum.cli.lines import event_text, reading_text
from fluxum.cli.live_screen import LiveScreen, can_draw, draw, read
from fluxum.cli.market import attended, until, write_events
from fluxum.cli.options import FIRST_EXCHANGE, Format, FormatOption, parse_exchange
from fluxum.cli.output import Output, live_output
from fluxum.cli.process import run_async
from fluxum.cli.records import BookRecord
from fluxum.cli.serve import PageOptions
from fluxum.cli.sessions import NotReady, Selection, Sessions, open_sessions
from fluxum.cli.simulator import SimulatedName, simulated
from fluxum.cli.trading_demo import trade
from fluxum.cli.watch import EXTENT, can_show, show
from fluxum.cli.web_demo import show_on_page
from fluxum.errors import BadInput, FluxumError
from fluxum.flow.background import background
from fluxum.model.codec import plain
from fluxum.model.event import Channel, Desync, Event, LinkLost, MarketEvent, Resynced, Subscribed
from fluxum.model.instrument import Symbol
from fluxum.model.market import Trade
from fluxum.session.session import Session
from fluxum.session.statistics import SessionStatistics
from fluxum.venues.register import find_venue
from fluxum.venues.venue import Venue
from fluxum.web import PORT, LiveStage

__all__ = ["DemoFailed", "demo"]

_CHANNELS = (Channel.BOOK, Channel.TRADE, Channel.TICKER)
_MOVES_PER_S = 40.0
_SPOILED_AT, _HANGUP_AT = 0.3, 0.55  # parts of the whole duration
_SECONDS = 20.0
_ROWS = 8


class DemoFailed(FluxumError):
    """The demo did not show what it should."""


def demo(
    seconds: Annotated[
        float | None,
        typer.Option(
            min=2.0, help="How long the demo lasts: without, 20, and with --web until Ctrl-C."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same markets.")] = 1,
    exchange: SimulatedName = FIRST_EXCHANGE,
    trading: Annotated[
        bool, typer.Option("--trading", help="Place orders there, and show positions.")
    ] = False,
    web: Annotated[bool, typer.Option("--web", help="Show a page in the browser.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page.")] = PORT,
    form: FormatOption = Format.TABLE,
) -> None:
    """Watch two live books recover: a frame is corrupted, the link is cut, and all is reported.

    Needs no network: the exchange is simulated on this machine, over a real WebSocket. With
    --trading, orders trade there: positions move, the link is cut, and no fill is lost. With --web
    a page shows two exchanges, their faults and an account; it needs a browser and nothing else.

    Example: fluxum demo --seconds 20
    """
    if form is Format.CSV:
        raise BadInput("a demo has records of many kinds and CSV is one table: choose ndjson")
    venue = find_venue(parse_exchange(exchange))
    if web:
        with Output(Format.TABLE, is_live=True) as output:
            page = PageOptions(port=port, seconds=seconds)
            run_async(show_on_page(venue, page, seed, output))
        return
    _play(venue, _SECONDS if seconds is None else seconds, seed, form, trading=trading)


def _play(venue: Venue, seconds: float, seed: int, form: Format, *, trading: bool) -> None:
    """The demo in this terminal."""
    # A checksum finds one wrong digit; where there is none, a frame is lost instead.
    spoiled = "drop" if venue.checks.book is None else "corrupt"
    faults = f"{spoiled}@{seconds * _SPOILED_AT:.2f}s,hangup@{seconds * _HANGUP_AT:.2f}s"
    symbols = venue.sample_symbols[:2]
    drawn = (Channel.CANDLE,) if form is Format.TABLE and can_show() else ()
    channels = [channel for channel in (*_CHANNELS, *drawn) if channel in venue.routes]

    async def main(output: Output) -> None:
        async with simulated(venue.name, symbols, seed=seed, rate=_MOVES_PER_S, faults=faults) as (
            _,
            url,
        ):
            selection = Selection(
                markets={venue.name: symbols}, channels=channels, endpoints={venue.name: url}
            )
            async with open_sessions(selection, output.message) as sessions:
                (session,) = sessions
                story = _Story(session, symbols)
                async with background(story.follow(), story.stage.run(lambda: None)):
                    if await until(seconds, attended(output, _show(sessions, story, output))):
                        return  # its user has quit before the end
                # The time may be up during a recovery: wait for its end, within seconds.
                await session.wait_ready(timeout_s=10.0)
                story.summarise(output)

    with live_output(form) as output:
        try:
            run_async(trade(venue, seconds, seed, output) if trading else main(output))
        except TimeoutError as error:
            raise NotReady(str(error)) from error


class _Story:
    """What the demo has shown so far."""

    def __init__(self, session: Session, symbols: Sequence[Symbol]) -> None:
        self.board = LiveScreen({session: symbols}, _ROWS)
        self.session = session
        self.symbols = symbols
        self.desyncs = self.resyncs = self.links_lost = 0
        self.stage = LiveStage(session)
        self._events = session.events(capacity=100_000)

    async def follow(self) -> None:
        """Count events, and keep what the screen shows."""
        async for event in self._events:
            self.desyncs += isinstance(event, Desync)
            self.resyncs += isinstance(event, Resynced)
            self.links_lost += isinstance(event, LinkLost)
            self.board.take(event)

    def summarise(self, output: Output) -> None:
        """Report the result; raises DemoFailed if something was not shown."""
        statistics = self.session.statistics()
        readings = [read(self.session, symbol, _ROWS) for symbol in self.symbols]
        record = {
            "type": "summary",
            **plain(statistics),
            "sums_close": statistics.sums_close,
            "resyncs": self.resyncs,
            "links_lost": self.links_lost,
            "proofs": [plain(reading.proof) for reading in readings],
        }
        text = "\n".join([_sums(statistics, self), *map(reading_text, readings)])
        output.write(record, text)
        # If nothing proves a book, a lost frame cannot be detected: the demo shows that as well.
        can_be_proved = any(
            reading.proof.checksum is not None or reading.proof.sequence is not None
            for reading in readings
        )
        is_proved = all(reading.proof.is_valid for reading in readings) or not can_be_proved
        if not (statistics.sums_close and is_proved):
            raise DemoFailed("the sums do not close, or a book is not valid")
        if not self.links_lost or (can_be_proved and not (self.desyncs and self.resyncs)):
            raise DemoFailed("no desync, resync and lost link were seen")


async def _show(sessions: Sessions, story: _Story, output: Output) -> None:
    async def take(_session: Session, event: Event) -> bool:
        await output.room()
        if _is_worth_a_line(event):
            output.write(event, event_text(event))
        return False

    if output.format is not Format.TABLE:
        await write_events(sessions, None, output)
    elif can_show():
        await show(lambda: story.stage.view(EXTENT))
    elif can_draw():
        await draw(story.board, output)
    else:
        async with background(_report_books(story, output)):
            await sessions.follow(take)


async def _report_books(story: _Story, output: Output) -> None:
    while True:
        await asyncio.sleep(2.0)
        for symbol in story.symbols:
            reading = read(story.session, symbol, _ROWS)
            output.write(BookRecord.of(reading), reading_text(reading))


def _is_worth_a_line(event: Event) -> bool:
    if isinstance(event, Trade):
        return not event.backfilled
    return not isinstance(event, MarketEvent | Subscribed)


def _sums(statistics: SessionStatistics, story: _Story) -> str:
    readers: Sequence[str] = [
        f"  a reader: {one.offered} offered = {one.delivered} delivered + {one.conflated} conflated"
        f" + {one.dropped} dropped + {one.waiting} waiting"
        for one in statistics.readers
    ]
    return "\n".join(
        [
            f"summary: {statistics.venue} {statistics.state.value}, {story.desyncs} desynced,"
            f" {story.resyncs} resynced, {story.links_lost} link lost,"
            f" {statistics.reconnects} reconnected",
            f"  {statistics.frames} frames = {statistics.data} data"
            f" + {statistics.control} control + {statistics.rejected} rejected",
            f"  {statistics.received} events received + {statistics.own} own"
            f" = {statistics.published} published + {statistics.withheld} withheld",
            *readers,
            f"  {statistics.checks_passed} checks passed, {statistics.checks_failed} failed,"
            f" {statistics.gaps} gaps reported; the sums"
            f" {'close' if statistics.sums_close else 'DO NOT CLOSE'}",
        ]
    )
