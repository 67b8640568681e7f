"""Level 3 books: queues in time priority."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from fluxum.book.level3 import Level3Book, OrderLadder
from fluxum.book.proof import BookStatus
from fluxum.model.instrument import Symbol
from fluxum.model.market import (
    Level,
    Level3Snapshot,
    Level3Update,
    OrderAction,
    OrderChange,
    RestingOrder,
    Side,
)

BTC = Symbol("BTC/USD")
ADD, MODIFY, DELETE = OrderAction.ADD, OrderAction.MODIFY, OrderAction.DELETE


def order(name: str, price: str, quantity: str = "1") -> RestingOrder:
    return RestingOrder(name, Decimal(price), Decimal(quantity))


def names(ladder: OrderLadder, count: int | None = None) -> list[str]:
    """Each level's orders in queue order, best level first, as `ab c`."""
    return ["".join(one.order_id for one in queue) for queue in ladder.queues(count)]


def bids(*orders: RestingOrder, depth: int | None = None) -> OrderLadder:
    ladder = OrderLadder(Side.BUY, depth)
    for one in orders:
        ladder.add(one)
    return ladder


def snapshot(
    bid: tuple[RestingOrder, ...] = (),
    ask: tuple[RestingOrder, ...] = (),
    depth: int | None = None,
) -> Level3Snapshot:
    return Level3Snapshot(
        venue="kraken", symbol=BTC, bids=bid, asks=ask, depth=depth, received_ns=1
    )


def update(*changes: tuple[OrderAction, RestingOrder]) -> Level3Update:
    told = tuple(OrderChange(action, one) for action, one in changes)
    return Level3Update(venue="kraken", symbol=BTC, bids=told, asks=(), received_ns=1)


def test_levels_are_best_first_and_queues_in_order_of_arrival() -> None:
    ladder = bids(order("a", "10"), order("b", "11"), order("c", "10"), order("d", "9"))

    assert names(ladder) == ["b", "ac", "d"]
    assert names(ladder, 2) == ["b", "ac"]
    assert ladder.best == 11
    assert len(ladder) == 3

    asks = OrderLadder(Side.SELL)
    asks.add(order("x", "12"))
    asks.add(order("y", "11"))
    assert names(asks) == ["y", "x"]
    assert asks.best == 11


def test_levels_sum_up_their_queues() -> None:
    ladder = bids(order("a", "10", "1.5"), order("b", "10.0", "2"), order("c", "9", "4"))

    assert ladder.levels() == [
        Level(Decimal(10), Decimal("3.5"), 2),
        Level(Decimal(9), Decimal(4), 1),
    ]
    assert len(ladder.levels(1)) == 1


def test_a_change_at_the_same_price_keeps_its_place() -> None:
    ladder = bids(order("a", "10"), order("b", "10"))
    ladder.modify(order("a", "10.0", "5"))

    assert names(ladder) == ["ab"]
    assert ladder.order("a") == order("a", "10", "5")


def test_a_change_of_price_goes_to_the_back_of_the_new_level() -> None:
    ladder = bids(order("a", "10"), order("b", "11"), order("c", "10"))
    ladder.modify(order("a", "11"))
    assert names(ladder) == ["ba", "c"]

    ladder.modify(order("c", "12"))
    assert names(ladder) == ["c", "ba"]


def test_an_order_added_again_goes_to_the_back() -> None:
    ladder = bids(order("a", "10"), order("b", "10"))
    ladder.add(order("a", "10"))

    assert names(ladder) == ["ba"]


def test_the_last_order_takes_its_level_along() -> None:
    ladder = bids(order("a", "10"), order("b", "11"))
    ladder.remove("b")

    assert names(ladder) == ["a"]
    assert ladder.best == 10
    assert ladder.order("b") is None


def test_what_was_never_shown_is_ignored() -> None:
    ladder = bids(order("a", "10"))
    ladder.remove("z")
    ladder.modify(order("z", "11"))

    assert names(ladder) == ["a"]


def test_cutting_counts_levels_not_orders() -> None:
    ladder = bids(order("a", "10"), order("b", "10"), order("c", "9"), order("d", "8"), depth=2)
    ladder.cut()
    assert names(ladder) == ["ab", "c"]

    ladder.modify(order("d", "12"))  # cut off, so it is unknown
    assert names(ladder) == ["ab", "c"]


def test_a_book_replaces_applies_and_cuts() -> None:
    book = Level3Book("kraken", BTC)
    assert book.proof().status is BookStatus.SYNCING
    book.replace(snapshot((order("a", "10"), order("b", "9")), (order("x", "11"),), depth=2))
    book.apply(
        update((ADD, order("c", "8")), (MODIFY, order("a", "10", "3")), (DELETE, order("b", "9")))
    )

    # The cut comes after the whole message: c is within two levels once b is gone.
    assert names(book.bids) == ["a", "c"]
    assert names(book.asks) == ["x"]
    assert book.proof().depth == 2

    book.replace(snapshot((order("q", "5"),)))
    assert (names(book.bids), names(book.asks)) == (["q"], [])
    assert book.proof().depth is None

    book.clear()
    assert names(book.bids) == []
    assert book.bids.best is None


def test_it_knows_when_it_is_crossed() -> None:
    book = Level3Book("kraken", BTC)
    assert not book.is_crossed

    book.replace(snapshot((order("a", "10"),), (order("x", "10.1"),)))
    assert not book.is_crossed

    book.apply(update((ADD, order("b", "10.1"))))
    assert book.is_crossed


steps = st.lists(
    st.tuples(st.sampled_from(OrderAction), st.sampled_from("abcdef"), st.integers(1, 4)),
    max_size=40,
)


@given(steps)
def test_it_agrees_with_a_plain_list_of_orders(changes: list[tuple[OrderAction, str, int]]) -> None:
    book = Level3Book("kraken", BTC)
    book.replace(snapshot())
    model: list[tuple[str, int]] = []  # in the order of arrival
    for action, name, price in changes:
        book.apply(update((action, order(name, str(price)))))
        known = next((one for one in model if one[0] == name), None)
        if action is not ADD and known is None:
            continue
        if action is MODIFY and known == (name, price):
            continue
        if known is not None:
            model.remove(known)
        if action is not DELETE:
            model.append((name, price))

    expected = ["".join(name for name, at in model if at == price) for price in (4, 3, 2, 1)]
    assert names(book.bids) == [queue for queue in expected if queue]
