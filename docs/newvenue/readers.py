"""The readers of one subscription's frames: those of a book, and those of trades."""

from collections.abc import Sequence

from fluxum.model.event import Channel, Event, Subscription
from fluxum.model.instrument import Symbol
from fluxum.venues.conversation import SequenceCounts
from fluxum.venues.rows import changes, decode_readable, with_left_out
from fluxum.venues.sequenced import BookSequence
from fluxum.venues.stream_readers import Acknowledge, RowCodec, RowReader, StreamReader
from newvenue import native, normalize
from newvenue.normalize import VENUE

__all__ = ["reader"]

_TRADES = RowCodec(
    lambda frame: native.decode_trades(frame).trades, native.raw_trades, native.decode_trade
)


def reader(
    subscription: Subscription, counts: SequenceCounts, acknowledge: Acknowledge
) -> StreamReader:
    """The reader of a subscription's frames."""
    symbol = subscription.symbol
    assert symbol is not None, subscription
    if subscription.channel is Channel.BOOK:
        return _BookReader(subscription, symbol, counts, acknowledge)
    return RowReader(
        VENUE,
        subscription,
        acknowledge,
        _TRADES,
        lambda row, received_ns: normalize.trade(row, symbol, received_ns),
    )


class _BookReader:
    """A book: a snapshot, then updates that each have the next number. Quote the rule's source."""

    def __init__(
        self,
        subscription: Subscription,
        symbol: Symbol,
        counts: SequenceCounts,
        acknowledge: Acknowledge,
    ) -> None:
        self._subscription = subscription
        self._symbol = symbol
        self._sequence = BookSequence(VENUE, subscription, counts)
        self._acknowledge = acknowledge

    def read(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """See StreamReader."""
        return self._events(native.decode_book(frame), received_ns)

    def read_loosely(self, frame: bytes, received_ns: int) -> Sequence[Event]:
        """See StreamReader."""
        wire, left_out = decode_readable(
            frame,
            native.decode_book,
            lambda row: changes([native.decode_level(row)]),
            ("bids", "asks"),
        )
        events = self._events(wire, received_ns)
        return with_left_out(events, left_out, VENUE, self._subscription, received_ns)

    def _events(self, wire: native.Book, received_ns: int) -> Sequence[Event]:
        """The events of a message; none between a gap and the next snapshot."""
        last, number = self._sequence.last, wire.number
        if wire.kind == "snapshot":
            depth = self._subscription.depth
            snapshot = normalize.snapshot(wire, self._symbol, depth, received_ns)
            self._sequence.begin(number)
            return [*self._acknowledge(received_ns), snapshot]
        if self._sequence.is_broken or (last is not None and number <= last):
            return ()
        if last is not None and number != last + 1:
            reason = f"number {last + 1} was expected, was {number}"
            venue_ns = normalize.instant(wire.time)
            return (self._sequence.gap(reason, last + 1, number, venue_ns, received_ns),)
        update = normalize.update(wire, self._symbol, received_ns)
        self._sequence.follow(number)  # only now: after one that cannot be read the next is a gap
        return (update,)
