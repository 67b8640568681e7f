"""The screen on a terminal: a textual application of panes that are drawn line by line.

It reads views, ten a second at most, and only while the terminal takes them: a slow terminal skips
views, and the session is never held up. Only what changed in a row is written.
"""

import asyncio
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol

from msgspec import structs
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from fluxum.flow.background import background
from fluxum.tui.layout import Pane, Place
from fluxum.tui.palette import LOOKS, PLAIN_LOOKS, ascii_text
from fluxum.tui.pen import Change, Pen, change
from fluxum.tui.picture import Beside, Choice, Memory, Page, draw, entries
from fluxum.tui.row import Row
from fluxum.view.facts import View

__all__ = ["Controls", "PaneWidget", "Screen", "run_screen"]

_PERIOD_S = 0.1


class Controls(Protocol):
    """A recording that is played, and its controls."""

    @property
    def status(self) -> str:
        """What it is doing, in a few words."""
        ...

    def toggle(self) -> None:
        """Pause, or go on."""
        ...

    def faster(self, factor: float) -> None:
        """Change the speed by a factor."""
        ...

    def seek(self, seconds: float) -> None:
        """Go so far forward, or back."""
        ...


class PaneWidget(Widget):
    """One pane and its rows. At a new place textual paints it, later the screen what has changed.

    A row becomes one strip. Textual's own way over the styles of a widget would make two more of
    each, for borders and filters that a pane does not have.
    """

    DEFAULT_CSS = "PaneWidget { position: absolute; display: none; }"

    def __init__(self, pane: Pane, strip_of: Callable[[Row, int], Strip]) -> None:
        super().__init__(id=pane.value)
        self._rows: Sequence[Row] = ()
        self._strip_of = strip_of
        self._place: Place | None = None

    def show(self, place: Place, rows: Sequence[Row]) -> list[Change]:
        """Show these rows at this place; returns what is left to write."""
        before, self._rows = self._rows, rows
        if place == self._place:
            pairs = enumerate(zip(before, rows, strict=True), place.y)
            return [change(place.x, y, old, new) for y, (old, new) in pairs if old != new]
        self._place = place
        self.styles.offset = (place.x, place.y)
        self.styles.width, self.styles.height = place.width, place.height
        self.display = True
        self.refresh(layout=True)
        return []

    def hide(self) -> None:
        """Show nothing."""
        if self._place is not None:
            self._place = None
            self.display = False

    def render_lines(self, crop: Region) -> list[Strip]:
        """The strips of a part of the pane; called by textual."""
        width = self.size.width
        strips = [self.render_line(y) for y in range(crop.y, crop.bottom)]
        if crop.x == 0 and crop.right >= width:
            return strips
        return [strip.crop(crop.x, crop.right) for strip in strips]

    def render_line(self, y: int) -> Strip:
        """The row of this number."""
        width = self.size.width
        return self._strip_of(self._rows[y], width) if y < len(self._rows) else Strip.blank(width)


class Screen(App[None]):
    """The screen; `source` makes the view of a moment.

    `controls` are of a recording. `is_ascii` draws with ASCII only. `paints` counts the views that
    were painted, `skipped` those that the terminal was too slow for.
    """

    CSS = "Screen { background: ansi_default; overflow: hidden; layers: base; }"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[Any]] = [
        Binding("q,Q", "quit", priority=True),
        Binding("ctrl+c", "interrupt", priority=True),
        Binding("space", "pause", priority=True),
        Binding("tab", "entry(1)", priority=True),
        Binding("shift+tab", "entry(-1)", priority=True),
        *[Binding(str(one), f"choose({one})", priority=True) for one in range(1, 10)],
        Binding("g", "page('gaps')", priority=True),
        Binding("m", "page('missing')", priority=True),
        Binding("question_mark,h", "page('help')", priority=True),
        Binding("escape", "page('none')", priority=True),
        Binding("t", "beside('trades')", priority=True),
        Binding("c", "beside('candles')", priority=True),
        Binding("p", "beside('positions')", priority=True),
        Binding("d", "depth", priority=True),
        Binding("comma", "speed(0.5)", priority=True),
        Binding("full_stop", "speed(2.0)", priority=True),
        Binding("left_square_bracket", "seek(-10.0)", priority=True),
        Binding("right_square_bracket", "seek(10.0)", priority=True),
    ]

    def __init__(
        self,
        source: Callable[[], View],
        *,
        controls: Controls | None = None,
        is_ascii: bool = False,
        title: str = "fluxum watch",
    ) -> None:
        super().__init__(driver_class=_driver_class(), ansi_color=True)
        self.title = title
        self.choice = Choice(is_tape=controls is not None)
        self.paints = 0
        self.skipped = 0
        self._source = source
        self._controls = controls
        looks = PLAIN_LOOKS if self.no_color else LOOKS
        self._pen = Pen(looks, ascii_text if is_ascii else str)
        self._memory = Memory()
        self._paused: View | None = None
        self._is_due = False
        self._panes: dict[Pane, PaneWidget] = {}

    def compose(self) -> ComposeResult:
        """Every pane; those without a place are hidden."""
        self._panes = {pane: PaneWidget(pane, self._pen.strip) for pane in Pane}
        yield from self._panes.values()

    def on_mount(self) -> None:
        """Paint for the first time; `keep_painting` goes on."""
        self.paint()

    async def keep_painting(self) -> None:
        """Paint again and again until cancelled."""
        while True:
            await asyncio.sleep(_PERIOD_S)
            if not self._is_due:
                self._is_due = True
                self.call_later(self.paint)

    def paint(self) -> None:
        """Paint the present moment, unless the terminal has not yet taken the last one."""
        self._is_due = False
        if not self.is_terminal_idle:
            self.skipped += 1
            return
        view = self._source()
        choice = structs.replace(self.choice, status=self._status(view))
        width, height = self.size
        picture = draw(self._paused or view, choice, self._memory, width, height)
        self.paints += 1
        changes: list[Change] = []
        with self.batch_update():
            for pane, widget in self._panes.items():
                if pane in picture:
                    changes += widget.show(*picture[pane])
                else:
                    widget.hide()
        if changes:
            update = self._pen.update(changes)
            self._display(self.screen, update)  # pyright: ignore[reportUnknownMemberType]

    @property
    def is_terminal_idle(self) -> bool:
        """Whether the terminal has taken all that was written."""
        return bool(getattr(self._driver, "is_idle", True))

    def _status(self, view: View) -> str:
        if self._controls is not None:
            return self._controls.status
        if self._paused is None:
            return ""
        behind = _events(view) - _events(self._paused)
        return f"paused, {behind:,} behind"

    # What keys do

    def action_interrupt(self) -> None:
        """Do what Ctrl-C does on a terminal of lines."""
        signal.raise_signal(signal.SIGINT)

    def action_pause(self) -> None:
        """Hold the screen, or the recording; or go on."""
        if self._controls is not None:
            self._controls.toggle()
        else:
            self._paused = self._source() if self._paused is None else None
        self.paint()

    def action_entry(self, step: int) -> None:
        """Choose another market, counted from the present one."""
        count = len(entries(self._source()))
        if count:
            self._choose(entry=(self.choice.entry + step) % count)

    def action_choose(self, number: int) -> None:
        """Choose the market of this number, if there is one."""
        if number <= len(entries(self._source())):
            self._choose(entry=number - 1)

    def action_page(self, name: str) -> None:
        """Show a page in place of the markets; once more, or escape, shows the markets again."""
        page = Page(name)
        self._choose(page=Page.NONE if page is self.choice.page else page)

    def action_beside(self, name: str) -> None:
        """Show something else beside the ladder."""
        self._choose(beside=Beside(name), page=Page.NONE)

    def action_depth(self) -> None:
        """Show quantities summed up, or each by itself."""
        self._choose(is_summed=not self.choice.is_summed)

    def action_speed(self, factor: float) -> None:
        """Play a recording faster or slower."""
        if self._controls is not None:
            self._controls.faster(factor)

    def action_seek(self, seconds: float) -> None:
        """Go on at another place of a recording."""
        if self._controls is not None:
            self._controls.seek(seconds)

    def _choose(self, **changes: Any) -> None:
        self.choice = structs.replace(self.choice, **changes)
        self.paint()

    # The end

    def raise_failure(self) -> None:
        """Raise what made the screen end, if anything did."""
        if self._exception is not None:
            raise self._exception

    def _print_error_renderables(self) -> None:
        """Print nothing: a traceback with values could show a secret; the error is raised."""
        self._exit_renderables.clear()


async def run_screen(screen: Screen, *, headless: bool = False) -> None:
    """Show a screen until its user quits; raises what made it fail, with the terminal restored.

    `headless` needs no terminal. Textual changes how the loop starts tasks, also those of sessions,
    and leaves handlers of signals behind: both are undone.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None, "a screen is shown inside a task"
    cancels = task.cancelling()
    factory = loop.get_task_factory()
    loop.call_soon(loop.set_task_factory, factory)
    handlers = {one: signal.getsignal(one) for one in _signals()}
    try:
        async with background(screen.keep_painting()):
            await screen.run_async(mouse=False, headless=headless)
    finally:
        loop.set_task_factory(factory)
        for one, handler in handlers.items():
            signal.signal(one, handler)
    screen.raise_failure()
    if task.cancelling() > cancels:  # textual ends as if its user had quit
        raise asyncio.CancelledError


def _events(view: View) -> int:
    return sum(one.published for one in view.venues)


def _signals() -> Sequence[signal.Signals]:
    """The signals that textual handles and leaves behind."""
    names = ("SIGTSTP", "SIGCONT", "SIGWINCH")
    return [getattr(signal, one) for one in names if hasattr(signal, one)]


def _driver_class() -> Any:
    """Our driver where there are terminals of that kind; `None` for textual's own."""
    if sys.platform == "win32":
        return None
    from fluxum.tui.driver import Terminal

    return Terminal
