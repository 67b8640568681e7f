"""The screen as a program: keys, sizes, paints, a slow terminal, and its end. In virtual time."""

import asyncio
import io
import itertools
from collections.abc import Awaitable, Callable

import pytest
from msgspec import structs
from rich.console import Console
from textual._compositor import CompositorUpdate
from textual.pilot import Pilot

from cells import Cells
from fluxum.flow.background import background
from fluxum.hub.opening import hub
from fluxum.sim.loop import run
from fluxum.tui.picture import Beside, Page
from fluxum.tui.screen import PaneWidget, Screen, run_screen
from fluxum.view import Extent, View, ViewKeeper, view
from hubs import exchanges
from screens import moment, sample, venue_view

Act = Callable[[Screen, Pilot[None]], Awaitable[None]]


class Tape:
    """The controls of a recording, as they were used."""

    status = "0:12 of 1:00 x1"

    def __init__(self) -> None:
        self.used: list[str] = []

    def toggle(self) -> None:
        self.used.append("toggle")

    def faster(self, factor: float) -> None:
        self.used.append(f"faster {factor}")

    def seek(self, seconds: float) -> None:
        self.used.append(f"seek {seconds}")


def play(act: Act, screen: Screen | None = None, size: tuple[int, int] = (80, 24)) -> Screen:
    """Show a screen without a terminal, and do something with it."""
    shown = screen or Screen(sample)

    async def main() -> None:
        async with shown.run_test(size=size) as pilot:
            await act(shown, pilot)

    run(main())
    return shown


def text_of(screen: Screen) -> str:
    """What is on the screen, as text."""
    width, height = screen.size
    rows = [[" "] * width for _ in range(height)]
    for pane in screen.query(PaneWidget):
        if pane.display:
            for y in range(pane.size.height):
                begin = pane.region.x
                line = pane.render_line(y).text
                rows[pane.region.y + y][begin : begin + len(line)] = line
    return "\n".join("".join(row).rstrip() for row in rows)


def press(*keys: str, size: tuple[int, int] = (80, 24), screen: Screen | None = None) -> Screen:
    """A screen after some keys; what it showed is in its title."""

    async def act(shown: Screen, pilot: Pilot[None]) -> None:
        await pilot.press(*keys)
        await pilot.pause()
        shown.title = text_of(shown)

    return play(act, screen, size)


def test_it_shows_the_markets_at_once() -> None:
    assert "─ BTC/USD kraken ─" in press().title


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["tab"], "─ ETH/USD kraken ─"),
        (["tab", "tab", "shift+tab"], "─ ETH/USD kraken ─"),
        (["3"], "─ BTC/USD coinbase ─"),
        (["5"], "─ BTC/USD all venues ─"),
        (["9"], "─ BTC/USD kraken ─"),  # there is no ninth market
        (["g"], "─ Gaps ─"),
        (["m"], "─ What is missing ─"),
        (["question_mark"], "─ Keys and signs ─"),
        (["g", "g"], "─ Trades ─"),
        (["g", "escape"], "─ Trades ─"),
        (["c"], "─ Candles 1m BTC/USD ─"),
        (["p"], "─ Positions ─"),
        (["c", "t"], "─ Trades ─"),
        (["d"], "─ BTC/USD kraken depth ─"),
        (["comma", "left_square_bracket"], "─ BTC/USD kraken ─"),  # no recording: nothing
    ],
)
def test_a_key_shows_what_it_says(keys: list[str], expected: str) -> None:
    assert expected in press(*keys).title


def test_q_ends_the_screen() -> None:
    async def act(shown: Screen, pilot: Pilot[None]) -> None:
        await pilot.press("q")

    assert play(act).return_code == 0


def test_a_paused_screen_stands_still_and_counts_what_it_is_behind() -> None:
    views = [sample()]
    screen = Screen(lambda: views[0])

    async def act(shown: Screen, pilot: Pilot[None]) -> None:
        await pilot.press("space")
        venues = (venue_view("kraken", published=1_612), *views[0].venues[1:])
        views[0] = structs.replace(views[0], venues=venues, losses=())
        shown.paint()
        shown.title = text_of(shown)
        await pilot.press("space")
        shown.sub_title = text_of(shown)

    play(act, screen)

    assert "paused, 412 behind" in screen.title
    assert "desynced book ETH/USD" in screen.title  # the view of the pause
    assert "paused" not in screen.sub_title
    assert "desynced book ETH/USD" not in screen.sub_title


def test_keys_of_a_recording_go_to_its_controls() -> None:
    tape = Tape()
    keys = ("space", "comma", "full_stop", "left_square_bracket", "right_square_bracket")

    screen = press(*keys, screen=Screen(sample, controls=tape))

    assert tape.used == ["toggle", "faster 0.5", "faster 2.0", "seek -10.0", "seek 10.0"]
    assert "0:12 of 1:00 x1" in screen.title


def test_a_resized_terminal_gets_the_layout_of_its_size() -> None:
    async def act(shown: Screen, pilot: Pilot[None]) -> None:
        await pilot.resize_terminal(160, 45)
        await pilot.pause()
        shown.paint()  # as every tenth of a second
        await pilot.pause()
        shown.title = text_of(shown)
        await pilot.resize_terminal(30, 8)
        await pilot.pause()
        shown.paint()
        await pilot.pause()
        shown.sub_title = text_of(shown)

    screen = play(act)

    assert all(word in screen.title for word in ("Candles", "Positions", "all venues", "ETH/USD"))
    assert "What is missing" in screen.sub_title
    assert "Trades" not in screen.sub_title


class Written(Screen):
    """A screen that keeps what a terminal would get."""

    def __init__(self, source: Callable[[], View]) -> None:
        super().__init__(source)
        self.written: list[str] = []

    def _display(self, screen: object, renderable: object) -> None:
        if isinstance(renderable, CompositorUpdate):
            self.written.append(renderable.render_segments(METER))
        elif renderable is not None:
            pieces = METER.render(renderable)  # type: ignore[arg-type]  # of rich
            self.written.append("".join(one.text for one in pieces))
        super()._display(screen, renderable)  # type: ignore[arg-type]


METER = Console(file=io.StringIO(), force_terminal=True, color_system="256")


def test_only_what_changed_is_written_again() -> None:
    views = [sample()]
    screen = Written(lambda: views[0])

    async def act(shown: Screen, pilot: Pilot[None]) -> None:
        await pilot.pause()
        screen.written.clear()
        shown.paint()
        await pilot.pause()
        assert not screen.written  # the same view
        views[0] = structs.replace(views[0], at_ns=views[0].at_ns + 1_000_000_000)
        shown.paint()
        await pilot.pause()

    play(act, screen)

    assert screen.written == ["\x1b[1;73H\x1b[0;38;5;244m01:00:41\x1b[0m\x1b[H"]  # the clock


def test_after_any_keys_and_sizes_the_terminal_has_what_a_first_paint_writes() -> None:
    views = itertools.cycle([moment(30.0), moment(31.0), moment(32.0)])
    screen = Written(lambda: next(views))

    async def act(shown: Screen, pilot: Pilot[None]) -> None:
        terminal = Cells(160, 45)
        for size, key in [
            ((120, 40), "c"),
            ((120, 40), "tab"),
            ((120, 40), "g"),
            ((80, 24), "g"),
            ((80, 24), "t"),
            ((160, 45), "d"),
            ((160, 45), "m"),
            ((160, 45), "escape"),
        ]:
            await pilot.resize_terminal(*size)
            await pilot.press(key)
            shown.paint()
            shown.paint()  # at once, before textual has painted the panes that are new
            await pilot.pause()
            shown.paint()
            await pilot.pause()
            for one in screen.written:
                terminal.write(one)
            screen.written.clear()
            width, height = size
            shown.refresh()
            await pilot.pause()
            whole = Cells(160, 45)
            for one in screen.written:
                whole.write(one)
            screen.written.clear()
            for y in range(height):
                assert terminal.cells[y][:width] == whole.cells[y][:width], (size, key, y)

    play(act, screen)


def test_colours_are_left_out_if_no_color_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    colours: list[object] = []

    async def act(shown: Screen, pilot: Pilot[None]) -> None:
        for pane in shown.query(PaneWidget):
            for y in range(pane.size.height):
                colours.extend(one.style.color for one in pane.render_line(y) if one.style)
        shown.title = text_of(shown)

    plain = play(act)

    monkeypatch.delenv("NO_COLOR")
    assert colours
    assert set(colours) == {None}
    assert plain.title == press().title


def test_a_terminal_of_ascii_gets_ascii_only() -> None:
    screen = press(screen=Screen(sample, is_ascii=True), size=(120, 40))

    assert screen.title.isascii()
    assert "^ 84000.1" in screen.title


def test_ten_paints_a_second_at_most_and_no_event_is_lost_at_five_thousand_a_second() -> None:
    markets = {"kraken": ["BTC/USD", "ETH/USD"]}

    async def main() -> tuple[int, ViewKeeper, int]:
        async with (
            exchanges(markets, rate_per_s=6_000.0) as world,
            hub(markets, ("book", "trade"), runtime=world.runtime) as opened,
        ):
            keeper = ViewKeeper(world.clock.now_ns)

            async def follow() -> None:
                async for event in opened.events(ViewKeeper.wants):
                    keeper.take(event)

            screen = Screen(lambda: view(opened, keeper, Extent()))
            await opened.wait_ready(timeout_s=10)
            before = opened.statistics().counts.published
            async with (
                background(follow(), screen.keep_painting()),
                screen.run_test(size=(80, 24)),
            ):
                await asyncio.sleep(1.0)
                counts = opened.statistics().counts
                assert counts.dropped == 0
                return screen.paints, keeper, counts.published - before

    paints, keeper, published = run(main())

    assert published > 5_000
    assert 9 <= paints <= 12
    assert "dropped" not in keeper.counts


class Stalled(Screen):
    """A screen whose terminal has stopped reading."""

    is_stalled = False

    @property
    def is_terminal_idle(self) -> bool:
        return not self.is_stalled


def test_a_terminal_that_has_not_taken_the_last_paint_gets_no_other() -> None:
    screen = Stalled(sample)

    async def act(shown: Screen, pilot: Pilot[None]) -> None:
        before = screen.paints
        screen.is_stalled = True
        shown.paint()
        shown.paint()
        assert (screen.paints, screen.skipped) == (before, 2)
        screen.is_stalled = False
        shown.paint()
        assert (screen.paints, screen.skipped) == (before + 1, 2)

    play(act, screen)


def broken() -> View:
    raise ValueError("a secret is not shown")


def test_an_error_ends_the_screen_and_is_raised_without_its_values_on_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def main() -> None:
        await run_screen(Screen(broken), headless=True)

    with pytest.raises(ValueError, match="not shown"):
        run(main())

    assert capsys.readouterr() == ("", "")


def test_a_cancelled_screen_ends_as_cancelled() -> None:
    async def main() -> None:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_later(1.0, task.cancel)
        await run_screen(Screen(sample), headless=True)

    with pytest.raises(asyncio.CancelledError):
        run(main())


def test_the_way_that_tasks_start_is_as_before_for_the_sessions() -> None:
    seen: list[object] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        screen = Screen(sample)
        loop.call_later(0.5, lambda: seen.append(loop.get_task_factory()))
        loop.call_later(1.0, screen.exit)
        await run_screen(screen, headless=True)
        seen.append(loop.get_task_factory())

    run(main())

    assert seen == [None, None]


def test_the_choice_survives_a_page() -> None:
    screen = press("3", "c", "g", "g")

    assert (screen.choice.entry, screen.choice.beside, screen.choice.page) == (
        2,
        Beside.CANDLES,
        Page.NONE,
    )
