"""Tests of `sim.account`: balances, holds and lines, to the last digit."""

from decimal import Decimal
from random import Random

import pytest

from box import BTC, START, Box, limit
from fluxum.errors import BadInput
from fluxum.model.account import EntryKind, Fee, LedgerEntry, Liquidity
from fluxum.model.instrument import Asset
from fluxum.model.market import Side
from fluxum.model.order import FeeAsset, OrderRequest, OrderStatus, OrderType
from fluxum.sim.account import SimulatedAccount
from fluxum.venues.server.accounts import CommandRefused, Refusal

BUY, SELL = Side.BUY, Side.SELL
USD, BITCOIN = Asset("USD"), Asset("BTC")


def held(account: SimulatedAccount) -> dict[str, tuple[str, str]]:
    """Totals, and what orders bind of them, as text."""
    return {
        str(one.asset): (f"{one.total}", f"{(one.held or Decimal(0)).normalize():f}")
        for one in account.balances()
    }


def lines(account: SimulatedAccount) -> list[tuple[str, ...]]:
    return [
        (one.asset, f"{one.amount:f}", f"{one.fee:f}", f"{one.balance:f}")
        for one in list(account.entries)
        if one.kind is EntryKind.TRADE
    ]


def test_the_published_sale_is_booked_to_the_digit() -> None:
    # https://docs.kraken.com/api/docs/websocket-v2/balances: 0.005 at 26599.9, taker 0.26 %
    box = Box()
    account, _ = box.open(BTC="0.01", USD="0", fees=("0.0016", "0.0026"))
    box.write(["26599.9 1"], ["26600.0 1"])

    account.place(limit(SELL, "26500.0", "0.005"))

    base, quote = lines(account)
    assert base == ("BTC", "-0.0050000000", "0.0000000000", "0.0050000000")
    assert quote == ("USD", "132.9995", "0.3458", "132.6537")
    (fill,) = account.fills
    assert (fill.price, fill.quantity) == (Decimal("26599.9"), Decimal("0.005"))
    assert fill.fees == (Fee(USD, Decimal("0.3458")),)
    assert fill.liquidity is Liquidity.TAKER


def test_both_lines_of_a_trade_share_the_fills_name() -> None:
    box = Box()
    account, _ = box.open(USD="1000")
    box.write(["99.9 1"], ["100.0 1"])

    account.place(limit(BUY, "100.0", "1"))

    (fill,) = account.fills
    traded = [one for one in account.entries if one.kind is EntryKind.TRADE]
    assert [one.reference_id for one in traded] == [fill.fill_id, fill.fill_id]
    assert len({one.entry_id for one in account.entries}) == 3


def test_a_resting_purchase_binds_its_cost_and_the_dearer_fee() -> None:
    box = Box()
    account, _ = box.open(USD="1000")
    box.write(["90.0 1"], ["100.0 1"])

    order = account.place(limit(BUY, "95.0", "2"))

    # 2 x 95 and 0.4 % of it, as it might still take
    assert held(account)["USD"] == ("1000.0000", "190.76")
    account.cancel(order.update.order_id)
    assert held(account)["USD"] == ("1000.0000", "0")


def test_a_resting_sale_binds_the_quantity() -> None:
    box = Box()
    account, _ = box.open(BTC="3")
    box.write(["90.0 1"], ["100.0 1"])

    account.place(limit(SELL, "99.0", "2"))

    assert held(account)["BTC"] == ("3.0000000000", "2")


def test_a_fee_in_base_is_taken_from_what_was_bought() -> None:
    box = Box()
    account, _ = box.open(USD="100")
    box.write(["90.0 1"], ["100.0 1"])

    account.place(limit(BUY, "100.0", "1", fee_asset=FeeAsset.BASE))

    assert lines(account) == [
        ("BTC", "1.0000000000", "0.0040000000", "0.9960000000"),
        ("USD", "-100.0000", "0.0000", "0.0000"),
    ]


def test_a_sale_with_its_fee_in_base_binds_the_fee_too() -> None:
    box = Box()
    account, _ = box.open(BTC="1")
    box.write(["90.0 1"], ["100.0 1"])

    with pytest.raises(CommandRefused, match="insufficient funds"):
        account.place(limit(SELL, "100.0", "1", fee_asset=FeeAsset.BASE))


def test_small_fills_never_cost_more_than_a_single_one() -> None:
    """Each of 100 fills costs 0.00010 x 0.5 = 0.00005 USD: half of the least amount."""
    box = Box()
    account, _ = box.open(USD="0.51", fees=("0", "0"))
    box.write(["0.1 10"], ["9000.0 1"])
    account.place(limit(BUY, "0.5", "1"))

    for _ in range(100):
        box.add(SELL, "0.5", "0.0001")

    (order,) = account.orders
    assert (order.filled, order.cost) == (Decimal("0.0100"), Decimal("0.0050"))
    assert held(account)["USD"] == ("0.5050", "0.495")


def test_a_rebate_is_paid_to_the_maker() -> None:
    box = Box()
    account, _ = box.open(BTC="1", fees=("-0.0002", "0.004"))
    box.write(["90.0 1"], ["200.0 1"])
    account.place(limit(SELL, "100.0", "1"))

    box.add(BUY, "100.0", "1")

    assert lines(account)[1] == ("USD", "100.0000", "-0.0200", "100.0200")
    assert account.fills[0].liquidity is Liquidity.MAKER


def test_all_the_money_can_be_spent_and_not_a_digit_more() -> None:
    box = Box()
    account, _ = box.open(USD="100.4000")  # 100 and the fee
    poor, _ = box.open("poor", USD="100.3999")
    box.write(["90.0 1"], ["100.0 5"])

    account.place(limit(BUY, "100.0", "1"))

    assert held(account)["USD"] == ("0.0000", "0")
    with pytest.raises(CommandRefused, match="insufficient funds") as refused:
        poor.place(limit(BUY, "100.0", "1"))
    assert refused.value.refusal is Refusal.INSUFFICIENT_FUNDS
    assert not poor.orders


def test_an_amount_is_spent_to_the_last_lot() -> None:
    box = Box()
    account, _ = box.open(USD="200")
    box.write(["90.0 1"], ["99.9 0.5", "110.0 5"])

    account.place(
        OrderRequest(symbol=BTC, side=BUY, order_type=OrderType.MARKET, quote_quantity=Decimal(100))
    )

    (order,) = account.orders
    # 49.95 buys 0.5, the other 50.05 at 110 buy 0.4550 (0.45500000 exactly)
    assert order.status is OrderStatus.FILLED
    assert order.filled == Decimal("0.955")
    assert order.cost == Decimal(100)
    assert held(account)["USD"] == ("99.6000", "0")


def test_deposits_and_withdrawals_are_lines_of_their_own() -> None:
    box = Box()
    account, ear = box.open(USD="10")

    account.deposit({"BTC": Decimal("0.01")})
    account.withdraw({"USD": Decimal("2.5")})

    kinds = [(one.kind, f"{one.amount}", f"{one.balance}") for one in account.entries]
    assert kinds == [
        (EntryKind.DEPOSIT, "10.0000", "10.0000"),
        (EntryKind.DEPOSIT, "0.0100000000", "0.0100000000"),
        (EntryKind.WITHDRAWAL, "-2.5000", "7.5000"),
    ]
    assert [one for one in ear.heard if isinstance(one, LedgerEntry)] == list(account.entries)[1:]


def test_what_is_bound_cannot_be_withdrawn() -> None:
    box = Box()
    account, _ = box.open(BTC="1")
    box.write(["90.0 1"], ["100.0 1"])
    account.place(limit(SELL, "99.0", "0.6"))

    with pytest.raises(BadInput, match=r"0\.4"):
        account.withdraw({"BTC": Decimal("0.5")})


def test_an_account_does_not_show_its_keys() -> None:
    account, _ = Box().open("planted-key", USD="1")

    assert "planted" not in repr(account)
    assert account.secret not in repr(account)
    assert account.secret not in repr(account.credentials)


def test_every_line_follows_from_the_one_before() -> None:
    """A thousand random orders: lines add up, fills are the orders', nothing is overdrawn."""
    random = Random(7)
    box = Box()
    account, _ = box.open(USD="50000", BTC="0.7")

    for _ in range(1000):
        for _ in range(random.randrange(4)):
            box.exchange.step(BTC)
        best = box.exchange.market(BTC).last_price or Decimal(0)
        price = (best * random.randrange(9990, 10010) / 10000).quantize(Decimal("0.1"))
        quantity = Decimal(random.randrange(1000, 20_000_000)) / 10**8
        request = limit(random.choice((BUY, SELL)), f"{price}", f"{quantity}")
        try:
            account.place(request)
        except CommandRefused:
            account.cancel_all()

    balances: dict[str, Decimal] = {}
    for one in list(account.entries):
        balances[one.asset] = balances.get(one.asset, Decimal(0)) + one.amount - one.fee
        assert one.balance == balances[one.asset] >= 0
    assert {one.asset: one.total for one in account.balances()} == balances
    filled: dict[str, Decimal] = {}
    for fill in account.fills:
        filled[fill.order_id] = filled.get(fill.order_id, Decimal(0)) + fill.quantity
    assert all(order.filled == filled.get(order.order_id, 0) for order in account.orders)
    assert len(account.fills) > 500
    assert account.entries[0].venue_ns >= START
