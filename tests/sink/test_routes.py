"""Which streams an event goes to."""

from fluxum.model.event import (
    CallFailed,
    Channel,
    Dropped,
    Gap,
    GapCause,
    LinkLost,
    Rejected,
    Repair,
    State,
    StateChange,
    Subscription,
    VenueNotice,
)
from fluxum.model.instrument import Symbol
from fluxum.model.market import BookUpdate
from fluxum.model.order import OpenOrders
from fluxum.sink.routes import Routes

BTC, ETH = Symbol("BTC/USD"), Symbol("ETH/USD")
BOOK = Subscription(Channel.BOOK, BTC, 10)
TRADES = Subscription(Channel.TRADE, ETH)
ORDERS = Subscription(Channel.EXECUTION)


def routes(*, has_account: bool = False) -> Routes:
    return Routes(
        "kraken",
        lambda: (BOOK, TRADES, ORDERS),
        lambda link, one: (link == "public-1") == (one is BOOK),
        has_account=has_account,
    )


def test_data_goes_to_its_own_stream() -> None:
    update = BookUpdate("kraken", BTC, (), (), None, 1)

    assert routes().streams(update) == ("kraken/BTC-USD/book",)


def test_a_lost_link_goes_to_what_it_carried_and_to_the_links() -> None:
    lost = LinkLost(venue="kraken", link="public-1", reason="cut", received_ns=1)

    assert routes().streams(lost) == ("kraken/BTC-USD/book", "kraken/link")


def test_a_frame_that_names_no_stream_may_concern_them_all() -> None:
    unnamed = Rejected(venue="kraken", reason="", sample="", received_ns=1)
    named = Rejected(venue="kraken", reason="", sample="", subscriptions=(TRADES,), received_ns=1)

    assert routes().streams(unnamed) == ("kraken/BTC-USD/book", "kraken/ETH-USD/trade")
    assert routes().streams(named) == ("kraken/ETH-USD/trade",)


def test_what_the_publisher_was_too_slow_for_is_in_every_stream() -> None:
    dropped = Dropped(venue="kraken", count=3, received_ns=1)

    assert routes().streams(dropped) == (
        "kraken/BTC-USD/book",
        "kraken/ETH-USD/trade",
        "kraken/link",
    )


def test_a_gap_is_in_the_stream_of_its_subscription() -> None:
    gap = Gap(
        venue="kraken",
        subscription=TRADES,
        cause=GapCause.VENUE,
        repair=Repair.LOST,
        since_ns=1,
        until_ns=2,
        received_ns=2,
    )

    assert routes().streams(gap) == ("kraken/ETH-USD/trade",)


def test_what_names_no_subscription_is_of_the_links() -> None:
    events = (
        VenueNotice(venue="kraken", received_ns=1),
        StateChange(venue="kraken", old=State.READY, new=State.CLOSED, received_ns=1),
        CallFailed(venue="kraken", call="x", reason="y", failures=1, again_ns=2, received_ns=1),
    )

    assert {routes().streams(one) for one in events} == {("kraken/link",)}


def test_the_account_is_left_out_unless_wanted() -> None:
    orders = OpenOrders(venue="kraken", orders=(), received_ns=1)

    assert routes().streams(orders) == ()
    assert routes(has_account=True).streams(orders) == ("kraken/account/execution",)
