"""What is missing, and that ready is when nothing is."""

from fluxum.model.event import Channel, Subscription
from fluxum.model.instrument import Symbol
from fluxum.session.readiness import Missing, Readiness

BOOK = Subscription(Channel.BOOK, Symbol("BTC/USD"), 10)


def test_a_link_lacks_its_connection_first() -> None:
    readiness = Readiness("public-1")

    assert not readiness.is_ready
    assert list(readiness) == [Missing("public-1", None, "not connected")]
    assert [str(one) for one in readiness] == ["public-1: not connected"]


def test_ready_is_when_nothing_is_missing() -> None:
    readiness = Readiness("public-1")
    readiness.have(None)
    assert readiness.is_ready

    readiness.lack(BOOK, "not acknowledged")
    readiness.lack(BOOK, "desynced")
    assert [str(one) for one in readiness] == ["book BTC/USD 10: desynced"]
    assert readiness.lacks(BOOK)

    readiness.have(BOOK)
    readiness.have(BOOK)
    assert readiness.is_ready
