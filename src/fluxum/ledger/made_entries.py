"""Entries of an account at a venue that lists none: made from fills, transfers and balances.

A fill becomes one entry for each asset that it moved, and one for each fee. What the venue lists
of deposits and withdrawals are entries already. What these do not explain of a balance becomes an
entry of its own, of the kind UNEXPLAINED: a conversion, an airdrop, interest, a fill of a market
that was not asked for, or the last digit, which venues round in their own way.

How an entry was made is its `source`. A balance after an entry is worked out, not the venue's word.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal, localcontext

from msgspec import structs

from fluxum.ledger.arithmetic import EXACT
from fluxum.model.account import Balance, EntryKind, EntrySource, Fill, LedgerEntry
from fluxum.model.instrument import Asset

__all__ = ["entries_of_fill", "made_entries"]

_ZERO = Decimal(0)


def entries_of_fill(fill: Fill) -> Sequence[LedgerEntry]:
    """What a fill moved of its base and quote asset, then its fees; none for a contract's.

    Fees that are not known yet are left out: once they are, the same fill gives them as well.
    """
    if fill.symbol.contract:
        return ()
    with localcontext(EXACT):
        cost = -fill.price * fill.signed_quantity
    moves = [
        ("base", EntryKind.TRADE, Asset(fill.symbol.base), fill.signed_quantity),
        ("quote", EntryKind.TRADE, Asset(fill.symbol.quote), cost),
        *(
            (f"fee/{one.asset}", EntryKind.FEE, one.asset, -one.amount)
            for one in fill.fees or ()
            if one.amount
        ),
    ]
    name = f"fill/{fill.symbol}/{fill.fill_id}"
    return [
        LedgerEntry(
            venue=fill.venue,
            entry_id=f"{name}/{part}",
            reference_id=name,
            kind=kind,
            venue_kind="",
            asset=asset,
            amount=amount,
            fee=_ZERO,
            balance=None,
            backfilled=fill.backfilled,
            venue_ns=fill.venue_ns,
            received_ns=fill.received_ns,
            source=EntrySource.FILL,
        )
        for part, kind, asset, amount in moves
    ]


def made_entries(
    fills: Iterable[Fill],
    transfers: Iterable[LedgerEntry],
    balances: Iterable[Balance],
    *,
    is_whole: bool,
) -> list[LedgerEntry]:
    """The entries of these fills and transfers, oldest first, up to the balances now.

    If they are the `is_whole` history, each chain begins at nothing, and what is missing at its end
    is UNEXPLAINED. Otherwise the beginning is not known: that is worked out from the balances.
    Each entry has the balance after it.
    """
    held = {one.asset: one for one in balances}
    chains: dict[Asset, list[LedgerEntry]] = {asset: [] for asset in held}
    for entry in (*(one for fill in fills for one in entries_of_fill(fill)), *transfers):
        chains.setdefault(entry.asset, []).append(entry)
    made: list[LedgerEntry] = []
    with localcontext(EXACT):
        for asset, chain in chains.items():
            made += _balanced(asset, chain, held.get(asset), is_whole=is_whole)
    return sorted(made, key=_place)


def _balanced(
    asset: Asset, chain: list[LedgerEntry], now: Balance | None, *, is_whole: bool
) -> Sequence[LedgerEntry]:
    """The entries of one asset, each with its balance; an asset without a balance has none now."""
    total = _ZERO if now is None else now.total
    change = sum((one.change for one in chain), _ZERO)
    balance = _ZERO if is_whole else total - change
    entries: list[LedgerEntry] = []
    for entry in sorted(chain, key=_place):
        balance += entry.change
        entries.append(structs.replace(entry, balance=balance))
    if balance == total:
        return entries
    return [*entries, _unexplained(asset, total, total - balance, now, entries)]


def _unexplained(
    asset: Asset,
    total: Decimal,
    amount: Decimal,
    now: Balance | None,
    entries: Sequence[LedgerEntry],
) -> LedgerEntry:
    """What is missing at the end of a chain, as of the balance."""
    known = now or entries[-1]
    last_ns = entries[-1].venue_ns if entries else 0
    name = f"unexplained/{asset}"
    return LedgerEntry(
        venue=known.venue,
        entry_id=name,
        reference_id=name,
        kind=EntryKind.UNEXPLAINED,
        venue_kind="",
        asset=asset,
        amount=amount,
        fee=_ZERO,
        balance=total,
        backfilled=True,
        venue_ns=max(known.venue_ns or known.received_ns, last_ns),
        received_ns=known.received_ns,
        source=EntrySource.BALANCE,
    )


def _place(entry: LedgerEntry) -> tuple[int, bool, str]:
    return entry.venue_ns, entry.source is EntrySource.BALANCE, entry.entry_id
