"""A recording as it is played on the screen: pause, speed, and another place of it.

Reading frames takes time, so they are read in pieces, and between two of them the loop does other
work. A speed that is more than the machine can do is as fast as it can.
"""

import asyncio
from collections.abc import Callable

from fluxum.clock import monotonic_s
from fluxum.view import Playback

__all__ = ["TapePlayer"]

_SECOND_NS = 1_000_000_000
_TICK_S = 0.05
_PIECE_S = 0.01  # how long the loop may be busy with one piece
_PIECE_NS_LEAST = 1_000_000
_SPEED_LEAST, _SPEED_MOST = 0.125, 1024.0


class TapePlayer:
    """Plays a recording in real time, or faster; the controls of a screen."""

    def __init__(
        self, playback: Playback, speed: float = 1.0, now_s: Callable[[], float] = monotonic_s
    ) -> None:
        self.playback = playback
        self.speed = speed
        self.is_paused = False
        self._now_s = now_s
        self._target_ns: int | None = None
        self._piece_ns = 10 * _PIECE_NS_LEAST

    @property
    def status(self) -> str:
        """The place in the recording, its length, the speed, and what it is doing."""
        tape = self.playback
        place, length = (
            _length_text(one - tape.start_ns) for one in (self.playback.at_ns, tape.end_ns)
        )
        if self._target_ns is not None:
            doing = " seeking"
        elif self.is_paused:
            doing = " paused"
        else:
            doing = " ended" if tape.is_over else ""
        return f"{place} of {length} x{self.speed:g}{doing}"

    def toggle(self) -> None:
        """Pause, or go on."""
        self.is_paused = not self.is_paused

    def faster(self, factor: float) -> None:
        """Change the speed by a factor, within its bounds."""
        self.speed = min(_SPEED_MOST, max(_SPEED_LEAST, self.speed * factor))

    def seek(self, seconds: float) -> None:
        """Go so far forward, or back; from where an earlier seek goes to, if it has not ended."""
        tape = self.playback
        from_ns = tape.at_ns if self._target_ns is None else self._target_ns
        wanted_ns = from_ns + round(seconds * _SECOND_NS)
        self._target_ns = min(max(wanted_ns, tape.start_ns), tape.end_ns)

    async def play(self) -> None:
        """Play until it is cancelled; at the end of the recording wait for another place."""
        before_s = self._now_s()
        while True:
            await self._seek()
            now_s = self._now_s()
            elapsed_s, before_s = now_s - before_s, now_s
            if not self.is_paused and not self.playback.is_over:
                step_ns = round(elapsed_s * self.speed * _SECOND_NS)
                await self._advance(self.playback.at_ns + step_ns)
            await asyncio.sleep(_TICK_S)

    async def _seek(self) -> None:
        """Go to the place that was asked for; a newer wish replaces it on the way."""
        while (target_ns := self._target_ns) is not None:
            if target_ns < self.playback.at_ns:
                self.playback.seek(self.playback.start_ns)
            await self._advance(target_ns)
            if self._target_ns == target_ns:
                self._target_ns = None

    async def _advance(self, until_ns: int) -> None:
        """Play up to an instant in pieces; their length follows from what the last one took."""
        target_ns = self._target_ns
        while self.playback.at_ns < until_ns and self._target_ns == target_ns:
            begun_s = self._now_s()
            self.playback.advance(min(until_ns, self.playback.at_ns + self._piece_ns))
            took_s = self._now_s() - begun_s
            if took_s > _PIECE_S:
                self._piece_ns = max(_PIECE_NS_LEAST, self._piece_ns // 2)
            elif took_s < _PIECE_S / 4:
                self._piece_ns *= 2
            if self.playback.is_over:
                return
            await asyncio.sleep(0)


def _length_text(length_ns: int) -> str:
    minutes, seconds = divmod(max(0, length_ns) // _SECOND_NS, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
