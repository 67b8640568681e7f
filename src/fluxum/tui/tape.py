"""The controls of a screen over a recording: pause, speed, seconds to go, and the place."""

from fluxum.view import Playback
from fluxum.web.player import Player

__all__ = ["TapePlayer"]

_SECOND_NS = 1_000_000_000
_SPEED_LEAST, _SPEED_MOST = 0.125, 1024.0


class TapePlayer:
    """Plays a recording in real time, or faster; the controls of a screen."""

    def __init__(self, playback: Playback, speed: float = 1.0) -> None:
        self._player = Player(playback, speed)
        self.play = self._player.run
        """Plays until it is cancelled."""

    @property
    def playback(self) -> Playback:
        """The recording."""
        return self._player.playback

    @property
    def speed(self) -> float:
        """How many seconds of the recording pass in one."""
        return self._player.speed

    @property
    def is_paused(self) -> bool:
        """Whether it stands still."""
        return self._player.is_paused

    @property
    def status(self) -> str:
        """The place in the recording, its length, the speed, and what it is doing."""
        tape = self.playback
        place, length = (_length_text(one - tape.start_ns) for one in (tape.at_ns, tape.end_ns))
        if self._player.wanted_ns is not None:
            doing = " seeking"
        elif self.is_paused:
            doing = " paused"
        else:
            doing = " ended" if tape.is_over else ""
        return f"{place} of {length} x{self.speed:g}{doing}"

    def toggle(self) -> None:
        """Pause, or go on."""
        self._player.is_paused = not self._player.is_paused

    def faster(self, factor: float) -> None:
        """Change the speed by a factor, within its bounds."""
        self._player.speed = min(_SPEED_MOST, max(_SPEED_LEAST, self.speed * factor))

    def seek(self, seconds: float) -> None:
        """Go so far forward, or back; from where an earlier seek goes to, if it has not ended."""
        wanted_ns = self._player.wanted_ns
        from_ns = self.playback.at_ns if wanted_ns is None else wanted_ns
        self._player.seek(from_ns + round(seconds * _SECOND_NS))


def _length_text(length_ns: int) -> str:
    minutes, seconds = divmod(max(0, length_ns) // _SECOND_NS, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
