"""The live screen of some books: its state, and drawing it without blocking."""

import asyncio
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TextIO, cast

from rich.console import Console, RenderableType
from rich.live import Live

from fluxum.board import Board
from fluxum.cli.lines import event_text
from fluxum.cli.output import Output
from fluxum.cli.screen import Picture, screen
from fluxum.clock import Clock, SystemClock
from fluxum.model.event import Event, MarketEvent, Subscribed
from fluxum.model.instrument import Symbol
from fluxum.session.books import BookReading
from fluxum.session.session import Session

__all__ = ["LiveScreen", "can_draw", "draw", "read"]

_KEPT = 8
_REDRAW_S = 0.1
_PAGE_S = 5.0
_LEAST_WIDTH, _LEAST_HEIGHT = 40, 10


class LiveScreen:
    """The state that the screen is drawn from, updated event by event.

    `log` are the latest events, oldest first; `failure` returns why a market of a venue has no
    book, or "".
    """

    def __init__(
        self,
        markets: Mapping[Session, Sequence[Symbol]],
        rows: int,
        clock: Clock | None = None,
        log: deque[str] | None = None,
        failure: Callable[[str, Symbol], str] = lambda _venue, _symbol: "",
    ) -> None:
        self.log: deque[str] = deque(maxlen=_KEPT) if log is None else log
        self._markets = markets
        self._rows = rows
        self._clock = clock or SystemClock()
        self._facts = Board(self._clock.now_ns, trades_kept=_KEPT)
        self._failure = failure

    def take(self, event: Event) -> None:
        """Record what the screen shows of an event."""
        self._facts.take(event)
        if not isinstance(event, MarketEvent | Subscribed):
            self.log.append(event_text(event))

    def picture(
        self, width: int, height: int, page: int = 0, *, is_ascii: bool = False
    ) -> RenderableType:
        """The screen at this moment, of this width and height."""
        books = [(one, symbol) for one, symbols in self._markets.items() for symbol in symbols]
        picture = Picture(
            states=[(one.venue.name, one.state) for one in self._markets],
            readings=[read(one, symbol, self._rows) for one, symbol in books],
            failures=[self._failure(one.venue.name, symbol) for one, symbol in books],
            trades=self._facts.latest_trades(_KEPT),
            log=list(self.log),
            rows=self._rows,
            now_ns=self._clock.now_ns(),
        )
        return screen(picture, width, height, page, is_ascii=is_ascii)


def can_draw() -> bool:
    """Whether stdout is a terminal that is large enough for the screen."""
    if sys.stdout is None or not sys.stdout.isatty():  # pyright: ignore[reportUnnecessaryComparison]
        return False
    console = Console()
    is_large = console.width >= _LEAST_WIDTH and console.height >= _LEAST_HEIGHT
    return is_large and not console.is_dumb_terminal


async def draw(live: LiveScreen, output: Output) -> None:
    """Draw a screen repeatedly; while a terminal pauses, nothing is drawn."""
    loop = asyncio.get_running_loop()
    console = Console(file=cast("TextIO", _Canvas(output)), force_terminal=True)
    begun_s = loop.time()

    def picture() -> RenderableType:
        page = int((loop.time() - begun_s) / _PAGE_S)
        # The last line stays free: a terminal would scroll after it.
        height = console.height - 1
        return live.picture(console.width, height, page, is_ascii=console.options.ascii_only)

    with Live(picture(), console=console, auto_refresh=False, redirect_stdout=False) as drawing:
        while True:
            if output.is_idle:
                drawing.update(picture(), refresh=True)
            await asyncio.sleep(_REDRAW_S)


class _Canvas:
    """The terminal as a file of text, written without waiting for it."""

    def __init__(self, output: Output) -> None:
        self.encoding = sys.stdout.encoding
        self._output = output

    def write(self, text: str) -> int:
        self._output.paint(text)
        return len(text)

    def flush(self) -> None: ...

    def isatty(self) -> bool:
        return True


def read(one: Session, symbol: Symbol, depth: int) -> BookReading:
    """A book's best levels and proof at this moment."""
    book = one.book(symbol)
    return BookReading(book.snapshot(depth), book.proof())
