"""What a strategy sees of an order, and that a live book can be its book."""

from decimal import Decimal

from fluxum.book.book import Book
from fluxum.bot import BookView, OpenOrder, OrderRole
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus


def test_a_live_book_is_a_book_to_a_strategy() -> None:
    book: BookView = Book("one", Symbol("BTC/USD"))

    assert not book.is_valid
    assert book.mid is None


def test_what_remains_of_an_order_is_never_below_zero() -> None:
    order = OpenOrder(
        client_order_id="a",
        role=OrderRole.QUOTE,
        side=Side.BUY,
        price=Decimal(100),
        quantity=Decimal(1),
        filled=Decimal("0.4"),
        status=OrderStatus.PARTIALLY_FILLED,
        is_certain=True,
        placed_ns=0,
    )

    assert order.remaining == Decimal("0.6")
