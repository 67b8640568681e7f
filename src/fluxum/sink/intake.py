"""A reader's half of the numbering: batches in, events out, and every number explained.

A number that did not come is a `Gap` with the cause `ENGINE`, before any newer event of its stream.
A new run of the publisher is a gap of unknown size, as nothing was published between the two; its
detail differs if the old run had ended without its last tally. Repeats are skipped. Events of an
older run that come after those of a newer one are counted, and not delivered.
"""

from collections import deque

from msgspec import Struct

from fluxum.errors import RemoteProtocolError
from fluxum.model.event import (
    Dropped,
    Event,
    Gap,
    GapCause,
    LinkLost,
    Rejected,
    Repair,
)
from fluxum.sink.mirror import Mirrors
from fluxum.sink.names import StreamName
from fluxum.sink.sums import StreamSums, compare
from fluxum.sink.wire import Checkpoint, Envelope, Item, OutboxDropped, Tally, read_envelope

__all__ = ["Intake", "SubscriberStatistics"]

_RUNS_KEPT = 10_000
_SAMPLE = 200


class SubscriberStatistics(Struct, frozen=True, kw_only=True):
    """A reader's counts at one moment.

    `events = delivered + withheld` were a publisher's; `own` events were made here: gaps, drops of
    the outbox, desyncs. `numbers` were received or missing: `numbers = events + notices + missing`.
    `unreadable` payloads were no batches. `streams` are the sums of each stream and run, ended ones
    first, the last 10,000 of these. `checkpoints_passed` books were equal to the publisher's.
    """

    batches: int
    numbers: int
    events: int
    delivered: int
    withheld: int
    own: int
    notices: int
    dropped: int
    missing: int
    repeats: int
    superseded: int
    unreadable: int
    checkpoints_passed: int
    checkpoints_failed: int
    reconnects: int
    streams: tuple[StreamSums, ...]

    @property
    def sums_close(self) -> bool:
        """Whether all of these sums close, and those of every stream."""
        return (
            self.events == self.delivered + self.withheld
            and self.numbers == self.events + self.notices + self.missing
            and all(one.sums_close for one in self.streams)
        )


class Intake:
    """Takes batches; see the module.

    If `is_whole`, the reader wants all that was ever published: if the engine has nothing before
    some number, that is a gap. Otherwise the reader joined at `joined_ns`: a run that had begun
    before is taken where it is, one that begins later has to begin with number 1.
    """

    def __init__(self, *, is_whole: bool, joined_ns: int) -> None:
        self.mirrors = Mirrors()
        self._joined_ns = joined_ns
        self._is_whole = is_whole
        self._streams: dict[str, _Stream] = {}
        self._ended: deque[StreamSums] = deque(maxlen=_RUNS_KEPT)
        self._batches = self._unreadable = self._own = self._delivered = 0
        self._past = StreamSums(stream="", epoch=0)  # of runs that are not kept any more

    def take(self, payload: bytes, now_ns: int) -> list[Event]:
        """The events of a payload, each after the gaps before it."""
        self._batches += 1
        try:
            envelope = read_envelope(payload)
            stream = self._streams.get(envelope.stream) or self._open(envelope)
        except (RemoteProtocolError, ValueError) as error:
            self._unreadable += 1
            self._own += 1
            sample = payload[:_SAMPLE].decode("utf-8", "replace")
            return [Rejected(venue="", reason=str(error), sample=sample, received_ns=now_ns)]
        events: list[Event] = []
        if self._is_whole and stream.sums.last == stream.sums.before > 0:
            before = stream.sums.before
            detail = f"the engine has nothing before number {before + 1}"
            events += self._lose(stream, before, detail, now_ns)
        if envelope.epoch > stream.sums.epoch:
            events += self._begin_run(stream, envelope.epoch, now_ns)
        elif envelope.epoch < stream.sums.epoch:
            stream.sums.superseded += envelope.count
            return []
        sums = stream.sums
        if envelope.n > sums.last + 1:
            count = envelope.n - sums.last - 1
            sums.missing += count
            sums.last = envelope.n - 1
            events += self._lose(stream, count, f"{count} numbers are missing", now_ns)
        skipped = min(sums.last + 1 - envelope.n, envelope.count)
        sums.repeats += skipped
        for item in envelope.events[skipped:]:
            sums.last += 1
            events += self._item(stream, item, now_ns)
        return events

    def statistics(self, reconnects: int = 0) -> SubscriberStatistics:
        """All counts so far."""
        streams = (*self._ended, *(one.sums for one in self._streams.values()))
        every = (self._past, *streams)
        return SubscriberStatistics(
            batches=self._batches,
            numbers=sum(one.last - one.before for one in every),
            events=sum(one.events for one in every),
            delivered=self._delivered,
            withheld=sum(one.withheld for one in every),
            own=self._own,
            notices=sum(one.notices for one in every),
            dropped=sum(one.dropped for one in every),
            missing=sum(one.missing for one in every),
            repeats=sum(one.repeats for one in every),
            superseded=sum(one.superseded for one in every),
            unreadable=self._unreadable,
            checkpoints_passed=self.mirrors.checkpoints_passed,
            checkpoints_failed=self.mirrors.checkpoints_failed,
            reconnects=reconnects,
            streams=streams,
        )

    def _open(self, envelope: Envelope) -> "_Stream":
        is_due = not self._is_whole and envelope.epoch > self._joined_ns
        before = 0 if is_due else envelope.n - 1
        sums = StreamSums(stream=envelope.stream, epoch=envelope.epoch, before=before, last=before)
        stream = _Stream(StreamName.parse(envelope.stream), sums)
        self._streams[envelope.stream] = stream
        return stream

    def _begin_run(self, stream: "_Stream", epoch: int, now_ns: int) -> list[Event]:
        old = stream.sums
        detail = "the publisher was started again"
        if not old.is_closed:
            detail = "the publisher ended without its last tally, and was started again"
        if len(self._ended) == _RUNS_KEPT:
            _add(self._past, self._ended[0])
        self._ended.append(old)
        stream.sums = StreamSums(stream=old.stream, epoch=epoch)
        return self._lose(stream, None, detail, now_ns)

    def _item(self, stream: "_Stream", item: Item, now_ns: int) -> list[Event]:
        sums, name = stream.sums, stream.name
        match item:
            case Tally():
                compare(sums, item)
                sums.notices += 1
                stream.since_ns = item.sent_ns
                return []
            case OutboxDropped():
                sums.notices += 1
                sums.dropped += item.count
                lost = Dropped(venue=name.venue, count=item.count, received_ns=now_ns)
                self._own += 1
                detail = f"the outbox dropped {item.count} events"
                return [lost, *self._lose_book(stream, item.count, detail, now_ns)]
            case Checkpoint():
                sums.notices += 1
                made = self.mirrors.follow(name, item, now_ns)
                self._own += len(made)
                return list(made)
            case _:
                sums.events += 1
                stream.since_ns = item.received_ns
                return self._event(stream, item, now_ns)

    def _event(self, stream: "_Stream", event: Event, now_ns: int) -> list[Event]:
        if not stream.is_book:
            self._delivered += 1
            return [event]
        found = list(self.mirrors.follow(stream.name, event, now_ns))
        is_delivered = any(one is event for one in found)
        self._delivered += is_delivered
        stream.sums.withheld += not is_delivered
        self._own += len(found) - is_delivered
        return found

    def _lose(
        self, stream: "_Stream", missing: int | None, detail: str, now_ns: int
    ) -> list[Event]:
        """What a reader gets for numbers that did not come."""
        venue = stream.name.venue
        if stream.is_book:
            return self._lose_book(stream, missing, detail, now_ns)
        self._own += 1
        if stream.name.subscription is not None:
            return [self._gap(stream, missing, detail, now_ns)]
        if missing is None:
            return [LinkLost(venue=venue, link="publisher", reason=detail, received_ns=now_ns)]
        return [Dropped(venue=venue, count=missing, received_ns=now_ns)]

    def _lose_book(
        self, stream: "_Stream", missing: int | None, detail: str, now_ns: int
    ) -> list[Event]:
        if not stream.is_book:
            return []
        events = self.mirrors.lose(stream.name, self._gap(stream, missing, detail, now_ns))
        self._own += len(events)
        return events

    def _gap(self, stream: "_Stream", missing: int | None, detail: str, now_ns: int) -> Gap:
        assert stream.name.subscription is not None
        return Gap(
            venue=stream.name.venue,
            subscription=stream.name.subscription,
            cause=GapCause.ENGINE,
            repair=Repair.LOST,
            since_ns=stream.since_ns or now_ns,
            until_ns=now_ns,
            missing=missing,
            detail=detail,
            received_ns=now_ns,
        )


class _Stream:
    """A stream: its name, the sums of its present run, and when its last event was received."""

    def __init__(self, name: StreamName, sums: StreamSums) -> None:
        self.name = name
        self.sums = sums
        self.since_ns = 0
        self.is_book = name.is_book


def _add(total: StreamSums, one: StreamSums) -> None:
    total.last += one.last - one.before
    total.events += one.events
    total.withheld += one.withheld
    total.notices += one.notices
    total.dropped += one.dropped
    total.missing += one.missing
    total.repeats += one.repeats
    total.superseded += one.superseded
