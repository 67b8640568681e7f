"""What a paint of the screen costs, and how many bytes a terminal gets: `fluxum watch`.

    python bench/screen.py [--rate 500]

Views of a simulated exchange, a tenth of a second apart, are painted one after the other by
textual. `draw` is the making of rows, `paint` all that the event loop does for a paint, in
milliseconds of CPU; `kB` is what goes to the terminal, which at ten paints a second is a tenth of
what the line has to carry a second.
"""

import argparse
import asyncio
import io
import time
from collections.abc import Sequence

from rich.console import Console
from textual._compositor import CompositorUpdate

from fluxum.hub.opening import hub
from fluxum.sim.exchange import SimulatedExchange
from fluxum.sim.loop import SimulatedClock, run
from fluxum.sim.runtime import SimulatedRuntime
from fluxum.tui.picture import Choice, Memory, draw
from fluxum.tui.screen import Screen
from fluxum.venues.register import find_venue
from fluxum.view import Extent, View, ViewKeeper, view

_SIZES = ((80, 24), (120, 40), (160, 45))
_EXTENT = Extent(depth=25, trades=60, candles=120, losses=60)
_VENUE = "kraken"


class _Measured(Screen):
    """A screen that adds up what it would write to a terminal."""

    characters = 0

    def _display(self, screen: object, renderable: object) -> None:
        if isinstance(renderable, CompositorUpdate):
            self.characters += len(renderable.render_segments(self._meter).encode())
        elif renderable is not None:
            pieces = self._meter.render(renderable)  # type: ignore[arg-type]  # of rich
            self.characters += sum(len(one.text.encode()) for one in pieces)
        super()._display(screen, renderable)  # type: ignore[arg-type]

    _meter = Console(file=io.StringIO(), force_terminal=True, color_system="256")


async def _views(rate_per_s: float, count: int) -> Sequence[View]:
    clock = SimulatedClock()
    venue = find_venue(_VENUE)
    symbols = venue.sample_symbols[:2]
    exchange = SimulatedExchange(venue, symbols, seed=1, clock=clock, rate_per_s=rate_per_s)
    views: list[View] = []
    async with (
        exchange,
        hub(
            {_VENUE: symbols},
            ("book", "trade", "candle"),
            runtime=SimulatedRuntime(exchange, clock=clock),
        ) as opened,
    ):
        keeper = ViewKeeper(clock.now_ns)
        events = opened.events(ViewKeeper.wants, capacity=100_000)
        await opened.wait_ready(timeout_s=10)
        took_s = 0.0
        for _ in range(count):
            await asyncio.sleep(0.1)
            for event in events.drain():
                keeper.take(event)
            begun_s = time.process_time()
            views.append(view(opened, keeper, _EXTENT))
            took_s += time.process_time() - begun_s
        print(f"a view: {took_s / count * 1e3:.2f} ms")
    return views


def _draw_ms(views: Sequence[View], size: tuple[int, int]) -> float:
    memory = Memory()
    begun_s = time.process_time()
    for one in views:
        draw(one, Choice(), memory, *size)
    return (time.process_time() - begun_s) / len(views) * 1e3


async def _paint(views: Sequence[View], size: tuple[int, int]) -> tuple[float, float]:
    shown = iter(views)
    screen = _Measured(lambda: next(shown))
    async with screen.run_test(size=size) as pilot:
        await pilot.pause()
        screen.characters = 0
        begun_s = time.process_time()
        for _ in views[:-10]:
            screen.paint()
            await asyncio.sleep(0.025)  # textual writes within a sixtieth of a second
        took_s = time.process_time() - begun_s
        count = len(views) - 10
    return took_s / count * 1e3, screen.characters / count / 1e3


def main() -> None:
    """Print one line a size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=500.0, help="changes a second")
    rate_per_s: float = parser.parse_args().rate
    views = run(_views(rate_per_s, 210))
    for size in _SIZES:
        drawn_ms = _draw_ms(views, size)
        painted_ms, kilobytes = asyncio.run(_paint(views, size))
        print(
            f"{size[0]}x{size[1]}: draw {drawn_ms:.2f} ms, paint {painted_ms:.2f} ms,"
            f" {kilobytes:.1f} kB a paint"
        )


if __name__ == "__main__":
    main()
