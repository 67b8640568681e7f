"""The timers of a strategy: due at whole multiples of their intervals since 1970. Pure."""

from collections.abc import Iterable

from fluxum.bot.engine_state import Ahead
from fluxum.bot.strategy import Every, Timer

__all__ = ["Timers"]

_SECOND_NS = 1_000_000_000


class Timers:
    """What a strategy waits for; `state` is what an earlier engine waited for."""

    def __init__(self, wanted: Iterable[Every], state: Iterable[Ahead] = ()) -> None:
        known = {one.name: one for one in state}
        self.ahead = [
            known.get(one.name) or Ahead(one.name, one.interval_s * _SECOND_NS, 0) for one in wanted
        ]
        """Each timer and when it is due; 0 before the first event."""

    def begin(self, now_ns: int) -> None:
        """The first event: timers are due from now on."""
        self.ahead = [_after(one, now_ns) for one in self.ahead]

    def due(self) -> Timer | None:
        """The next timer; `None` if there is none."""
        if not self.ahead:
            return None
        begun = [one for one in self.ahead if one.due_ns]
        first = min(begun, key=lambda one: one.due_ns, default=None)
        return None if first is None else Timer(name=first.name, received_ns=first.due_ns)

    def take(self, timer: Timer) -> None:
        """A timer has come: it is due again at the next multiple of its interval."""
        now_ns = timer.received_ns
        self.ahead = [
            _after(one, now_ns) if one.name == timer.name and one.due_ns <= now_ns else one
            for one in self.ahead
        ]


def _after(timer: Ahead, now_ns: int) -> Ahead:
    due_ns = (now_ns // timer.interval_ns + 1) * timer.interval_ns
    return Ahead(timer.name, timer.interval_ns, due_ns)
