"""`watch`: the screen of some markets, live or of a recording."""

import sys
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

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
    Symbols,
)
from fluxum.cli.process import run_async
from fluxum.cli.serve import MoreSymbols, Speed, Tapes, Wanted, WithAccount
from fluxum.errors import BadInput
from fluxum.flow.background import background
from fluxum.hub.hub import Hub
from fluxum.tui.tape import TapePlayer
from fluxum.view import Extent, Playback, View, view
from fluxum.web import LiveStage

if TYPE_CHECKING:
    from fluxum.tui.screen import Controls

__all__ = ["EXTENT", "can_show", "show", "watch"]

EXTENT = Extent(depth=25, trades=60, candles=120, losses=60)
"""As much of a view as the largest screen shows."""


def watch(
    symbols: MoreSymbols = None,
    symbol: Symbols = "",
    exchange: Exchanges = "",
    depth: Depth = None,
    interval: Interval = None,
    account: WithAccount = False,
    keys: Keys = "",
    replay: Tapes = None,
    speed: Speed = 1.0,
    seconds: Seconds = None,
    endpoint: Endpoint = None,
    proxy: Proxy = None,
) -> None:
    """Watch markets on the terminal: ladders with their proof, trades, candles, losses.

    The key q quits, ? shows the keys, space pauses, tab goes to the next market, g shows gaps, m
    what is missing. 80x24 over ssh suffices; a larger terminal shows more. Every colour has a sign,
    and there is none if NO_COLOR is set. A recording can be paused, wound and played faster.

    Needs the extra tui.

    Example: fluxum watch BTC/USD ETH/USD

    Example: fluxum watch --replay btc.jsonl.gz --speed 10
    """
    wanted = Wanted(
        [*(symbols or ()), symbol], exchange, depth if replay else depth or EXTENT.depth
    )
    if replay:
        work = _show_tape(wanted.playback(replay), speed)
    else:
        read = keys if account or keys else None
        work = _show_live(wanted.hub(endpoint, proxy, interval, read))
    try:
        _require_screen()
        run_async(_at_most(seconds, work))
    finally:
        work.close()


def can_show() -> bool:
    """Whether the screen can be shown: textual is installed, and this is a terminal with keys."""
    return find_spec("textual") is not None and can_draw() and _has_keyboard()


async def show(source: Callable[[], View], controls: "Controls | None" = None) -> None:
    """Show the screen on the terminal until its user quits."""
    from fluxum.tui.screen import Screen, run_screen

    await run_screen(Screen(source, controls=controls, is_ascii=_is_ascii()))


async def _show_live(opening: AbstractAsyncContextManager[Hub]) -> None:
    async with opening as opened:
        stage = LiveStage(opened)
        async with background(stage.run(lambda: None)):
            await show(lambda: stage.view(EXTENT))


async def _show_tape(playback: Playback, speed: float) -> None:
    player = TapePlayer(playback, speed)
    async with background(player.play()):
        await show(lambda: view(playback, playback.keeper, EXTENT), controls=player)


async def _at_most(seconds: float | None, work: Coroutine[Any, Any, None]) -> None:
    await until(seconds, work)


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
