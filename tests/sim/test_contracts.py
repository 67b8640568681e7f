"""Positions in contracts at a simulated exchange: cost, profit and funding, to the last digit."""

from decimal import Decimal

from box import SECOND, START, Box
from fluxum.model.account import EntryKind
from fluxum.model.instrument import Symbol
from fluxum.model.market import Side
from fluxum.model.order import OrderRequest, OrderType
from fluxum.sim.account import SimulatedAccount
from fluxum.venues.bybit.venue import BYBIT_LINEAR
from fluxum.venues.server.accounts import Funding, PositionState

PERP = Symbol("BTC/USDT:PERP")
HOUR = 3600 * SECOND


def box() -> Box:
    return Box(venue=BYBIT_LINEAR, symbols=[PERP])


def trade(account: SimulatedAccount, side: Side, quantity: str) -> None:
    account.place(
        OrderRequest(symbol=PERP, side=side, order_type=OrderType.MARKET, quantity=quantity)
    )


def position(account: SimulatedAccount) -> PositionState:
    (found,) = account.positions()
    return found


def test_an_entry_price_is_the_average_and_profit_is_at_the_last_price() -> None:
    place = box()
    account, _ = place.open(USDT="1000", fees=("0", "0"))
    assert account.positions() == []
    place.write(["99.0 1"], ["100.0 1", "103.0 2"], PERP)

    trade(account, Side.BUY, "3")

    # 1 at 100 and 2 at 103 are 306; the last trade was at 103
    one = position(account)
    assert (one.quantity, one.entry_price) == (Decimal(3), Decimal(102))
    assert (one.mark_price, one.unrealised) == (Decimal(103), Decimal(3))
    # 1000 + 3 p - 306 = 0.005 x 3 p has no price above zero
    assert one.liquidation_price is None


def test_a_position_is_liquidated_where_the_balance_is_down_to_the_maintenance_margin() -> None:
    place = box()
    account, _ = place.open(USDT="100", fees=("0", "0"))
    place.write(["100.0 9"], ["101.0 9"], PERP)

    trade(account, Side.SELL, "1")

    # 100 - p + 100 = 0.005 p, so that p = 200 / 1.005
    assert position(account).liquidation_price == Decimal("199.00497512")


def test_a_position_that_crosses_zero_begins_at_its_own_price() -> None:
    place = box()
    account, _ = place.open(USDT="1000", fees=("0", "0"))
    place.write(["100.0 9"], ["110.0 1"], PERP)
    trade(account, Side.BUY, "1")

    trade(account, Side.SELL, "3")

    one = position(account)
    assert (one.quantity, one.entry_price, one.unrealised) == (
        Decimal(-2),
        Decimal(100),
        Decimal(0),
    )
    assert account.entries[-1].amount == -10  # bought at 110, sold at 100
    trade(account, Side.SELL, "0.5")
    assert position(account).entry_price == 100


def test_funding_is_paid_at_its_times_by_longs_to_shorts() -> None:
    place = box()
    long, ear = place.open("long", USDT="1000", fees=("0", "0"))
    short, _ = place.open("short", USDT="1000", fees=("0", "0"))
    place.write(["100.0 9"], ["101.0 9"], PERP)
    trade(long, Side.BUY, "2")
    trade(short, Side.SELL, "3")  # the last trade was at 100

    for hours in (1, 7, 8, 9, 24):
        place.exchange.accounts.tick(START + hours * HOUR)

    paid = [one for one in long.entries if one.kind is EntryKind.FUNDING]
    # 2 x 100 x 0.0001 at 08:00, and both at 16:00 and at 24:00, after the break
    assert [one.amount for one in paid] == [Decimal("-0.02")] * 3
    assert paid[-1].balance == Decimal("999.94")
    assert [one.amount for one in short.entries if one.kind is EntryKind.FUNDING] == [
        Decimal("0.03")
    ] * 3
    paid_for = [(PERP, Decimal(2), Decimal(100))]
    told = [one for one in ear.heard if isinstance(one, Funding)]
    assert [(one.symbol, one.quantity, one.mark_price) for one in told] == paid_for * 3
    assert long.funding(paid[0]) == told[0]
    assert long.funding(long.entries[0]) is None


def test_no_position_no_funding() -> None:
    place = box()
    account, _ = place.open(USDT="1000", fees=("0", "0"))
    place.write(["100.0 9"], ["100.5 9"], PERP)
    trade(account, Side.BUY, "2")
    trade(account, Side.SELL, "2")

    for hours in (1, 8):
        place.exchange.accounts.tick(START + hours * HOUR)

    assert (position(account).quantity, position(account).entry_price) == (Decimal(0), None)
    assert not [one for one in account.entries if one.kind is EntryKind.FUNDING]
