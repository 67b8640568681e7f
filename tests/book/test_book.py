"""Books: worked examples of every question, and of what an update does."""

from decimal import Decimal

import pytest

from fluxum.book.book import Book, MarketPrice
from fluxum.book.keeper import BookKeeper
from fluxum.book.proof import BookStatus
from fluxum.errors import BadInput
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookSnapshot, BookUpdate, Change, Level, LevelChange, Side

BTC = Symbol("BTC/USD")
BUY, SELL = Side.BUY, Side.SELL


def level(price: str, quantity: str) -> Level:
    return Level(Decimal(price), Decimal(quantity))


def levels(*pairs: tuple[str, str]) -> tuple[Level, ...]:
    return tuple(level(price, quantity) for price, quantity in pairs)


def numbers(*texts: str) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, texts))


def snapshot(
    bids: tuple[Level, ...] = (), asks: tuple[Level, ...] = (), depth: int | None = None
) -> BookSnapshot:
    return BookSnapshot(
        venue="kraken", symbol=BTC, bids=bids, asks=asks, depth=depth, received_ns=5
    )


def update(bids: tuple[Level, ...] = (), asks: tuple[Level, ...] = ()) -> BookUpdate:
    return BookUpdate("kraken", BTC, bids, asks, None, 6)


BIDS = levels(("99", "1"), ("98.5", "2"), ("98", "4"))
ASKS = levels(("101", "1"), ("102", "2"), ("104", "5"))


@pytest.fixture
def book() -> Book:
    made = Book("kraken", BTC)
    made.replace(snapshot(BIDS, ASKS))
    return made


@pytest.fixture
def empty() -> Book:
    return Book("kraken", BTC)


def test_it_tells_best_spread_and_mid(book: Book) -> None:
    assert book.bid == level("99", "1")
    assert book.ask == level("101", "1")
    assert book.spread == Decimal(2)
    assert book.mid == Decimal(100)
    assert not book.is_crossed


def test_an_empty_book_tells_nothing(empty: Book) -> None:
    assert (empty.bid, empty.ask, empty.spread, empty.mid) == (None, None, None, None)
    assert not empty.is_crossed
    assert empty.epoch == 0
    assert empty.updated_ns is None
    assert empty.levels(BUY, 3) == []
    assert empty.volume_at(Decimal(1)) == 0
    assert empty.proof().status is BookStatus.SYNCING


def test_half_a_book_has_no_spread(empty: Book) -> None:
    empty.apply(update(bids=levels(("99", "1"))))

    assert empty.bid == level("99", "1")
    assert (empty.spread, empty.mid) == (None, None)


@pytest.mark.parametrize(("ask", "is_crossed"), [("99.1", False), ("99", True), ("98.9", True)])
def test_a_bid_that_is_not_below_the_ask_is_crossed(
    empty: Book, ask: str, is_crossed: bool
) -> None:
    empty.apply(update(levels(("99", "1")), levels((ask, "1"))))

    assert empty.is_crossed == is_crossed


def test_levels_come_best_first(book: Book) -> None:
    assert book.levels(BUY, 2) == list(BIDS[:2])
    assert book.levels(SELL, 9) == list(ASKS)
    for count in (0, -1):
        with pytest.raises(BadInput, match=f"was {count}"):
            book.levels(BUY, count)


def test_volume_at_looks_on_either_side(book: Book) -> None:
    assert book.volume_at(Decimal("98.50")) == 2
    assert book.volume_at(Decimal(104)) == 5
    assert book.volume_at(Decimal(100)) == 0


# What trading would cost. The examples are worked out by hand.


def test_buying_walks_up_the_asks(book: Book) -> None:
    # 1 at 101, 2 at 102, 1 at 104: 101 + 204 + 104 = 409.
    assert book.market_price(BUY, Decimal(4)) == MarketPrice(
        side=BUY,
        quantity=Decimal(4),
        notional=Decimal(409),
        average=Decimal("102.25"),
        worst=Decimal(104),
        unfilled=Decimal(0),
    )


def test_selling_walks_down_the_bids(book: Book) -> None:
    # 1 at 99, 1.5 at 98.5: 99 + 147.75 = 246.75.
    told = book.market_price(SELL, Decimal("2.5"))

    assert told.notional == Decimal("246.75")
    assert told.average == Decimal("98.7")
    assert told.worst == Decimal("98.5")
    assert told.is_complete


def test_a_quantity_within_the_best_level_costs_the_touch(book: Book) -> None:
    told = book.market_price(BUY, Decimal("0.5"))

    assert (told.average, told.worst, told.notional) == numbers("101", "101", "50.5")


def test_exactly_one_level_does_not_touch_the_next(book: Book) -> None:
    assert book.market_price(BUY, Decimal(1)).worst == 101
    assert book.market_price_for_notional(BUY, Decimal(101)).worst == 101


def test_what_the_book_cannot_serve_is_told(book: Book) -> None:
    # All asks: 1 at 101, 2 at 102, 5 at 104: 825 for 8.
    told = book.market_price(BUY, Decimal(10))

    assert (told.quantity, told.notional, told.unfilled) == numbers("8", "825", "2")
    assert told.average == Decimal("103.125")
    assert told.worst == 104
    assert not told.is_complete


def test_an_empty_side_serves_nothing(empty: Book) -> None:
    for told in (
        empty.market_price(SELL, Decimal(3)),
        empty.market_price_for_notional(SELL, Decimal(3)),
    ):
        assert told == MarketPrice(
            side=SELL,
            quantity=Decimal(0),
            notional=Decimal(0),
            average=None,
            worst=None,
            unfilled=Decimal(3),
        )


def test_an_amount_of_money_buys_the_last_level_in_part(book: Book) -> None:
    # 101 buys 1, 204 buys 2, the remaining 52 of 357 buy 0.5 at 104.
    told = book.market_price_for_notional(BUY, Decimal(357))

    assert told.quantity == Decimal("3.5")
    assert told.notional == Decimal(357)
    assert told.average == Decimal(102)
    assert told.worst == Decimal(104)
    assert told.is_complete


def test_an_amount_of_money_is_raised_by_selling(book: Book) -> None:
    # 99 for 1, 197 for 2, the remaining 49 of 345 need 0.5 at 98.
    told = book.market_price_for_notional(SELL, Decimal(345))

    assert (told.quantity, told.notional, told.worst) == numbers("3.5", "345", "98")


def test_money_the_book_cannot_take_is_told_in_money(book: Book) -> None:
    # All bids: 99 + 197 + 392 = 688 for 7.
    told = book.market_price_for_notional(SELL, Decimal(700))

    assert (told.quantity, told.notional, told.unfilled) == numbers("7", "688", "12")
    assert not told.is_complete


def inverse() -> Book:
    """100 USD at 50000 (0.002 BTC), 300 USD at 60000 (0.005 BTC); bids of 200 USD at 40000."""
    symbol = Symbol("BTC/USD:PERP-INVERSE")
    made = Book("okx", symbol)
    bids, asks = levels(("40000", "200")), levels(("50000", "100"), ("60000", "300"))
    made.replace(BookSnapshot(venue="okx", symbol=symbol, bids=bids, asks=asks, received_ns=1))
    return made


def test_what_is_taken_of_an_inverse_contract_is_money_already() -> None:
    told = inverse().market_price(BUY, Decimal(400))

    # 400 USD buy 0.002 + 0.005 BTC.
    assert told.average == Decimal(400) / Decimal("0.007")
    assert (told.quantity, told.notional, told.worst) == numbers("400", "400", "60000")
    assert told.is_complete
    assert inverse().market_price_for_notional(BUY, Decimal(400)) == told


def test_what_an_inverse_book_cannot_serve_is_told_in_its_unit() -> None:
    told = inverse().market_price(SELL, Decimal(250))

    assert (told.quantity, told.notional, told.unfilled) == numbers("200", "200", "50")
    assert told.average == 40000


def test_contracts_of_unknown_size_have_no_price() -> None:
    book = Book("okx", Symbol("BTC/USDT:PERP-CONTRACTS"))

    for price in (book.market_price, book.market_price_for_notional):
        with pytest.raises(BadInput, match="was 'BTC/USDT:PERP-CONTRACTS', whose quantities are"):
            price(BUY, Decimal(1))


@pytest.mark.parametrize("text", ["0", "-1", "NaN", "Infinity"])
def test_nonsense_amounts_are_refused(book: Book, text: str) -> None:
    with pytest.raises(BadInput, match=f"was {text}"):
        book.market_price(BUY, Decimal(text))
    with pytest.raises(BadInput, match=f"was {text}"):
        book.market_price_for_notional(BUY, Decimal(text))


# Changes


def test_sides_and_numbers_are_taken_as_text_too(book: Book) -> None:
    assert book.market_price("buy", "4") == book.market_price(BUY, Decimal(4))
    assert book.market_price_for_notional("SELL", 345) == (
        book.market_price_for_notional(SELL, Decimal(345))
    )
    assert book.levels("buy", 1) == book.levels(BUY, 1)
    for ask in (book.market_price, book.market_price_for_notional, book.levels):
        with pytest.raises(BadInput, match="side: one of buy, sell was expected, was 'bid'"):
            ask("bid", 1)
    with pytest.raises(BadInput, match=r"quantity: .* was the float"):
        book.market_price("buy", 0.5)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="count: 1 or more"):
        book.levels("buy", 0)


def test_a_snapshot_replaces_and_never_merges(book: Book) -> None:
    book.replace(snapshot(levels(("50", "1"))))

    assert book.levels(BUY, 9) == [level("50", "1")]
    assert book.levels(SELL, 9) == []


def test_a_snapshot_is_cut_to_its_depth_which_stays(empty: Book) -> None:
    empty.replace(snapshot(BIDS, ASKS, depth=2))
    assert empty.depth == 2
    assert empty.levels(BUY, 9) == list(BIDS[:2])
    assert empty.levels(SELL, 9) == list(ASKS[:2])

    empty.apply(update(levels(("99.5", "1")), levels(("100.5", "1"))))
    assert [str(one.price) for one in empty.levels(BUY, 9)] == ["99.5", "99"]
    assert [str(one.price) for one in empty.levels(SELL, 9)] == ["100.5", "101"]


def test_an_update_lays_absolute_quantities(book: Book) -> None:
    book.apply(update(levels(("99", "7"), ("98.5", "0"), ("98.7", "3")), levels(("101", "0"))))

    assert book.levels(BUY, 9) == list(levels(("99", "7"), ("98.7", "3"), ("98", "4")))
    assert book.levels(SELL, 9) == list(ASKS[1:])


def test_of_one_price_told_twice_the_last_counts(book: Book) -> None:
    book.apply(update(levels(("99", "7"), ("99", "0"), ("99", "3"))))

    assert book.bid == level("99", "3")


def test_changes_tell_what_became_of_each_level(book: Book) -> None:
    changes = book.apply_changes(
        update(
            levels(("99", "7"), ("98.7", "3"), ("98", "0"), ("97", "0")),
            levels(("101", "0"), ("101", "2")),
        )
    )

    assert changes == [
        LevelChange(BUY, Change.UPDATE, level("99", "7")),
        LevelChange(BUY, Change.ADD, level("98.7", "3")),
        LevelChange(BUY, Change.REMOVE, level("98", "4")),
        LevelChange(SELL, Change.REMOVE, level("101", "1")),
        LevelChange(SELL, Change.ADD, level("101", "2")),
    ]


def test_changes_tell_what_was_cut_off(empty: Book) -> None:
    empty.replace(snapshot(BIDS, ASKS, depth=3))

    changes = empty.apply_changes(update(levels(("98.7", "3")), levels(("105", "1"))))

    assert changes == [
        LevelChange(BUY, Change.ADD, level("98.7", "3")),
        LevelChange(BUY, Change.REMOVE, level("98", "4")),
        LevelChange(SELL, Change.ADD, level("105", "1")),
        LevelChange(SELL, Change.REMOVE, level("105", "1")),
    ]
    assert empty.levels(SELL, 9) == list(ASKS)


def test_a_cleared_book_is_empty(book: Book) -> None:
    book.clear()

    assert (book.bid, book.ask) == (None, None)


# Copies


def test_a_snapshot_is_a_copy_that_stays(book: Book) -> None:
    book.evidence.updated_ns = 77
    book.evidence.venue_ns = 66
    book.evidence.checksum = 55
    taken = book.snapshot()
    book.clear()

    assert taken == BookSnapshot(
        venue="kraken", symbol=BTC, bids=BIDS, asks=ASKS, venue_ns=66, received_ns=77, checksum=55
    )


def test_a_snapshot_can_be_shallow(book: Book) -> None:
    taken = book.snapshot(1)

    assert (taken.bids, taken.asks, taken.depth) == (BIDS[:1], ASKS[:1], 1)
    with pytest.raises(BadInput):
        book.snapshot(0)


def test_the_snapshot_of_an_empty_book_is_empty(empty: Book) -> None:
    taken = empty.snapshot()

    assert (taken.bids, taken.asks) == ((), ())


def test_pretty_reads_like_a_ladder(book: Book) -> None:
    assert book.pretty(2) == (
        "BTC/USD order book (syncing, epoch 0)\n"
        "Asks\n"
        "  2 @ 102\n"
        "  1 @ 101\n"
        "--- spread 2 ---\n"
        "Bids\n"
        "  1 @ 99\n"
        "  2 @ 98.5"
    )


def test_pretty_writes_no_exponents_and_takes_an_empty_book(empty: Book) -> None:
    assert "--- spread none ---" in empty.pretty()

    empty.apply(update(levels(("0.00000010", "1E+3"))))
    assert "  1000 @ 0.00000010" in empty.pretty()


def test_a_snapshot_that_was_cut_is_known_as_deep_as_the_market_stays() -> None:
    keeper: BookKeeper[Book] = BookKeeper("binance", Book, None, None)
    symbol = Symbol("BTC/USDT")

    def levels(*prices: int, quantity: int = 1) -> tuple[Level, ...]:
        return tuple(Level(Decimal(price), Decimal(quantity)) for price in prices)

    def update(sequence: int, bids: tuple[Level, ...], asks: tuple[Level, ...]) -> None:
        keeper.update(BookUpdate("binance", symbol, bids, asks, None, 1, None, sequence))

    keeper.snapshot(
        BookSnapshot(
            venue="binance",
            symbol=symbol,
            bids=levels(99, 98, 97),
            asks=levels(101, 102, 103),
            received_ns=1,
            sequence=7,
            cut_at=3,
        )
    )
    book = keeper.get(symbol)
    assert (book.depth_known, book.proof().depth_proved) == (3, 3)

    update(8, levels(90), levels(100))  # 90 is below what was listed; what lies between is unknown
    assert [level.price for level in book.bids] == [99, 98, 97, 90]
    assert book.proof().depth_proved == 3

    update(9, levels(99, 98, quantity=0), ())
    assert [level.price for level in book.bids] == [97, 90]
    assert (book.depth_known, book.proof().depth_proved) == (1, 1)
    assert book.proof().is_valid

    keeper.snapshot(
        BookSnapshot(
            venue="binance",
            symbol=symbol,
            bids=levels(97, 90),
            asks=levels(100, 101),
            received_ns=2,
            sequence=10,
            cut_at=3,
        )
    )
    assert (book.depth_known, book.proof().depth_proved) == (None, None)  # all there was
