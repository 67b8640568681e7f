"""What is written to an engine: batches of numbered events as JSON, the same for every engine.

    {"stream": "VENUE/BTC-USD/trade", "epoch": 1795636966734432000, "n": 4711, "count": 3,
     "events": [...]}

`epoch` is when the publisher began (nanoseconds), `n` the number of the first event. Numbers are
counted from 1 in each stream and epoch, without gaps. Besides the events of a session there are
three notices, made by the publisher: `Tally`, `Checkpoint` and `OutboxDropped`. They have numbers.
"""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

import msgspec
from msgspec import Struct

from fluxum.book.level3 import OrderLadder
from fluxum.book.proof import BookStatus
from fluxum.errors import BadInput, RemoteProtocolError
from fluxum.model.codec import decoder, encode_with_text
from fluxum.model.event import Event
from fluxum.model.market import BookSnapshot, BookUpdate, Level3Snapshot, RestingOrder

__all__ = [
    "Batch",
    "Checkpoint",
    "Envelope",
    "Item",
    "Notice",
    "OutboxDropped",
    "Tally",
    "encode_batch",
    "encode_event_line",
    "encode_notice",
    "events_of",
    "orders_of",
    "read_envelope",
]


class Tally(Struct, frozen=True, kw_only=True, tag="tally"):
    """The publisher's sums of a stream, before this notice.

    `offered` events came from the session, `dropped` of them did not fit into the outbox, and
    `notices` were numbered besides. `held_since_ns` is since when the oldest event waits in the
    outbox, `None` if none does. After the last one, `is_last`, nothing of this epoch follows.
    """

    offered: int
    dropped: int
    notices: int
    held_since_ns: int | None = None
    is_last: bool = False
    sent_ns: int


class OutboxDropped(Struct, frozen=True, kw_only=True, tag="outbox_dropped"):
    """The outbox was full and lost `count` events at this place."""

    count: int
    sent_ns: int


class Checkpoint(Struct, frozen=True, kw_only=True, tag="checkpoint"):
    """The publisher's book at this place of its stream, and how far it can be trusted.

    A reader begins with it, and compares its own book to it. `bid_floor` and `ask_ceiling` are the
    worst prices known if the venue's snapshot was cut; `None` if it was whole.
    """

    book: BookSnapshot | Level3Snapshot
    status: BookStatus
    reason: str
    generation: int
    checks: int
    bid_floor: Decimal | None = None
    ask_ceiling: Decimal | None = None
    sent_ns: int


Notice = Tally | OutboxDropped | Checkpoint
Item = Event | Notice


class Envelope(Struct, frozen=True):
    """A batch as a reader has it."""

    stream: str
    epoch: int
    n: int
    count: int
    events: Sequence[Item]


class Batch(Struct, frozen=True):
    """A batch as an engine writes it; it never changes, so that a repeat is the same again.

    `size` is the length of its events, `notices` how many of `count` are notices.
    """

    stream: str
    epoch: int
    n: int
    count: int
    notices: int
    size: int
    payload: bytes

    @property
    def key(self) -> str:
        """The name of the batch: an engine that has stored it stores it no second time."""
        return f"{self.stream}.{self.epoch}.{self.n}"


encode_event_line: Callable[[Event], bytes] = encode_with_text
"""An event as JSON: with the text of its levels, which checksums are computed from."""


def encode_notice(notice: Notice) -> bytes:
    """A notice as JSON."""
    return _encode(notice)


def encode_batch(stream: str, epoch: int, n: int, lines: Sequence[bytes], notices: int) -> Batch:
    """A batch of events that are JSON already, the first of them number `n`."""
    head = b'{"stream":%b,"epoch":%d,"n":%d,"count":%d,"events":[' % (
        _encode(stream),
        epoch,
        n,
        len(lines),
    )
    payload = b"".join((head, b",".join(lines), b"]}"))
    return Batch(stream, epoch, n, len(lines), notices, sum(map(len, lines)), payload)


def read_envelope(payload: bytes) -> Envelope:
    """The batch of a payload; raises RemoteProtocolError that shows its beginning."""
    try:
        envelope = _decode(payload)
    except (msgspec.MsgspecError, BadInput) as error:
        raise RemoteProtocolError(
            f"a batch of events was expected ({error}), was {payload[:80]!r}"
        ) from error
    if envelope.n < 1 or envelope.count != len(envelope.events) or not envelope.count:
        raise RemoteProtocolError(
            f"a batch of {envelope.count} events from number {envelope.n} of "
            f"{envelope.stream} has {len(envelope.events)}"
        )
    for at, event in enumerate(envelope.events):
        if isinstance(event, BookUpdate):  # a sequence of levels is read as a list
            whole = msgspec.structs.replace(event, bids=tuple(event.bids), asks=tuple(event.asks))
            envelope.events[at] = whole  # type: ignore[index]  # it is the list just read
    return envelope


def orders_of(ladder: OrderLadder) -> Iterator[RestingOrder]:
    """The single orders of a side as snapshots have them: best level first, in queue order."""
    return (order for queue in ladder.queues() for order in queue)


def events_of(payload: bytes) -> bytes:
    """The events of a batch as one JSON array; for engines with a row for each."""
    return payload[payload.index(_EVENTS) + len(_EVENTS) : -1]


# No name has this in it: a quote within a JSON string is escaped.
_EVENTS = b'"events":'
_encode = msgspec.json.Encoder(enc_hook=str).encode  # a symbol is text
_decode = decoder(Envelope)
