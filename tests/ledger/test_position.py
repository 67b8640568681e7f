"""Positions: examples worked out by hand, beside each how.

In the table a trade is `side quantity price [fee asset]...`, and what is expected of a method is
`cost realised unrealised total`. Where one line of it stands, all three methods agree.
"""

from collections.abc import Mapping
from decimal import Decimal

import pytest
from msgspec import Struct
from msgspec.structs import replace

from fluxum.errors import BadInput
from fluxum.ledger.lots import Method
from fluxum.ledger.order_totals import OrderTotals
from fluxum.ledger.policy import MarkBy, Policy
from fluxum.ledger.position import TrackedPosition
from fluxum.model.account import Fee, Fill
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus, OrderType, OrderUpdate

BTC, ETH = Symbol("BTC/USD"), Symbol("ETH/USDT")
USD = Asset("USD")
AVERAGE, FIFO, LIFO = Method.AVERAGE, Method.FIFO, Method.LIFO


def values(*found: object) -> tuple[object, ...]:
    """Side by side, to be compared with what was worked out."""
    return found


def fill(trade: str, number: int = 1, symbol: Symbol = BTC) -> Fill:
    """`buy 1 50000 27.50 USD` as an execution at second `number`."""
    side, quantity, price, *fees = trade.split()
    return Fill(
        venue="here",
        symbol=symbol,
        side=Side(side),
        quantity=Decimal(quantity),
        price=Decimal(price),
        fees=tuple(
            Fee(Asset(asset), Decimal(amount))
            for amount, asset in zip(fees[::2], fees[1::2], strict=True)
        ),
        fill_id=f"T{number}",
        order_id="O1",
        venue_ns=number,
        received_ns=number + 100,
    )


def position(
    *trades: str,
    mark: str = "",
    symbol: Symbol = BTC,
    policy: Policy | None = None,
    conversions: Mapping[Asset, Decimal] | None = None,
) -> TrackedPosition:
    made = TrackedPosition("here", symbol, policy, conversions=conversions)
    for number, trade in enumerate(trades, 1):
        made.apply(fill(trade, number, symbol))
    if mark:
        made.marked(Decimal(mark))
    return made


class Example(Struct, kw_only=True):
    name: str
    trades: tuple[str, ...]
    mark: str
    quantity: str
    fees: str = "0"
    unconverted: tuple[Fee, ...] = ()
    average: str
    fifo: str = ""
    lifo: str = ""


EXAMPLES = (
    # 0.5 at a profit of 5,000 each, 0.5 at one of 6,000, less the fee: 2,500 + 3,000 - 27.50.
    Example(
        name="the example of the issue",
        trades=("buy 1 50000", "sell 0.5 55000 27.50 USD"),
        mark="56000",
        quantity="0.5",
        fees="27.50",
        average="25000 2500 3000 5472.50",
    ),
    # 2 x (110 - 100).
    Example(
        name="a long that rose",
        trades=("buy 2 100",),
        mark="110",
        quantity="2",
        average="200 0 20 20",
    ),
    # 2 x (90 - 100), and nothing is open.
    Example(
        name="a long closed at a loss",
        trades=("buy 2 100", "sell 2 90"),
        mark="77",
        quantity="0",
        average="0 -20 0 -20",
    ),
    # Average 110: 20 realised, 15 open. Oldest: 30 and 5. Newest: 10 and 25.
    Example(
        name="three methods, one total",
        trades=("buy 1 100", "buy 1 120", "sell 1 130"),
        mark="125",
        quantity="1",
        average="110 20 15 35",
        fifo="120 30 5 35",
        lifo="100 10 25 35",
    ),
    # Paid 360 for 3. Average 120: 2 x 20. Oldest: 1 x 40 + 1 x 10. Newest: 2 x 10.
    Example(
        name="a close across two lots",
        trades=("buy 1 100", "buy 2 130", "sell 2 140"),
        mark="150",
        quantity="1",
        average="120 40 30 70",
        fifo="130 50 20 70",
        lifo="100 20 50 70",
    ),
    # Average 20: 0.5 x 20 + 1.5 x 30. Oldest: 0.5 x 30, then 0.5 x 40 + 1 x 30.
    # Newest: 0.5 x 10, then 0.5 x 20 + 1 x 30.
    Example(
        name="partial closes of three lots",
        trades=("buy 1 10", "buy 1 20", "buy 1 30", "sell 0.5 40", "sell 1.5 50"),
        mark="60",
        quantity="1",
        average="20 55 40 95",
        fifo="30 65 30 95",
        lifo="10 45 50 95",
    ),
    # After the first sale 1 at 100 is left, with 1 at 110 beside it. The last sale, at 130:
    # average 105 earns 25, the oldest 30, the newest 20; 20 were earned before.
    Example(
        name="bought again after a partial close",
        trades=("buy 2 100", "sell 1 120", "buy 1 110", "sell 1 130"),
        mark="115",
        quantity="1",
        average="105 45 10 55",
        fifo="110 50 5 55",
        lifo="100 40 15 55",
    ),
    # Sold for 100, could be bought back for 90.
    Example(
        name="a short that fell",
        trades=("sell 1 100",),
        mark="90",
        quantity="-1",
        average="-100 0 10 10",
    ),
    # 1 x (100 - 80) realised; the other is 10 under water.
    Example(
        name="a short closed in part",
        trades=("sell 2 100", "buy 1 80"),
        mark="110",
        quantity="-1",
        average="-100 20 -10 10",
    ),
    # Average 110: 20 and 110 - 95. Oldest: 10 and 120 - 95. Newest: 30 and 100 - 95.
    Example(
        name="a short by three methods",
        trades=("sell 1 100", "sell 1 120", "buy 1 90"),
        mark="95",
        quantity="-1",
        average="-110 20 15 35",
        fifo="-120 10 25 35",
        lifo="-100 30 5 35",
    ),
    # 1 closed for 10; 2 sold for 110 each, 105 now.
    Example(
        name="a flip from long to short",
        trades=("buy 1 100", "sell 3 110"),
        mark="105",
        quantity="-2",
        average="-220 10 10 20",
    ),
    # 1 closed for 10; 2 bought for 90 each, 95 now.
    Example(
        name="a flip from short to long",
        trades=("sell 1 100", "buy 3 90"),
        mark="95",
        quantity="2",
        average="180 10 10 20",
    ),
    # 30 + 10 whatever is taken first, as all is taken; 1 sold for 130, 140 now.
    Example(
        name="a flip through several lots",
        trades=("buy 1 100", "buy 1 120", "sell 3 130"),
        mark="140",
        quantity="-1",
        average="-130 40 -10 30",
    ),
    # 10, then 110 - 105, then 107 - 105 open.
    Example(
        name="there and back again",
        trades=("buy 1 100", "sell 2 110", "buy 2 105"),
        mark="107",
        quantity="1",
        average="105 15 2 17",
    ),
    # The second purchase knows nothing of the first.
    Example(
        name="flat in between",
        trades=("buy 1 100", "sell 1 101", "buy 1 99"),
        mark="100",
        quantity="1",
        average="99 1 1 2",
    ),
    # 10 + 10 less 0.40 and 0.22.
    Example(
        name="fees in the quote asset",
        trades=("buy 2 100 0.40 USD", "sell 1 110 0.22 USD"),
        mark="110",
        quantity="1",
        fees="0.62",
        average="100 10 10 19.38",
    ),
    # 0.999 arrive and cost 49,950; the 0.001 that did not are a fee of 50.
    Example(
        name="a buy with a fee in the base asset",
        trades=("buy 1 50000 0.001 BTC",),
        mark="50000",
        quantity="0.999",
        fees="50",
        average="49950 0 0 -50",
    ),
    # 0.998 x 10,000 less 100; in cash 59,880 - 50,000.
    Example(
        name="all that arrived is sold",
        trades=("buy 1 50000 0.002 BTC", "sell 0.998 60000"),
        mark="1",
        quantity="0",
        fees="100",
        average="0 9980 0 9880",
    ),
    # 1.01 left at 1,200: 202 realised. 0.99 stay, for 990, worth 198 more. The fee is 12.
    # In cash: 1,200 - 2,000 + 0.99 x 1,200.
    Example(
        name="a sale with a fee in the base asset",
        trades=("buy 2 1000", "sell 1 1200 0.01 BTC"),
        mark="1200",
        quantity="0.99",
        fees="12",
        average="990 202 198 388",
    ),
    # What one holds does not cover the fee: 0.01 are owed, at the price of the fill.
    Example(
        name="a fee in the base asset that flips",
        trades=("buy 1 100", "sell 1 100 0.01 BTC"),
        mark="100",
        quantity="-0.01",
        fees="1",
        average="-1 0 0 -1",
    ),
    # 1,000 came in, 1.01 are owed.
    Example(
        name="a short with a fee in the base asset",
        trades=("sell 1 1000 0.01 BTC",),
        mark="1000",
        quantity="-1.01",
        fees="10",
        average="-1010 0 0 -10",
    ),
    # 0.99 arrive: 99 realised. 0.01 stay owed, sold at 1,000, worth 900. 99 + 1 - 9.
    Example(
        name="a short covered with a fee in the base asset",
        trades=("sell 1 1000", "buy 1 900 0.01 BTC"),
        mark="900",
        quantity="-0.01",
        fees="9",
        average="-10 99 1 91",
    ),
    # Nobody said what a KFEE is worth: it stands aside.
    Example(
        name="a fee in a third asset",
        trades=("buy 1 100 0.5 KFEE",),
        mark="110",
        quantity="1",
        unconverted=(Fee(Asset("KFEE"), Decimal("0.5")),),
        average="100 0 10 10",
    ),
    # A BNB is worth 300: 0.01 of it is 3.
    Example(
        name="a fee in a third asset that is converted",
        trades=("buy 1 100 0.01 BNB",),
        mark="110",
        quantity="1",
        fees="3",
        average="100 0 10 7",
    ),
    # 1 in quote and 0.001 x 1,000 in base; KFEE stand aside.
    Example(
        name="fees in three assets at once",
        trades=("buy 1 1000 1 USD 0.001 BTC 2 KFEE",),
        mark="1000",
        quantity="0.999",
        fees="2",
        unconverted=(Fee(Asset("KFEE"), Decimal(2)),),
        average="999 0 0 -2",
    ),
    # Made twice, rewarded twice.
    Example(
        name="rebates in the quote asset",
        trades=("buy 10 5 -0.01 USD", "sell 10 5 -0.01 USD"),
        mark="5",
        quantity="0",
        fees="-0.02",
        average="0 0 0 0.02",
    ),
    # 1.001 arrive, for 100 in all.
    Example(
        name="a rebate in the base asset",
        trades=("buy 1 100 -0.001 BTC",),
        mark="100",
        quantity="1.001",
        fees="-0.1",
        average="100.1 0 0 0.1",
    ),
    # One hundred-millionth, 10,000 up.
    Example(
        name="a tiny lot",
        trades=("buy 0.00000001 60000.1",),
        mark="70000.1",
        quantity="0.00000001",
        average="0.000600001 0 0.0001 0.0001",
    ),
    # 5 x 10^11 at 10^-7 more, the same again at 10^-7 less.
    Example(
        name="a huge quantity at a tiny price",
        trades=("buy 1000000000000 0.00001234", "sell 500000000000 0.00001244"),
        mark="0.00001224",
        quantity="500000000000",
        average="6170000 50000 -50000 0",
    ),
    # 0.1 x 1 up.
    Example(
        name="a high price",
        trades=("buy 0.1 1234567.89",),
        mark="1234568.89",
        quantity="0.1",
        average="123456.789 0 0.1 0.1",
    ),
    # 302 for 3 is no number of finite digits, and yet 306 - 302 is 4.
    Example(
        name="an average that does not divide",
        trades=("buy 1 100", "buy 2 101", "sell 1 102", "sell 1 102", "sell 1 102"),
        mark="1",
        quantity="0",
        average="0 4 0 4",
    ),
)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_worked_examples(example: Example) -> None:
    held = position(
        *example.trades, mark=example.mark, conversions={Asset("BNB"): Decimal(300)}
    ).view()

    assert held.quantity == Decimal(example.quantity)
    assert held.fees_quote == Decimal(example.fees)
    assert held.fees_unconverted == example.unconverted
    lines = (example.average, example.fifo or example.average, example.lifo or example.average)
    for profit, line in zip(held.profits, lines, strict=True):
        told = (profit.cost, profit.realised, profit.unrealised, profit.total)
        assert told == tuple(map(Decimal, line.split())), profit.method


def test_there_are_examples_enough() -> None:
    assert len(EXAMPLES) >= 25


# Averages, sizes and marks


def test_averages_are_over_all_fills() -> None:
    # Buys: 100 + 2 x 130 = 360 for 3. Sells: 150 + 90 = 240 for 2. All: 600 for 5.
    held = position("buy 1 100", "buy 2 130", "sell 1 150", "sell 1 90")

    assert values(held.bought, held.sold) == (3, 2)
    assert values(held.average_buy, held.average_sell, held.average_price) == (120, 120, 120)


def test_nothing_has_no_averages() -> None:
    held = position()

    assert (held.average_buy, held.average_sell, held.average_price) == (None, None, None)
    assert held.profit().average_price is None
    assert not held.is_used


def test_averages_count_what_was_traded_not_what_a_fee_left() -> None:
    held = position("buy 1 100 0.1 BTC", "buy 1 200")

    assert values(held.bought, held.average_buy) == (2, 150)
    # 0.9 at 100 and 1 at 200: 290 for 1.9.
    assert held.profit().average_price == Decimal("152.6315789473684210526315789")


def test_without_a_mark_what_is_open_is_not_valued() -> None:
    held = position("buy 1 100", "buy 1 100", "sell 1 130").view()

    assert (held.mark, held.notional, held.package_price) == (None, None, None)
    assert (held.profit.unrealised, held.profit.total) == (None, None)
    assert held.profit.realised == 30


def test_a_withdrawn_mark_is_gone() -> None:
    held = position("buy 1 100", mark="110")

    held.marked(None)

    assert held.profit().unrealised is None


def test_what_is_flat_needs_no_mark() -> None:
    assert position("buy 1 100", "sell 1 130").profit().total == 30


def test_a_package_brings_or_costs() -> None:
    long, short = position("buy 2 100", mark="110"), position("sell 2 100", mark="110")

    assert values(long.package_price, long.notional) == (220, 220)
    assert values(short.package_price, short.notional) == (-220, 220)


def test_longs_are_marked_at_the_bid_and_shorts_at_the_ask_even_when_it_flips() -> None:
    held = position("buy 1 100")
    held.quoted(Decimal(104), Decimal(106))
    assert held.mark == 104

    held.apply(fill("sell 2 100", 2))
    assert held.mark == 106

    held.apply(fill("buy 1 100", 3))
    assert held.mark == 105  # nothing is open; half way between


def test_one_side_of_a_book_marks_those_it_can_close() -> None:
    long, short = position("buy 1 100"), position("sell 1 100")
    for held in (long, short):
        held.quoted(Decimal(104), None)

    assert values(long.mark, short.mark) == (104, None)


def test_marks_may_be_half_way_by_choice() -> None:
    held = position("buy 1 100", policy=Policy(mark_by=MarkBy.MID))

    held.quoted(Decimal("104.1"), Decimal("104.2"))
    assert held.mark == Decimal("104.15")

    held.quoted(Decimal(104), None)
    assert held.mark is None


@pytest.mark.parametrize("text", ["0", "-1", "NaN", "Infinity"])
def test_a_mark_that_is_no_price_is_refused(text: str) -> None:
    held = position("buy 1 100", mark="101")

    with pytest.raises(BadInput, match="a mark"):
        held.marked(Decimal(text))
    with pytest.raises(BadInput, match="a mark"):
        held.quoted(Decimal(1), Decimal(text))

    assert held.mark == 101


# Fees


def test_fees_are_told_as_they_were_charged() -> None:
    held = position("buy 1 1000 1 USD 0.001 BTC 2 KFEE", "sell 1 1000 2 USD 3 KFEE 0 X")

    assert held.fees == {"USD": 3, "BTC": Decimal("0.001"), "KFEE": 5}
    assert held.fees_unconverted == {"KFEE": 5}
    assert held.fees_quote == 4


def test_a_conversion_counts_from_when_it_is_known() -> None:
    conversions: dict[Asset, Decimal] = {}
    held = position("buy 1 100 1 KFEE", conversions=conversions)

    conversions[Asset("KFEE")] = Decimal("0.02")
    held.apply(fill("buy 1 100 1 KFEE", 2))

    assert held.fees_unconverted == {"KFEE": 1}
    assert held.fees_quote == Decimal("0.02")


def test_a_conversion_that_is_no_price_is_refused_and_changes_nothing() -> None:
    held = position(conversions={Asset("KFEE"): Decimal("NaN")})

    with pytest.raises(BadInput, match="a price of KFEE"):
        held.apply(fill("buy 1 100 1 KFEE"))

    assert not held.is_used
    assert held.fees == {}


def test_a_contract_holds_no_base_asset_to_take_a_fee_from() -> None:
    held = position("buy 1 100 0.001 BTC", symbol=Symbol("BTC/USD:PERP"))

    assert held.quantity == 1
    assert held.fees_quote == 0
    assert held.fees_unconverted == {"BTC": Decimal("0.001")}


# Fills that do not count


def test_a_fill_counts_once() -> None:
    held = position("buy 1 100")

    assert not held.apply(fill("buy 1 100"))
    assert values(held.quantity, held.fills, held.repeated, held.contradicted) == (1, 1, 1, 0)


def test_a_fill_that_comes_again_with_other_numbers_is_told() -> None:
    held = position("buy 1 100")

    assert not held.apply(fill("buy 2 100"))
    assert values(held.quantity, held.repeated, held.contradicted) == (1, 1, 1)


@pytest.mark.parametrize("fees", ["", "0.1 BTC", "-0.1 USD", "0.1 USD 0.1 BTC"])
def test_a_fill_that_comes_again_with_other_fees_is_told(fees: str) -> None:
    held = position("buy 1 100 0.1 USD")

    assert not held.apply(fill(f"buy 1 100 {fees}"))
    assert values(held.quantity, held.repeated, held.contradicted) == (1, 1, 1)
    assert held.fees == {USD: Decimal("0.1")}


def test_while_fees_are_not_known_there_is_no_total() -> None:
    held = TrackedPosition("here", ETH)
    held.apply(replace(fill("buy 1 2000", symbol=ETH), fees=None))
    held.marked(Decimal(2100))

    view = held.view()

    assert values(view.quantity, view.fees_unknown, view.profit.total) == (1, 1, None)
    assert view.profit.unrealised == 100


@pytest.mark.parametrize("is_known_first", [True, False])
def test_a_fee_of_the_base_asset_that_becomes_known_later_is_as_if_it_was_known_at_first(
    *, is_known_first: bool
) -> None:
    charged = fill("buy 1 2000 0.004 ETH", symbol=ETH)
    told = [charged, replace(charged, fees=None, backfilled=True)]
    held = TrackedPosition("here", ETH)
    for one in told if is_known_first else told[::-1]:
        held.apply(one)

    # 1 bought for 2000, of which 0.004, worth 8, went for the fee: 0.996 at 2000 are left.
    assert values(held.quantity, held.fees_quote, held.fees_unknown) == (Decimal("0.996"), 8, 0)
    assert held.fees == {Asset("ETH"): Decimal("0.004")}
    assert values(held.fills, held.repeated, held.contradicted) == (1, int(is_known_first), 0)
    for method in Method:
        assert held.profit(method).cost == 1992
        assert held.profit(method).realised == 0


def test_it_is_taken_from_what_that_fill_opened() -> None:
    late = fill("buy 1 2000 0.5 BTC", 2)
    held = position("buy 1 1000")
    held.apply(replace(late, fees=None))
    held.apply(fill("buy 1 3000", 3))

    held.apply(late)

    assert held.quantity == Decimal("2.5")
    assert [lot.quantity for lot in held.lots(FIFO)] == [1, Decimal("0.5"), 1]
    for method in Method:
        assert values(held.profit(method).cost, held.profit(method).realised) == (5000, 0)
    # 1000, half of 2000 and 3000, for 2.5.
    assert held.profit(AVERAGE).average_price == 2000


def test_where_that_is_sold_already_it_is_closed_at_the_price_of_its_fill() -> None:
    late = fill("buy 1 2000 0.5 BTC", 2)
    held = position("buy 1 1000")
    held.apply(replace(late, fees=None))
    held.apply(fill("sell 1 4000", 3))

    held.apply(late)

    # LIFO sold that lot for 4000; the other one, at 1000, gives half of itself for 2000.
    assert values(held.quantity, held.profit(LIFO).realised) == (Decimal("0.5"), 2500)
    assert values(held.profit(FIFO).realised, held.profit(FIFO).cost) == (3000, 1000)


@pytest.mark.parametrize(
    ("fee", "quantity", "total"), [("0.5 BTC", "1.5", 2750), ("-0.5 BTC", "2.5", 5250)]
)
def test_of_a_sale_it_moves_the_position_on(fee: str, quantity: str, total: int) -> None:
    late = fill(f"sell 1 2000 {fee}", 2)
    held = position("buy 3 1000", mark="2500")
    held.apply(replace(late, fees=None))

    held.apply(late)

    # Paid 3000, got 2000, and what is left is worth 2500 each.
    assert held.quantity == Decimal(quantity)
    assert [held.profit(method).total for method in Method] == [total] * 3


def test_a_rebate_of_the_base_asset_that_becomes_known_later_is_held() -> None:
    late = fill("buy 1 2000 -0.5 BTC")
    held = TrackedPosition("here", BTC)
    held.apply(replace(late, fees=None))

    held.apply(late)

    assert values(held.quantity, held.fees_quote) == (Decimal("1.5"), -1000)
    for method in Method:
        assert sum(one.quantity for one in held.lots(method)) == Decimal("1.5")
        assert values(held.profit(method).cost, held.profit(method).realised) == (3000, 0)


def test_a_period_begins_with_what_is_open_and_all_else_from_zero() -> None:
    held = position("buy 2 100 1 USD 3 BNB", "sell 1 150 2 USD", mark="200")
    held.apply(fill("buy 2 100 1 USD 3 BNB", 1))
    held.apply(replace(fill("sell 0.5 150", 3), fees=None))

    held.begin(at_ns=3)

    view = held.view()
    nothing = [
        view.bought,
        view.sold,
        view.fees_quote,
        view.fills,
        view.repeated,
        view.fees_unknown,
    ]
    assert nothing == [0] * 6
    assert (view.fees, view.fees_unconverted, view.average_price) == ((), (), None)
    assert values(view.quantity, view.profit.cost, view.profit.realised) == (Decimal("0.5"), 50, 0)
    assert view.profit.total == 50
    assert not held.apply(fill("sell 0.1 150", 3))  # it is of before
    assert held.apply(fill("sell 0.5 150", 4))
    assert held.profit().realised == 25


@pytest.mark.parametrize(
    ("held_then", "cost", "unpriced"),
    [("3", None, 1), ("1.5", 150, 0), ("0", 0, 0), ("-2", None, -2)],
)
def test_what_else_is_held_came_or_left_without_a_trade(
    held_then: str, cost: int | None, unpriced: int
) -> None:
    held = position("buy 2 100", mark="200", policy=Policy(methods=(FIFO,)))

    held.begin(5, Decimal(held_then))

    profit = held.profit()
    assert values(held.quantity, profit.cost, profit.realised) == (Decimal(held_then), cost, 0)
    assert profit.unpriced == unpriced
    assert sum(one.quantity for one in held.lots()) == Decimal(held_then)
    with pytest.raises(BadInput, match="what is held"):
        held.begin(5, Decimal("NaN"))


def test_a_late_fill_counts_when_it_comes() -> None:
    held = position("buy 1 100")
    held.apply(fill("sell 1 130", 3))

    assert held.apply(replace(fill("buy 1 90", 2), backfilled=True))
    assert values(held.quantity, held.profit().realised, held.profit().cost) == (1, 30, 90)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (fill("buy 1 0"), "the price of a fill: a number above zero was expected, was 0"),
        (fill("buy 1 -5"), "was -5"),
        (fill("buy 0 5"), "the quantity of a fill: a number above zero was expected, was 0"),
        (fill("buy -1 5"), "was -1"),
        (fill("buy NaN 5"), "NaN"),
        (fill("buy 1 Infinity"), "Infinity"),
        (fill("buy 1 1E+50"), "at most 60 characters"),
        (fill("buy 1 5 NaN USD"), "a fee"),
        (replace(fill("buy 1 5"), fill_id=""), "a fill with an id was expected"),
        (replace(fill("buy 1 5"), venue="there"), "was of BTC/USD at there"),
        (fill("buy 1 5", symbol=Symbol("BTC/EUR")), "was of BTC/EUR at here"),
    ],
)
def test_a_fill_that_makes_no_sense_is_refused_and_changes_nothing(bad: Fill, words: str) -> None:
    held = position("buy 1 100", mark="110")
    before = held.view()

    with pytest.raises(BadInput, match=words):
        held.apply(bad)

    assert held.view() == before


# Beginning with what is held


def test_it_begins_with_what_is_held_at_a_known_cost() -> None:
    held = position(mark="130")
    held.open_with(Decimal(2), Decimal(100), at_ns=5)

    held.apply(fill("sell 1 120", 6))

    # 20 realised, 30 open; nothing was bought here.
    assert held.profit().total == 50
    assert held.average_buy is None
    assert held.is_used


def test_what_was_held_at_unknown_cost_earns_nothing_that_is_known() -> None:
    held = position(mark="130", policy=Policy(methods=(FIFO, LIFO)))
    held.open_with(Decimal(1), None, at_ns=0)
    assert held.profit().unrealised is None

    held.apply(fill("buy 1 100", 1))
    held.apply(fill("sell 1 120", 2))

    oldest, newest = held.view().profits
    # The oldest went, and nobody knows what it cost; 1 at 100 stays.
    assert values(oldest.realised, oldest.unrealised, oldest.unpriced_closed) == (0, 30, 1)
    # The newest went for 20; that of unknown cost stays.
    assert values(newest.realised, newest.unrealised, newest.unpriced) == (20, None, 1)
    assert (oldest.total, newest.total) == (None, None)


def test_fills_that_the_beginning_knew_do_not_count() -> None:
    held = position()
    held.open_with(Decimal(2), Decimal(100), at_ns=5)

    assert not held.apply(fill("buy 1 100", 5))
    assert held.apply(fill("buy 1 100", 6))
    assert values(held.quantity, held.settled) == (3, 1)


def test_it_may_begin_short_or_with_nothing() -> None:
    short, nothing = position(mark="90"), position()
    short.open_with(Decimal(-1), Decimal(100), at_ns=0)
    nothing.open_with(Decimal(0), None, at_ns=0)

    assert short.profit().total == 10
    assert nothing.profit().total == 0


def test_it_begins_once() -> None:
    traded, begun = position("buy 1 100"), position()
    begun.open_with(Decimal(0), None, at_ns=0)

    for held in (traded, begun):
        with pytest.raises(BadInput, match="BTC/USD has begun"):
            held.open_with(Decimal(1), None, at_ns=0)


@pytest.mark.parametrize(("quantity", "price"), [("NaN", "1"), ("1", "0"), ("1", "NaN")])
def test_a_beginning_that_makes_no_sense_is_refused(quantity: str, price: str) -> None:
    held = position()

    with pytest.raises(BadInput, match="to begin with"):
        held.open_with(Decimal(quantity), Decimal(price), at_ns=0)

    assert not held.is_used


# The rest


def test_methods_may_be_chosen_and_the_first_is_meant() -> None:
    held = position("buy 1 100", "buy 1 120", "sell 1 130", policy=Policy(methods=(LIFO, FIFO)))

    assert held.profit().realised == 10
    assert held.profit(FIFO).realised == 30
    assert held.view().profit.method is LIFO
    with pytest.raises(BadInput, match=r"kept \(lifo, fifo\) was expected, was Method.AVERAGE"):
        held.profit(AVERAGE)


@pytest.mark.parametrize("methods", [(), (FIFO, FIFO)])
def test_no_method_or_one_twice_is_refused(methods: tuple[Method, ...]) -> None:
    with pytest.raises(BadInput, match="one or more different methods"):
        TrackedPosition("here", BTC, Policy(methods=methods))


def test_methods_are_taken_as_text_too() -> None:
    held = position("buy 1 100", policy=Policy(methods=("fifo", "lifo"), mark_by="mid"))

    assert held.profit("lifo").method is LIFO
    assert len(held.lots("FIFO")) == 1
    with pytest.raises(BadInput, match="method: one of average, fifo, lifo was expected"):
        held.profit("hifo")
    with pytest.raises(BadInput, match="mark_by"):
        Policy(mark_by="last")
    with pytest.raises(BadInput, match="lots_max: 1 or more was expected, was 0"):
        Policy(lots_max=0)


def test_lots_are_told_oldest_first() -> None:
    held = position("buy 1 100", "buy 1 100", "buy 2 120")

    assert [values(lot.quantity, lot.price, lot.fills) for lot in held.lots(FIFO)] == [
        (2, 100, 2),
        (2, 120, 1),
    ]
    assert [(lot.opened_ns, lot.fill_id) for lot in held.lots(LIFO)] == [(1, "T1"), (3, "T3")]


def test_too_many_lots_melt_and_it_is_told() -> None:
    held = position(*(f"buy 1 {n}" for n in range(1, 8)), mark="10", policy=Policy(lots_max=3))

    # 1 to 7 cost 28; the five oldest are one lot now.
    assert [profit.lots for profit in held.view().profits] == [1, 3, 3]
    assert [profit.melted for profit in held.view().profits] == [0, 4, 4]
    assert {profit.total for profit in held.view().profits} == {Decimal(42)}


def test_orders_are_summed_up_beside_it() -> None:
    held = position()
    update = OrderUpdate(
        venue="here",
        order_id="O1",
        symbol=BTC,
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        status=OrderStatus.PARTIALLY_FILLED,
        quantity=Decimal(3),
        filled=Decimal(1),
        venue_ns=1,
        received_ns=7,
    )

    assert held.order(update)
    assert held.is_used
    assert held.view().orders == OrderTotals(
        orders=1, open=1, original=Decimal(3), executed=Decimal(1), remaining=Decimal(2)
    )
    assert held.updated_ns == 7
    assert held.open_orders([], 8)
    assert held.view().orders.ended == 2
    assert held.updated_ns == 8


def test_a_view_is_a_copy_that_stays() -> None:
    held = position("buy 1 100 1 USD", mark="110")
    taken = held.view()

    held.apply(fill("buy 1 120 1 USD", 2))

    assert values(taken.quantity, taken.fills, taken.fees_quote, taken.updated_ns) == (1, 1, 1, 101)
    assert taken.profit.total == 9
