"""What readers see of an order: words that are not known."""

from fluxum.model.market import Side
from fluxum.model.order import OrderStatus, OrderType
from fluxum.orders.tracker import TrackedOrder
from fluxum.orders.view import Doubt
from orders.doors import BTC, START_NS, update


def test_words_that_are_not_known_are_shown_beside_other() -> None:
    order = TrackedOrder(1, "", BTC, Side.BUY, START_NS)
    order.tell(
        update(
            order_type=OrderType.OTHER,
            venue_type="twap",
            status=OrderStatus.OTHER,
            venue_status="paused",
        )
    )

    assert (order.view().type_text, order.view().status_text) == ("other (twap)", "other (paused)")


def test_a_word_is_not_shown_beside_a_status_that_is_not_its_own() -> None:
    order = TrackedOrder(1, "", BTC, Side.BUY, START_NS)
    order.tell(update(status=OrderStatus.OTHER, venue_status="paused"))
    order.suspect(Doubt.CHANGE, START_NS, "no answer")

    assert (order.view().type_text, order.view().status_text) == ("limit", "unknown")
