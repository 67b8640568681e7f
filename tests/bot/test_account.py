"""The account of a bot by its events alone; positions and balances by hand."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from msgspec import structs

from bot.bots import BTC, ETH, ONE, TWO, fill, order_update, outcome
from fluxum.bot.account import AccountState, BotAccount, BotOrder, Pending
from fluxum.bot.view import OrderRole
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderStatus


def account(*names: str, **changes: Any) -> BotAccount:
    """An account with buys of 1 at 100 that were sent."""
    made = BotAccount()
    made.own("one", [("USD", Decimal(1000)), ("BTC", Decimal(2))])
    made.hold(ONE, Decimal(2))
    for name in names:
        order: dict[str, Any] = {
            "name": name,
            "market": ONE,
            "side": Side.BUY,
            "role": OrderRole.QUOTE,
            "price": Decimal(100),
            "quantity": Decimal(1),
        }
        made.place(BotOrder(**(order | changes)))
    return made


def test_an_order_is_uncertain_until_it_is_answered() -> None:
    held = account("a")
    assert [one.is_certain for one in held.orders()] == [False]

    held.take(outcome(1, "a", OrderStatus.OPEN))

    assert [(one.is_certain, one.status) for one in held.orders()] == [(True, OrderStatus.OPEN)]


def test_open_orders_are_those_of_a_market_and_are_counted_by_venue() -> None:
    held = account("a", "b")
    other = structs.replace(held.orders()[0], name="c", market=TWO)
    held.place(other)

    assert [one.name for one in held.orders(ONE)] == ["a", "b"]
    assert [one.name for one in held.orders(TWO)] == ["c"]
    assert held.orders(ETH) == []
    assert (held.count("one"), held.count("two")) == (2, 1)

    held.take(outcome(1, "a", OrderStatus.CANCELED))
    held.forget("b")

    assert held.orders(ONE) == []
    assert held.orders() == [other]
    again = BotAccount(held.state())
    assert [one.name for one in again.orders(TWO)] == ["c"]
    assert (again.count("one"), again.count("two")) == (0, 1)


def test_fills_move_position_and_balances_and_a_repeated_one_does_not() -> None:
    held = account("a")
    part = fill(1, "a", quantity="0.4", price="99.5", fees={"USD": "0.1"})

    held.take(part)
    held.take(part)

    assert held.position(ONE) == Decimal("2.4")
    # 1000 less 0.4 * 99.5 = 39.80 and the fee of 0.10, less 0.6 * 100 that the order holds.
    assert held.balance("one", "USD") == Decimal("900.1")
    assert held.balance("one", "BTC") == Decimal("2.4")
    (order,) = held.orders()
    assert (order.filled, order.status) == (Decimal("0.4"), OrderStatus.PARTIALLY_FILLED)


def test_a_fee_in_the_base_asset_makes_the_position_smaller_even_if_it_comes_later() -> None:
    held = account("a")

    held.take(structs.replace(fill(1, "a"), fees=None))
    assert held.position(ONE) == Decimal(3)
    held.take(fill(1, "a", fees={"BTC": "0.01"}))
    held.take(fill(1, "a", fees={"BTC": "0.01"}))

    assert held.position(ONE) == Decimal("2.99")
    assert held.balance("one", "BTC") == Decimal("2.99")


def test_a_fill_of_a_stranger_moves_the_position_and_is_of_no_order_of_the_bot() -> None:
    held = account()

    assert held.take(fill(1, "x", quantity=1, side="sell")) is None
    assert held.position(ONE) == Decimal(1)


def test_an_ended_order_still_counts_what_no_fill_has_shown() -> None:
    held = account("a")

    held.take(order_update(1, "a", status=OrderStatus.CANCELED, filled=Decimal("0.4")))

    assert held.orders() == []
    assert list(held.open_parts()) == [(ONE, Side.BUY, Decimal("0.4"))]
    held.take(fill(2, "a", quantity="0.4"))
    assert list(held.open_parts()) == []
    assert held.position(ONE) == Decimal("2.4")


def test_a_change_counts_at_its_larger_quantity_until_it_is_answered() -> None:
    held = account("a")
    held.take(outcome(1, "a", OrderStatus.OPEN))
    held.amend("a", Decimal(3), Decimal(99))

    assert [one[2] for one in held.open_parts()] == [Decimal(3)]
    held.take(outcome(2, "a", OrderStatus.REFUSED, is_change=True))
    assert [(one.quantity, one.price) for one in held.orders()] == [(Decimal(1), Decimal(100))]

    held.amend("a", Decimal(3), Decimal(99))
    held.take(order_update(3, "a", quantity=Decimal(3), limit_price=Decimal(99)))
    assert [(one.quantity, one.price, one.pending) for one in held.orders()] == [
        (Decimal(3), Decimal(99), Pending.NOTHING)
    ]


def test_a_refused_order_never_was() -> None:
    held = account("a")

    held.take(outcome(1, "a", OrderStatus.REFUSED))

    assert held.orders() == []
    assert list(held.open_parts()) == []


def test_an_order_is_found_by_the_venues_id_where_its_name_is_not_sent() -> None:
    held = account("a")
    held.take(outcome(1, "a", OrderStatus.OPEN, order_id="V-1"))

    order = held.take(fill(2, "", quantity=1, order_id="V-1", client_order_id=""))

    assert order is not None
    assert (order.name, order.status) == ("a", OrderStatus.FILLED)


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_open_orders_hold_what_they_would_pay(side: str) -> None:
    held = account("a", side=Side(side), quantity=Decimal("1.5"))

    assert held.balance("one", "USD") == Decimal(850 if side == "buy" else 1000)
    assert held.balance("one", "BTC") == Decimal(2 if side == "buy" else "0.5")
    assert held.balance("two", "USD") is None


def test_the_same_account_is_made_from_its_state() -> None:
    held = account("a", "b")
    held.take(outcome(1, "a", OrderStatus.OPEN, order_id="V-a"))
    held.take(fill(2, "a", quantity="0.25"))
    held.take(order_update(3, "b", status=OrderStatus.EXPIRED, filled=Decimal("0.5")))

    line = msgspec.json.encode(held.state(), enc_hook=str)
    again = BotAccount(
        msgspec.json.decode(line, type=AccountState, dec_hook=lambda _, v: Symbol(v))
    )

    assert again.state() == held.state()
    assert again.take(fill(2, "a", quantity="0.25")) is not None  # known: counted once
    assert again.position(ONE) == held.position(ONE) == Decimal("2.25")
    assert BTC in {one.market.symbol for one in again.orders()}


def _symbol(_kind: type, value: Any) -> Symbol:
    return Symbol(value)
