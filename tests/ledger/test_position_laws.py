"""What is true of every position, whatever was traded."""

from collections.abc import Sequence
from decimal import Decimal, localcontext
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from fluxum.ledger.lots import Method
from fluxum.ledger.policy import Policy
from fluxum.ledger.position import TrackedPosition
from fluxum.ledger.view import Position, Profit
from fluxum.model.account import Fee, Fill
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side

BTC = Symbol("BTC/USD")
USD, BASE, BNB, KFEE = map(Asset, ("USD", "BTC", "BNB", "KFEE"))
CONVERSIONS = {BNB: Decimal("313.7")}


def decimals(least: int, most: int, places: int) -> st.SearchStrategy[Decimal]:
    return st.integers(least, most).map(lambda units: Decimal(units).scaleb(-places))


quantities = decimals(1, 50, 1) | decimals(1, 10**12, 8)
prices = decimals(1, 40, 0) | decimals(1, 10**9, 3) | decimals(1, 10**6, 12)
fees = st.builds(Fee, st.sampled_from([USD, BASE, BNB, KFEE]), decimals(-(10**6), 10**6, 7))
quote_fees = st.builds(Fee, st.just(USD), decimals(-(10**6), 10**6, 7))


def fills(charged: st.SearchStrategy[Fee]) -> st.SearchStrategy[list[Fill]]:
    one = st.builds(
        Fill,
        venue=st.just("here"),
        symbol=st.just(BTC),
        side=st.sampled_from(Side),
        price=prices,
        quantity=quantities,
        fees=st.lists(charged, max_size=3).map(tuple),
        fill_id=st.just(""),
        order_id=st.just("O"),
        venue_ns=st.just(1),
        received_ns=st.just(1),
    )
    return st.lists(one, max_size=12).map(named)


def named(trades: Sequence[Fill]) -> list[Fill]:
    return [replace(fill, fill_id=f"T{number}") for number, fill in enumerate(trades)]


def held_after(
    trades: Sequence[Fill], mark: Decimal | None, policy: Policy | None = None
) -> Position:
    position = TrackedPosition("here", BTC, policy, conversions=CONVERSIONS)
    for fill in trades:
        position.apply(fill)
    position.marked(mark)
    return position.view()


class Cash(Struct):
    """What really moved, in fractions: money, coins, and what converted fees were worth."""

    money: Fraction = Fraction(0)
    coins: Fraction = Fraction(0)
    converted: Fraction = Fraction(0)

    def move(self, fill: Fill) -> None:
        sign = 1 if fill.side is Side.BUY else -1
        self.coins += sign * Fraction(fill.quantity)
        self.money -= sign * Fraction(fill.quantity) * Fraction(fill.price)
        for fee in fill.fees or ():
            if fee.asset == USD:
                self.money -= Fraction(fee.amount)
            elif fee.asset == BASE:
                self.coins -= Fraction(fee.amount)
            elif fee.asset == BNB:
                self.converted += Fraction(fee.amount) * Fraction(CONVERSIONS[BNB])


@given(trades=fills(fees), mark=prices, lots_max=st.integers(1, 4))
def test_profit_is_cash_plus_value_less_fees_for_every_method(
    trades: list[Fill], mark: Decimal, lots_max: int
) -> None:
    cash = Cash()
    for fill in trades:
        cash.move(fill)

    held = held_after(trades, mark, Policy(lots_max=lots_max))

    assert Fraction(held.quantity) == cash.coins
    for profit in held.profits:
        assert profit.total is not None
        total = cash.money + cash.coins * Fraction(mark) - cash.converted
        assert Fraction(profit.total) == total, profit.method


@given(trades=fills(fees), mark=prices)
def test_methods_agree_when_flat(trades: list[Fill], mark: Decimal) -> None:
    quantity = held_after(trades, None).quantity
    if quantity:
        closing = replace(
            trades[0],
            side=Side.SELL if quantity > 0 else Side.BUY,
            quantity=abs(quantity),
            price=mark,
            fees=(),
        )
        trades = named([*trades, closing])

    held = held_after(trades, None)

    assert held.quantity == 0
    assert {profit.cost for profit in held.profits} == {Decimal(0)}
    assert len({profit.realised for profit in held.profits}) == 1
    assert len({profit.total for profit in held.profits}) == 1


def mirrored(profit: Profit) -> Profit:
    """What the other side of the trades would say, fees apart."""
    assert profit.cost is not None
    assert profit.unrealised is not None
    return replace(
        profit,
        cost=profit.cost.copy_negate(),
        realised=profit.realised.copy_negate(),
        unrealised=profit.unrealised.copy_negate(),
        total=None,
    )


@given(trades=fills(quote_fees), mark=prices, lots_max=st.integers(1, 4))
def test_long_and_short_are_mirror_images(trades: list[Fill], mark: Decimal, lots_max: int) -> None:
    others = [replace(fill, side=fill.side.opposite) for fill in trades]

    held = held_after(trades, mark, Policy(lots_max=lots_max))
    other = held_after(others, mark, Policy(lots_max=lots_max))

    assert held.quantity == -other.quantity
    assert held.fees_quote == other.fees_quote
    assert (held.average_buy, held.average_sell) == (other.average_sell, other.average_buy)
    for one, image in zip(held.profits, other.profits, strict=True):
        assert mirrored(image) == replace(one, total=None)


@given(trades=fills(quote_fees), mark=prices, data=st.data())
def test_a_fill_in_two_parts_is_the_fill(
    trades: list[Fill], mark: Decimal, data: st.DataObject
) -> None:
    parts: list[Fill] = []
    for fill in trades:
        share = data.draw(st.integers(1, 9))
        first = fill.quantity * share / 10
        charged = tuple(Fee(fee.asset, fee.amount / 2) for fee in fill.fees or ())
        parts.append(replace(fill, quantity=first, fees=charged))
        parts.append(replace(fill, quantity=fill.quantity - first, fees=charged))

    whole, split = held_after(trades, mark), held_after(named(parts), mark)

    assert split.quantity == whole.quantity
    assert split.fees_quote == whole.fees_quote
    assert split.average_price == whole.average_price
    for one, other in zip(whole.profits, split.profits, strict=True):
        assert replace(other, lots=0) == replace(one, lots=0)


@given(trades=fills(fees), mark=prices, data=st.data())
def test_repeated_fills_change_nothing(
    trades: list[Fill], mark: Decimal, data: st.DataObject
) -> None:
    repeated = list(trades)
    for fill in trades:
        first = repeated.index(fill)
        again = data.draw(st.integers(first + 1, len(repeated)))
        repeated.insert(again, replace(fill, backfilled=True))

    once, twice = held_after(trades, mark), held_after(repeated, mark)

    assert twice.repeated == len(trades)
    assert replace(twice, repeated=0) == once


@given(trades=fills(fees), mark=prices, lots_max=st.integers(1, 4), data=st.data())
def test_fees_that_become_known_later_come_to_the_same(
    trades: list[Fill], mark: Decimal, lots_max: int, data: st.DataObject
) -> None:
    policy = Policy(lots_max=lots_max)
    position = TrackedPosition("here", BTC, policy, conversions=CONVERSIONS)
    late: list[Fill] = []
    for fill in trades:
        if data.draw(st.sampled_from([True, False])):
            position.apply(replace(fill, fees=None))
            late.append(fill)
        else:
            position.apply(fill)
        if late and data.draw(st.sampled_from([True, False])):
            position.apply(late.pop(data.draw(st.integers(0, len(late) - 1))))
    position.marked(mark)
    assert position.fees_unknown == len(late)
    assert (position.profit().total is None) is bool(late)
    for fill in late:
        position.apply(fill)

    found, at_first = position.view(), held_after(trades, mark, policy)

    assert (found.quantity, found.fees, found.fees_quote, found.fees_unknown) == (
        at_first.quantity,
        at_first.fees,
        at_first.fees_quote,
        0,
    )
    assert (found.fills, found.repeated, found.contradicted) == (len(trades), 0, 0)
    for one, other in zip(found.profits, at_first.profits, strict=True):
        assert one.total == other.total, one.method


@given(trades=fills(fees), mark=prices, precision=st.integers(1, 9))
def test_whatever_precision_the_caller_uses_is_not_ours(
    trades: list[Fill], mark: Decimal, precision: int
) -> None:
    with localcontext(prec=precision):
        coarse = held_after(trades, mark)

    assert coarse == held_after(trades, mark)


@given(trades=fills(fees), lots_max=st.integers(1, 4))
def test_lots_add_up_to_the_position(trades: list[Fill], lots_max: int) -> None:
    position = TrackedPosition("here", BTC, Policy(lots_max=lots_max), conversions=CONVERSIONS)

    for fill in trades:
        position.apply(fill)

        for method in Method:
            lots, profit = position.lots(method), position.profit(method)
            assert sum(Fraction(lot.quantity) for lot in lots) == Fraction(position.quantity)
            assert sum(Fraction(lot.cost or 0) for lot in lots) == Fraction(profit.cost or 0)
            assert len(lots) == profit.lots <= lots_max
