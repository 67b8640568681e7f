"""What a period begins with: worked out by hand, and that nothing is ever short that is not."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fluxum.errors import BadInput
from fluxum.ledger.ledger import Ledger
from fluxum.ledger.lots import Method
from fluxum.ledger.opening import held_at, ledger_between
from fluxum.ledger.view import Position
from fluxum.model.account import Balance, EntryKind, Fee, Fill, LedgerEntry
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side

BTC, EUR = Symbol("BTC/USD"), Symbol("BTC/EUR")
PERP = Symbol("BTC/USD:PERP")
COINS, DOLLARS = Asset("BTC"), Asset("USD")


def fill(trade: str, at: int, symbol: Symbol = BTC) -> Fill:
    """`sell 0.005 60000 0.1 USD` as an execution at an instant."""
    side, quantity, price, *fee = trade.split()
    return Fill(
        venue="here",
        symbol=symbol,
        side=Side(side),
        price=Decimal(price),
        quantity=Decimal(quantity),
        fees=(Fee(Asset(fee[1]), Decimal(fee[0])),) if fee else (),
        fill_id=f"T{at}",
        order_id="O",
        venue_ns=at,
        received_ns=at,
    )


def entry(at: int, amount: str, asset: Asset = COINS, fee: str = "0") -> LedgerEntry:
    return LedgerEntry(
        venue="here",
        entry_id=f"L{at}{asset}",
        reference_id="R",
        kind=EntryKind.TRADE,
        venue_kind="trade",
        asset=asset,
        amount=Decimal(amount),
        fee=Decimal(fee),
        balance=Decimal(0),
        venue_ns=at,
        received_ns=at,
    )


def holding(total: str, asset: Asset = COINS) -> Balance:
    return Balance(venue="here", asset=asset, total=Decimal(total), received_ns=1000)


def view(ledger: Ledger, symbol: Symbol = BTC, mark: str = "") -> Position:
    if mark:
        ledger.mark("here", symbol, Decimal(mark))
    position = ledger.position("here", symbol)
    assert position is not None
    return position.view()


def values(*found: object) -> tuple[object, ...]:
    """Side by side, to be compared with what was worked out."""
    return found


def has(**held: str) -> dict[Asset, Decimal]:
    return {Asset(asset): Decimal(total) for asset, total in held.items()}


# What was held


def test_what_was_held_is_what_is_held_less_what_moved_since() -> None:
    lines = [
        entry(50, "9"),  # at that instant or before: not since
        entry(100, "-0.005"),
        entry(101, "2", fee="0.01"),
        entry(101, "2", fee="0.01"),  # told twice
        entry(102, "300", DOLLARS, "0.5"),
        entry(103, "-4", Asset("ETH")),  # all of it
    ]

    balances = [holding("2"), holding("1000", DOLLARS), holding("1")]  # of two wallets
    held = held_at(balances, lines, at_ns=50)

    # 3 + 0.005 - 1.99, and 1000 - 299.5, and 0 + 4.
    assert held == has(BTC="1.015", USD="700.5", ETH="4")


def test_a_line_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(BadInput, match="L100BTC"):
        held_at([], [entry(100, "1"), entry(100, "2")], at_ns=0)


# What a period begins with


def test_older_coins_that_are_sold_are_no_short_and_their_cost_is_unknown() -> None:
    sold = view(ledger_between("here", [fill("sell 0.005 60000", 200)], 100))

    assert values(sold.quantity, sold.fills) == (0, 1)
    assert sold.cost_note == "cost basis unknown for 0.005 BTC"
    assert values(sold.profit.realised, sold.profit.total) == (0, None)


def test_what_is_held_by_the_balance_is_the_beginning() -> None:
    held = has(BTC="0.5")

    sold = view(ledger_between("here", [fill("sell 0.005 60000", 200)], 100, held=held))

    assert sold.quantity == Decimal("0.495")
    assert sold.cost_note == "cost basis unknown for 0.5 BTC"
    assert sold.profit.unpriced_closed == Decimal("0.005")


def test_what_earlier_fills_explain_has_their_cost() -> None:
    fills = [
        fill("buy 0.5 40000", 10),
        fill("buy 0.5 50000", 20),
        fill("sell 0.2 55000 3 USD", 30),
        fill("sell 0.1 60000 7 USD", 200),
    ]

    ledger = ledger_between("here", fills, 100, held=has(BTC="0.8"))
    sold = view(ledger, mark="61000")

    assert values(sold.quantity, sold.sold, sold.fees_quote) == (Decimal("0.7"), Decimal("0.1"), 7)
    assert sold.cost_note == ""
    by_method = {profit.method: profit for profit in sold.profits}
    # FIFO: of 0.3 at 40000 and 0.5 at 50000 the period sells 0.1 at 40000 for 60000.
    assert by_method[Method.FIFO].realised == 2000
    assert by_method[Method.FIFO].cost == 33_000
    # LIFO: of 0.5 at 40000 and 0.3 at 50000 it sells 0.1 at 50000.
    assert by_method[Method.LIFO].realised == 1000
    # AVERAGE: all at 45000.
    assert by_method[Method.AVERAGE].realised == 1500
    # 0.7 at 61000, less the cost of 0.8, plus what 0.1 brought, less the fee.
    assert by_method[Method.AVERAGE].total == 42_700 - 36_000 + 6_000 - 7


def test_coins_that_no_fill_explains_are_of_unknown_cost_and_the_rest_is_known() -> None:
    fills = [fill("buy 0.5 40000", 10), fill("sell 0.5 60000", 200)]

    found = view(ledger_between("here", fills, 100, held=has(BTC="0.505")))

    assert found.quantity == Decimal("0.005")
    assert found.cost_note == "cost basis unknown for 0.005 BTC"
    fifo = found.profits[1]
    assert values(fifo.realised, fifo.unpriced, fifo.unpriced_closed) == (
        10_000,
        Decimal("0.005"),
        0,
    )


def test_coins_that_left_without_being_sold_earn_nothing() -> None:
    fills = [fill("buy 1 40000", 10), fill("buy 1 50000", 20), fill("sell 0.5 60000", 200)]

    found = view(ledger_between("here", fills, 100, held=has(BTC="0.5")))

    assert values(found.quantity, found.cost_note) == (0, "")
    # FIFO gave the first coin and half of the second away; the rest cost 25000.
    assert found.profits[1].realised == 5000


def test_nothing_is_held_of_an_asset_that_is_not_among_the_balances() -> None:
    found = view(ledger_between("here", [fill("buy 1 40000", 10)], 100, symbols=[BTC], held={}))

    assert values(found.quantity, found.profit.cost) == (0, 0)


def test_sales_before_any_purchase_that_is_known_were_of_older_coins() -> None:
    fills = [fill("sell 2 40000", 10), fill("buy 1 50000", 20)]

    found = view(ledger_between("here", fills, 100, symbols=[BTC]))

    assert values(found.quantity, found.profit.cost, found.cost_note) == (1, 50_000, "")


def test_fees_of_the_base_asset_are_sold_too() -> None:
    found = view(ledger_between("here", [fill("sell 1 100 0.1 BTC", 200)], 100))

    assert found.quantity == 0
    assert found.cost_note == "cost basis unknown for 1.1 BTC"


def test_a_contract_that_is_sold_is_a_short() -> None:
    fills = [fill("sell 1 40000", 10, PERP), fill("sell 1 50000", 200, PERP)]

    found = view(ledger_between("here", fills, 100, held=has(BTC="9")), PERP)

    assert values(found.quantity, found.profit.cost, found.cost_note) == (-2, -90_000, "")


def test_an_inverse_contract_is_not_counted() -> None:
    inverse = Symbol("BTC/USD:PERP-INVERSE")
    fills = [fill("sell 1 100", 200, inverse), fill("buy 1 100", 201)]

    ledger = ledger_between("here", fills, 100)

    assert [one.symbol for one in ledger.positions()] == [BTC]
    assert ledger.uncounted == {inverse: 1}


def test_markets_of_one_asset_share_what_is_held_by_what_they_need() -> None:
    fills = [fill("sell 1 100", 200, EUR), fill("buy 2 100", 201, BTC)]

    ledger = ledger_between("here", fills, 100, symbols=[BTC, EUR], held=has(BTC="3"))

    assert view(ledger, EUR).quantity == 0
    assert view(ledger, BTC).quantity == 4
    assert view(ledger, EUR).cost_note == "cost basis unknown for 1 BTC"
    assert view(ledger, BTC).cost_note == "cost basis unknown for 2 BTC"


def test_the_period_ends_where_it_ends() -> None:
    fills = [fill("buy 1 100", 100), fill("buy 1 100", 199), fill("buy 1 100", 200)]

    found = view(ledger_between("here", fills, 100, 199, held=has(BTC="1")))

    assert values(found.quantity, found.fills) == (2, 1)


def test_fills_that_come_live_go_on_and_those_of_before_are_part_of_the_beginning() -> None:
    fills = [fill("buy 1 100", 50), fill("buy 1 100", 150)]
    ledger = ledger_between("here", fills, 100, held=has(BTC="1"))

    told = [*fills, fill("buy 1 100", 300)]
    counted = [len(ledger.apply(one)) for one in told]

    assert counted == [0, 0, 1]
    assert values(view(ledger).quantity, view(ledger).settled, view(ledger).repeated) == (3, 1, 1)


def test_a_fill_that_is_told_twice_counts_once() -> None:
    sold = fill("sell 1 100 0.1 BTC", 200)
    told = [replace(sold, fees=None), sold, replace(sold, backfilled=True)]

    found = view(ledger_between("here", told, 100))

    assert values(found.quantity, found.fills) == (0, 1)
    assert found.cost_note == "cost basis unknown for 1.1 BTC"


def test_only_markets_that_are_wanted_are_in_it() -> None:
    fills = [fill("buy 1 100", 200), fill("buy 1 100", 201, EUR)]

    ledger = ledger_between("here", fills, 100, symbols=[BTC])

    assert [one.symbol for one in ledger.positions()] == [BTC]


# Laws

sizes = st.decimals(min_value="0.01", max_value="9", places=2)
moves = st.lists(st.tuples(st.sampled_from(["buy", "sell", "deposit", "withdraw"]), sizes))


@given(moves=moves, since=st.integers(0, 30), known_from=st.integers(0, 30), data=st.data())
def test_a_true_balance_gives_the_true_position_however_little_is_known(
    moves: Sequence[tuple[str, Decimal]], since: int, known_from: int, data: st.DataObject
) -> None:
    fills: list[Fill] = []
    lines: list[LedgerEntry] = []
    coins = Decimal(0)
    for at, (what, size) in enumerate(moves, 1):
        if what in {"sell", "withdraw"} and size > coins:
            continue
        gain = size if what in {"buy", "deposit"} else -size
        coins += gain
        lines.append(entry(at, str(gain)))
        if what in {"buy", "sell"}:
            fills.append(fill(f"{what} {size} 100", at))
    known = [one for one in fills if one.venue_ns >= min(known_from, since + 1)]
    held = held_at([holding(str(coins))], data.draw(st.permutations(lines)), since)

    ledger = ledger_between("here", known, since, symbols=[BTC], held=held)

    found = view(ledger)
    traded = sum((one.signed_quantity for one in known if one.venue_ns > since), Decimal(0))
    assert found.quantity == held.get(COINS, 0) + traded
    assert found.fills == sum(1 for one in known if one.venue_ns > since)
    without = view(ledger_between("here", known, since, symbols=[BTC]))
    assert without.quantity >= 0
    if not any(what in {"deposit", "withdraw"} for what, _ in moves) and len(known) == len(fills):
        assert found.cost_note == ""
        assert found.profit == without.profit
