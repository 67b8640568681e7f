"""Books by Bybit's rule: a snapshot, then deltas each one number on.

https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook: a snapshot may come at any
time and replaces the book; so does any message whose number is 1, which means that the service
was restarted. Books of one level are snapshots only, repeated with the same number after three
quiet seconds. The venue keeps the window itself and publishes a level that leaves it as "0", so
cutting to the depth after a message takes nothing away that is still there. (In two recordings
of 2025 and 2026 no book was ever longer or shorter than in its topic, after any of 1,796
messages.) Should a level's "0" ever be missing, cutting keeps it from staying as a stale one.

A message that does not fit is read again level by level: one that cannot be read is left out.
Deltas before the first snapshot are published all the same, so that the book's keeper counts them.
"""

from collections.abc import Sequence

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Event, Subscription
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.venues.bybit import native
from fluxum.venues.conversation import SequenceCounts
from fluxum.venues.rows import (
    LeftOutRows,
    changes,
    decode_readable,
    decoded_or_none,
    with_left_out,
)
from fluxum.venues.sequenced import BookSequence
from fluxum.venues.stream_readers import Acknowledge

__all__ = ["NumberedBook", "read_loosely"]

_RESTART = 1
_MILLI = 1_000_000


class NumberedBook:
    """One topic of a book, and the number it has come to; see StreamReader."""

    def __init__(
        self,
        venue: str,
        subscription: Subscription,
        counts: SequenceCounts,
        acknowledge: Acknowledge,
    ) -> None:
        assert subscription.symbol is not None, subscription
        self._venue = venue
        self._subscription = subscription
        self.symbol, self.name = subscription.symbol, ""
        self._sequence = BookSequence(venue, subscription, counts)
        self._acknowledge = acknowledge
        self.is_awaited = True
        """Whether a snapshot was requested that has not come yet."""

    def renew(self) -> None:
        """A snapshot is requested: it replaces the book whatever its number."""
        self.is_awaited = True

    def read(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The events of a message; none between a gap and the next snapshot."""
        return self._message(native.decode_book(frame), received_ns)

    def due(self) -> int | None:
        """The number that the next delta has to follow on, to be scanned; see FollowedBook."""
        last = self._sequence.due()
        return None if last is None or last + 1 == _RESTART else last

    def followed(self, last: int, _before: int, frames: int) -> None:
        """Deltas were scanned that follow on, up to this number."""
        self._sequence.followed(last, frames)

    def read_loosely(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The same of a message with levels that cannot be read, which are left out and counted."""
        message, left_out = read_loosely(frame)
        events = self._message(message, received_ns)
        return with_left_out(events, left_out, self._venue, self._subscription, received_ns)

    def _message(self, message: native.BookFrame, received_ns: int) -> Sequence[Event]:
        data, sequence = message.data, self._sequence
        number, last = data.u, sequence.last
        if message.type == "snapshot" or number == _RESTART:
            return self._snapshot(message, received_ns)
        if message.type != "delta":
            raise RemoteProtocolError(f"snapshot or delta was expected, was {message.type[:20]!r}")
        if sequence.is_broken or (last is not None and number <= last):
            return ()
        millis = message.cts or message.ts
        venue_ns = None if millis is None else millis * _MILLI
        if last is not None and number != last + 1:
            reason = f"number {last + 1} was expected, was {number}"
            return (sequence.gap(reason, last + 1, number, venue_ns, received_ns),)
        update = BookUpdate(
            self._venue,
            self.symbol,
            changes(data.b),
            changes(data.a),
            venue_ns,
            received_ns,
            None,
            number,
        )
        sequence.follow(number)  # only now: after one that cannot be read the next is a gap
        return (update,)

    def _snapshot(self, message: native.BookFrame, received_ns: int) -> Sequence[Event]:
        data, millis = message.data, message.cts or message.ts
        venue_ns = None if millis is None else millis * _MILLI
        is_repeated = data.u == self._sequence.last and data.u != _RESTART and not self.is_awaited
        if is_repeated:  # as nothing changed: the book is as it was
            return (
                BookUpdate(self._venue, self.symbol, (), (), venue_ns, received_ns, None, data.u),
            )
        snapshot = BookSnapshot(
            venue=self._venue,
            symbol=self.symbol,
            bids=tuple(changes(data.b)),
            asks=tuple(changes(data.a)),
            depth=self._subscription.depth,
            venue_ns=venue_ns,
            received_ns=received_ns,
            sequence=data.u,
        )
        self._sequence.begin(data.u)
        self.is_awaited = False
        return [*self._acknowledge(received_ns), snapshot]


def read_loosely(frame: bytes) -> tuple[native.BookFrame, LeftOutRows | None]:
    """A message of a book, and the levels of it that could not be read.

    Raises MsgspecError or RemoteProtocolError; a time that is odd is `None`.
    """
    message = native.decode_loose_frame(frame)
    data, left_out = decode_readable(
        bytes(message.data),
        native.decode_book_data,
        lambda row: changes([native.decode_level(row)]),
        ("b", "a"),
    )
    plain = native.BookFrame(
        type=native.decode_text(message.type),
        data=data,
        ts=decoded_or_none(native.decode_millis, message.ts),
        cts=decoded_or_none(native.decode_millis, message.cts),
    )
    return plain, left_out
