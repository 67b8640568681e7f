"""Tapes into columns: each is replayed once through the live code, which proves it.

What a strategy would have received is kept: books as levels, trades, and every other event as it
was published, among them lost links, desyncs and gaps. Several tapes become one file: their frames
are merged by the time they were received, then by tape, link and frame.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from pathlib import Path

from fluxum.back.columns import Columns, GapSpan, Provenance, TapeProof
from fluxum.back.rows import status_code
from fluxum.back.spool import ColumnWriter
from fluxum.book.proof import BookStatus, Evidence
from fluxum.bot.books import Books
from fluxum.bot.market import Market
from fluxum.errors import BadInput, TapeError
from fluxum.model.event import Event, Gap
from fluxum.model.market import BookSnapshot, BookUpdate, Candle, Ticker, Trade
from fluxum.replay import Moment, Replay

__all__ = ["Progress", "prepare"]

Progress = Callable[[int, int], None]
"""Receives how many frames were read so far, and the time of the last one."""
_TURN = 4096
_CHUNK = 1 << 20
_TAPES_MAX = 200
_PLAIN = (Trade, Ticker, Candle)


def prepare(
    tapes: Path | Sequence[Path | Sequence[Path]],
    out: Path,
    *,
    venue: str | None = None,
    depth: int | None = None,
    progress: Progress | None = None,
) -> Columns:
    """Write the columns of one tape, or of several, and open them.

    A recording in several files is a sequence of them. `venue` and `depth` are those of `Replay`.
    A tape that is not proved is prepared as well: its gaps and failed checks are rows, as they
    were for a live session, and `Columns.provenance` has the counts. Raises TapeError for a
    tape that cannot be read to its end or has no times, or a number that cannot be kept exactly,
    and BadInput for a file that exists.
    """
    recordings = _recordings(tapes)
    writer = ColumnWriter(out)
    try:
        playing = [_Tape(files, venue, depth) for files in recordings]
        _write(playing, writer, progress)
        proofs = tuple(one.proof() for one in playing)
        gaps = sorted(
            (gap for one in playing for gap in one.gaps), key=lambda gap: (gap.since_ns, gap.venue)
        )
        writer.finish(Provenance(proofs, tuple(gaps)))
    finally:
        writer.close()
    return Columns(out, is_checked=False)


def _recordings(tapes: Path | Sequence[Path | Sequence[Path]]) -> list[list[Path]]:
    if isinstance(tapes, Path):
        tapes = [tapes]
    found = [[one] if isinstance(one, Path) else list(one) for one in tapes]
    if not found or not all(found):
        raise BadInput("at least one tape was expected, there was none")
    if len(found) > _TAPES_MAX:
        raise BadInput(f"at most {_TAPES_MAX} tapes were expected, were {len(found)}")
    return found


def _write(playing: Sequence["_Tape"], writer: ColumnWriter, progress: Progress | None) -> None:
    """Write all frames that have events, in the order in which they were received."""
    streams = [one.steps(number) for number, one in enumerate(playing)]
    for count, (ns, number, moment) in enumerate(
        merge(*streams, key=lambda step: step[:2]) if len(streams) > 1 else streams[0]
    ):
        tape = playing[number]
        writer.frame(ns, moment.index, moment.link, number)
        for event in moment.events:
            writer.event(event)
            for market, evidence in tape.statuses.after(event):
                code = status_code(evidence.status, is_live=evidence.live)
                writer.status(market.venue, market.symbol, code, evidence.reason)
            if isinstance(event, Gap):
                tape.note(event)
        if progress is not None and count % _TURN == 0:
            progress(sum(one.replay.frames for one in playing), ns)


class _Statuses:
    """The statuses of books by their events, as a live bot knows them (`bot.books`)."""

    def __init__(self) -> None:
        self._books: dict[Market, Books] = {}
        self._known: dict[Market, tuple[BookStatus, bool]] = {}

    def after(self, event: Event) -> Iterator[tuple[Market, Evidence]]:
        """The books whose status an event changes, and their evidence."""
        if isinstance(event, BookUpdate | BookSnapshot):
            market = Market(event.venue, event.symbol)
            books = self._books.get(market)
            if books is None:
                books = self._books[market] = Books([market])
            yield from self._take(market, books, event)
        elif not isinstance(event, _PLAIN):
            for market, books in self._books.items():
                yield from self._take(market, books, event)

    def _take(
        self, market: Market, books: Books, event: Event
    ) -> Iterator[tuple[Market, Evidence]]:
        books.take(event)
        evidence = books.book(market).evidence
        status = evidence.status, evidence.live
        if self._known.get(market) != status:
            self._known[market] = status
            yield market, evidence


class _Tape:
    """One tape as it is replayed: its gaps, and which books changed their status."""

    def __init__(self, files: Sequence[Path], venue: str | None, depth: int | None) -> None:
        path, *more = files
        self.replay = Replay(path, venue, depth, more)
        self.venue = self.replay.venue.name
        self.gaps: list[GapSpan] = []
        self._files = files
        self._begins_ns: int | None = None
        self._ends_ns = 0
        self.statuses = _Statuses()

    def steps(self, number: int) -> Iterator[tuple[int, int, Moment]]:
        """Every line with events, at its time; a clock that was set back stands still instead."""
        for moment in self.replay.moments():
            if moment.ns is None:
                raise TapeError(
                    f"{self.replay.tape.path}: frame {moment.index} has no time of its reception;"
                    " a tape made by 'fluxum record' was expected"
                )
            self._ends_ns = max(self._ends_ns, moment.ns)
            if self._begins_ns is None:
                self._begins_ns = moment.ns
            if moment.events:
                yield self._ends_ns, number, moment

    def note(self, gap: Gap) -> None:
        """Keep a gap for the provenance."""
        self.gaps.append(
            GapSpan(gap.venue, str(gap.subscription), gap.cause.value, gap.since_ns, gap.until_ns)
        )

    def proof(self) -> TapeProof:
        """What the tape proved, once it was read to its end."""
        replay = self.replay
        processor = replay.processor
        keepers = (processor.books, processor.level3)
        return TapeProof(
            file=" ".join(path.name for path in self._files),
            sha256=_sha256(self._files),
            venue=self.venue,
            begins_ns=self._begins_ns or 0,
            ends_ns=self._ends_ns,
            frames=replay.frames,
            book_messages=replay.book_messages,
            checks_passed=sum(keeper.passed for keeper in keepers),
            checks_failed=sum(keeper.failed for keeper in keepers),
            unverified=sum(keeper.unverified for keeper in keepers),
            desyncs=processor.counts.desyncs,
            crossed=sum(keeper.crossed for keeper in keepers),
            rejected=replay.rejected,
            lost=replay.lost,
            torn=replay.tape.torn,
            breaks=sum(one.breaks for one in replay.sequences),
        )


def _sha256(files: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            while piece := file.read(_CHUNK):
                digest.update(piece)
    return digest.hexdigest()
