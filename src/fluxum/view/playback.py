"""A recording as a source of views, to be played forwards and wound to any instant.

It is played by the code of `Replay`, so books are proved by the venue's own rule. To wind back
plays from the beginning again. Pure but for reading the file: the caller decides how fast time
passes.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from fluxum.errors import TapeError
from fluxum.model.event import Event
from fluxum.model.instrument import Symbol
from fluxum.replay import Moment, Replay
from fluxum.tape import TapeFrame, TapeReader
from fluxum.view.keeper import ViewKeeper
from fluxum.view.readings import VenueReadings, books_of

__all__ = ["Playback"]


class Playback:
    """One recording at an instant; the arguments are those of `Replay`, which raises as it does.

    `keeper` has had the events of the moments up to `at_ns`. Frames without a time, of bare
    recordings, count as of the instant before them.
    """

    def __init__(
        self,
        path: Path,
        venue: str | None = None,
        depth: int | None = None,
        more: Sequence[Path] = (),
    ) -> None:
        self._arguments = (path, venue, depth, more)
        self.start_ns, self.end_ns = _extent(TapeReader(path, *more))
        self.damage = ""
        """Why the recording ends where it does, if it is damaged."""
        self.rewind()

    def rewind(self) -> None:
        """Begin again, before the first frame, with a new keeper."""
        self._replay = Replay(*self._arguments)
        self._lines: Iterator[TapeFrame] = iter(self._replay.tape)
        self._next: TapeFrame | None = None
        self.at_ns = self.start_ns
        self.is_over = False
        self.keeper = ViewKeeper(lambda: self.at_ns)

    @property
    def venue(self) -> str:
        """The name of the recording's venue."""
        return self._replay.venue.name

    def advance(self, until_ns: int, lines_max: int | None = None) -> list[Event]:
        """Play up to an instant, included; returns the events.

        With `lines_max` it stops earlier, after so many lines of the tape.
        """
        events: list[Event] = []
        left = lines_max
        while (line := self._peek()) is not None:
            at_ns = line.ns or self.at_ns
            if at_ns > until_ns:
                break
            if left is not None:
                if left <= 0:
                    return events
                left -= 1
            self._next = None
            self.at_ns = max(self.at_ns, at_ns)
            self._take(self._replay.play(line), events)
        self.at_ns = max(self.at_ns, min(until_ns, self.end_ns))
        return events

    def seek(self, at_ns: int) -> None:
        """Wind to an instant, forwards or back; one outside the recording is its nearest end."""
        wanted_ns = min(max(at_ns, self.start_ns), self.end_ns)
        if wanted_ns < self.at_ns:
            self.rewind()
        self.advance(wanted_ns)

    def readings(self) -> VenueReadings:
        """What a view reads of the recording at this instant."""
        processor = self._replay.processor
        subscriptions = tuple(processor.streams)
        statistics = self._replay.statistics()
        return VenueReadings(
            venue=self.venue,
            state=statistics.state,
            missing=("the recording has ended",) if self.is_over else (),
            links=tuple(self._replay.links()),
            statistics=statistics,
            subscriptions=subscriptions,
            books=books_of(subscriptions, lambda symbol: processor.books.get(Symbol(symbol))),
            gaps_open=tuple(processor.gaps.open.values()),
        )

    def _peek(self) -> TapeFrame | None:
        """The next line, which is played only when its time has come."""
        if self._next is None and not self.is_over:
            try:
                self._next = next(self._lines, None)
            except TapeError as error:
                self.damage = str(error)
            if self._next is None:
                self.is_over = True
                self._take(self._replay.finish(), [])
        return self._next

    def _take(self, moment: Moment | None, events: list[Event]) -> None:
        if moment is None:
            return
        events += moment.events
        for event in moment.events:
            if ViewKeeper.wants(event):
                self.keeper.take(event)


def _extent(tape: TapeReader) -> tuple[int, int]:
    """The first and the last instant of a recording; raises TapeError for one without times."""
    first_ns = last_ns = 0
    try:
        for line in tape:
            if line.ns:
                first_ns = first_ns or line.ns
                last_ns = max(last_ns, line.ns)
    except TapeError:
        if not first_ns:
            raise
    if not first_ns:
        raise TapeError(f"{tape.path} has no times, so it cannot be played")
    return first_ns, last_ns
