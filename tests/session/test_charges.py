"""Fees that only the lines of an account name."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import structs

from fluxum.model.account import EntryKind, Fee, Fill, LedgerEntry
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side
from fluxum.session.charges import Charges

BTC, USD = Asset("BTC"), Asset("USD")
FEE = (Fee(BTC, Decimal("0.004")),)


def fill(name: str = "T-1", at: int = 5) -> Fill:
    return Fill(
        venue="venue",
        symbol=Symbol("BTC/USD"),
        side=Side.BUY,
        price=Decimal(100),
        quantity=Decimal(1),
        fees=None,
        fill_id=name,
        order_id="O-1",
        backfilled=True,
        venue_ns=at,
        received_ns=at,
    )


def line(name: str, asset: Asset, fee: str = "0", reference: str = "T-1") -> LedgerEntry:
    return LedgerEntry(
        venue="venue",
        entry_id=name,
        reference_id=reference,
        kind=EntryKind.TRADE,
        venue_kind="trade",
        asset=asset,
        amount=Decimal(1),
        fee=Decimal(fee),
        balance=Decimal(1),
        venue_ns=5,
        received_ns=5,
    )


def charged(one: Fill, lines: Sequence[LedgerEntry]) -> Fill | None:
    if len(lines) < 2:
        return None
    fees = tuple(Fee(each.asset, each.fee) for each in lines if each.fee)
    return structs.replace(one, fees=fees)


def test_a_fill_is_whole_when_its_lines_are_there_one_by_one_and_in_any_order() -> None:
    charges = Charges(charged)
    charges.note(fill())

    assert charges.take([line("L-2", USD), line("L-9", USD, reference="T-9")]) == []
    assert charges.take([line("L-2", USD)]) == []  # the same line again
    (whole,) = charges.take([line("L-1", BTC, "0.004")])

    assert whole == structs.replace(fill(), fees=FEE)
    assert charges.waiting == []
    assert charges.take([line("L-1", BTC, "0.004"), line("L-2", USD)]) == []


def test_a_fill_that_comes_with_its_fees_waits_no_longer() -> None:
    charges = Charges(charged)
    charges.note(fill())
    charges.note(structs.replace(fill(), fees=FEE))

    assert charges.waiting == []


def test_fills_of_one_id_on_two_markets_are_charged_each() -> None:
    charges = Charges(charged)
    other = structs.replace(fill(), symbol=Symbol("BTC/EUR"))
    charges.note(fill())
    charges.note(other)

    whole = charges.take([line("L-1", BTC, "0.004"), line("L-2", USD)])

    assert {one.identity for one in whole} == {fill().identity, other.identity}


def test_the_oldest_waits_first_and_not_for_ever() -> None:
    charges = Charges(charged)
    for number in range(10_001):
        charges.note(fill(f"T-{number}", at=20_000 - number))

    assert len(charges.waiting) == 10_000
    assert charges.waiting[0].fill_id == "T-10000"
    assert (
        charges.take([line("L-1", BTC, reference="T-0"), line("L-2", USD, reference="T-0")]) == []
    )
