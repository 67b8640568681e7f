"""Deposits and withdrawals of a simulated account, as Binance's wallet lists them.

https://developers.binance.com/docs/wallet/capital/deposite-history and .../withdraw-history.
"""

from datetime import UTC, datetime

from fluxum.errors import VenueRefused
from fluxum.model.account import EntryKind, LedgerEntry
from fluxum.venues.binance.private.transfers import CREDITED, WITHDRAWN
from fluxum.venues.binance.server.formats import plain
from fluxum.venues.binance.server.private.rows import Row
from fluxum.venues.server.account_lists import ListQuery
from fluxum.venues.server.accounts import Account
from fluxum.venues.server.arguments import Arguments
from fluxum.venues.server.formats import millis

__all__ = ["list_transfers"]

_ROWS_MAX = 1000
_NINETY_DAYS_MS = 90 * 86_400_000


def list_transfers(kind: EntryKind, account: Account, read: Arguments, now_ns: int) -> list[Row]:
    """Those of a kind, newest first, of the last ninety days unless times are given."""
    since, until = read.number("startTime"), read.number("endTime")
    until_ms = millis(now_ns) if until is None else int(until)
    since_ms = until_ms - _NINETY_DAYS_MS + 1 if since is None else int(since)
    if until_ms - since_ms >= _NINETY_DAYS_MS:
        raise VenueRefused("Time interval should be within 90 days", "-1127")
    limit = min(int(read.number("limit") or _ROWS_MAX), _ROWS_MAX)
    wanted = ListQuery().between(since_ms, until_ms)
    found = [one for one in wanted.entries(account.entries) if one.kind is kind]
    coin, write = read.text("coin"), _deposit if kind is EntryKind.DEPOSIT else _withdrawal
    return [write(one) for one in found if coin in {"", one.asset}][:limit]


def _deposit(entry: LedgerEntry) -> Row:
    at_ms = millis(entry.venue_ns)
    return {
        "id": entry.entry_id,
        "amount": plain(entry.amount),
        "coin": entry.asset,
        "network": entry.asset,
        "status": CREDITED[0],
        "address": "",
        "txId": "",
        "insertTime": at_ms,
        "completeTime": at_ms,
        "transferType": 0,
        "confirmTimes": "1/1",
        "walletType": 0,
    }


def _withdrawal(entry: LedgerEntry) -> Row:
    at = datetime.fromtimestamp(entry.venue_ns // 1_000_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return {
        "id": entry.entry_id,
        "amount": plain(-entry.amount),
        "transactionFee": plain(entry.fee),
        "coin": entry.asset,
        "status": WITHDRAWN,
        "address": "",
        "txId": "",
        "applyTime": at,
        "completeTime": at,
        "network": entry.asset,
        "transferType": 0,
        "walletType": 0,
    }
