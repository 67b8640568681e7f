"""Plays a prepared tape: applies each event to its book, then returns it.

`FastPlayer` (`back/_fast.pyx`) does the same, many times as fast, and is tested against this one.
"""

from collections.abc import Callable

from fluxum.back.columns import KIND_BUY, KIND_SELL, KIND_STATUS, Columns
from fluxum.back.contact import BUY, SELL
from fluxum.back.rows import Rows, begin, set_status
from fluxum.back.watching import DUE, END_NS, Signal, Watching
from fluxum.book.book import Book
from fluxum.book.ladder import Ladder
from fluxum.bot.direct import Direct
from fluxum.model.event import Event
from fluxum.model.market import BookSnapshot, BookUpdate

__all__ = ["Delivers", "Player"]

Delivers = Callable[[int, int], bool]
"""Whether events of a kind and of the market of a number are returned; others have market 0."""


class Player(Watching):
    """Plays a file from its beginning to its end; all its events, unless `delivers` is given."""

    def __init__(self, columns: Columns, delivers: Delivers | None = None) -> None:
        super().__init__(
            [Book(market.venue, market.name, ladder=Ladder) for market in columns.markets],
            [(market.price_places, market.quantity_places) for market in columns.markets],
        )
        self.now_ns = 0
        """When the frame that was applied last was received."""
        self.frame = -1
        """The number of that frame in the file."""
        self.alarm_ns = END_NS
        """Before a frame of this instant or later is applied, `next` returns DUE."""
        self._columns = columns
        self._rows = Rows(columns)
        self._delivers = delivers or _everything
        self._frame_ns = columns.column("frame_ns")
        self._first = columns.column("frame_event")
        self._kinds = columns.column("event_kind")
        self._markets = columns.column("event_market")
        self._event = self._end = 0
        self._ready: Event | None = None

    @property
    def next_ns(self) -> int:
        """When the next frame was received; END_NS after the last."""
        number = self.frame + 1
        return self._frame_ns[number] if number < self._columns.frames else END_NS

    def next(self) -> Event | Signal | None:
        """Apply the next event and return it, or a signal; `None` at the end.

        Events that are not delivered are applied and passed over.
        """
        while True:
            if self._ready is not None:
                event, self._ready = self._ready, None
                return event
            if self._event == self._end:
                if self.next_ns >= self.alarm_ns:
                    return None if self.alarm_ns == END_NS else DUE
                self._begin_frame()
                continue
            self._apply()

    def feed(self, _direct: Direct) -> Event | Signal | None:
        """As `next`; the compiled player gives events to the strategy itself (see `Direct`)."""
        return self.next()

    def skip(self, until_ns: int) -> None:
        """Apply what is before an instant, and return none of it."""
        while self.next_ns < until_ns:
            self._begin_frame()
            while self._event < self._end:
                self._apply()
            self._ready = None

    # Pieces

    def _begin_frame(self) -> None:
        self.now_ns = self.next_ns
        if self.now_ns >= self.marks_ns:
            self.marks.take(self.now_ns)
        self.frame += 1
        self._end = self._first[self.frame + 1]

    def _apply(self) -> None:
        """Apply the next event, and the statuses that books have after it."""
        number = self._event
        event = self._rows.event(number, self.now_ns)
        kind, market = self._kinds[number], self._markets[number]
        if isinstance(event, BookUpdate | BookSnapshot):
            self._lay(number, market, event)
        elif kind in (KIND_BUY, KIND_SELL) and (units := self._rows.units(number)) is not None:
            price, quantity = units
            side, key = (SELL, -price) if kind == KIND_BUY else (BUY, price)
            self.contacts[market].trade(side, key, quantity)
        self._event += 1
        while self._event < self._end and self._kinds[self._event] == KIND_STATUS:
            changed = self._markets[self._event]
            set_status(self.books[changed], *self._rows.status(self._event))
            self.contacts[changed].status(is_valid=self.books[changed].is_valid)
            self._event += 1
        if self._delivers(kind, market):
            self._ready = event

    def _lay(self, number: int, market: int, event: BookUpdate | BookSnapshot) -> None:
        book = self.books[market]
        if isinstance(event, BookUpdate):
            book.apply(event)
            book.evidence.updated_ns = event.received_ns
        else:
            book.replace(event)
            begin(book, event.depth, event.cut_at, event.received_ns)
        changed = set(self._rows.changes(number))
        self._note(market, changed, is_update=isinstance(event, BookUpdate))


def _everything(_kind: int, _market: int) -> bool:
    return True
