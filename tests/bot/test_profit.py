"""The profit of a bot and its round trips, by hand."""

from decimal import Decimal

from bot.bots import ETH, ONE, at, fill
from fluxum.bot.profit import Earnings, Trip
from fluxum.model.instrument import Asset

USD = Asset("USD")


def test_a_round_trip_is_what_came_in_less_what_went_out_and_the_fees() -> None:
    earnings = Earnings()

    assert earnings.take(fill(1, "a", 2, 100, fees={"USD": "0.2"})) is None
    assert earnings.take(fill(2, "b", 1, 110, side="sell", fees={"USD": "0.1"})) is None
    ended = earnings.take(fill(3, "c", 1, 90, side="sell", fees={"USD": "0.1"}))

    # 110 + 90 - 200 - 0.4
    assert ended == Trip(market=ONE, opened_ns=at(1), closed_ns=at(3), profit=Decimal("-0.4"))
    assert earnings.profit(ONE, None) == Decimal("-0.4")


def test_a_fill_through_zero_ends_one_trip_and_begins_the_next() -> None:
    earnings = Earnings()
    earnings.take(fill(1, "a", 1, 100))

    first = earnings.take(fill(2, "b", 3, 105, side="sell"))
    second = earnings.take(fill(3, "c", 2, 104))

    assert first is not None
    assert second is not None
    assert (first.profit, second.profit) == (Decimal(5), Decimal(2))  # short 2 from 105 to 104


def test_what_was_held_before_counts_from_its_first_mark() -> None:
    earnings = Earnings()
    earnings.begin(ONE, Decimal(2))

    assert earnings.profit(ONE, None) is None
    assert earnings.profit(ONE, Decimal(100)) == 0
    assert earnings.profit(ONE, Decimal(103)) == Decimal(6)
    assert earnings.take(fill(1, "a", 2, 104, side="sell")) is None  # a trip of unknown cost
    assert earnings.profit(ONE, None) == Decimal(8)


def test_a_fee_in_the_base_asset_makes_the_position_smaller_and_one_elsewhere_is_kept_apart() -> (
    None
):
    earnings = Earnings()
    earnings.take(fill(1, "a", 1, 100, fees={"BTC": "0.01", "BNB": "0.5"}))

    # 0.99 at 101 less 100.
    assert earnings.profit(ONE, Decimal(101)) == Decimal("-0.01")
    (one,) = earnings.state()
    assert one.fees_elsewhere == {"BNB": Decimal("0.5")}


def test_the_total_is_of_one_currency_or_unknown() -> None:
    earnings = Earnings()
    earnings.take(fill(1, "a", 1, 100))
    earnings.take(fill(1, "b", 1, 10, market=ETH))
    marks = {ONE: Decimal(105), ETH: Decimal(9)}

    assert earnings.total(USD, marks.get) == Decimal(4)
    assert earnings.total(Asset("EUR"), marks.get) is None
    assert earnings.total(USD, {ONE: Decimal(105)}.get) is None
