"""Quotes from the first proved venue of a list, back to a better one only after a while."""

import pytest

from consolidations import BTC, NOW_NS, Books
from fluxum.book.failover import Failover
from fluxum.errors import BadInput
from fluxum.model.event import FailedOver
from fluxum.model.instrument import Symbol

SECOND_NS = 1_000_000_000


class Quotes(Books):
    """Books of a, b and c, all proved, at 100, 200 and 300."""

    def __init__(self) -> None:
        super().__init__()
        self.number = 1
        self.changed: list[FailedOver] = []
        for venue in "abc":
            self.prove(venue)
        self.failover = Failover(self.contributors, ["a", "b", "c"], 30.0, self.changed.append)

    def prove(self, venue: str) -> None:
        self.number += 1
        bid = 100 * (1 + "abc".index(venue))
        self.put(venue, [(str(bid), "1")], [(str(bid + 2), "1")], number=self.number)

    def wait(self, seconds: float) -> None:
        self.now_ns += int(seconds * SECOND_NS)


def test_the_first_of_the_list_is_used() -> None:
    quotes = Quotes()

    quote = quotes.failover.quote()
    assert quote is not None
    assert (quote.venue, str(quote.bid.price), str(quote.mid), quote.age_ns) == (
        "a",
        "100",
        "101",
        0,
    )
    assert quotes.changed == [
        FailedOver(venue="a", symbol=BTC, before="", reason="the first quote", received_ns=NOW_NS)
    ]


def test_the_next_is_used_at_once_and_the_better_one_only_after_a_while() -> None:
    quotes = Quotes()
    assert quotes.failover.venue == "a"
    quotes.withdraw("a")
    assert quotes.failover.venue == "b"

    quotes.prove("a")
    assert quotes.failover.venue == "b"
    quotes.wait(29.9)
    assert quotes.failover.venue == "b"
    quotes.wait(0.1)
    assert quotes.failover.venue == "a"

    assert [(one.before, one.venue) for one in quotes.changed] == [
        ("", "a"),
        ("a", "b"),
        ("b", "a"),
    ]
    assert quotes.changed[1].reason == "desynced since 1970-01-01T00:16:40Z: crc"
    assert quotes.changed[2].reason == "proved since 1970-01-01T00:16:40Z"
    assert quotes.failover.changes == 3


def test_a_venue_that_comes_and_goes_changes_nothing() -> None:
    quotes = Quotes()
    quotes.withdraw("a")
    assert quotes.failover.venue == "b"
    for _ in range(10):
        quotes.prove("a")
        assert quotes.failover.venue == "b"
        quotes.wait(20)
        assert quotes.failover.venue == "b"
        quotes.withdraw("a")
        assert quotes.failover.venue == "b"
        quotes.wait(20)

    assert len(quotes.changed) == 1


def test_without_any_quote_there_is_none_and_the_first_that_returns_is_used_at_once() -> None:
    quotes = Quotes()
    assert quotes.failover.venue == "a"
    for venue in "abc":
        quotes.withdraw(venue)
    assert quotes.failover.quote() is None
    assert quotes.failover.venue == ""

    quotes.prove("c")
    assert quotes.failover.venue == "c"
    assert [(one.before, one.venue) for one in quotes.changed[1:]] == [("a", ""), ("", "c")]


def test_a_book_with_one_side_and_an_alias_quote_nothing() -> None:
    quotes = Quotes()
    quotes.put("a", [("100", "1")], number=50)
    quotes.put("b", [("100", "1")], [("101", "1")], market=Symbol("BTC/USDT"), number=50)
    quotes.withdraw("b")

    assert quotes.failover.venue == "c"


@pytest.mark.parametrize(("venues", "hold_s"), [([], 1.0), (["a", "a"], 1.0), (["a"], -1.0)])
def test_a_list_that_makes_no_sense_is_refused(venues: list[str], hold_s: float) -> None:
    quotes = Quotes()

    with pytest.raises(BadInput, match="expected, was"):
        Failover(quotes.contributors, venues, hold_s, quotes.changed.append)
