"""The outbox: what waits to be written to an engine, numbered, in frozen batches, with sums.

Every event is accounted for at any moment: offered = acknowledged + dropped + waiting. A number is
given when an event is put, before anything can lose it. If the outbox is full, the event is
counted, and as soon as there is room an `OutboxDropped` takes that place in the stream, with a
number of its own. Nothing else leaves the outbox but by an acknowledgement.

At most one batch of a stream is being written, and it stays what it is until it is acknowledged.
So an engine cannot change the order of a stream, and a repeat has the same name and content.
All is pure: the time (in seconds, of any steady clock) is an argument.
"""

from collections import deque
from collections.abc import Sequence
from itertools import islice

from msgspec import Struct

from fluxum.errors import BadInput
from fluxum.sink.wire import Batch, OutboxDropped, Tally, encode_batch, encode_notice

__all__ = ["Outbox", "OutboxPolicy", "OutboxSums"]

_BATCHES_AT_ONCE = 256
_NOTICES_BYTES = 400  # no two notices are longer, but checkpoints


class OutboxPolicy(Struct, frozen=True, kw_only=True):
    """How much may wait, and what makes a batch.

    At most `events_max` events and `bytes_max` bytes of JSON wait, over all streams. A batch has
    at most `batch_events` events and `batch_bytes` bytes (or one longer event), and is written
    after `batch_s` at the latest. An event longer than `event_bytes_max` is dropped: engines refuse
    messages of more than a megabyte by default.
    """

    events_max: int = 100_000
    bytes_max: int = 64_000_000
    batch_events: int = 100
    batch_bytes: int = 64_000
    batch_s: float = 0.02
    event_bytes_max: int = 900_000

    def __post_init__(self) -> None:
        """Raise for a policy that makes no sense."""
        counts = (self.events_max, self.bytes_max, self.batch_events, self.batch_bytes)
        if min(counts) < 1 or self.events_max < 2 or self.event_bytes_max < 1 or self.batch_s < 0:
            raise BadInput(f"an outbox needs bounds of at least 1, events_max of 2, was {self}")


class OutboxSums(Struct, frozen=True, kw_only=True):
    """What became of the events of a stream: offered = acknowledged + dropped + waiting.

    `last` is the last number given; `notices` of them are the publisher's own.
    """

    stream: str
    last: int
    notices: int
    offered: int
    acknowledged: int
    dropped: int
    waiting: int

    @property
    def sums_close(self) -> bool:
        """Whether both sums close: of the events, and of the numbers."""
        return (
            self.offered == self.acknowledged + self.dropped + self.waiting
            and self.last == self.offered - self.dropped + self.notices
        )


class Outbox:
    """Events that wait for an engine; see the module."""

    def __init__(self, epoch: int, policy: OutboxPolicy | None = None) -> None:
        self.epoch = epoch
        self.policy = policy or OutboxPolicy()
        self.refilled: set[str] = set()
        """Streams that have lost events and go on; for the caller to read and clear."""
        self._streams: dict[str, _Waiting] = {}
        self._open: dict[str, _Waiting] = {}  # with events in no batch yet, the oldest first
        self._ready: dict[str, _Waiting] = {}  # with batches
        self._flight: list[_Waiting] = []
        self._count = 0
        self._bytes = 0

    # For the publisher

    def put(self, stream: str, line: bytes, now_s: float, now_ns: int = 0) -> None:
        """Offer an event, as JSON; never waits and never raises. `now_ns` is for notices."""
        held = self._streams.get(stream) or self._begin(stream)
        held.offered += 1
        policy, size = self.policy, len(line)
        room = policy.bytes_max - self._bytes
        is_short = size <= policy.event_bytes_max and size <= room
        if held.untold or not is_short or self._count >= policy.events_max:
            self._put_after_loss(held, line, now_s, now_ns)
            return
        lines = held.lines
        if lines and len(lines) < policy.batch_events - 1:
            held.size += size
            if held.size < policy.batch_bytes:  # nearly all are: it neither begins nor ends a batch
                lines.append(line)
                self._count += 1
                self._bytes += size
                return
            held.size -= size
        self._append(held, line, now_s)

    def put_all(self, stream: str, lines: Sequence[bytes], now_s: float, now_ns: int = 0) -> None:
        """Offer events of a stream in their order, as `put` does each."""
        held, policy = self._streams.get(stream) or self._begin(stream), self.policy
        size, count = sum(map(len, lines)), len(lines)
        is_plain = (
            held.lines
            and not held.untold
            and len(held.lines) + count < policy.batch_events
            and held.size + size < policy.batch_bytes
            and size <= policy.event_bytes_max  # each is, then
            and self._has_room(count, size)
        )
        if not is_plain:
            for line in lines:
                self.put(stream, line, now_s, now_ns)
            return
        held.offered += count
        held.lines += lines
        held.size += size
        self._count += count
        self._bytes += size

    def put_notice(self, stream: str, line: bytes, now_s: float) -> bool:
        """Put a notice of the publisher; returns whether there was room."""
        if not self._fits(line):
            return False
        self._note(self._streams.get(stream) or self._begin(stream), line, now_s)
        return True

    def tally(self, now_s: float, now_ns: int, turn: int = 0, turns: int = 1) -> None:
        """Put a `Tally` into every stream, where there is room, and what it has lost before it.

        With `turns` only into those whose turn it is: thousands need not be written at once.
        """
        for number, held in enumerate(self._streams.values()):
            if number % turns == turn and self._has_room(2, _NOTICES_BYTES):
                self._tally(held, now_s, now_ns, is_last=False)

    def close(self, now_s: float, now_ns: int) -> None:
        """Put the last `Tally` into every stream, beyond the bound if need be: two a stream."""
        for held in self._streams.values():
            self._tally(held, now_s, now_ns, is_last=True)
            self._seal(held)

    # For the writer

    def due_s(self, now_s: float) -> float | None:
        """Seconds until there is something to write; `None` if nothing waits."""
        if self._flight or self._ready:
            return 0.0
        for held in self._open.values():
            return max(0.0, held.since_s + self.policy.batch_s - now_s)
        return None

    def take(self, now_s: float) -> list[Batch]:
        """What to write: the first batch of each stream; the same again until `acknowledge`."""
        if not self._flight:
            for held in list(self._open.values()):
                is_enough = len(self._ready) >= _BATCHES_AT_ONCE
                if is_enough or held.since_s + self.policy.batch_s > now_s:
                    break
                self._seal(held)
            self._flight = list(islice(self._ready.values(), _BATCHES_AT_ONCE))
        return [held.batches[0][0] for held in self._flight]

    def acknowledge(self) -> None:
        """The engine has stored all that was taken."""
        for held in self._flight:
            batch, _ = held.batches.popleft()
            held.acknowledged += batch.count - batch.notices
            self._count -= batch.count
            self._bytes -= batch.size
            del self._ready[batch.stream]
            if held.batches:
                self._ready[batch.stream] = held  # behind the others
        self._flight = []

    # State

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self._count

    @property
    def waiting(self) -> int:
        """How many events and notices wait."""
        return self._count

    @property
    def waiting_bytes(self) -> int:
        """How many bytes of JSON wait."""
        return self._bytes

    def lag_s(self, now_s: float) -> float:
        """How long the oldest event has waited; 0 if none waits."""
        waiting = (held.waiting_since_s() for held in self._streams.values())
        return max((now_s - since_s for since_s in waiting if since_s is not None), default=0.0)

    def sums(self) -> list[OutboxSums]:
        """The sums of every stream."""
        return [held.sums() for held in self._streams.values()]

    # Pieces

    def _has_room(self, count: int, size: int) -> bool:
        policy = self.policy
        return self._count + count <= policy.events_max and self._bytes + size <= policy.bytes_max

    def _fits(self, line: bytes) -> bool:
        return len(line) <= self.policy.event_bytes_max and self._has_room(1, len(line))

    def _put_after_loss(self, held: "_Waiting", line: bytes, now_s: float, now_ns: int) -> None:
        """Put an event behind what stands for the lost ones, or lose it too."""
        lost = encode_notice(OutboxDropped(count=held.untold, sent_ns=now_ns))
        if held.untold and self._fits(line) and self._has_room(2, len(lost) + len(line)):
            self._tell(held, lost, now_s)
            self._append(held, line, now_s)
        else:
            held.dropped += 1
            held.untold += 1

    def _begin(self, stream: str) -> "_Waiting":
        held = self._streams[stream] = _Waiting(stream)
        return held

    def _append(self, held: "_Waiting", line: bytes, now_s: float, notices: int = 0) -> None:
        policy = self.policy
        size = len(line)
        if held.lines and held.size + size > policy.batch_bytes:
            self._seal(held)
        if not held.lines:
            held.since_s = now_s
            self._open[held.stream] = held
        held.lines.append(line)
        held.size += size
        held.notices_open += notices
        self._count += 1
        self._bytes += size
        if len(held.lines) >= policy.batch_events or held.size >= policy.batch_bytes:
            self._seal(held)

    def _note(self, held: "_Waiting", line: bytes, now_s: float) -> None:
        held.notices += 1
        self._append(held, line, now_s, notices=1)

    def _tell(self, held: "_Waiting", line: bytes, now_s: float) -> None:
        held.untold = 0
        self.refilled.add(held.stream)
        self._note(held, line, now_s)

    def _tally(self, held: "_Waiting", now_s: float, now_ns: int, *, is_last: bool) -> None:
        """Put a `Tally` into a stream, and what it has lost before it."""
        if held.untold:
            lost = OutboxDropped(count=held.untold, sent_ns=now_ns)
            self._tell(held, encode_notice(lost), now_s)
        since_s = held.waiting_since_s()
        tally = Tally(
            offered=held.offered,
            dropped=held.dropped,
            notices=held.notices,
            held_since_ns=None if since_s is None else now_ns - round((now_s - since_s) * 1e9),
            is_last=is_last,
            sent_ns=now_ns,
        )
        self._note(held, encode_notice(tally), now_s)

    def _seal(self, held: "_Waiting") -> None:
        """Make a batch of the events of a stream that are in none yet."""
        if held.lines:
            first = held.last + 1
            batch = encode_batch(held.stream, self.epoch, first, held.lines, held.notices_open)
            held.last += batch.count
            held.batches.append((batch, held.since_s))
            held.lines, held.size, held.notices_open = [], 0, 0
            del self._open[held.stream]
            self._ready.setdefault(held.stream, held)


class _Waiting:
    """One stream: its counts, its batches in order, and the events that are in none yet."""

    __slots__ = (
        "acknowledged",
        "batches",
        "dropped",
        "last",
        "lines",
        "notices",
        "notices_open",
        "offered",
        "since_s",
        "size",
        "stream",
        "untold",
    )

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self.last = 0  # the last number of the last batch
        self.notices = 0
        self.offered = self.acknowledged = self.dropped = 0
        self.untold = 0  # dropped since the last `OutboxDropped`
        self.batches: deque[tuple[Batch, float]] = deque()
        self.lines: list[bytes] = []
        self.notices_open = self.size = 0
        self.since_s = 0.0

    def waiting_since_s(self) -> float | None:
        """Since when the oldest event waits."""
        if self.batches:
            return self.batches[0][1]
        return self.since_s if self.lines else None

    def sums(self) -> OutboxSums:
        """The sums; what waits is counted where it waits."""
        sealed = sum(batch.count - batch.notices for batch, _ in self.batches)
        return OutboxSums(
            stream=self.stream,
            last=self.last + len(self.lines),
            notices=self.notices,
            offered=self.offered,
            acknowledged=self.acknowledged,
            dropped=self.dropped,
            waiting=sealed + len(self.lines) - self.notices_open,
        )
