"""Deposits and withdrawals that the wallet lists: calls, pages, and published answers."""

import json
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fluxum.model.account import EntryKind, EntrySource, LedgerEntry
from fluxum.venues.binance.policy import SPOT
from fluxum.venues.binance.private.queries import account_queries
from fluxum.venues.conversation import Auth
from fluxum.venues.private import EntryQuery
from fluxum.venues.queries import Page, RestQuery
from venues.binance.private.wire import CAPTURES, NOW

DAY_NS = 86_400_000_000_000
NOW_MS = NOW // 1_000_000


def begun(query: EntryQuery, index: int) -> RestQuery[Page[LedgerEntry]]:
    """One of the two lists, once the venue's clock was read."""
    transfers = account_queries(SPOT).transfers
    assert transfers is not None
    clock = transfers(query)[index]
    assert clock.fetch.path == "/api/v3/time"
    assert clock.first is not None
    return clock.first.read(json.dumps({"serverTime": NOW_MS}).encode(), NOW)


def called(query: RestQuery[Any]) -> tuple[str, dict[str, str]]:
    assert query.fetch.auth is Auth.SIGNED
    url = urlsplit(query.fetch.path)
    return url.path, {name: values[0] for name, values in parse_qs(url.query).items()}


def test_deposits_are_listed_as_far_back_as_one_may_be_pending() -> None:
    query = begun(EntryQuery(since_ns=NOW - DAY_NS), 0)

    path, given = called(query)

    assert path == "/sapi/v1/capital/deposit/hisrec"
    assert given == {"startTime": str(NOW_MS - 8 * 86_400_000), "limit": "1000"}


def test_a_long_time_is_listed_in_spans() -> None:
    query = begun(EntryQuery(), 1)
    path, given = called(query)
    assert (path, given["startTime"]) == (
        "/sapi/v1/capital/withdraw/history",
        str(NOW_MS - 89 * 86_400_000),
    )

    count = 1
    while True:
        page = query.read(b"[]", NOW)
        if page.next is None:
            break
        query, count = page.next, count + 1

    assert count == 9  # two years


def test_a_published_deposit_that_is_complete_is_an_entry() -> None:
    (entry,) = begun(EntryQuery(), 0).read(CAPTURES["rest deposits"].encode(), NOW)

    assert (entry.kind, entry.source) == (EntryKind.DEPOSIT, EntrySource.TRANSFER)
    assert (entry.asset, entry.change) == ("IOTA", Decimal("0.5"))
    assert entry.venue_ns == 1_661_493_146_000_000_000  # when it was complete
    assert entry.entry_id == "deposit/769754833590042625"
    assert entry.backfilled


def test_a_published_withdrawal_takes_its_fee_as_well() -> None:
    (entry,) = begun(EntryQuery(), 1).read(CAPTURES["rest withdrawals"].encode(), NOW)

    assert (entry.kind, entry.asset) == (EntryKind.WITHDRAWAL, "USDT")
    assert (entry.amount, entry.fee) == (Decimal("-8.91"), Decimal("0.004"))
    assert entry.change == Decimal("-8.914")
    assert entry.venue_ns == 1_679_590_361_000_000_000  # 2023-03-23 16:52:41 UTC


def test_what_was_complete_before_the_instant_is_not_meant() -> None:
    query = begun(EntryQuery(since_ns=1_661_493_146_000_000_000), 0)
    assert len(query.read(CAPTURES["rest deposits"].encode(), NOW)) == 0

    query = begun(EntryQuery(since_ns=1_661_493_145_999_000_000, asset="BNB"), 0)
    assert len(query.read(CAPTURES["rest deposits"].encode(), NOW)) == 0


def test_a_full_page_goes_on_at_the_oldest_instant() -> None:
    row = json.loads(CAPTURES["rest deposits"])[1]
    rows = [{**row, "id": str(at), "insertTime": NOW_MS - at} for at in range(1000)]

    page = begun(EntryQuery(since_ns=NOW - DAY_NS), 0).read(json.dumps(rows).encode(), NOW)

    assert page.next is not None
    assert called(page.next)[1]["endTime"] == str(NOW_MS - 999)


def test_a_row_that_makes_no_sense_is_left_out_and_told() -> None:
    row = json.loads(CAPTURES["rest withdrawals"])[0]
    odd = json.dumps([{**row, "applyTime": "yesterday", "completeTime": ""}, row]).encode()

    page = begun(EntryQuery(), 1).read(odd, NOW)

    assert len(page) == 1
    assert page.left_out is not None
    assert "'yesterday'" in page.left_out.reason
