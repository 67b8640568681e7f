"""Entries that are made where a venue lists none: each sum by hand."""

from decimal import Decimal
from typing import Any

from msgspec import structs

from fluxum.ledger.audit import audit
from fluxum.ledger.made_entries import entries_of_fill, made_entries
from fluxum.ledger.statement import Journal
from fluxum.model.account import Balance, EntryKind, EntrySource, Fee, Fill, LedgerEntry
from fluxum.model.instrument import Asset, Symbol
from fluxum.model.market import Side

D = Decimal
BTC, USD, BNB = Asset("BTC"), Asset("USD"), Asset("BNB")
BUY = Fill(
    venue="x",
    symbol=Symbol("BTC/USD"),
    side=Side.BUY,
    price=D("50000.5"),
    quantity=D("0.2"),
    fees=(Fee(BNB, D("0.01")),),
    fill_id="7",
    order_id="1",
    venue_ns=100,
    received_ns=101,
)
SELL = structs.replace(
    BUY, side=Side.SELL, quantity=D("0.05"), fill_id="8", fees=(Fee(USD, D("2.5")),), venue_ns=200
)
IN = LedgerEntry(
    venue="x",
    entry_id="deposit/1",
    reference_id="deposit/1",
    kind=EntryKind.DEPOSIT,
    venue_kind="deposit",
    asset=USD,
    amount=D(20_000),
    fee=D(0),
    balance=None,
    venue_ns=50,
    received_ns=51,
    source=EntrySource.TRANSFER,
)


def held(asset: Asset, total: str) -> Balance:
    return Balance(venue="x", asset=asset, total=D(total), received_ns=900)


def rows(entries: list[LedgerEntry]) -> list[tuple[Any, ...]]:
    return [(one.asset, one.kind.value, one.change, one.balance) for one in entries]


def test_a_fill_moves_both_assets_and_its_fee_is_an_entry_of_its_own() -> None:
    base, quote, fee = entries_of_fill(BUY)

    assert (base.asset, base.change, base.kind) == (BTC, D("0.2"), EntryKind.TRADE)
    assert (quote.asset, quote.change, quote.kind) == (USD, D("-10000.10"), EntryKind.TRADE)
    assert (fee.asset, fee.change, fee.kind) == (BNB, D("-0.01"), EntryKind.FEE)
    assert {one.source for one in (base, quote, fee)} == {EntrySource.FILL}
    assert {one.reference_id for one in (base, quote, fee)} == {"fill/BTC/USD/7"}
    assert len({one.entry_id for one in (base, quote, fee)}) == 3


def test_fees_that_become_known_later_are_the_only_new_entry() -> None:
    early = entries_of_fill(structs.replace(BUY, fees=None))
    later = entries_of_fill(BUY)

    assert [one.entry_id for one in early] == [one.entry_id for one in later[:2]]


def test_a_fill_of_a_contract_moves_neither_asset() -> None:
    assert entries_of_fill(structs.replace(BUY, symbol=Symbol("BTC/USD:PERP"))) == ()


def test_the_whole_history_begins_at_nothing_and_what_it_lacks_is_its_own_entry() -> None:
    balances = [held(BTC, "0.15"), held(USD, "12500"), held(BNB, "0")]

    made = made_entries([BUY, SELL], [IN], balances, is_whole=True)

    # 20,000 - 10,000.10 + 2,500.025 - 2.5 = 12,497.425, and 12,500 are there
    assert [row for row in rows(made) if row[0] == USD] == [
        (USD, "deposit", D(20_000), D(20_000)),
        (USD, "trade", D("-10000.10"), D("9999.90")),
        (USD, "fee", D("-2.5"), D("9997.40")),
        (USD, "trade", D("2500.025"), D("12497.425")),
        (USD, "unexplained", D("2.575"), D(12_500)),
    ]
    assert [row[1:] for row in rows(made) if row[0] == BTC] == [
        ("trade", D("0.2"), D("0.2")),
        ("trade", D("-0.05"), D("0.15")),
    ]
    assert [row[1:] for row in rows(made) if row[0] == BNB] == [
        ("fee", D("-0.01"), D("-0.01")),
        ("unexplained", D("0.01"), D("0.00")),
    ]
    assert [one.source for one in made if one.kind is EntryKind.UNEXPLAINED] == [
        EntrySource.BALANCE
    ] * 2


def test_a_part_of_the_history_begins_with_what_the_balances_say() -> None:
    made = made_entries([SELL], [], [held(BTC, "0.15"), held(USD, "12500")], is_whole=False)

    assert rows(made) == [
        (BTC, "trade", D("-0.05"), D("0.15")),
        (USD, "fee", D("-2.5"), D("9999.975")),
        (USD, "trade", D("2500.025"), D("12500.000")),
    ]
    assert audit(made, [held(BTC, "0.15"), held(USD, "12500")]).is_clean


def test_an_audit_takes_nothing_unexplained_for_an_explanation() -> None:
    balances = [held(BTC, "0.15"), held(USD, "12500"), held(BNB, "0")]

    found = audit(made_entries([BUY, SELL], [IN], balances, is_whole=True), balances)

    assert [line.asset for line in found.lines if line.is_clean] == [BTC]
    missing = {line.asset: one.amount for line, one in found.differences}
    assert missing == {USD: D("2.575"), BNB: D("0.01")}


def test_an_asset_that_nothing_explains_is_told() -> None:
    (one,) = made_entries([], [], [held(BTC, "3")], is_whole=True)

    assert (one.kind, one.amount, one.balance) == (EntryKind.UNEXPLAINED, D(3), D(3))


def test_a_journal_keeps_made_entries_and_moves_no_balance_by_them() -> None:
    journal = Journal()
    journal.apply(held(BTC, "1.2"))
    for entry in entries_of_fill(structs.replace(BUY, received_ns=1000)):
        journal.apply(entry)

    balance = journal.balance("x", BTC)
    assert balance is not None
    assert balance.total == D("1.2")  # the venue sends what it becomes
    assert [one.source for one in journal.entries(BTC)] == [EntrySource.FILL]
