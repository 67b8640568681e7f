"""Ledgers: many markets, marks from books that are valid, totals by quote asset."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fluxum.book.book import Book
from fluxum.book.proof import BookStatus
from fluxum.errors import BadInput
from fluxum.ledger.ledger import Ledger, ProvenBook
from fluxum.ledger.lots import Method
from fluxum.ledger.policy import MarkBy, Policy
from fluxum.model.account import Balances, Fee, Fill
from fluxum.model.event import LinkLost
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import BookSnapshot, Level, Side
from fluxum.model.order import OpenOrders, OrderStatus, OrderType, OrderUpdate

BTC, ETH, EUR = Symbol("BTC/USD"), Symbol("ETH/USD"), Symbol("BTC/EUR")
SOL = Symbol("SOL/USD")
USD = Asset("USD")


def values(*found: object) -> tuple[object, ...]:
    """Side by side, to be compared with what was worked out."""
    return found


def fill(
    trade: str, fill_id: str, symbol: Symbol = BTC, venue: str = "here", at_ns: int = 10
) -> Fill:
    """`buy 1 50000 27.50 USD` as an execution."""
    side, quantity, price, *fees = trade.split()
    return Fill(
        venue=venue,
        symbol=symbol,
        side=Side(side),
        quantity=Decimal(quantity),
        price=Decimal(price),
        fees=(Fee(Asset(fees[1]), Decimal(fees[0])),) if fees else (),
        fill_id=fill_id,
        order_id="O1",
        venue_ns=at_ns,
        received_ns=at_ns,
    )


def order(order_id: str, symbol: Symbol = BTC, venue: str = "here") -> OrderUpdate:
    return OrderUpdate(
        venue=venue,
        order_id=order_id,
        symbol=symbol,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        status=OrderStatus.OPEN,
        quantity=Decimal(2),
        venue_ns=1,
        received_ns=1,
    )


def book(bid: str = "", ask: str = "", status: BookStatus = BookStatus.VALID) -> Book:
    made = Book("here", BTC)
    made.replace(
        BookSnapshot(
            venue="here",
            symbol=BTC,
            bids=(Level(Decimal(bid), Decimal(1)),) if bid else (),
            asks=(Level(Decimal(ask), Decimal(1)),) if ask else (),
            received_ns=1,
        )
    )
    made.evidence.status = status
    return made


def ledger(*fills: Fill, policy: Policy | None = None) -> Ledger:
    made = Ledger(policy)
    made.load(fills)
    return made


# Events


def test_a_fill_changes_the_position_of_its_market_and_venue() -> None:
    made = Ledger()

    changed = made.apply(fill("buy 1 100", "T1"))
    made.apply(fill("buy 2 100", "T1", venue="there"))
    made.apply(fill("buy 3 100", "T1", ETH))

    assert changed == (made.position("here", BTC),)
    quantities = [values(one.venue, one.symbol, one.quantity) for one in made.positions()]
    assert quantities == [("here", BTC, 1), ("here", ETH, 3), ("there", BTC, 2)]
    assert [one.quantity for one in made.positions("here")] == [1, 3]
    assert made.positions(quote=Asset("EUR")) == []


def test_a_repeated_fill_changes_nothing() -> None:
    made = ledger(fill("buy 1 100", "T1"))

    assert made.apply(fill("buy 1 100", "T1")) == ()
    assert made.positions()[0].repeated == 1


def test_events_that_are_neither_fills_nor_orders_are_ignored() -> None:
    made = Ledger()

    assert made.apply(LinkLost(venue="here", link="1", reason="gone", received_ns=1)) == ()
    assert made.apply(Balances(venue="here", balances=(), received_ns=1)) == ()
    assert made.positions() == []


def test_orders_are_summed_up_by_market() -> None:
    made = Ledger()

    assert made.apply(order("A")) == (made.position("here", BTC),)
    assert made.apply(order("A")) == ()
    assert made.positions()[0].view().orders.remaining == 2


def test_all_open_orders_end_those_that_are_missing_at_their_venue() -> None:
    made = Ledger()
    for one in (order("A"), order("B", ETH), order("C", EUR), order("D", SOL, "there")):
        made.apply(one)

    opened = OpenOrders(venue="here", orders=(order("A"), order("E", EUR)), received_ns=2)
    changed = made.apply(opened)

    # B and C are gone, E is new, A stays as it was, and D is somewhere else.
    assert [one.symbol for one in changed] == [ETH, EUR]
    open_by_market = {(one.venue, one.symbol): one.view().orders.open for one in made.positions()}
    assert open_by_market == {
        ("here", BTC): 1,
        ("here", ETH): 0,
        ("here", EUR): 1,
        ("there", SOL): 1,
    }
    assert made.position("here", SOL) is None


def test_a_fill_that_makes_no_sense_is_refused() -> None:
    made = Ledger()

    with pytest.raises(BadInput, match="was 0"):
        made.apply(fill("buy 1 0", "T1"))

    assert made.positions() == []


# Built in three ways


def test_history_and_the_live_stream_may_overlap() -> None:
    history = [fill("buy 1 100", "T1", at_ns=1), fill("buy 1 120", "T2", at_ns=2)]
    made = Ledger()
    made.apply(fill("sell 1 130", "T3", at_ns=3))
    made.apply(history[1])

    assert made.load([*history, fill("sell 1 130", "T3", at_ns=3)]) == 1
    assert made.positions()[0].quantity == 1


def test_it_is_built_from_balances_and_goes_on_live() -> None:
    made = Ledger()
    made.mark("here", BTC, Decimal(130))

    made.open_with("here", BTC, Decimal(2), Decimal(100), at_ns=5)
    made.apply(fill("sell 1 120", "T1", at_ns=5))
    made.apply(fill("sell 1 120", "T2", at_ns=6))

    # The first was part of the balance.
    assert made.totals()[0].total == 50


def test_memory_of_fills_is_bounded() -> None:
    made = ledger(*(fill("buy 1 1", f"T{n}") for n in range(5)), policy=Policy(fills_seen=3))

    assert made.fills_forgotten == 2


# Marks


def test_longs_are_marked_at_the_bid_and_shorts_at_the_ask() -> None:
    long, short = ledger(fill("buy 1 100", "T1")), ledger(fill("sell 1 100", "T1"))

    assert long.mark_from(book("104", "106")).profit().unrealised == 4
    assert short.mark_from(book("94", "96")).profit().unrealised == 4


def test_marks_may_be_half_way() -> None:
    made = ledger(fill("buy 1 100", "T1"), policy=Policy(mark_by=MarkBy.MID))

    assert made.mark_from(book("104", "106")).mark == 105


@pytest.mark.parametrize("status", [one for one in BookStatus if one is not BookStatus.VALID])
def test_a_book_that_is_not_valid_withdraws_the_mark(status: BookStatus) -> None:
    made = ledger(fill("buy 1 100", "T1"))
    made.mark_from(book("104", "106"))

    position = made.mark_from(book("104", "106", status))

    assert position.mark is None
    assert position.profit().unrealised is None


def test_an_empty_side_marks_nobody_who_needs_it() -> None:
    made = ledger(fill("buy 1 100", "T1"))

    assert made.mark_from(book(ask="106")).mark is None


def test_a_live_book_is_what_marks_come_from() -> None:
    made: ProvenBook = book("104", "106")

    assert made.proof().is_valid


def test_a_mark_that_came_before_the_fill_counts() -> None:
    made = Ledger()
    made.mark("here", BTC, Decimal(110))
    assert made.positions() == []

    made.apply(fill("buy 1 100", "T1"))

    assert made.totals()[0].total == 10


def test_a_mark_is_withdrawn_by_hand() -> None:
    made = ledger(fill("buy 1 100", "T1"))
    made.mark("here", BTC, Decimal(110))

    assert made.mark("here", BTC, None).mark is None


# Totals


def test_totals_are_per_quote_asset() -> None:
    made = ledger(
        fill("buy 1 100 1 USD", "T1"),
        fill("sell 1 130 1 USD", "T2"),
        fill("sell 2 10 0.1 KFEE", "T3", ETH),
        fill("buy 1 90 0.001 BTC", "T4", EUR),
    )
    made.mark("here", ETH, Decimal(9))
    made.mark("here", EUR, Decimal(100))

    euro, dollar = made.totals()

    # 0.999 bought for 89.91 and worth 99.9; the fee is 0.09.
    assert (euro.quote, euro.positions, euro.open) == ("EUR", 1, 1)
    assert values(euro.realised, euro.unrealised, euro.fees_quote) == (
        0,
        Decimal("9.99"),
        Decimal("0.09"),
    )
    assert euro.total == Decimal("9.90")
    assert euro.fees == (Fee(Asset("BTC"), Decimal("0.001")),)
    # 30 realised less 2; a short of 2 that fell by 1; KFEE stand aside.
    assert (dollar.quote, dollar.positions, dollar.open) == ("USD", 2, 1)
    assert values(dollar.realised, dollar.unrealised, dollar.fees_quote) == (30, 2, 2)
    assert dollar.total == 30
    assert dollar.fees == (Fee(Asset("KFEE"), Decimal("0.1")), Fee(USD, Decimal(2)))
    assert dollar.fees_unconverted == (Fee(Asset("KFEE"), Decimal("0.1")),)


def test_a_total_is_unknown_while_one_position_has_no_mark() -> None:
    made = ledger(fill("buy 1 100", "T1"), fill("buy 1 10", "T2", ETH))
    made.mark("here", BTC, Decimal(110))

    (dollar,) = made.totals()

    assert (dollar.unrealised, dollar.total) == (None, None)
    assert dollar.unvalued == ("here ETH/USD",)
    assert dollar.realised == 0


def test_what_was_closed_of_unknown_cost_leaves_the_total_unknown() -> None:
    made = Ledger()
    made.open_with("here", BTC, Decimal(1), None, at_ns=0)
    made.apply(fill("sell 1 120", "T1"))

    (dollar,) = made.totals()

    assert values(dollar.unrealised, dollar.total, dollar.unvalued) == (0, None, ("here BTC/USD",))


def test_totals_may_be_by_another_method_or_of_one_venue() -> None:
    made = ledger(
        fill("buy 1 100", "T1"),
        fill("buy 1 120", "T2"),
        fill("sell 1 130", "T3"),
        fill("buy 1 1", "T4", venue="there"),
    )

    assert [made.totals(method, "here")[0].realised for method in Method] == [20, 30, 10]
    assert made.totals(venue="there")[0].positions == 1


def test_fees_are_converted_per_quote_asset_from_when_a_price_is_known() -> None:
    made = Ledger()
    bnb = Asset("BNB")
    made.convert_fees(bnb, USD, Decimal(300))
    made.apply(fill("buy 1 100 0.01 BNB", "T1"))
    made.apply(fill("buy 1 100 0.01 BNB", "T2", EUR))
    made.convert_fees(bnb, USD, None)
    made.apply(fill("buy 1 100 0.01 BNB", "T3"))

    euro, dollar = made.totals()

    assert values(dollar.fees_quote, dollar.fees_unconverted) == (3, (Fee(bnb, Decimal("0.01")),))
    assert values(euro.fees_quote, euro.fees_unconverted) == (0, (Fee(bnb, Decimal("0.01")),))
    with pytest.raises(BadInput, match="a price of BNB"):
        made.convert_fees(bnb, USD, Decimal(0))


MARKETS = (BTC, ETH, EUR)
trades = st.lists(
    st.builds(
        fill,
        st.sampled_from(["buy 1 100", "sell 2 110 0.5 USD", "buy 3 90 0.01 BTC", "sell 1 95"]),
        st.just(""),
        st.sampled_from(MARKETS),
    ),
    max_size=8,
)


@given(trades=trades, data=st.data())
def test_the_order_of_marks_of_one_time_is_irrelevant(
    trades: list[Fill], data: st.DataObject
) -> None:
    fills = [replace(one, fill_id=f"T{number}") for number, one in enumerate(trades)]
    marks = [(symbol, Decimal(100 + number)) for number, symbol in enumerate(MARKETS)]
    straight = ledger(*fills)
    for symbol, price in marks:
        straight.mark("here", symbol, price)

    # Any order of the marks, wherever they come among the fills.
    shuffled = Ledger()
    steps: list[Fill | tuple[Symbol, Decimal]] = [*fills]
    for mark in data.draw(st.permutations(marks)):
        steps.insert(data.draw(st.integers(0, len(steps))), mark)
    for step in steps:
        if isinstance(step, Fill):
            shuffled.apply(step)
        else:
            shuffled.mark("here", *step)

    assert shuffled.totals() == straight.totals()
    assert [one.view() for one in shuffled.positions()] == [
        one.view() for one in straight.positions()
    ]


def test_inverse_contracts_are_not_counted_and_that_is_told() -> None:
    inverse = Symbol("BTC/USD:PERP-INVERSE")
    ledger = Ledger()
    ledger.apply(fill("buy 1 50000", "T1"))

    told = [
        ledger.apply(fill("buy 100 50000", "T2", inverse)),
        ledger.apply(order("O1", inverse)),
        ledger.apply(OpenOrders(venue="here", orders=(order("O2", inverse),), received_ns=1)),
    ]

    assert told == [(), (), ()]
    assert ledger.uncounted == {inverse: 3}
    assert [one.symbol for one in ledger.positions()] == [BTC]
    with pytest.raises(BadInput, match="a linear contract was expected, was BTC/USD:PERP-INVERSE"):
        ledger.open_with("here", inverse, Decimal(1), None, 0)
