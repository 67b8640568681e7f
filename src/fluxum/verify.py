"""What a recording proves: its books by the venue's own rule, its gaps, and unread frames."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import cast

from msgspec import Struct

from fluxum.errors import TapeError
from fluxum.model.event import Desync, Event, Gap, GapCause
from fluxum.model.market import BookUpdate, Trade
from fluxum.replay import Moment, PassedUpdates, Replay

__all__ = ["Failure", "Report", "Verification", "nonsense", "verify"]


class Failure(Struct, frozen=True):
    """A failed check: at which frame, counted from 0, of which symbol, and why."""

    frame: int
    symbol: str
    reason: str


class Report(Struct, kw_only=True):
    """What a tape proves.

    `generations` counts the snapshots of each book. `steps` are messages whose number followed
    the one before, `breaks` those whose did not; `trade_steps` the same of trades' own numbers.
    `applied` counts the updates applied to a book, `kinds` frames by their events, and `rejection`
    is why the first rejected one was rejected. `files` is the number of files of the recording;
    `lost` counts frames that its recorder could not write, `torn` the places where a crash ended
    it. `damage` is why it cannot be read to its end; the counts are those of what comes before.
    """

    file: str
    venue: str
    frames: int = 0
    events: int = 0
    book_messages: int = 0
    checks_passed: int = 0
    checks_failed: int = 0
    unverified: int = 0
    gaps: int = 0
    desyncs: int = 0
    crossed: int = 0
    rejected: int = 0
    rejection: str = ""
    steps: int = 0
    breaks: int = 0
    applied: int = 0
    trades: int = 0
    trades_backfilled: int = 0
    trade_steps: int = 0
    kinds: dict[str, int] = {}
    generations: dict[str, int] = {}
    failures: list[Failure] = []
    files: int = 1
    lost: int = 0
    torn: int = 0
    damage: str = ""

    @property
    def is_proved(self) -> bool:
        """Whether there is a frame, and nothing failed, is missing, or made no sense."""
        return bool(self.frames) and not (
            self.checks_failed
            or self.gaps
            or self.desyncs
            or self.breaks
            or self.crossed
            or self.rejected
            or self.lost
            or self.torn
            or self.damage
        )


class Verification:
    """A replay that keeps count: its moments, and the report of those read so far.

    A recording that cannot be read to its end gives what comes before the damage, and then ends.
    """

    def __init__(self, replay: Replay, files: int = 1) -> None:
        self.replay = replay
        self._files = files
        self._tally = _Tally()
        self._damage = ""

    def __iter__(self) -> Iterator[Moment]:
        """The moments of the replay; raises TapeError if there is nothing to read."""
        return cast("Iterator[Moment]", self._read(self.replay))

    def stretches(self) -> Iterator[Moment | PassedUpdates]:
        """The same, as `Replay.stretches` gives it."""
        return self._read(self.replay.stretches())

    def _read(self, moments: Iterable[Moment | PassedUpdates]) -> Iterator[Moment | PassedUpdates]:
        try:
            for moment in moments:
                if isinstance(moment, PassedUpdates):
                    self._tally.add_passed(len(moment.updates))
                else:
                    self._tally.add(moment)
                yield moment
        except TapeError as error:
            if not self.replay.frames:
                raise
            self._damage = str(error)

    def report(self) -> Report:
        """What is proved so far."""
        replay, tally = self.replay, self._tally
        processor = replay.processor
        keepers = (processor.books, processor.level3)
        return Report(
            file=str(replay.tape.path),
            venue=replay.venue.name,
            frames=replay.frames,
            events=processor.counts.received,
            book_messages=replay.book_messages,
            checks_passed=sum(keeper.passed for keeper in keepers),
            checks_failed=sum(keeper.failed for keeper in keepers),
            unverified=sum(keeper.unverified for keeper in keepers),
            gaps=tally.gaps,
            desyncs=processor.counts.desyncs,
            crossed=sum(keeper.crossed for keeper in keepers),
            rejected=replay.rejected,
            rejection=replay.rejection,
            steps=sum(one.steps for one in replay.sequences),
            breaks=sum(one.breaks for one in replay.sequences),
            applied=tally.applied,
            trades=tally.trades.total(),
            trades_backfilled=tally.trades[True],
            trade_steps=processor.gaps.followed,
            kinds=dict(sorted(tally.kinds.items())),
            generations={book.symbol: book.epoch for book in processor.books},
            failures=tally.failures,
            files=self._files,
            lost=replay.lost,
            torn=replay.tape.torn,
            damage=self._damage,
        )


def verify(
    path: Path,
    venue: str | None = None,
    depth: int | None = None,
    more: Sequence[Path] = (),
) -> Report:
    """Replay a recording and report what it proves; see `Replay`.

    Raises TapeError if there is nothing to read.
    """
    verification = Verification(Replay(path, venue, depth, more), 1 + len(more))
    for _ in verification.stretches():
        pass
    return verification.report()


def nonsense(path: Path, venue: str, frames: int, rejected: int, reason: str) -> str:
    """The message for a recording of which every frame was rejected; empty for any other."""
    if not frames or rejected < frames:
        return ""
    return (
        f"{path}: all {frames} frames were rejected, the first because {reason};"
        f" is it a recording of {venue}?"
    )


class _Tally:
    """The counts of a tape's events."""

    def __init__(self) -> None:
        self.failures: list[Failure] = []
        self.gaps = 0
        self.applied = 0
        self.trades: Counter[bool] = Counter()
        self._frames: dict[type[Event], int] = {}

    @property
    def kinds(self) -> dict[str, int]:
        """How many frames had events of a kind: `book_update`, `trade`."""
        return {str(one.__struct_config__.tag): sum_ for one, sum_ in self._frames.items()}

    def add_passed(self, updates: int) -> None:
        """Count so many frames with one update each."""
        self._frames[BookUpdate] = self._frames.get(BookUpdate, 0) + updates
        self.applied += updates

    def add(self, moment: Moment) -> None:
        """Count one frame."""
        events = moment.events
        for kind in {*map(type, events)} if len(events) > 1 else map(type, events):
            self._frames[kind] = self._frames.get(kind, 0) + 1
        for event in events:
            if isinstance(event, BookUpdate):
                self.applied += 1
            elif isinstance(event, Trade):
                self.trades[event.backfilled] += 1
            elif isinstance(event, Desync):
                symbol = str(event.subscription.symbol)
                self.failures.append(Failure(moment.index, symbol, event.reason))
            elif isinstance(event, Gap):
                self.gaps += event.cause is not GapCause.DESYNC
