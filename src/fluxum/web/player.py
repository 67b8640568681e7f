"""A recording that plays: in its own time, faster or slower, paused, and wound to an instant.

Reading frames takes time, so it is played in pieces, and between two of them the loop does other
work. A speed that is more than the machine can do is as fast as it can.
"""

import asyncio
from collections.abc import Callable

from fluxum.view import Playback

__all__ = ["Player"]

_SECOND_NS = 1_000_000_000
_TICK_S = 0.05
_LINES_A_PIECE = 300  # about ten milliseconds


class Player:
    """Plays a recording; a page and a screen steer it.

    `epoch` changes when it was wound back: what was shown before is then not the past of what is
    shown now. `wanted_ns` is the instant that it is on its way to, `None` if it only plays.
    """

    def __init__(self, playback: Playback, speed: float = 1.0) -> None:
        self.playback = playback
        self.speed = speed
        self.is_paused = False
        self.wanted_ns: int | None = None
        self.epoch = 0

    def seek(self, at_ns: int) -> None:
        """Go to an instant, the nearest end if it is outside; a newer wish replaces an older."""
        played = self.playback
        self.wanted_ns = min(max(at_ns, played.start_ns), played.end_ns)
        if self.wanted_ns < played.at_ns:
            played.rewind()
            self.epoch += 1

    async def run(self, moved: Callable[[], None] = lambda: None) -> None:
        """Play until cancelled; at the end wait for another instant. `moved` after each piece."""
        loop = asyncio.get_running_loop()
        before_s = loop.time()
        while True:
            while (wanted_ns := self.wanted_ns) is not None:
                await self._play(wanted_ns, moved)
                if self.wanted_ns == wanted_ns:
                    self.wanted_ns = None
            now_s = loop.time()
            passed_s, before_s = now_s - before_s, now_s
            if not self.is_paused and not self.playback.is_over:
                step_ns = int(passed_s * self.speed * _SECOND_NS)
                await self._play(self.playback.at_ns + step_ns, moved)
            await asyncio.sleep(_TICK_S)

    async def _play(self, until_ns: int, moved: Callable[[], None]) -> None:
        """Play up to an instant, unless another is wanted meanwhile."""
        played, wanted_ns = self.playback, self.wanted_ns
        until_ns = min(until_ns, played.end_ns)
        while played.at_ns < until_ns and not played.is_over:
            played.advance(until_ns, _LINES_A_PIECE)
            moved()
            await asyncio.sleep(0)
            if self.wanted_ns != wanted_ns:
                return
        played.advance(until_ns)  # the rest of that instant
        moved()
