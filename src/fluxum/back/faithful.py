"""Plays a raw tape through the live rooms instead of its columns: slow, and the oracle of the fast.

The frames are decoded and proved again by the venue's protocol and the session's event processor
(`Replay`), and the books are those that a live bot keeps from its events (`bot.books`). Nothing of
the prepared file is read but the decimal places of each market.
"""

from collections.abc import Iterator, Sequence
from heapq import merge
from pathlib import Path

from fluxum.back.columns import (
    KIND_BUY,
    KIND_OTHER,
    KIND_SELL,
    KIND_SNAPSHOT,
    KIND_UPDATE,
    ColumnMarket,
)
from fluxum.back.contact import BUY, SELL
from fluxum.back.player import Delivers
from fluxum.back.watching import DUE, END_NS, Signal, Watching
from fluxum.book.proof import BookStatus
from fluxum.bot.books import Books
from fluxum.bot.direct import Direct
from fluxum.bot.market import Market
from fluxum.model.event import Event
from fluxum.model.market import BookSnapshot, BookUpdate, Side, Trade
from fluxum.replay import Replay

__all__ = ["ReplayPlayer"]


class ReplayPlayer(Watching):
    """Plays recordings like `Player` plays their columns; `tapes` are as those of `prepare`."""

    def __init__(
        self,
        tapes: Sequence[Sequence[Path]],
        markets: Sequence[ColumnMarket],
        delivers: Delivers,
    ) -> None:
        names = [Market(market.venue, market.name) for market in markets]
        self._live = [Books([market]) for market in names]
        super().__init__(
            [live.book(market) for live, market in zip(self._live, names, strict=True)],
            [(market.price_places, market.quantity_places) for market in markets],
        )
        self.now_ns = 0
        self.frame = -1
        self.alarm_ns = END_NS
        self._numbers = {(market.venue, market.symbol): at for at, market in enumerate(names)}
        self._statuses: dict[int, tuple[BookStatus, bool]] = {}
        self._delivers = delivers
        self._moments = _moments(tapes)
        self._next = next(self._moments, None)
        self._events: Iterator[Event] = iter(())
        self._ready: Event | None = None

    @property
    def next_ns(self) -> int:
        """When the next frame was received; END_NS after the last."""
        return END_NS if self._next is None else self._next[0]

    def next(self) -> Event | Signal | None:
        """Apply the next event and return it, or a signal; `None` at the end."""
        while True:
            if self._ready is not None:
                ready, self._ready = self._ready, None
                return ready
            event = next(self._events, None)
            if event is not None:
                self._apply(event)
            elif self.next_ns >= self.alarm_ns:
                return None if self.alarm_ns == END_NS else DUE
            else:
                self._begin_frame()

    def feed(self, _direct: Direct) -> Event | Signal | None:
        """As `next`: every event goes through the engine."""
        return self.next()

    def skip(self, until_ns: int) -> None:
        """Apply what is before an instant, and return none of it."""
        while self.next_ns < until_ns:
            self._begin_frame()
            for event in self._events:
                self._apply(event)
            self._ready = None

    # Pieces

    def _begin_frame(self) -> None:
        assert self._next is not None, "a frame begins only if there is one"
        self.now_ns, _, events = self._next
        if self.now_ns >= self.marks_ns:
            self.marks.take(self.now_ns)
        self.frame += 1
        self._events = iter(events)
        self._next = next(self._moments, None)

    def _apply(self, event: Event) -> None:
        kind, market = KIND_OTHER, 0
        if isinstance(event, BookUpdate | BookSnapshot):
            market = self._numbers[event.venue, event.symbol]
            kind = KIND_UPDATE if isinstance(event, BookUpdate) else KIND_SNAPSHOT
            self._live[market].take(event)
            changed = self._changes(market, event)
            self._note(market, changed, is_update=kind == KIND_UPDATE)
            self._look(market)
        elif isinstance(event, Trade):
            market = self._numbers[event.venue, event.symbol]
            kind = KIND_BUY if event.side is Side.BUY else KIND_SELL
            if not event.backfilled:
                side = SELL if kind == KIND_BUY else BUY
                units = int(event.quantity.scaleb(self._units[market][1]))
                key = self._key(event.price, market, side)
                self.contacts[market].trade(side, key, units)
        else:
            for number, live in enumerate(self._live):
                live.take(event)
                self._look(number)
        if self._delivers(kind, market):
            self._ready = event

    def _look(self, market: int) -> None:
        """Note a changed status, as the file has it."""
        evidence = self.books[market].evidence
        status = evidence.status, evidence.live
        if self._statuses.get(market) != status:
            self._statuses[market] = status
            self.contacts[market].status(is_valid=self.books[market].is_valid)

    def _changes(self, market: int, event: BookUpdate | BookSnapshot) -> set[tuple[int, int]]:
        sides = ((BUY, event.bids), (SELL, event.asks))
        return {
            (side, self._key(level.price, market, side))
            for side, levels in sides
            for level in levels
        }


def _moments(tapes: Sequence[Sequence[Path]]) -> Iterator[tuple[int, int, list[Event]]]:
    """Every line of the tapes that has events, in the order of the prepared file."""
    streams = [_of_tape(files, number) for number, files in enumerate(tapes)]
    return merge(*streams, key=lambda one: one[:2])


def _of_tape(files: Sequence[Path], number: int) -> Iterator[tuple[int, int, list[Event]]]:
    path, *more = files
    last_ns = 0
    for moment in Replay(path, more=more).moments():
        assert moment.ns is not None, "a tape that was prepared has times"
        last_ns = max(last_ns, moment.ns)
        if moment.events:
            yield last_ns, number, moment.events
