"""Books by Bybit's rule: a snapshot, then deltas each one number on.

https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook: a snapshot may come at any
time and replaces the book; so does any message whose number is 1, which means that the service
was restarted. Books of one level are snapshots only, repeated with the same number after three
quiet seconds. The venue keeps the window itself and tells a level that leaves it as "0", so
cutting to the depth after a message takes nothing away that is still there. (In two recordings
of 2025 and 2026 no book was ever longer or shorter than its topic says, after any of 1,796
messages.) Should a level's "0" ever be missing, cutting keeps it from staying as a stale one.
"""

from collections.abc import Callable, Sequence

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Desync, Event, Subscription
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.venues.bybit import native
from fluxum.venues.bybit.normalize import MILLI
from fluxum.venues.rows import changes, levels
from fluxum.venues.venue import SequenceCounts

__all__ = ["NumberedBook"]

_RESTART = 1


class NumberedBook:
    """One topic of a book, and the number it has come to."""

    def __init__(
        self,
        venue: str,
        subscription: Subscription,
        counts: SequenceCounts,
        settle: Callable[[int], Sequence[Event]],
    ) -> None:
        assert subscription.symbol is not None, subscription
        self._venue = venue
        self._subscription = subscription
        self._symbol = subscription.symbol
        self._counts = counts
        self._settle = settle
        self._last: int | None = None
        self.is_awaited = True
        """Whether a snapshot was asked for that has not come yet."""

    def renew(self) -> None:
        """A snapshot is asked for: it replaces the book whatever its number."""
        self.is_awaited = True

    def hear(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """What a message says; nothing between a gap and the next snapshot."""
        message = native.decode_book(frame)
        data = message.data
        number, last = data.u, self._last
        if message.type == "snapshot" or number == _RESTART:
            return self._snapshot(message, received_ns)
        if message.type != "delta":
            raise RemoteProtocolError(f"snapshot or delta was expected, was {message.type[:20]!r}")
        if last is None or number <= last:
            return ()
        if number != last + 1:
            return self._gap(last, message, received_ns)
        self._last = number
        self._counts.steps += 1
        venue_ns = (message.cts or message.ts) * MILLI
        return (
            BookUpdate(
                self._venue,
                self._symbol,
                changes(data.b),
                changes(data.a),
                venue_ns,
                received_ns,
                None,
                number,
            ),
        )

    def _snapshot(self, message: native.BookFrame, received_ns: int) -> Sequence[Event]:
        data, venue_ns = message.data, (message.cts or message.ts) * MILLI
        is_repeated = data.u == self._last and data.u != _RESTART and not self.is_awaited
        if is_repeated:  # as nothing changed: the book is as it was
            return (
                BookUpdate(self._venue, self._symbol, (), (), venue_ns, received_ns, None, data.u),
            )
        snapshot = BookSnapshot(
            venue=self._venue,
            symbol=self._symbol,
            bids=levels(data.b),
            asks=levels(data.a),
            depth=self._subscription.depth,
            venue_ns=venue_ns,
            received_ns=received_ns,
            sequence=data.u,
        )
        self._last = data.u
        self.is_awaited = False
        return [*self._settle(received_ns), snapshot]

    def _gap(self, last: int, message: native.BookFrame, received_ns: int) -> Sequence[Event]:
        self._last = None
        self._counts.breaks += 1
        number = message.data.u
        return (
            Desync(
                venue=self._venue,
                subscription=self._subscription,
                generation=0,
                reason=f"number {last + 1} was expected, was {number}",
                expected=last + 1,
                computed=number,
                venue_ns=(message.cts or message.ts) * MILLI,
                received_ns=received_ns,
            ),
        )
