"""One book of several: levels with their venues, and a cross only where it can be taken."""

from collections import defaultdict
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consolidations import BTC, Books
from fluxum.book.consolidated import ConsolidatedBook, ConsolidatedLevel
from fluxum.errors import BadInput
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side

MS = 1_000_000
USDT = Symbol("BTC/USDT")


def shown(levels: tuple[ConsolidatedLevel, ...]) -> list[tuple[str, str, list[str]]]:
    return [(str(one.price), str(one.quantity), list(one.venues)) for one in levels]


def three() -> Books:
    books = Books()
    books.put("a", [("100", "1"), ("99", "2")], [("101", "1"), ("103", "4")], age_ns=5 * MS)
    books.put("b", [("100", "3"), ("98", "1")], [("102", "2")], age_ns=2 * MS)
    books.put("c", [("99.5", "7")], [("101", "6")], age_ns=9 * MS)
    return books


def test_levels_are_merged_by_price_and_list_who_stands_there() -> None:
    book = ConsolidatedBook(three().contributors)

    # Ties without fees are by age: b's book is 2 ms old, a's 5 ms, c's 9 ms.
    assert shown(book.bids()) == [
        ("100", "4", ["b", "a"]),
        ("99.5", "7", ["c"]),
        ("99", "2", ["a"]),
        ("98", "1", ["b"]),
    ]
    assert shown(book.asks(2)) == [("101", "7", ["a", "c"]), ("102", "2", ["b"])]
    assert book.bid is not None
    assert [(one.venue, str(one.quantity), one.age_ns) for one in book.bid.parts] == [
        ("b", "3", 2 * MS),
        ("a", "1", 5 * MS),
    ]
    assert book.ask is not None
    assert book.venues == ("a", "b", "c")


def test_ties_are_by_fee_before_age() -> None:
    book = ConsolidatedBook(three().contributors, {"a": "0.001", "b": "0.004", "c": "0.0005"})

    assert book.bid is not None
    assert book.bid.venues == ("a", "b")
    assert book.ask is not None
    assert book.ask.venues == ("c", "a")
    assert str(book.bid.price) == "100"  # without the fee


def test_prices_that_are_equal_are_one_level_however_they_are_written() -> None:
    books = Books()
    books.put("a", [("100.0", "1")])
    books.put("b", [("100.00", "2")])

    (level,) = ConsolidatedBook(books.contributors).bids()
    assert level.price == 100
    assert level.quantity == 3


def test_an_empty_book_and_a_wrong_count() -> None:
    book = ConsolidatedBook(Books().contributors)

    assert (book.bid, book.ask, book.bids(), book.venues) == (None, None, (), ())
    assert book.cross(age_max_ms=500) is None
    with pytest.raises(BadInput, match="count: 1 or more"):
        book.bids(0)


@pytest.mark.parametrize("fee", ["1", "-1", "40"])
def test_a_fee_is_a_fraction(fee: str) -> None:
    with pytest.raises(BadInput, match="a fraction such as"):
        ConsolidatedBook(Books().contributors, {"a": fee})


def test_a_reading_is_a_frozen_copy_with_who_is_missing() -> None:
    books = three()
    book = ConsolidatedBook(books.contributors)
    books.withdraw("b")

    reading = book.read(1)

    assert shown(reading.bids) == [("100", "1", ["a"])]
    assert shown(reading.asks) == [("101", "7", ["a", "c"])]
    assert (reading.symbol, reading.venues) == (BTC, ("a", "c"))
    assert list(reading.removed) == ["b"]
    assert reading.generation == book.generation
    assert reading.received_ns == books.now_ns


def test_the_levels_are_whole_down_to_the_first_book_that_ends() -> None:
    books = Books()
    books.put("a", [("100", "1"), ("99", "1")], [("101", "1"), ("102", "1")], depth=2)
    books.put("b", [("100", "1"), ("97", "1")], [("105", "1")], depth=2)
    book = ConsolidatedBook(books.contributors)

    # a ends at 99, b at 97: below 99 a may have more. Of the asks only a's end at its depth.
    assert book.known_to("buy") == 99
    assert book.known_to(Side.SELL) == 102
    books.withdraw("a")
    assert book.known_to("buy") == 97
    assert book.known_to("sell") is None


def test_the_worst_difference_of_clocks_is_among_those_who_take_part() -> None:
    books = Books()
    books.put("a", offset_ns=5 * MS)
    book = ConsolidatedBook(books.contributors)
    assert book.clock_difference_ns is None
    books.put("b", offset_ns=-30 * MS)
    books.put("c")
    assert book.clock_difference_ns == 35 * MS
    books.put("d", offset_ns=90 * MS)
    assert book.clock_difference_ns == 120 * MS
    books.withdraw("d")
    assert book.clock_difference_ns == 35 * MS


# An alias is worse by its haircut


def test_an_alias_is_worsened_by_its_haircut() -> None:
    books = Books()
    books.put("a", [("100", "1")], [("102", "1")])
    books.put("b", [("101", "2")], [("101.5", "2")], market=USDT, haircut="0.01")
    book = ConsolidatedBook(books.contributors)

    # 101 less 1 % is 99.99, 101.5 plus 1 % is 102.515
    assert shown(book.bids()) == [("100", "1", ["a"]), ("99.99", "2", ["b"])]
    assert shown(book.asks()) == [("102", "1", ["a"]), ("102.515", "2", ["b"])]
    assert book.bids()[1].parts[0].market == USDT


# Crosses


def crossed(age_ns: int = 0) -> Books:
    books = Books()
    books.put("a", [("99", "1")], [("100", "2")], age_ns=3 * MS)
    books.put("b", [("101", "5")], [("103", "1")], age_ns=age_ns)
    return books


def test_a_cross_names_both_venues_and_what_it_brings() -> None:
    cross = ConsolidatedBook(crossed(MS).contributors).cross(age_max_ms=500)

    assert cross is not None
    assert (cross.buy_venue, str(cross.ask)) == ("a", "100")
    assert (cross.sell_venue, str(cross.bid)) == ("b", "101")
    assert (str(cross.quantity), str(cross.edge), str(cross.edge_bps)) == ("2", "1", "100.00")
    assert (cross.age_ns, cross.skew_ns) == (3 * MS, 2 * MS)


def test_fees_can_eat_a_cross() -> None:
    books = crossed()
    # 100 bought at 0.4 % costs 100.4, 101 sold at 0.5 % brings 100.495; at 0.6 % 100.394.
    cheap = ConsolidatedBook(books.contributors, {"a": "0.004", "b": "0.005"})
    dear = ConsolidatedBook(books.contributors, {"a": "0.004", "b": "0.006"})

    cross = cheap.cross(age_max_ms=500)
    assert cross is not None
    assert cross.edge == Decimal("0.095")
    assert dear.cross(age_max_ms=500) is None
    assert dear.cross(age_max_ms=500, net_of_fees=False) is not None


def test_an_old_book_crosses_nothing() -> None:
    book = ConsolidatedBook(crossed(501 * MS).contributors)

    assert book.cross(age_max_ms=500) is None
    assert book.cross(age_max_ms=501) is not None
    with pytest.raises(BadInput, match="age_max_ms"):
        book.cross(age_max_ms=0)


def test_a_book_that_is_not_valid_crosses_nothing() -> None:
    books = Books("b")
    books.put("a", [("99", "1")], [("100", "2")])
    books.put("b", [("101", "5")], [("103", "1")], number=None)
    book = ConsolidatedBook(books.contributors)

    assert book.venues == ("a", "b")
    assert book.bid is not None
    assert book.bid.venues == ("b",)  # it is allowed in by name
    assert book.cross(age_max_ms=500) is None


def test_books_that_touch_do_not_cross() -> None:
    books = Books()
    books.put("a", [("99", "1")], [("100", "2")])
    books.put("b", [("100", "5")], [("103", "1")])

    assert ConsolidatedBook(books.contributors).cross(age_max_ms=500) is None


# Laws

VENUES: tuple[str, ...] = ("a", "b", "c")
prices = st.integers(90, 110)
side = st.dictionaries(prices, st.integers(1, 9), max_size=6)
books_of_venues = st.fixed_dictionaries({venue: st.tuples(side, side) for venue in VENUES})
actions = st.lists(
    st.tuples(
        st.sampled_from(VENUES),
        st.sampled_from(["snapshot", "update", "withdraw", "doubt"]),
        side,
        side,
    ),
    max_size=12,
)


def pairs(levels: dict[int, int]) -> list[tuple[str, str]]:
    return [(str(price), str(quantity)) for price, quantity in levels.items()]


@given(books_of_venues, actions)
def test_a_consolidated_book_is_the_merged_levels_of_the_proved_books(
    start: object, acts: object
) -> None:
    check(start, acts)  # type: ignore[arg-type]


def check(
    start: dict[str, tuple[dict[int, int], dict[int, int]]],
    acts: list[tuple[str, str, dict[int, int], dict[int, int]]],
) -> None:
    """A model beside it: a dictionary of prices for each venue, `None` while it is not proved."""
    books = Books()
    model: dict[str, tuple[dict[int, int], dict[int, int]] | None] = {}
    live: dict[str, bool] = dict.fromkeys(VENUES, True)
    for venue, (bids, asks) in start.items():
        bids, asks = _apart(bids, asks)
        books.put(venue, pairs(bids), pairs(asks))
        model[venue] = bids, asks
    book = ConsolidatedBook(books.contributors)
    hidden: dict[str, tuple[dict[int, int], dict[int, int]]] = {}
    for number, (venue, act, bids, asks) in enumerate(acts, start=2):
        bids, asks = _apart(bids, asks)
        match act:
            case "snapshot":
                books.put(venue, pairs(bids), pairs(asks), number=number)
                model[venue], live[venue] = (bids, asks), True
            case "update" if live[venue]:
                before = model[venue] or hidden[venue]
                merged = {**before[0], **bids}, {**before[1], **asks}
                merged = _apart(*merged)
                gone_bids = [(str(one), "0") for one in before[0] if one not in merged[0]]
                gone_asks = [(str(one), "0") for one in before[1] if one not in merged[1]]
                books.update(
                    venue, pairs(merged[0]) + gone_bids, pairs(merged[1]) + gone_asks, number
                )
                model[venue] = merged
            case "withdraw":
                books.withdraw(venue)
                model[venue], live[venue] = None, False
            case "doubt" if live[venue] and model[venue] is not None:
                books.doubt(venue)
                hidden[venue], model[venue] = model[venue] or ({}, {}), None
            case _:
                pass
        assert set(book.venues) == {one for one, sides in model.items() if sides is not None}
        assert _totals(book.bids(100)) == _sums(model, 0)
        assert _totals(book.asks(100)) == _sums(model, 1)
        assert [one.price for one in book.bids(100)] == sorted(_sums(model, 0), reverse=True)
        assert [one.price for one in book.asks(100)] == sorted(_sums(model, 1))
        best = book.bids(3)
        assert best == book.bids(100)[:3]


def _apart(bids: dict[int, int], asks: dict[int, int]) -> tuple[dict[int, int], dict[int, int]]:
    """The same without a cross: a crossed book proves nothing."""
    highest = max(bids, default=0)
    return bids, {price: quantity for price, quantity in asks.items() if price > highest}


def _totals(levels: tuple[ConsolidatedLevel, ...]) -> dict[int, int]:
    assert all(one.quantity == sum(part.quantity for part in one.parts) for one in levels)
    return {int(one.price): int(one.quantity) for one in levels}


def _sums(
    model: dict[str, tuple[dict[int, int], dict[int, int]] | None], at: int
) -> dict[int, int]:
    sums: dict[int, int] = defaultdict(int)
    for sides in model.values():
        for price, quantity in (sides or ({}, {}))[at].items():
            sums[price] += quantity
    return sums
