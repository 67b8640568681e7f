"""The numbers of books, rule by rule.

https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel
"""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from msgspec import MsgspecError

from fluxum.book.book import Book
from fluxum.book.keeper import BookKeeper, Verdict
from fluxum.errors import RemoteProtocolError
from fluxum.model.event import Channel, Desync, Event, LeftOut, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Level
from fluxum.venues.okx.books import ChainedBook, WholeBook
from fluxum.venues.okx.checksum import DEPTH_PROVED, book_checksum
from fluxum.venues.venue import SequenceCounts

BTC = Symbol("BTC/USDT")
BOOK = Subscription(Channel.BOOK, BTC, 400)
NOW = 1_700_000_000_000_000_000
TS = 1_597_026_383_085

Rows = Sequence[tuple[str, str]]


def frame(
    before: int | None,
    number: int | None,
    *,
    action: str = "update",
    bids: Rows = (),
    asks: Rows = (),
    ts: int = TS,
    checksum: int | None = 0,
) -> bytes:
    data: dict[str, Any] = {
        "asks": [[price, size, "0", "1"] for price, size in asks],
        "bids": [[price, size, "0", "1"] for price, size in bids],
        "ts": str(ts),
    }
    optional = {"checksum": checksum, "prevSeqId": before, "seqId": number}
    data.update({name: value for name, value in optional.items() if value is not None})
    arg = {"channel": "books", "instId": "BTC-USDT"}
    named = {"action": action} if action else {}
    return json.dumps({"arg": arg, **named, "data": [data]}).encode()


class Feed:
    """A book and what it counted."""

    def __init__(self) -> None:
        self.counts = SequenceCounts()
        self.acknowledged = 0
        self.book = ChainedBook(BOOK, self.counts, self.acknowledge)

    def acknowledge(self, received_ns: int) -> Sequence[Event]:
        self.acknowledged += 1
        return ()

    def read_message(self, before: int | None, number: int | None, **more: Any) -> Sequence[Event]:
        return self.book.read(frame(before, number, **more), NOW)

    def loosely(self, before: int | None, number: int | None, **more: Any) -> Sequence[Event]:
        return self.book.read_loosely(frame(before, number, **more), NOW)

    def snapshot(self, number: int | None = 10, **more: Any) -> BookSnapshot:
        before = None if number is None else -1
        (event,) = self.read_message(before, number, action="snapshot", **more)
        assert isinstance(event, BookSnapshot)
        return event


def numbers(events: Sequence[Event]) -> list[int | None]:
    assert all(isinstance(event, BookUpdate) for event in events), events
    return [event.sequence for event in events if isinstance(event, BookUpdate)]


def test_the_published_example_is_one_unbroken_chain() -> None:
    """Snapshot, update, nothing for a minute, numbers begun anew after maintenance, update."""
    feed = Feed()

    assert feed.snapshot(10).sequence == 10
    assert numbers(feed.read_message(10, 15)) == [15]
    assert numbers(feed.read_message(15, 15)) == [15]
    assert numbers(feed.read_message(15, 3)) == [3]
    assert numbers(feed.read_message(3, 5)) == [5]
    assert feed.counts == SequenceCounts(steps=4, breaks=0)
    assert feed.acknowledged == 1


def test_a_gap_stands_in_place_of_its_update_and_nothing_follows_until_a_snapshot() -> None:
    feed = Feed()
    feed.snapshot(10)

    assert feed.read_message(12, 15) == (
        Desync(
            venue="okx",
            subscription=BOOK,
            generation=0,
            reason="prevSeqId 10 was expected, was 12",
            expected=10,
            computed=12,
            venue_ns=TS * 1_000_000,
            received_ns=NOW,
        ),
    )
    assert feed.read_message(15, 16) == ()
    assert feed.read_message(10, 12) == ()
    assert feed.counts == SequenceCounts(steps=0, breaks=1)
    feed.snapshot(20)
    assert numbers(feed.read_message(20, 21)) == [21]


def test_after_an_update_that_cannot_be_read_the_next_is_a_gap() -> None:
    feed = Feed()
    feed.snapshot(10)
    with pytest.raises(RemoteProtocolError):
        feed.read_message(10, 11, asks=[("NaN", "1")])

    (event,) = feed.read_message(11, 12)

    assert isinstance(event, Desync)
    assert feed.counts == SequenceCounts(steps=0, breaks=1)


def test_the_last_message_once_more_is_passed_over() -> None:
    feed = Feed()
    feed.snapshot(10)
    feed.read_message(10, 15)

    assert feed.read_message(10, 15) == ()
    assert numbers(feed.read_message(15, 16)) == [16]
    assert feed.counts == SequenceCounts(steps=2, breaks=0)


def test_the_last_number_after_another_message_than_before_is_a_gap() -> None:
    """The number alone says nothing: after a reset it may have been given out again."""
    feed = Feed()
    feed.snapshot(10)
    feed.read_message(10, 15)

    (event,) = feed.read_message(12, 15, bids=[("2", "5")])

    assert isinstance(event, Desync)
    assert (event.expected, event.computed) == (15, 12)
    assert feed.counts == SequenceCounts(steps=1, breaks=1)


def test_small_numbers_after_a_lost_reset_are_a_gap_and_not_old() -> None:
    feed = Feed()
    feed.snapshot(15)

    (event,) = feed.read_message(3, 5)  # 15 to 3 was lost

    assert isinstance(event, Desync)


def test_a_message_that_came_too_late_is_a_gap() -> None:
    feed = Feed()
    feed.snapshot(10)
    feed.read_message(10, 11)
    feed.read_message(11, 12)

    (event,) = feed.read_message(10, 11)

    assert isinstance(event, Desync)


def test_links_count_before_any_snapshot_as_on_a_tape_that_begins_late() -> None:
    feed = Feed()

    assert numbers(feed.read_message(7, 10)) == [10]
    assert numbers(feed.read_message(10, 11)) == [11]
    assert feed.counts == SequenceCounts(steps=1, breaks=0)


def test_a_snapshot_begins_anew_wherever_the_chain_was() -> None:
    feed = Feed()
    feed.snapshot(10)
    feed.read_message(10, 12)
    feed.snapshot(11)

    assert numbers(feed.read_message(11, 13)) == [13]
    assert feed.counts.breaks == 0


def test_a_snapshot_has_the_depth_that_was_requested_and_best_levels_first() -> None:
    snapshot = Feed().snapshot(10, bids=[("2", "5"), ("1.5", "6")], asks=[("3", "7")])

    assert snapshot.depth == 400
    assert snapshot.cut_at is None
    assert snapshot.bids == (
        Level(Decimal(2), Decimal(5), 1),
        Level(Decimal("1.5"), Decimal(6), 1),
    )
    assert snapshot.venue_ns == TS * 1_000_000


def test_a_checksum_of_zero_is_none_and_costs_no_text() -> None:
    feed = Feed()
    snapshot = feed.snapshot(10, bids=[("2", "5")])
    (update,) = feed.read_message(10, 11, bids=[("2", "6")])

    assert isinstance(update, BookUpdate)
    assert (snapshot.checksum, update.checksum) == (None, None)
    assert snapshot.bids[0].text == update.bids[0].text == b""


def test_numbers_and_a_checksum_are_both_verified() -> None:
    """One bid of 2 at 1.0: the CRC32 of `1.0:2` is -744762289."""
    keeper = BookKeeper("okx", Book, book_checksum, DEPTH_PROVED)
    feed = Feed()
    snapshot = feed.snapshot(10, bids=[("1.0", "2")], checksum=-744762289)

    assert keeper.snapshot(snapshot) is Verdict.RESTORED
    (update,) = feed.read_message(10, 11, bids=[("1.0", "3")], checksum=5)
    assert isinstance(update, BookUpdate)
    assert (update.sequence, update.checksum) == (11, 5)
    assert keeper.update(update) is Verdict.FAILED


def test_recordings_without_numbers_have_a_checksum_that_may_be_zero() -> None:
    """Nothing at all is summed up to zero."""
    keeper = BookKeeper("okx", Book, book_checksum, DEPTH_PROVED)
    feed = Feed()

    assert keeper.snapshot(feed.snapshot(None, checksum=0)) is Verdict.RESTORED
    (update,) = feed.read_message(None, None, bids=[("1.0", "2")], checksum=-744762289)
    assert isinstance(update, BookUpdate)
    assert update.sequence is None
    assert keeper.update(update) is Verdict.PASSED


@pytest.mark.parametrize("action", ["", "partial"])
def test_a_chained_book_names_its_action(action: str) -> None:
    with pytest.raises(RemoteProtocolError, match="a snapshot or update was expected"):
        Feed().read_message(1, 2, action=action)


# Messages that do not fit


def test_a_level_that_cannot_be_read_is_left_out_of_an_update_and_counted() -> None:
    feed = Feed()
    feed.snapshot(10)

    left_out, update = feed.loosely(10, 11, bids=[("2", "5"), ("0.-10000", "1")], asks=[("3", "1")])

    assert isinstance(left_out, LeftOut)
    assert (left_out.subscription, left_out.count) == (BOOK, 1)
    assert "0.-10000" in left_out.sample
    assert isinstance(update, BookUpdate)
    assert update.bids == (Level(Decimal(2), Decimal(5), 1),)
    assert update.asks == (Level(Decimal(3), Decimal(1), 1),)
    assert numbers(feed.read_message(11, 12)) == [12]


def test_a_level_that_cannot_be_read_is_left_out_of_a_snapshot_and_counted() -> None:
    feed = Feed()

    left_out, snapshot = feed.loosely(
        -1, 10, action="snapshot", bids=[("2", "x"), ("1", "4")], asks=[("-3", "1")]
    )

    assert isinstance(left_out, LeftOut)
    assert left_out.count == 2
    assert isinstance(snapshot, BookSnapshot)
    assert (snapshot.bids, snapshot.asks) == ((Level(Decimal(1), Decimal(4), 1),), ())
    assert numbers(feed.read_message(10, 11)) == [11]


@pytest.mark.parametrize(
    "odd",
    [{"seqId": "x"}, {"prevSeqId": [1]}, {"asks": None}, {"bids": 7}, {"seqId": -5}],
)
def test_a_message_without_its_numbers_is_not_applied_and_the_next_is_a_gap(
    odd: dict[str, Any],
) -> None:
    feed = Feed()
    feed.snapshot(10)
    message = json.loads(frame(10, 11))
    message["data"][0].update(odd)

    with pytest.raises((MsgspecError, RemoteProtocolError)):
        feed.book.read_loosely(json.dumps(message).encode(), NOW)

    assert isinstance(feed.read_message(11, 12)[0], Desync)


def test_an_update_without_a_number_in_a_numbered_book_is_not_applied() -> None:
    feed = Feed()
    feed.snapshot(10)

    with pytest.raises(RemoteProtocolError, match="a seqId was expected"):
        feed.read_message(None, None, bids=[("2", "5")])


@pytest.mark.parametrize("ts", ["x", "0", "99999999999999999999", None, -1])
def test_a_time_that_is_none_costs_no_message(ts: object) -> None:
    feed = Feed()
    feed.snapshot(10)
    message = json.loads(frame(10, 11))
    message["data"][0]["ts"] = ts

    (update,) = feed.book.read_loosely(json.dumps(message).encode(), NOW)

    assert isinstance(update, BookUpdate)
    assert (update.venue_ns, update.sequence) == (None, 11)


def test_a_side_that_is_left_out_has_no_changes() -> None:
    feed = Feed()
    feed.snapshot(10)
    message = json.loads(frame(10, 11, bids=[("2", "5")]))
    del message["data"][0]["asks"]

    (update,) = feed.book.read(json.dumps(message).encode(), NOW)

    assert isinstance(update, BookUpdate)
    assert (len(update.bids), update.asks) == (1, ())


# Whole books


def test_a_level_that_cannot_be_read_is_left_out_of_a_whole_book() -> None:
    message = frame(None, 9, action="", bids=[("2", "5"), ("x", "1")], checksum=None)

    left_out, snapshot = whole().read_loosely(message, NOW)

    assert isinstance(left_out, LeftOut)
    assert isinstance(snapshot, BookSnapshot)
    assert snapshot.bids == (Level(Decimal(2), Decimal(5), 1),)


def whole() -> WholeBook:
    def acknowledge(received_ns: int) -> Sequence[Event]:
        return ()

    return WholeBook(Subscription(Channel.BOOK, BTC, 5), acknowledge)


def test_every_message_of_a_whole_book_is_a_snapshot() -> None:
    book = whole()

    for number in (7, 9):
        (event,) = book.read(frame(None, number, action="", checksum=None), NOW)
        assert isinstance(event, BookSnapshot)
        assert (event.depth, event.sequence, event.checksum) == (5, number, None)


def test_an_older_whole_book_is_passed_over_and_the_same_one_is_not() -> None:
    """Asked for again, a quiet book comes with the number it had."""
    book = whole()
    book.read(frame(None, 9, action="", ts=TS + 5), NOW)

    assert book.read(frame(None, 7, action="", ts=TS), NOW) == ()
    assert len(book.read(frame(None, 9, action="", ts=TS + 5), NOW)) == 1


def test_a_whole_book_goes_on_from_smaller_numbers() -> None:
    book = whole()
    book.read(frame(None, 9, action="", ts=TS), NOW)

    assert len(book.read(frame(None, 2, action="", ts=TS + 1), NOW)) == 1
    assert len(book.read(frame(None, 3, action="", ts=TS + 2), NOW)) == 1
