"""Transfers of a stream and of a list: which are the same."""

from decimal import Decimal
from typing import Any

from msgspec import structs

from fluxum.model.account import EntryKind, EntrySource, LedgerEntry
from fluxum.model.instrument import Asset
from fluxum.session.transfers import Transfers

MINUTE_NS = 60_000_000_000
LIVE = LedgerEntry(
    venue="x",
    entry_id="USD/1/7",
    reference_id="USD/1/7",
    kind=EntryKind.TRANSFER,
    venue_kind="",
    asset=Asset("USD"),
    amount=Decimal(7),
    fee=Decimal(0),
    balance=None,
    venue_ns=100 * MINUTE_NS,
    received_ns=0,
    source=EntrySource.TRANSFER,
)


def listed(**changes: Any) -> LedgerEntry:
    return structs.replace(LIVE, entry_id="deposit/1", backfilled=True, **changes)


def test_a_listed_transfer_that_was_streamed_is_its_twin_in_either_order() -> None:
    for first, second in ((LIVE, listed()), (listed(), LIVE)):
        transfers = Transfers()
        assert not transfers.has_twin(first)
        assert transfers.has_twin(second)


def test_each_has_one_twin_only() -> None:
    transfers = Transfers()
    transfers.has_twin(LIVE)

    assert transfers.has_twin(listed())
    assert not transfers.has_twin(listed())  # another deposit of the same amount


def test_another_amount_asset_or_time_is_no_twin() -> None:
    others: list[dict[str, Any]] = [
        {"amount": Decimal(8)},
        {"fee": Decimal(1)},
        {"asset": Asset("EUR")},
        {"venue_ns": 111 * MINUTE_NS},
        {"source": EntrySource.VENUE},
    ]
    for changes in others:
        transfers = Transfers()
        transfers.has_twin(LIVE)
        assert not transfers.has_twin(listed(**changes))


def test_two_of_one_source_are_two() -> None:
    transfers = Transfers()
    assert not transfers.has_twin(LIVE)
    assert not transfers.has_twin(LIVE)
