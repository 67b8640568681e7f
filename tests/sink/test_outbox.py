"""The outbox in virtual time: sums by hand, and laws that hold whatever an engine does."""

from random import Random

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from fluxum.errors import BadInput
from fluxum.sink.outbox import Outbox, OutboxPolicy, OutboxSums
from fluxum.sink.wire import Batch, OutboxDropped, Tally, encode_notice
from memory_engine import lines_of

S, T = "venue/BTC-USD/trade", "venue/ETH-USD/trade"
MS = 0.001


def numbers(batch: Batch) -> list[int]:
    return list(range(batch.n, batch.n + batch.count))


def outbox(**bounds: float) -> Outbox:
    return Outbox(9, OutboxPolicy(**bounds))  # type: ignore[arg-type]


def test_a_batch_is_written_after_twenty_milliseconds() -> None:
    box = outbox()
    assert box.due_s(0.0) is None

    box.put(S, b"1", 0.0)
    box.put(S, b"2", 5 * MS)

    assert box.due_s(5 * MS) == pytest.approx(15 * MS)
    assert box.take(19 * MS) == []
    (batch,) = box.take(20 * MS)
    assert (batch.stream, batch.epoch, batch.n, batch.count) == (S, 9, 1, 2)
    assert lines_of(batch.payload) == [b"1", b"2"]


def test_a_full_batch_is_due_at_once() -> None:
    box = outbox(batch_events=3)

    for line in (b"1", b"2", b"3", b"4"):
        box.put(S, line, 0.0)

    assert box.due_s(0.0) == 0.0
    (batch,) = box.take(0.0)
    assert batch.count == 3


def test_no_more_batches_are_made_at_once_than_are_written_at_once() -> None:
    box = outbox()
    streams = [f"venue/COIN{number}-USD/trade" for number in range(300)]
    for stream in streams:
        box.put(stream, b"1", 0.0)

    first = box.take(1.0)
    box.put(streams[0], b"2", 1.0)  # of a batch that is under way
    box.put(streams[299], b"2", 1.0)  # of one that is not made yet
    box.acknowledge()
    second = box.take(1.0)

    assert [one.stream for one in first] == streams[:256]
    assert [one.stream for one in second] == streams[256:]
    assert [one.count for one in second] == [1] * 43 + [2]


def test_a_batch_has_no_more_bytes_than_its_bound_unless_one_event_has() -> None:
    box = outbox(batch_bytes=10)

    for line in (b"1" * 6, b"2" * 5, b"3" * 40, b"4"):
        box.put(S, line, 0.0)

    sizes: list[int] = []
    while batches := box.take(1.0):
        sizes += [one.size for one in batches]
        box.acknowledge()
    assert sizes == [6, 5, 40, 1]


def test_events_of_a_stream_are_put_together_as_one_by_one() -> None:
    random = Random(1)
    for _ in range(3_000):
        bounds = OutboxPolicy(
            events_max=random.randint(2, 12),
            bytes_max=random.randint(8, 60),
            batch_events=random.randint(1, 8),
            batch_bytes=random.randint(1, 40),
            event_bytes_max=10,
        )
        together, one_by_one = Outbox(9, bounds), Outbox(9, bounds)
        for number in range(12):
            stream, now_s = random.choice([S, T]), number * 10 * MS
            lines = [b"x" * random.choice([1, 4, 12]) for _ in range(random.randint(1, 4))]
            together.put_all(stream, lines, now_s, number)
            for line in lines:
                one_by_one.put(stream, line, now_s, number)
            if random.random() < 0.3:
                assert together.take(now_s) == one_by_one.take(now_s)
                together.acknowledge()
                one_by_one.acknowledge()
            assert states(together, now_s) == states(one_by_one, now_s)


def states(box: Outbox, now_s: float) -> object:
    """All that an outbox says of itself."""
    return (
        box.sums(),
        box.waiting,
        box.waiting_bytes,
        box.due_s(now_s),
        box.lag_s(1.0),
        box.refilled,
    )


def test_a_batch_that_was_tried_stays_what_it_was() -> None:
    box = outbox()
    box.put(S, b"1", 0.0)
    first = box.take(1.0)

    box.put(S, b"2", 1.0)

    assert box.take(9.0) == first
    box.acknowledge()
    (second,) = box.take(9.0)
    assert (second.n, lines_of(second.payload)) == (2, [b"2"])


def test_one_batch_of_a_stream_is_written_at_a_time() -> None:
    box = outbox(batch_events=1)
    for line in (b"1", b"2"):
        box.put(S, line, 0.0)
        box.put(T, line, 0.0)

    assert [(one.stream, one.n) for one in box.take(1.0)] == [(S, 1), (T, 1)]
    box.acknowledge()
    assert [(one.stream, one.n) for one in box.take(1.0)] == [(S, 2), (T, 2)]


def test_what_does_not_fit_is_counted_and_told_at_its_place_with_a_number() -> None:
    box = outbox(events_max=2)
    for line in (b"1", b"2", b"3", b"4", b"5"):
        box.put(S, line, 0.0)
    assert box.sums() == [
        OutboxSums(stream=S, last=2, notices=0, offered=5, acknowledged=0, dropped=3, waiting=2)
    ]

    (held,) = box.take(1.0)
    assert numbers(held) == [1, 2]
    box.acknowledge()
    box.put(S, b"6", 2.0, 77)

    (batch,) = box.take(3.0)
    assert numbers(batch) == [3, 4]
    assert lines_of(batch.payload) == [encode_notice(OutboxDropped(count=3, sent_ns=77)), b"6"]
    assert box.refilled == {S}
    assert box.sums() == [
        OutboxSums(stream=S, last=4, notices=1, offered=6, acknowledged=2, dropped=3, waiting=1)
    ]


def test_the_bound_in_bytes_is_kept() -> None:
    box = outbox(bytes_max=10)

    for line in (b"1" * 6, b"2" * 5, b"3" * 4):
        box.put(S, line, 0.0)

    assert box.waiting_bytes == 6  # the last would fit, but not with the notice before it
    assert box.sums()[0].dropped == 2


def test_an_event_longer_than_an_engine_takes_is_dropped() -> None:
    box = outbox(event_bytes_max=5)

    box.put(S, b"123456", 0.0)
    box.put(S, b"1", 0.0)

    (batch,) = box.take(1.0)
    assert lines_of(batch.payload)[0] == encode_notice(OutboxDropped(count=1, sent_ns=0))
    assert not box.put_notice(S, b"123456", 0.0)


def test_a_tally_has_the_sums_before_it() -> None:
    box = outbox()
    box.put(S, b"1", 1.0)
    box.tally(2.0, 50_000_000_000)
    box.close(3.0, 51_000_000_000)

    (batch,) = box.take(3.0)

    first = Tally(
        offered=1, dropped=0, notices=0, held_since_ns=49_000_000_000, sent_ns=50_000_000_000
    )
    last = Tally(
        offered=1,
        dropped=0,
        notices=1,
        held_since_ns=49_000_000_000,
        is_last=True,
        sent_ns=51_000_000_000,
    )
    assert lines_of(batch.payload) == [b"1", encode_notice(first), encode_notice(last)]
    assert batch.notices == 2


def test_the_end_is_told_beyond_the_bound_and_what_was_dropped_before_it() -> None:
    box = outbox(events_max=2)
    for line in (b"1", b"2", b"3"):
        box.put(S, line, 0.0)

    box.tally(0.0, 5)
    box.close(0.0, 5)

    lines: list[bytes] = []
    while batches := box.take(0.0):
        lines += [line for one in batches for line in lines_of(one.payload)]
        box.acknowledge()
    last = Tally(offered=3, dropped=1, notices=1, held_since_ns=5, is_last=True, sent_ns=5)
    assert lines == [
        b"1",
        b"2",
        encode_notice(OutboxDropped(count=1, sent_ns=5)),
        encode_notice(last),
    ]
    assert box.is_empty


def test_bounds_that_make_no_sense_are_refused() -> None:
    for wrong in ({"events_max": 1}, {"bytes_max": 0}, {"batch_events": 0}, {"batch_s": -1.0}):
        with pytest.raises(BadInput):
            outbox(**wrong)


class OutboxLaws(RuleBasedStateMachine):
    """Whatever is put, refused, repeated and acknowledged, every number and event is explained."""

    @initialize(
        events_max=st.integers(2, 12), bytes_max=st.integers(1, 800), batch=st.integers(1, 5)
    )
    def begin(self, events_max: int, bytes_max: int, batch: int) -> None:
        self.box = outbox(events_max=events_max, bytes_max=bytes_max, batch_events=batch)
        self.now_s = 0.0
        self.offered = {S: 0, T: 0}
        self.arrived: dict[str, list[bytes]] = {S: [], T: []}
        self.tried: list[Batch] = []

    @rule(stream=st.sampled_from([S, T]), size=st.integers(1, 9))
    def put(self, stream: str, size: int) -> None:
        self.offered[stream] += 1
        self.box.put(stream, b"1" * size, self.now_s)

    @rule(stream=st.sampled_from([S, T]))
    def notice(self, stream: str) -> None:
        self.box.put_notice(stream, b'{"type":"x"}', self.now_s)

    @rule()
    def tally(self) -> None:
        self.box.tally(self.now_s, 1)

    @rule(by_s=st.sampled_from([0.001, 0.02, 5.0]))
    def wait(self, by_s: float) -> None:
        self.now_s += by_s

    @rule()
    def fail(self) -> None:
        taken = self.box.take(self.now_s)
        assert not self.tried or taken == self.tried
        self.tried = taken

    @rule()
    def acknowledge(self) -> None:
        self.fail()
        for batch in self.tried:
            assert batch.n == len(self.arrived[batch.stream]) + 1
            self.arrived[batch.stream] += lines_of(batch.payload)
        self.box.acknowledge()
        self.tried = []

    @invariant()
    def sums_close(self) -> None:
        for one in self.box.sums():
            assert one.sums_close
            assert one.offered == self.offered[one.stream]
            events = [line for line in self.arrived[one.stream] if not line.startswith(b"{")]
            assert one.acknowledged == len(events)

    @invariant()
    def bounds_are_kept(self) -> None:
        assert self.box.waiting <= self.box.policy.events_max
        assert self.box.waiting_bytes <= self.box.policy.bytes_max

    def teardown(self) -> None:
        if not hasattr(self, "box"):
            return
        self.box.close(self.now_s, 1)
        while not self.box.is_empty:
            self.now_s += 1.0
            self.acknowledge()
        for one in self.box.sums():
            lines = self.arrived[one.stream]
            told = sum(
                int(line.partition(b'"count":')[2].partition(b",")[0])
                for line in lines
                if b"outbox_dropped" in line
            )
            events = sum(not line.startswith(b"{") for line in lines)
            assert events + told == self.offered[one.stream]
            assert b'"is_last":true' in lines[-1]


TestOutboxLaws = OutboxLaws.TestCase
