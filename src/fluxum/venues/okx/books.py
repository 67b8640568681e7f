"""Books as they are told: chained by their numbers, or whole each time.

A chained book begins with a snapshot; then each message names the one before
(https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel):
`prevSeqId` is the `seqId` told last. A message without levels whose numbers are equal says that
nothing changed for a minute, and after maintenance the numbers go on from a smaller one, still
linked. Everything else is a gap, but for the very last message coming twice. Numbers that look
old are no sign of a repetition, as they may be smaller after a gap with a reset in it.

Until 2023 there were no numbers but a checksum after each message; now the checksum is 0, which
stands for none. Levels get the text it needs only where there is one.

A message that does not fit is read again level by level: one that cannot be read is left out.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal

from msgspec import MsgspecError, Raw

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Desync, Event, Subscription
from fluxum.model.instant import plausible_ns
from fluxum.model.market import BookSnapshot, BookUpdate, Level
from fluxum.venues.conversation import SequenceCounts
from fluxum.venues.okx import native
from fluxum.venues.okx.levels import LevelReader
from fluxum.venues.okx.normalize import VENUE
from fluxum.venues.rows import LeftOutRows, joined, read_rows
from fluxum.venues.stream_readers import Acknowledge

__all__ = ["ChainedBook", "WholeBook"]

_MILLI = 1_000_000
_ONE = Decimal(1)


class ChainedBook:
    """A snapshot, and updates each linked to the message before.

    A contract comes to `size` of the asset that quantities are in.
    """

    def __init__(
        self,
        subscription: Subscription,
        counts: SequenceCounts,
        settle: Acknowledge,
        size: Decimal = _ONE,
    ) -> None:
        assert subscription.symbol is not None, subscription
        self._subscription = subscription
        self._symbol = subscription.symbol
        self._counts = counts
        self._settle = settle
        self._read = LevelReader(size)
        self._changes: Callable[[Sequence[native.Row]], Sequence[Level]] = self._read.changes
        self._last: int | None = None
        self._before_last: int | None = None
        self._is_broken = False

    def read(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """What a message says; nothing between a gap and the next snapshot."""
        message = native.decode_book(frame)
        return self._message(message.action, message.data[0], received_ns)

    def read_loosely(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The same of a message with levels that cannot be read, which are left out and told.

        Raises MsgspecError or RemoteProtocolError where more than that is wrong.
        """
        action, data, left_out = _read_loosely(frame, self._read)
        events = self._message(action, data, received_ns)
        if left_out is None or not events:
            return events
        return (left_out.event(VENUE, self._subscription, received_ns), *events)

    def _message(self, action: str, data: native.BookData, received_ns: int) -> Sequence[Event]:
        if action != "update":
            return self._snapshot(action, data, received_ns)
        if self._is_broken:
            return ()
        sequence, checksum = data.seqId, data.checksum
        if sequence is not None:
            if self._last is not None and data.prevSeqId != self._last:
                return self._astray(data, received_ns)
            checksum = checksum or None  # since 23 June 2026 it is always 0
        elif self._last is not None:
            raise RemoteProtocolError("a seqId was expected, was none")
        update = BookUpdate(
            VENUE,
            self._symbol,
            self._changes(data.bids),
            self._changes(data.asks),
            None if data.ts is None else data.ts * _MILLI,
            received_ns,
            checksum,
            sequence,
        )
        # Only now: after one that could not be read the next is a gap.
        if sequence is not None:
            self._counts.steps += self._last is not None
            self._last, self._before_last = sequence, data.prevSeqId
        return (update,)

    def _snapshot(self, action: str, data: native.BookData, received_ns: int) -> Sequence[Event]:
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
            symbol=self._symbol,
            bids=whole(data.bids),
            asks=whole(data.asks),
            depth=self._subscription.depth,
            venue_ns=None if data.ts is None else data.ts * _MILLI,
            received_ns=received_ns,
            sequence=data.seqId,
            checksum=checksum,
        )
        self._changes = changes
        self._last, self._before_last = data.seqId, data.prevSeqId
        self._is_broken = False
        return (*self._settle(received_ns), snapshot)

    def _astray(self, data: native.BookData, received_ns: int) -> Sequence[Event]:
        last, previous = self._last, data.prevSeqId
        if data.seqId == last and previous == self._before_last:
            return ()  # the last message once more
        self._counts.breaks += 1
        self._is_broken = True
        return (
            Desync(
                venue=VENUE,
                subscription=self._subscription,
                generation=0,
                reason=f"prevSeqId {last} was expected, was {previous}",
                expected=last,
                computed=previous,
                venue_ns=None if data.ts is None else data.ts * _MILLI,
                received_ns=received_ns,
            ),
        )


class WholeBook:
    """Messages that are whole each, so that none depends on another."""

    def __init__(
        self, subscription: Subscription, settle: Acknowledge, size: Decimal = _ONE
    ) -> None:
        assert subscription.symbol is not None, subscription
        self._subscription = subscription
        self._symbol = subscription.symbol
        self._settle = settle
        self._read = LevelReader(size)
        self._last = -1
        self._last_ts = -1

    def read(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The book, unless a later one was told."""
        return self._message(native.decode_book(frame).data[0], received_ns)

    def read_loosely(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The same of a message with levels that cannot be read, which are left out and told.

        Raises MsgspecError or RemoteProtocolError where more than that is wrong.
        """
        _, data, left_out = _read_loosely(frame, self._read)
        events = self._message(data, received_ns)
        if left_out is None or not events:
            return events
        return (left_out.event(VENUE, self._subscription, received_ns), *events)

    def _message(self, data: native.BookData, received_ns: int) -> Sequence[Event]:
        sequence, ts = data.seqId, data.ts or 0
        if sequence is not None and sequence < self._last and ts < self._last_ts:
            return ()
        snapshot = BookSnapshot(
            venue=VENUE,
            symbol=self._symbol,
            bids=self._read.levels(data.bids),
            asks=self._read.levels(data.asks),
            depth=self._subscription.depth,
            venue_ns=None if data.ts is None else data.ts * _MILLI,
            received_ns=received_ns,
            sequence=sequence,
        )
        if sequence is not None:
            self._last, self._last_ts = sequence, ts
        return (*self._settle(received_ns), snapshot)


def _read_loosely(
    frame: bytes, reader: LevelReader
) -> tuple[str, native.BookData, LeftOutRows | None]:
    """The action and data of a message, and the levels of it that could not be read.

    Raises MsgspecError or RemoteProtocolError; a time or checksum that is odd is `None`.
    """
    message = native.decode_loose_frame(frame)
    if len(message.data) != 1:
        raise RemoteProtocolError(f"one message of a book was expected, was {len(message.data)}")
    data = native.decode_loose_book(message.data[0])

    def level(row: Raw) -> native.Row:
        read: native.Row = native.decode_level(row)
        reader.changes([read])
        return read

    asks, bids = read_rows(data.asks, level), read_rows(data.bids, level)
    plain = native.BookData(
        asks=asks.items,
        bids=bids.items,
        ts=_millis(data.ts),
        checksum=_checksum(data.checksum),
        seqId=native.decode_number(data.seqId),
        prevSeqId=native.decode_number(data.prevSeqId),
    )
    return native.decode_text(message.action), plain, joined(bids.left_out, asks.left_out)


def _millis(raw: Raw) -> int | None:
    try:
        instant_ns = plausible_ns((native.decode_number(raw) or 0) * _MILLI)
    except MsgspecError:
        return None
    return None if instant_ns is None else instant_ns // _MILLI


def _checksum(raw: Raw) -> int | None:
    try:
        checksum: int | None = native.decode_checksum(raw)
    except MsgspecError:
        return None
    return checksum
