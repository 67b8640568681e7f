"""Books as they are told: chained by their numbers, or whole each time.

A chained book begins with a snapshot; then each message names the one before
(https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel):
`prevSeqId` is the `seqId` told last. A message without levels whose numbers are equal says that
nothing changed for a minute, and after maintenance the numbers go on from a smaller one, still
linked. Everything else is a gap, but for the very last message coming twice. Numbers that look
old are no sign of a repetition, as they may be smaller after a gap with a reset in it.

Until 2023 there were no numbers but a checksum after each message; now the checksum is 0, which
stands for none. Levels get the text it needs only where there is one.
"""

from collections.abc import Callable, Sequence

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Desync, Event, Subscription
from fluxum.model.market import BookSnapshot, BookUpdate
from fluxum.venues.okx import native
from fluxum.venues.okx.levels import Reader, changes, levels, levels_with_text
from fluxum.venues.okx.normalize import VENUE
from fluxum.venues.venue import SequenceCounts

__all__ = ["ChainedBook", "Settle", "WholeBook"]

Settle = Callable[[int], Sequence[Event]]
"""Tells that data came, which answers the request for them as well as an acknowledgement."""

_MILLI = 1_000_000


class ChainedBook:
    """A snapshot, and updates each linked to the message before."""

    def __init__(
        self,
        subscription: Subscription,
        counts: SequenceCounts,
        settle: Settle,
    ) -> None:
        assert subscription.symbol is not None, subscription
        self._subscription = subscription
        self._symbol = subscription.symbol
        self._counts = counts
        self._settle = settle
        self._changes: Reader = changes
        self._last: int | None = None
        self._before_last: int | None = None
        self._is_broken = False

    def hear(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """What a message says, nothing between a gap and the next snapshot."""
        message = native.decode_book(frame)
        data = message.data[0]
        if message.action != "update":
            return self._snapshot(message.action, data, received_ns)
        if self._is_broken:
            return ()
        sequence = data.seqId
        checksum = data.checksum
        if sequence is not None:
            if self._last is not None and data.prevSeqId != self._last:
                return self._astray(data, received_ns)
            checksum = checksum or None  # since 23 June 2026 it is always 0
        update = BookUpdate(
            VENUE,
            self._symbol,
            self._changes(data.bids),
            self._changes(data.asks),
            data.ts * _MILLI,
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
        checksum = data.checksum
        if data.seqId is not None:
            checksum = checksum or None
        # Where the first message has no checksum the others have none either.
        whole, self._changes = (
            (levels, changes) if checksum is None else (levels_with_text, levels_with_text)
        )
        snapshot = BookSnapshot(
            venue=VENUE,
            symbol=self._symbol,
            bids=whole(data.bids),
            asks=whole(data.asks),
            depth=self._subscription.depth,
            venue_ns=data.ts * _MILLI,
            received_ns=received_ns,
            sequence=data.seqId,
            checksum=checksum,
        )
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
                venue_ns=data.ts * _MILLI,
                received_ns=received_ns,
            ),
        )


class WholeBook:
    """Messages that are whole each, so that none depends on another."""

    def __init__(self, subscription: Subscription, settle: Settle) -> None:
        assert subscription.symbol is not None, subscription
        self._symbol = subscription.symbol
        self._depth = subscription.depth
        self._settle = settle
        self._last = -1
        self._last_ts = -1

    def hear(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """The book, unless a later one was told."""
        data = native.decode_book(frame).data[0]
        sequence = data.seqId
        if sequence is not None and sequence < self._last and data.ts < self._last_ts:
            return ()
        snapshot = BookSnapshot(
            venue=VENUE,
            symbol=self._symbol,
            bids=levels(data.bids),
            asks=levels(data.asks),
            depth=self._depth,
            venue_ns=data.ts * _MILLI,
            received_ns=received_ns,
            sequence=sequence,
        )
        if sequence is not None:
            self._last, self._last_ts = sequence, data.ts
        return (*self._settle(received_ns), snapshot)
