"""Holes: when they open, close and how numbered trades are followed."""

from collections.abc import Iterable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from fluxum.model.event import Channel, Gap, GapCause, Repair, Subscription
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side, Trade
from fluxum.session.gaps import GapLedger, RecentIds, Step, TradeRun

BTC = Symbol("BTC/USD")
BOOK = Subscription(Channel.BOOK, BTC, 10)
TRADES = Subscription(Channel.TRADE, BTC)


def trade(number: int | None, received_ns: int = 50) -> Trade:
    return Trade(
        venue="kraken",
        symbol=BTC,
        side=Side.BUY,
        price=Decimal(1),
        quantity=Decimal(1),
        trade_id=str(number),
        sequence=number,
        received_ns=received_ns,
    )


def test_a_hole_is_told_once_with_its_bounds() -> None:
    ledger = GapLedger("kraken")
    ledger.begin(BOOK, GapCause.LINK_LOST, 10, "cut")
    ledger.begin(BOOK, GapCause.DESYNC, 20, "later")  # it only grows

    gap = ledger.end(BOOK, 30)

    assert gap == Gap(
        venue="kraken",
        subscription=BOOK,
        cause=GapCause.LINK_LOST,
        repair=Repair.SNAPSHOT,
        since_ns=10,
        until_ns=30,
        detail="cut",
        received_ns=30,
    )
    assert ledger.end(BOOK, 40) is None
    assert (ledger.count, ledger.closed, ledger.open) == (1, [gap], {})


def test_a_hole_of_an_ended_subscription_is_forgotten() -> None:
    ledger = GapLedger("kraken")
    ledger.begin(BOOK, GapCause.LINK_LOST, 10, "cut")
    ledger.admit(TRADES, trade(7))
    ledger.forget(BOOK)
    ledger.forget(TRADES)

    assert ledger.end(BOOK, 30) is None
    assert ledger.admit(TRADES, trade(100)) == (trade(100), None)


def told(
    ledger: GapLedger, number: int | None, trade_id: str = ""
) -> tuple[bool, Repair | None, int | None]:
    one = structs.replace(trade(number), trade_id=trade_id or str(number))
    news, gap = ledger.admit(TRADES, one)
    is_news = news is not None
    return (is_news, None, None) if gap is None else (is_news, gap.repair, gap.missing)


def test_numbered_trades_are_followed() -> None:
    ledger = GapLedger("kraken")

    assert told(ledger, 5) == (True, None, None)
    assert told(ledger, 6) == (True, None, None)
    assert told(ledger, 6) == (False, None, None)  # told twice
    assert told(ledger, 9) == (True, Repair.LOST, 2)
    assert told(ledger, 8) == (True, None, None)  # late, but news
    assert told(ledger, 8) == (False, None, None)
    assert told(ledger, 10) == (True, None, None)
    assert ledger.repeated == 2


@pytest.mark.parametrize("first", [6, 7, 8])
def test_each_missing_trade_of_a_hole_is_news_when_it_comes_late_and_is_marked(first: int) -> None:
    ledger = GapLedger("kraken")
    told(ledger, 5)
    assert told(ledger, 9) == (True, Repair.LOST, 3)

    late, gap = ledger.admit(TRADES, trade(first))

    assert (late, gap) == (structs.replace(trade(first), backfilled=True), None)
    assert told(ledger, first) == (False, None, None)  # and once
    # Nothing goes back to a number that was missing.
    assert told(ledger, 10) == (True, None, None)


def test_one_wrong_number_swallows_nothing_that_follows() -> None:
    ledger = GapLedger("kraken")
    told(ledger, 5)

    assert told(ledger, 5_000_005) == (True, Repair.LOST, 4_999_999)
    assert told(ledger, 6) == (True, Repair.LOST, None)  # the numbers go back
    assert [told(ledger, number)[0] for number in (7, 8, 9)] == [True, True, True]
    assert told(ledger, 11) == (True, Repair.LOST, 1)


def test_an_outage_that_missed_nothing_is_backfilled() -> None:
    ledger = GapLedger("kraken")
    told(ledger, 5)
    ledger.begin(TRADES, GapCause.LINK_LOST, 10, "cut")
    assert told(ledger, 5) == (False, None, None)
    assert told(ledger, 6) == (True, Repair.BACKFILLED, 0)
    ledger.begin(TRADES, GapCause.LINK_LOST, 60, "cut")
    assert told(ledger, 90) == (True, Repair.LOST, 83)


def test_trades_without_numbers_are_news_unless_their_id_was_told_lately() -> None:
    ledger = GapLedger("kraken")
    ledger.begin(TRADES, GapCause.LINK_LOST, 10, "cut")

    assert told(ledger, None, "a") == (True, Repair.SNAPSHOT, None)
    assert told(ledger, None, "b") == (True, None, None)
    assert told(ledger, None, "a") == (False, None, None)
    assert ledger.repeated == 1
    for number in range(1000):
        told(ledger, None, f"other {number}")
    assert told(ledger, None, "a") == (True, None, None)  # it is too long ago to be remembered


def of_ids(ids: Iterable[str]) -> list[Trade]:
    return [structs.replace(trade(None), trade_id=one) for one in ids]


def test_trades_without_numbers_are_followed_together_if_their_ids_are_new() -> None:
    ledger = GapLedger("bybit")

    assert not ledger.follow_ids(of_ids("ab"))  # the first is looked at by itself
    assert told(ledger, None, "a") == (True, None, None)
    assert ledger.follow_ids(of_ids("bc"))
    assert not ledger.follow_ids(of_ids("da"))
    assert not ledger.follow_ids(of_ids("dd"))
    assert told(ledger, None, "d") == (True, None, None)  # nothing was noted of those
    ledger.begin(TRADES, GapCause.LINK_LOST, 10, "cut")
    assert not ledger.follow_ids(of_ids("e"))
    assert told(ledger, None, "e") == (True, Repair.SNAPSHOT, None)


@given(
    st.lists(st.lists(st.integers(0, 30), min_size=1, max_size=8), max_size=12),
    st.integers(1, 12),
)
def test_ids_that_are_taken_together_are_remembered_as_one_by_one(
    runs: list[list[int]], kept: int
) -> None:
    together, one_by_one = RecentIds(kept), RecentIds(kept)
    for run in runs:
        ids = list(map(str, run))
        expected = [one_by_one.take(one) for one in ids]
        if together.take_all(ids):
            assert all(expected)
        else:
            assert [together.take(one) for one in ids] == expected
        assert list(together._order) == list(one_by_one._order)
        assert together._seen == one_by_one._seen


def test_only_the_last_thousand_holes_are_kept_and_all_are_counted() -> None:
    ledger = GapLedger("kraken")
    for number in range(1500):
        ledger.begin(BOOK, GapCause.DESYNC, number, "")
        ledger.end(BOOK, number)

    assert (len(ledger.closed), ledger.count) == (1000, 1500)
    assert ledger.closed[0] == structs.replace(ledger.closed[0], since_ns=500)


@given(st.lists(st.integers(0, 40), max_size=200))
def test_a_number_is_repeated_exactly_when_it_was_seen(numbers: list[int]) -> None:
    run = TradeRun(20)
    seen = {20}
    for number in numbers:
        assert (run.take(number) is Step.REPEATED) == (number in seen)
        seen.add(number)


@pytest.mark.parametrize("length", [10, 5000])
def test_a_run_forgets_in_the_end_and_stays_small(length: int) -> None:
    run = TradeRun(0)
    for number in range(1, length):
        assert run.take(number) is Step.ON
    assert len(run._seen) == len(run._order) == 1  # what follows on is a range

    assert run.take(length - 1) is Step.REPEATED
    assert len(run._seen) == len(run._order) == min(length, 1000)


class PlainRun:
    """Every number in a set: what a run of numbers means, without a range."""

    def __init__(self, first: int) -> None:
        self.last = first
        self.missing: set[int] = set()
        self.seen = {first}
        self.order = [first]

    def take(self, number: int) -> Step:
        if number in self.seen:
            return Step.REPEATED
        self.seen.add(number)
        self.order.append(number)
        if len(self.order) > 1000:
            self.seen.remove(self.order.pop(0))
        if number > self.last:
            self.missing.update(range(max(self.last + 1, number - 1000), number))
            if len(self.missing) > 2000:
                self.missing.clear()
            self.last = number
            return Step.ON
        self.last, is_late = (self.last, True) if number in self.missing else (number, False)
        self.missing.discard(number)
        return Step.LATE if is_late else Step.BACK


# How a number is chosen: so many that follow on, then one at this distance from the last.
moves = st.tuples(st.integers(0, 1200), st.integers(-1300, 1300) | st.integers(-5, 5))


@given(st.lists(moves, max_size=8))
def test_a_range_remembers_what_a_set_of_all_numbers_does(steps: list[tuple[int, int]]) -> None:
    run, plain = TradeRun(5000), PlainRun(5000)
    for count, distance in steps:
        following = [plain.last + one for one in range(1, count + 1)]
        for number in (*following, plain.last + count + distance):
            assert run.take(number) is plain.take(number)
            assert run.last == plain.last


def test_a_missing_number_is_late_once_and_then_a_step_back() -> None:
    run = TradeRun(1)
    assert run.take(3) is Step.ON
    assert run.take(2) is Step.LATE
    for number in range(4, 1100):  # until it is forgotten that it was seen
        run.take(number)

    assert run.take(2) is Step.BACK


def test_a_book_that_ends_leaves_the_trades_of_its_market_followed() -> None:
    ledger = GapLedger("kraken")
    ledger.admit(TRADES, trade(7))
    ledger.forget(BOOK)

    _, gap = ledger.admit(TRADES, trade(100))

    assert gap is not None
    assert gap.missing == 92


def test_gaps_are_counted_by_kind() -> None:
    ledger = GapLedger("kraken")
    book = Subscription(Channel.BOOK, Symbol("BTC/USD"))
    for cause in (GapCause.LINK_LOST, GapCause.LINK_LOST, GapCause.VENUE):
        ledger.begin(book, cause, 1, "")
        ledger.end(book, 2)

    assert dict(ledger.counts) == {
        (Channel.BOOK, GapCause.LINK_LOST, Repair.SNAPSHOT): 2,
        (Channel.BOOK, GapCause.VENUE, Repair.SNAPSHOT): 1,
    }
