"""The intake alone: a venue that finds gaps by number, and one that can prove nothing."""

from decimal import Decimal
from random import Random
from typing import Any, NoReturn

from msgspec import structs

from fluxum.book.proof import BookStatus
from fluxum.clock import SystemClock
from fluxum.flow.pipe import Overflow, Pipe
from fluxum.model.event import Channel, Desync, Event, Gap, Resynced, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Level
from fluxum.pacing import AttemptBudget, CallCounter
from fluxum.session.feed import Feed, Surroundings
from fluxum.session.fetching import Rest
from fluxum.session.intake import Intake
from fluxum.venues.kraken.venue import KRAKEN
from fluxum.venues.venue import Checks

BTC = Symbol("BTC/USD")
BOOK = Subscription(Channel.BOOK, BTC, 10)


def dial_nobody(url: str) -> NoReturn:
    raise AssertionError(url)


class Owner:
    def reject(self, *told: Any, **more: Any) -> None: ...
    def moved(self, *told: Any, **more: Any) -> None: ...
    def lost(self, *told: Any, **more: Any) -> None: ...
    def failed(self, *told: Any, **more: Any) -> None: ...
    def cut_announced(self, *told: Any, **more: Any) -> None: ...


def unchecked() -> tuple[Intake, Feed, Pipe[Event]]:
    """The intake of a venue that sends no checksums, carrying one book."""
    venue = structs.replace(KRAKEN, checks=Checks())
    around = Surroundings(
        venue,
        venue.limits,
        dial_nobody,
        SystemClock(),
        Random(0),
        AttemptBudget(1, 1.0),
        Rest(None, {}, CallCounter(1.0, 1.0), venue.limits.backoff, Random(0)),
    )
    intake = Intake(around, lambda: 0.0)
    feed = Feed("public-1", "public", "", around, intake.take, Owner())
    feed.subscribe([BOOK])
    intake.carry(BOOK, feed)
    return intake, feed, intake.bus.subscribe(capacity=100, overflow=Overflow.RAISE)


def snapshot(sequence: int | None) -> BookSnapshot:
    return BookSnapshot(
        venue="toy",
        symbol=BTC,
        bids=(Level(Decimal(1), Decimal(1)),),
        asks=(Level(Decimal(2), Decimal(1)),),
        received_ns=1,
        sequence=sequence,
    )


def update(sequence: int | None) -> BookUpdate:
    levels = (Level(Decimal(1), Decimal(5)),)
    return BookUpdate("toy", BTC, levels, (), None, 2, None, sequence)


def test_an_unbroken_sequence_proves_a_book() -> None:
    intake, feed, told = unchecked()
    feed.readiness.have(None)

    intake.take([snapshot(7), update(8)])

    proof = intake.books.get(BTC).proof()
    assert proof.status is BookStatus.VALID
    assert (proof.sequence, proof.checks, proof.depth_proved) == (8, 2, None)
    assert feed.readiness.is_ready
    assert [type(event) for event in told.drain()] == [BookSnapshot, BookUpdate]


def test_a_gap_the_protocol_found_withdraws_the_book_until_a_snapshot() -> None:
    intake, feed, told = unchecked()
    intake.take([snapshot(7)])
    found = Desync(
        venue="toy", subscription=BOOK, generation=1, reason="9 came after 7", received_ns=3
    )
    told.drain()

    intake.take([found, update(9)])
    proof = intake.books.get(BTC).proof()
    assert proof.status is BookStatus.DESYNCED
    assert proof.reason == "9 came after 7"
    assert feed.readiness.lacks(BOOK)
    assert intake.counts.withheld == 1
    intake.take([snapshot(11)])

    assert [type(event) for event in told.drain()] == [Desync, Gap, Resynced, BookSnapshot]
    assert intake.books.get(BTC).proof().is_valid


def test_a_book_nothing_can_prove_is_unverified_and_does_not_hold_up_readiness() -> None:
    intake, feed, _ = unchecked()
    feed.readiness.have(None)

    intake.take([snapshot(None), update(None)])

    proof = intake.books.get(BTC).proof()
    assert proof.status is BookStatus.UNVERIFIED
    assert proof.depth_proved == 0
    assert feed.readiness.is_ready
