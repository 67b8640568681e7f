"""A quantity split over venues: the cheapest first, whole lots, minimums, and what is left."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consolidations import BTC, Books, instrument
from fluxum.book.consolidated import ConsolidatedBook
from fluxum.book.contributors import Contributors
from fluxum.book.split import ConsolidatedPrice
from fluxum.errors import BadInput
from fluxum.model.instrument import InstrumentStatus, Symbol
from fluxum.model.market import Side


def shares(price: ConsolidatedPrice) -> dict[str, tuple[str, str]]:
    return {one.venue: (text(one.quantity), text(one.notional)) for one in price.shares}


def text(value: Decimal | None) -> str:
    """A number without zeros at its end."""
    return "none" if value is None else f"{value.normalize():f}"


def test_the_best_price_is_taken_first() -> None:
    books = Books()
    books.put("a", asks=[("100", "1"), ("103", "5")])
    books.put("b", asks=[("101", "2"), ("102", "1")])

    price = ConsolidatedBook(books.contributors).market_price("buy", "4.5")

    # a 1 at 100; b 2 at 101 and 1 at 102; a 0.5 at 103
    assert shares(price) == {"a": ("1.5", "151.5"), "b": ("3", "304")}
    assert (text(price.quantity), text(price.notional)) == ("4.5", "455.5")
    assert price.is_complete
    assert [text(one.worst) for one in price.shares] == ["103", "102"]
    assert price.shares[0].average == 101
    assert price.average == Decimal("455.5") / Decimal("4.5")
    assert (text(price.fees), text(price.total)) == ("0", "455.5")
    assert price.unchecked == ("a BTC/USD", "b BTC/USD")


def test_selling_takes_the_highest_bids() -> None:
    books = Books()
    books.put("a", bids=[("100", "1"), ("97", "5")])
    books.put("b", bids=[("99", "2"), ("98", "1")])

    price = ConsolidatedBook(books.contributors).market_price(Side.SELL, 5)

    assert shares(price) == {"a": ("2", "197"), "b": ("3", "296")}


def test_fees_decide_who_is_cheaper() -> None:
    books = Books()
    books.put("a", asks=[("100", "1")], bids=[("99", "1")])
    books.put("b", asks=[("100.2", "1")], bids=[("98.9", "1")])
    book = ConsolidatedBook(books.contributors, {"a": "0.004", "b": "0.001"})

    # Bought: 100 with 0.4 % is 100.4, 100.2 with 0.1 % is 100.3002.
    bought = book.market_price("buy", 1)
    assert shares(bought) == {"b": ("1", "100.2")}
    assert (bought.fees, bought.total) == (Decimal("0.1002"), Decimal("100.3002"))
    # Sold: 99 less 0.4 % is 98.604, 98.9 less 0.1 % is 98.8011.
    sold = book.market_price("sell", 1)
    assert shares(sold) == {"b": ("1", "98.9")}
    assert sold.total == Decimal("98.8011")


def test_what_the_books_do_not_have_is_said() -> None:
    books = Books()
    books.put("a", asks=[("100", "1")])
    price = ConsolidatedBook(books.contributors).market_price("buy", 3)

    assert (text(price.quantity), text(price.unfilled)) == ("1", "2")
    assert not price.is_complete

    nothing = ConsolidatedBook(Books().contributors).market_price("buy", 3)
    assert (text(nothing.quantity), text(nothing.unfilled)) == ("0", "3")
    assert nothing.average is None


def test_shares_are_whole_lots_and_the_rest_goes_to_a_finer_venue() -> None:
    books = Books()
    books.put("a", asks=[("100", "0.25"), ("101", "0.10")], rule=instrument("a", "0.1"))
    books.put("b", asks=[("102", "1")], rule=instrument("b", "0.01"))

    price = ConsolidatedBook(books.contributors).market_price("buy", "0.37")

    # a has 0.35 and fills 0.3: 0.2 and the 0.05 left over at 100, 0.05 at 101. b fills 0.07.
    assert shares(price) == {"a": ("0.3", "30.05"), "b": ("0.07", "7.14")}
    assert price.unfilled == 0
    assert price.unchecked == ()


def test_less_than_the_finest_lot_stays_unfilled() -> None:
    books = Books()
    books.put("a", asks=[("100", "5")], rule=instrument("a", "0.1"))
    books.put("b", asks=[("101", "5")], rule=instrument("b", "0.01"))

    price = ConsolidatedBook(books.contributors).market_price("buy", "0.125")

    assert shares(price) == {"a": ("0.1", "10"), "b": ("0.02", "2.02")}
    assert price.unfilled == Decimal("0.005")


def test_a_share_below_a_minimum_goes_to_the_others() -> None:
    books = Books()
    books.put("a", asks=[("100", "0.5")], rule=instrument("a", "0.01", "1"))
    books.put("b", asks=[("101", "5")], rule=instrument("b", "0.01"))

    price = ConsolidatedBook(books.contributors).market_price("buy", 2)

    assert shares(price) == {"b": ("2", "202")}
    assert price.left_out == {"a BTC/USD": "its share of 0.5 is below the minimum of 1"}


def test_a_venue_left_out_can_make_another_share_large_enough() -> None:
    books = Books()
    books.put("a", asks=[("100", "0.6")], rule=instrument("a", "0.1", "1"))
    books.put("b", asks=[("101", "9")], rule=instrument("b", "0.1", "0.5"))

    price = ConsolidatedBook(books.contributors).market_price("buy", 1)

    # Both shares (0.6 and 0.4) are too small. Without b nothing can be filled, as a has no more;
    # without a all of it can.
    assert shares(price) == {"b": ("1", "101")}
    assert price.left_out == {"a BTC/USD": "its share of 0.6 is below the minimum of 1"}


def test_a_minimum_of_worth() -> None:
    books = Books()
    books.put("a", asks=[("100", "0.04")], rule=instrument("a", "0.01", "0", "5"))

    price = ConsolidatedBook(books.contributors).market_price("buy", "0.04")

    assert price.left_out == {"a BTC/USD": "its share is worth 4.00, below the minimum of 5"}


def test_a_market_that_takes_no_orders_is_left_out() -> None:
    books = Books()
    closed = instrument("a", "0.01", status=InstrumentStatus.CANCEL_ONLY)
    books.put("a", asks=[("100", "5")], rule=closed)

    price = ConsolidatedBook(books.contributors).market_price("buy", 1)

    assert price.quantity == 0
    assert price.left_out == {"a BTC/USD": "the market is cancel_only"}


@pytest.mark.parametrize("text", ["BTC/USD:PERP-INVERSE", "BTC/USD:PERP-CONTRACTS"])
def test_contracts_in_another_unit_are_refused(text: str) -> None:
    contributors = Contributors(Symbol(text), lambda: 0, lambda _event: None)

    with pytest.raises(BadInput, match="in the base asset"):
        ConsolidatedBook(contributors).market_price("buy", 1)


@pytest.mark.parametrize("quantity", ["0", "-1"])
def test_nothing_has_no_price(quantity: str) -> None:
    with pytest.raises(BadInput, match="above zero"):
        ConsolidatedBook(Books().contributors).market_price("buy", quantity)


# Laws

cents = st.integers(1, 500).map(lambda number: Decimal(number) / 100)
lots = st.sampled_from(["0.01", "0.03", "0.1", "0.25"])
asks = st.dictionaries(st.integers(90, 110), cents, max_size=5)
venues = st.dictionaries(
    st.sampled_from("abcd"), st.tuples(asks, lots, st.sampled_from(["0", "0.2", "1"])), max_size=4
)


@given(venues, cents)
def test_a_split_keeps_every_rule_and_adds_up(
    markets: dict[str, tuple[dict[int, Decimal], str, str]], quantity: Decimal
) -> None:
    books = Books()
    for venue, (levels, lot, least) in markets.items():
        pairs = [(str(price), str(amount)) for price, amount in levels.items()]
        books.put(venue, asks=pairs, rule=instrument(venue, lot, least))

    price = ConsolidatedBook(books.contributors).market_price("buy", quantity)

    assert price.quantity + price.unfilled == quantity
    assert price.quantity == sum(one.quantity for one in price.shares)
    assert price.notional == sum(one.notional for one in price.shares)
    for share in price.shares:
        levels, lot, least = markets[share.venue]
        assert share.quantity % Decimal(lot) == 0
        assert share.quantity >= Decimal(least)
        assert share.notional == cost(levels, share.quantity)
    for venue, (levels, lot, _) in markets.items():
        # A venue that fills less than it could is left out, or less than its lot is still wanted.
        filled = sum(one.quantity for one in price.shares if one.venue == venue)
        room = sum(levels.values()) // Decimal(lot) * Decimal(lot) - filled
        if room and f"{venue} {BTC}" not in price.left_out:
            assert price.unfilled < Decimal(lot)


def cost(levels: dict[int, Decimal], quantity: Decimal) -> Decimal:
    """What one venue takes for a quantity, level by level."""
    total = Decimal(0)
    for price in sorted(levels):
        taken = min(quantity, levels[price])
        total += taken * price
        quantity -= taken
    return total
