"""Seen fills: what counts as seen, and for how long."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from fluxum.errors import BadInput
from fluxum.ledger.dedup import SeenFills, Sighting
from fluxum.model.account import Fee, Fill
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side

USD = Asset("USD")
FEES = (Fee(USD, Decimal("0.1")),)
FILL = Fill(
    venue="here",
    symbol=Symbol("BTC/USD"),
    side=Side.BUY,
    price=Decimal("100.0"),
    quantity=Decimal("0.5"),
    fees=FEES,
    fill_id="T1",
    order_id="O1",
    venue_ns=1,
    received_ns=2,
)


def test_a_fill_is_new_once() -> None:
    seen = SeenFills()

    assert [seen.look(FILL), seen.look(FILL)] == [Sighting.NEW, Sighting.REPEATED]


def test_the_same_fill_from_history_is_a_repetition() -> None:
    seen = SeenFills()
    seen.look(FILL)
    told_again = replace(FILL, price=Decimal(100), backfilled=True, venue_ns=9, received_ns=9)

    assert seen.look(told_again) is Sighting.REPEATED


@pytest.mark.parametrize(
    "other",
    [
        replace(FILL, price=Decimal("100.1")),
        replace(FILL, quantity=Decimal("0.6")),
        replace(FILL, side=Side.SELL),
        replace(FILL, fees=()),
        replace(FILL, fees=(Fee(USD, Decimal("0.2")),)),
        replace(FILL, fees=(Fee(USD, Decimal("-0.1")),)),
        replace(FILL, fees=(Fee(Asset("BTC"), Decimal("0.1")),)),
        replace(FILL, fees=(*FEES, Fee(Asset("BTC"), Decimal("0.1")))),
    ],
)
def test_an_id_with_other_numbers_contradicts(other: Fill) -> None:
    seen = SeenFills()
    seen.look(FILL)

    assert seen.look(other) is Sighting.CONTRADICTED
    assert seen.look(FILL) is Sighting.REPEATED


def test_neither_the_order_of_fees_nor_fees_of_nothing_make_another_fill() -> None:
    seen = SeenFills()
    btc = Fee(Asset("BTC"), Decimal("0.10"))
    seen.look(replace(FILL, fees=(*FEES, btc)))

    assert seen.look(replace(FILL, fees=(btc, *FEES, Fee(USD, Decimal(0))))) is Sighting.REPEATED


def test_rebates_of_one_and_two_are_told_apart() -> None:
    seen = SeenFills()
    seen.look(replace(FILL, fees=(Fee(USD, Decimal(-1)),)))  # hash(-1) == hash(-2)

    assert seen.look(replace(FILL, fees=(Fee(USD, Decimal(-2)),))) is Sighting.CONTRADICTED


def test_fees_that_become_known_complete_a_fill_once() -> None:
    seen = SeenFills()
    unknown = replace(FILL, fees=None)
    other = replace(FILL, fees=(Fee(USD, Decimal(9)),))

    found = [seen.look(one) for one in (unknown, unknown, FILL, FILL, unknown, other)]

    assert found == [
        Sighting.NEW,
        Sighting.REPEATED,
        Sighting.COMPLETED,
        Sighting.REPEATED,
        Sighting.REPEATED,
        Sighting.CONTRADICTED,
    ]


def test_fees_of_another_price_complete_nothing() -> None:
    seen = SeenFills()
    seen.look(replace(FILL, fees=None))

    assert seen.look(replace(FILL, price=Decimal(101))) is Sighting.CONTRADICTED
    assert seen.look(FILL) is Sighting.COMPLETED


def test_ids_of_other_markets_and_venues_are_others() -> None:
    seen = SeenFills()
    seen.look(FILL)

    assert seen.look(replace(FILL, symbol=Symbol("BTC/EUR"))) is Sighting.NEW
    assert seen.look(replace(FILL, venue="there")) is Sighting.NEW


def test_memory_is_bounded_and_tells_what_it_let_go() -> None:
    seen = SeenFills(2)
    for name in ("T1", "T2", "T3"):
        seen.look(replace(FILL, fill_id=name))

    assert (len(seen), seen.forgotten) == (2, 1)
    assert seen.look(replace(FILL, fill_id="T2")) is Sighting.REPEATED
    assert seen.look(replace(FILL, fill_id="T1")) is Sighting.NEW


def test_a_memory_of_nothing_is_refused() -> None:
    with pytest.raises(BadInput, match="was 0"):
        SeenFills(0)


def test_a_memory_of_one_fill_is_the_smallest() -> None:
    assert len(SeenFills(1)) == 0
    with pytest.raises(BadInput, match="above zero was expected, was 0"):
        SeenFills(0)
