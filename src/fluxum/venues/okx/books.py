"""Books as OKX publishes them: chained by their numbers, or whole in each message.

A chained book begins with a snapshot; then each message names the one before
(https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel):
`prevSeqId` is the `seqId` of the message before. A message without levels whose numbers are equal
means that nothing changed for a minute, and after maintenance the numbers go on from a smaller one,
still linked. Everything else is a gap, except a repetition of the very last message. Numbers that
look old are no sign of a repetition, as they may be smaller after a gap with a reset in it.

Until 2023 there were no numbers but a checksum after each message; now the checksum is 0, which
stands for none. Levels get the text it needs only where there is one.

A message that does not fit is read again level by level: one that cannot be read is left out.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal

from msgspec import Raw

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Event, Subscription
from fluxum.model.market import BookSnapshot, BookUpdate, Level
from fluxum.venues.conversation import SequenceCounts
from fluxum.venues.okx import native
from fluxum.venues.okx.levels import LevelReader
from fluxum.venues.okx.normalize import VENUE
from fluxum.venues.rows import LeftOutRows, decode_readable, with_left_out
from fluxum.venues.sequenced import BookSequence
from fluxum.venues.stream_readers import Acknowledge

__all__ = ["ChainedBook", "WholeBook"]

_MILLI = 1_000_000
_ONE = Decimal(1)
_OPTIONAL = {"ts": native.decode_millis, "checksum": native.decode_checksum}


class ChainedBook:
    """A snapshot, and updates each linked to the message before; see StreamReader.

    A contract is `size` of the asset that quantities are in.
    """

    def __init__(
        self,
        subscription: Subscription,
        counts: SequenceCounts,
        acknowledge: Acknowledge,
        size: Decimal = _ONE,
    ) -> None:
        assert subscription.symbol is not None, subscription
        self._subscription = subscription
        self.symbol, self.name = subscription.symbol, ""
        self._sequence = BookSequence(VENUE, subscription, counts)
        self._previous: int | None = None  # the number that the last message named
        self._acknowledge = acknowledge
        self._read = LevelReader(size)
        self._is_plain = size == _ONE
        self._changes: Callable[[Sequence[native.Row]], Sequence[Level]] = self._read.changes

    def read(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The events of a message; none between a gap and the next snapshot."""
        message = native.decode_book(frame)
        return self._message(message.action, message.data[0], received_ns)

    def due(self) -> int | None:
        """The number that the next update has to name, to be scanned; see FollowedBook."""
        has_no_text = self._changes is self._read.changes
        return self._sequence.due() if self._is_plain and has_no_text else None

    def followed(self, last: int, before: int, frames: int) -> None:
        """Updates were scanned, each linked to the one before, up to this number."""
        self._sequence.followed(last, frames)
        self._previous = before

    def read_loosely(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The same of a message with levels that cannot be read, which are left out and counted.

        Raises MsgspecError or RemoteProtocolError where more than that is wrong.
        """
        action, data, left_out = _read_loosely(frame, self._read)
        events = self._message(action, data, received_ns)
        return with_left_out(events, left_out, VENUE, self._subscription, received_ns)

    def _message(self, action: str, data: native.BookData, received_ns: int) -> Sequence[Event]:
        venue_ns = None if data.ts is None else data.ts * _MILLI
        if action != "update":
            return self._snapshot(action, data, venue_ns, received_ns)
        sequence, number, checksum = self._sequence, data.seqId, data.checksum
        if sequence.is_broken:
            return ()
        last, previous = sequence.last, data.prevSeqId
        if number is not None:
            if last is not None and previous != last:
                if number == last and previous == self._previous:
                    return ()  # the last message once more
                reason = f"prevSeqId {last} was expected, was {previous}"
                return (sequence.gap(reason, last, previous, venue_ns, received_ns),)
            checksum = checksum or None  # since 23 June 2026 it is always 0
        elif last is not None:
            raise RemoteProtocolError("a seqId was expected, was none")
        update = BookUpdate(
            VENUE,
            self.symbol,
            self._changes(data.bids),
            self._changes(data.asks),
            venue_ns,
            received_ns,
            checksum,
            number,
        )
        # Only now: after one that could not be read the next is a gap.
        if last is None:
            sequence.begin(number)
        elif number is not None:
            sequence.follow(number)
        self._previous = previous
        return (update,)

    def _snapshot(
        self, action: str, data: native.BookData, venue_ns: int | None, received_ns: int
    ) -> Sequence[Event]:
        if action != "snapshot":
            raise RemoteProtocolError(f"a snapshot or update was expected, was {action!r}")
        checksum, read = data.checksum, self._read
        if data.seqId is not None:
            checksum = checksum or None
        # Where the first message has no checksum the others have none either.
        whole, changes = (
            (read.levels, read.changes)
            if checksum is None
            else (read.levels_with_text, read.levels_with_text)
        )
        snapshot = BookSnapshot(
            venue=VENUE,
            symbol=self.symbol,
            bids=whole(data.bids),
            asks=whole(data.asks),
            depth=self._subscription.depth,
            venue_ns=venue_ns,
            received_ns=received_ns,
            sequence=data.seqId,
            checksum=checksum,
        )
        self._changes = changes
        self._sequence.begin(data.seqId)
        self._previous = data.prevSeqId
        return (*self._acknowledge(received_ns), snapshot)


class WholeBook:
    """Messages that are a whole book each, so that none depends on another; see StreamReader."""

    def __init__(
        self, subscription: Subscription, acknowledge: Acknowledge, size: Decimal = _ONE
    ) -> None:
        assert subscription.symbol is not None, subscription
        self._subscription = subscription
        self._symbol = subscription.symbol
        self._acknowledge = acknowledge
        self._read = LevelReader(size)
        self._last = -1
        self._last_ts = -1

    def read(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The book, unless a later one was published."""
        return self._message(native.decode_book(frame).data[0], received_ns)

    def read_loosely(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The same of a message with levels that cannot be read, which are left out and counted.

        Raises MsgspecError or RemoteProtocolError where more than that is wrong.
        """
        _, data, left_out = _read_loosely(frame, self._read)
        events = self._message(data, received_ns)
        return with_left_out(events, left_out, VENUE, self._subscription, received_ns)

    def _message(self, data: native.BookData, received_ns: int) -> Sequence[Event]:
        number, ts = data.seqId, data.ts or 0
        if number is not None and number < self._last and ts < self._last_ts:
            return ()
        snapshot = BookSnapshot(
            venue=VENUE,
            symbol=self._symbol,
            bids=self._read.levels(data.bids),
            asks=self._read.levels(data.asks),
            depth=self._subscription.depth,
            venue_ns=None if data.ts is None else data.ts * _MILLI,
            received_ns=received_ns,
            sequence=number,
        )
        if number is not None:
            self._last, self._last_ts = number, ts
        return (*self._acknowledge(received_ns), snapshot)


def _read_loosely(
    frame: bytes, reader: LevelReader
) -> tuple[str, native.BookData, LeftOutRows | None]:
    """The action and data of a message, and the levels of it that could not be read.

    Raises MsgspecError or RemoteProtocolError; a time or checksum that is odd is `None`.
    """
    message = native.decode_loose_frame(frame)
    if len(message.data) != 1:
        raise RemoteProtocolError(f"one message of a book was expected, was {len(message.data)}")

    def level(row: Raw) -> None:
        reader.changes([native.decode_level(row)])

    data, left_out = decode_readable(
        bytes(message.data[0]), native.decode_book_data, level, ("bids", "asks"), _OPTIONAL
    )
    return native.decode_text(message.action), data, left_out
