"""Deposits and withdrawals of an account at Binance, listed by its wallet.

https://developers.binance.com/docs/wallet/capital/deposite-history and .../withdraw-history: by the
time of the request, newest first, at most a thousand rows of less than ninety days. What is listed
has an id; the stream's `balanceUpdate` of the same transfer has none. Times of withdrawals are text
in UTC. What a withdrawal takes is its amount and its fee.
"""

from collections.abc import Callable, Sequence
from functools import partial

from msgspec import Raw, structs
from msgspec.json import decode

from fluxum.errors import RemoteProtocolError, VenueRefused
from fluxum.model.account import EntryKind, EntrySource, LedgerEntry
from fluxum.model.event import Channel, Subscription
from fluxum.model.instant import parse_rfc3339
from fluxum.model.instrument import Asset
from fluxum.venues.account_lists import AccountList, ListRows, Span, listed_between
from fluxum.venues.binance.normalize import nanos
from fluxum.venues.binance.private import native
from fluxum.venues.conversation import Auth, Fetch
from fluxum.venues.private import EntryQuery
from fluxum.venues.queries import Page, RestQuery, get, require_instant
from fluxum.venues.rows import exact, positive

__all__ = ["CREDITED", "DEPOSITS", "WITHDRAWALS", "WITHDRAWN", "transfers"]

DEPOSITS = "/sapi/v1/capital/deposit/hisrec"
WITHDRAWALS = "/sapi/v1/capital/withdraw/history"
CREDITED = (1, 6)
"""States of a deposit that is in the balance; 6 cannot be withdrawn yet."""
WITHDRAWN = 6
_DAY_MS = 86_400_000
_DAY_NS = _DAY_MS * 1_000_000
_ROWS_MAX = 1000
_SPAN_MS, _MEMORY_MS = 89 * _DAY_MS, 730 * _DAY_MS
# What was requested so long before may have been completed since.
_PENDING_NS = 7 * _DAY_NS
# Withdrawals are counted apart, for an account: 18,000 of 180,000 a minute. Two years of them are
# nine calls, and an audit makes one a minute.
_COSTS = {DEPOSITS: 1, WITHDRAWALS: 20}

Refused = Callable[[str, VenueRefused], Page[LedgerEntry]]


def transfers(
    venue: str, refused: Refused, clock: RestQuery[int], query: EntryQuery
) -> Sequence[RestQuery[Page[LedgerEntry]]]:
    """The two lists: what came in, and what went out. They go back two years."""
    read_all = (
        (DEPOSITS, native.Deposit, partial(_deposit, venue)),
        (WITHDRAWALS, native.Withdrawal, partial(_withdrawal, venue)),
    )
    return [_listed(path, kind, read, refused, clock, query) for path, kind, read in read_all]


def _listed(
    path: str,
    kind: type[native.Deposit] | type[native.Withdrawal],
    read: Callable[[Raw, int], LedgerEntry | None],
    refused: Refused,
    clock: RestQuery[int],
    query: EntryQuery,
) -> RestQuery[Page[LedgerEntry]]:
    """One list; its cursor is the instant of the last row, whose rows are in both pages."""
    since_ns = query.since_ns

    def fetch(span: Span, cursor: str) -> Fetch:
        times = {"startTime": span.since_ms, "endTime": cursor or span.until_ms}
        fetch = get(path, path, _COSTS[path], **times, limit=_ROWS_MAX)
        return structs.replace(fetch, subscription=Subscription(Channel.BALANCE), auth=Auth.SIGNED)

    def rows_of(body: bytes) -> ListRows:
        rows = decode(body, type=tuple[Raw, ...])
        if len(rows) < _ROWS_MAX:
            return ListRows(rows)
        begun_ms = [_begun_ns(decode(row, type=kind)) // 1_000_000 for row in rows]
        return ListRows(rows, str(min(begun_ms) - (min(begun_ms) == max(begun_ms))))

    def wanted(row: Raw, received_ns: int) -> LedgerEntry | None:
        entry = read(row, received_ns)
        if entry is None or (since_ns is not None and entry.venue_ns <= since_ns):
            return None
        return entry if query.asset in {None, entry.asset} else None

    one = AccountList(
        fetch=fetch,
        decode=rows_of,
        read=wanted,
        refused=partial(refused, path),
        span_ms=_SPAN_MS,
        memory_ms=_MEMORY_MS,
    )
    begins_ns = None if since_ns is None else since_ns - _PENDING_NS
    return listed_between(one, begins_ns, query.until_ns, clock)


def _deposit(venue: str, row: Raw, received_ns: int) -> LedgerEntry | None:
    wire = decode(row, type=native.Deposit)
    if wire.status not in CREDITED:
        return None
    entry = _entry(venue, EntryKind.DEPOSIT, wire, row, received_ns)
    return structs.replace(entry, amount=positive(wire.amount))


def _withdrawal(venue: str, row: Raw, received_ns: int) -> LedgerEntry | None:
    wire = decode(row, type=native.Withdrawal)
    if wire.status != WITHDRAWN:
        return None
    entry = _entry(venue, EntryKind.WITHDRAWAL, wire, row, received_ns)
    return structs.replace(entry, amount=-positive(wire.amount), fee=exact(wire.transactionFee))


def _entry(
    venue: str,
    kind: EntryKind,
    wire: native.Deposit | native.Withdrawal,
    row: Raw,
    received_ns: int,
) -> LedgerEntry:
    """The entry, without what it moved."""
    nothing = exact("0")
    name = f"{kind.value}/{wire.id}"
    return LedgerEntry(
        venue=venue,
        entry_id=name,
        reference_id=name,
        kind=kind,
        venue_kind=kind.value,
        asset=Asset(wire.coin),
        amount=nothing,
        fee=nothing,
        balance=None,
        backfilled=True,
        venue_ns=_done_ns(wire),
        received_ns=received_ns,
        raw=bytes(row),
        source=EntrySource.TRANSFER,
    )


def _begun_ns(wire: native.Deposit | native.Withdrawal) -> int:
    if isinstance(wire, native.Deposit):
        return require_instant(nanos(wire.insertTime), wire.insertTime)
    return _instant(wire.applyTime)


def _done_ns(wire: native.Deposit | native.Withdrawal) -> int:
    if isinstance(wire, native.Deposit):
        return nanos(wire.completeTime) or _begun_ns(wire)
    return _instant(wire.completeTime or wire.applyTime)


def _instant(text: str) -> int:
    """`2019-10-12 11:12:02`, in UTC."""
    date, blank, time = text.partition(" ")
    if not blank:
        raise RemoteProtocolError(f"a time like 2019-10-12 11:12:02 was expected, was {text!r:.40}")
    return parse_rfc3339(f"{date}T{time}Z")
