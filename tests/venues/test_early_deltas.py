"""Tests of deltas that have no snapshot to change."""

from fluxum.model.event import Channel, LeftOut, Subscription
from fluxum.model.instrument import Symbol
from fluxum.venues.early_deltas import EarlyDeltas

BTC = Subscription(Channel.BOOK, Symbol("BTC/USD"))
ETH = Subscription(Channel.BOOK, Symbol("ETH/USD"))


def left_out(count: int, sample: str, subscription: Subscription = BTC) -> LeftOut:
    return LeftOut(
        venue="toy",
        subscription=subscription,
        count=count,
        reason="a delta without its snapshot",
        sample=sample,
        received_ns=7,
    )


def test_the_first_is_published_at_once_and_the_others_with_the_snapshot() -> None:
    deltas = EarlyDeltas("toy")

    assert deltas.add(BTC, "one", 7) == (left_out(1, "one"),)
    assert deltas.add(BTC, "two", 7) == ()
    assert deltas.add(BTC, "three", 7) == ()
    assert deltas.add(ETH, "four", 7) == (left_out(1, "four", ETH),)

    assert deltas.settle(BTC, 7) == (left_out(2, ""),)
    assert deltas.settle(BTC, 7) == ()
    assert deltas.settle(ETH, 7) == ()


def test_after_a_snapshot_the_next_one_is_the_first_again() -> None:
    deltas = EarlyDeltas("toy")
    deltas.add(BTC, "one", 7)
    deltas.settle(BTC, 7)

    assert deltas.add(BTC, "two", 7) == (left_out(1, "two"),)


def test_a_stream_that_ended_owes_nothing() -> None:
    deltas = EarlyDeltas("toy")
    deltas.add(BTC, "one", 7)
    deltas.add(BTC, "two", 7)

    deltas.forget(BTC)

    assert deltas.settle(BTC, 7) == ()
