"""Whether the entries of an account add up to the balances that the venue reports.

Each entry has the balance after it, so the entries of one asset are a chain: the balance before,
plus amount, less fee, is the balance after, and that is the balance before the next. The chain
begins with the opening balance and ends with the closing one. If a link does not fit, something is
missing between two entries, and the difference is reported with their ids.

Some venues keep a chain for each wallet of an asset, others one for the asset. If wallets are
named, each is followed separately, and a balance that names none is compared with all of them
together. If that does not add up and the entries of the asset as a whole do, then the venue counts
by the asset. An entry without a balance is taken to continue the chain. Entries of one instant have
no order of their own: they are put in an order in which they fit, if there is one.

Where the venue lists no entries and Fluxum made them, one of the kind UNEXPLAINED is what they do
not explain: it is left out, so that it is a difference at the end of its chain.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal, localcontext
from itertools import groupby

from msgspec import Struct, structs

from fluxum.ledger.arithmetic import EXACT, checked
from fluxum.model.account import Balance, Balances, EntryKind, LedgerEntry, Wallet
from fluxum.model.instrument import Asset

__all__ = ["Audit", "AuditLine", "Difference", "audit", "wallet_name"]

_ZERO = Decimal(0)


class Difference(Struct, frozen=True, kw_only=True):
    """A place where a chain does not fit: between two entries, named by their ids.

    `after_id` is empty if it is the opening balance, `before_id` if it is the closing one that
    does not fit. `expected` is the chain's balance, `found` the venue's.
    """

    after_id: str
    before_id: str
    expected: Decimal
    found: Decimal

    @property
    def amount(self) -> Decimal:
        """What is missing in the entries, if positive; what is too much, if negative."""
        with localcontext(EXACT):
            return self.found - self.expected


class AuditLine(Struct, frozen=True, kw_only=True):
    """One chain: `opening` + `change` = `closing`, unless there are differences.

    `wallet` is empty for an asset as a whole. `opening` is the balance before the first entry if
    no opening balance was given. `closing` is the closing balance, `None` if none was given;
    `last` is the balance of the last entry. The differences add up to closing - (opening + change).
    """

    venue: str
    asset: Asset
    wallet: str
    entries: int
    opening: Decimal
    change: Decimal
    last: Decimal
    closing: Decimal | None
    differences: tuple[Difference, ...]

    @property
    def is_clean(self) -> bool:
        """Whether it all adds up, to the last digit."""
        return not self.differences


class Audit(Struct, frozen=True):
    """One line for each chain, by venue, asset and wallet."""

    lines: tuple[AuditLine, ...]

    @property
    def is_clean(self) -> bool:
        """Whether all chains add up."""
        return all(line.is_clean for line in self.lines)

    @property
    def differences(self) -> tuple[tuple[AuditLine, Difference], ...]:
        """Every difference, with the chain it is in."""
        return tuple((line, one) for line in self.lines for one in line.differences)


def audit(
    entries: Iterable[LedgerEntry],
    closing: Iterable[Balance] | Balances = (),
    opening: Iterable[Balance] | Balances = (),
    before: Iterable[LedgerEntry] = (),
) -> Audit:
    """Follow each chain from the opening balances over the entries to the closing ones.

    A repeated entry counts once. `Balances` are complete: an asset that they do not name has none.
    Single balances are not: other assets are not known and not compared. If there are known to be
    older entries, `before` are the last of them, one of each wallet: the chains begin there. Raises
    BadInput for invalid numbers.
    """
    listed, older = _by_asset(entries), _by_asset(before)
    begins, ends = _Held(opening), _Held(closing)
    lines: list[AuditLine] = []
    with localcontext(EXACT):
        held = {key for key in begins.known() | ends.known() if _is_reported(key, "", begins, ends)}
        for key in sorted({*listed, *older, *held}):
            lines += _chains(key, listed.get(key, []), older.get(key, []), begins, ends)
    return Audit(tuple(lines))


def _by_asset(entries: Iterable[LedgerEntry]) -> dict[tuple[str, Asset], list[LedgerEntry]]:
    by_asset: dict[tuple[str, Asset], dict[str, LedgerEntry]] = {}
    for entry in entries:
        if entry.kind is EntryKind.UNEXPLAINED:
            continue
        for amount in (entry.amount, entry.fee, entry.balance or _ZERO):
            checked(amount, f"the amounts of line {entry.entry_id}")
        by_asset.setdefault((entry.venue, entry.asset), {}).setdefault(entry.entry_id, entry)
    return {key: list(lines.values()) for key, lines in by_asset.items()}


class _Held:
    """The balances that a venue reported, by asset and by wallet."""

    def __init__(self, reported: Iterable[Balance] | Balances) -> None:
        balances = reported.balances if isinstance(reported, Balances) else reported
        self._by_asset = {(one.venue, one.asset): one for one in balances}
        self._whole = reported.venue if isinstance(reported, Balances) else None

    def known(self) -> set[tuple[str, Asset]]:
        return set(self._by_asset)

    def wallets(self, venue: str, asset: Asset) -> set[str]:
        balance = self._by_asset.get((venue, asset))
        return set() if balance is None else {wallet_name(one) for one in balance.wallets}

    def amount(self, venue: str, asset: Asset, wallet: str, *, is_only: bool) -> Decimal | None:
        """The balance of a wallet, or of the asset as a whole; `None` if the venue reported none.

        If a balance names wallets, those that it does not name are empty. If it names none, all of
        it is taken to be in the requested wallet, if that is the only one known.
        """
        balance = self._by_asset.get((venue, asset))
        if balance is None:
            return _ZERO if venue == self._whole else None
        if not wallet or (is_only and not balance.wallets):
            return checked(balance.total, f"the balance of {asset}")
        if not balance.wallets:
            return None
        return sum(
            (
                checked(one.total, f"the balance of {asset} in {wallet}")
                for one in balance.wallets
                if wallet_name(one) == wallet
            ),
            _ZERO,
        )


def wallet_name(wallet: Wallet) -> str:
    """A wallet as the entries of an account name it: `spot/main`."""
    return "/".join(filter(None, (wallet.kind, wallet.name)))


def _chains(
    key: tuple[str, Asset],
    entries: Sequence[LedgerEntry],
    before: Sequence[LedgerEntry],
    begins: _Held,
    ends: _Held,
) -> list[AuditLine]:
    """The chains of one asset: by wallet if that adds up or nothing does, else as a whole."""
    whole = [*sorted(before, key=_place)[-1:], *entries]
    by_wallet: dict[str, list[LedgerEntry]] = {}
    for entry in (*before, *entries):
        by_wallet.setdefault(entry.wallet, []).append(entry)
    if "" not in by_wallet:
        for wallet in begins.wallets(*key) | ends.wallets(*key):
            if _is_reported(key, wallet, begins, ends):
                by_wallet.setdefault(wallet, [])

    def chain(wallet: str, lines: Sequence[LedgerEntry]) -> AuditLine:
        is_only = len(by_wallet) == 1
        opening = begins.amount(*key, wallet, is_only=is_only)
        closing = ends.amount(*key, wallet, is_only=is_only)
        return _chain((*key, wallet), lines, opening, closing)

    if not any(by_wallet):  # no wallet is named
        return [chain("", whole)]
    chains = [chain(wallet, by_wallet[wallet]) for wallet in sorted(by_wallet)]
    chains += _sum_of(chains, ends)
    if not all(one.is_clean for one in chains):
        as_one = chain("", whole)
        if as_one.is_clean:
            return [as_one]
    return chains


def _is_reported(key: tuple[str, Asset], wallet: str, begins: _Held, ends: _Held) -> bool:
    """Whether the venue reported both balances, so that no entries means no change."""
    amounts = (held.amount(*key, wallet, is_only=False) for held in (begins, ends))
    return None not in amounts


def _sum_of(chains: Sequence[AuditLine], ends: _Held) -> list[AuditLine]:
    """Wallets together, if the closing balance is one of the asset and of no wallet."""
    venue, asset = chains[0].venue, chains[0].asset
    closing = ends.amount(venue, asset, "", is_only=False)
    if closing is None or any(one.closing is not None for one in chains):
        return []
    last = sum((one.last for one in chains), _ZERO)
    found = Difference(after_id="", before_id="", expected=last, found=closing)
    return [
        AuditLine(
            venue=venue,
            asset=asset,
            wallet="",
            entries=sum(one.entries for one in chains),
            opening=sum((one.opening for one in chains), _ZERO),
            change=sum((one.change for one in chains), _ZERO),
            last=last,
            closing=closing,
            differences=() if last == closing else (found,),
        )
    ]


def _chain(
    key: tuple[str, Asset, str],
    entries: Sequence[LedgerEntry],
    opening: Decimal | None,
    closing: Decimal | None,
) -> AuditLine:
    """One chain, with every place where it does not fit."""
    lines = _in_order(_with_balances(entries, opening), opening)
    if opening is None:
        opening = _before(lines[0]) if lines else _ZERO
    differences: list[Difference] = []
    balance, after_id, change = opening, "", _ZERO

    def compare(before_id: str, found: Decimal) -> None:
        if found != balance:
            differences.append(
                Difference(after_id=after_id, before_id=before_id, expected=balance, found=found)
            )

    for line in lines:
        balance += line.change
        change += line.change
        compare(line.entry_id, _after(line))
        balance, after_id = _after(line), line.entry_id
    if closing is not None:
        compare("", closing)
    venue, asset, wallet = key
    return AuditLine(
        venue=venue,
        asset=asset,
        wallet=wallet,
        entries=len(lines),
        opening=opening,
        change=change,
        last=balance,
        closing=closing,
        differences=tuple(differences),
    )


def _in_order(entries: Sequence[LedgerEntry], opening: Decimal | None) -> list[LedgerEntry]:
    """Entries by time, and those of one instant so that they fit."""
    lines: list[LedgerEntry] = []
    by_time = sorted(entries, key=_place)
    balance = opening
    for _, group in groupby(by_time, key=lambda entry: entry.venue_ns):
        tied = list(group)
        lines += tied if len(tied) == 1 else _laid(tied, balance)
        balance = _after(lines[-1])
    return lines


def _laid(tied: Sequence[LedgerEntry], balance: Decimal | None) -> Sequence[LedgerEntry]:
    """Entries of one instant in an order in which each continues the one before, if there is one.

    Each entry leads from the balance before it to the one after: an order that fits is a path that
    takes every step once. It begins at the balance so far, or else where more entries leave than
    arrive. Without one, entries stay sorted by id.
    """
    leaving = Counter(map(_before, tied))
    leaving.subtract(_after(line) for line in tied)
    starts = [value for value, surplus in leaving.items() if surplus > 0]
    for start in (balance, *starts, _before(tied[0])):
        if start is not None:
            path = _path(tied, start)
            if path is not None:
                return path
    return tied


def _path(tied: Sequence[LedgerEntry], start: Decimal) -> list[LedgerEntry] | None:
    """A path from a balance over all entries, by Hierholzer's algorithm; `None` without one."""
    steps: dict[Decimal, list[LedgerEntry]] = {}
    for line in reversed(tied):
        steps.setdefault(_before(line), []).append(line)
    trail: list[LedgerEntry] = []
    path: list[LedgerEntry] = []
    balance = start
    while True:
        if steps.get(balance):
            trail.append(steps[balance].pop())
            balance = _after(trail[-1])
        elif trail:
            path.append(trail.pop())
            balance = _after(trail[-1]) if trail else start
        else:
            break
    path.reverse()
    balance = start
    for line in path:
        if _before(line) != balance:
            return None
        balance = _after(line)
    return path if len(path) == len(tied) else None


def _with_balances(
    entries: Sequence[LedgerEntry], opening: Decimal | None
) -> Sequence[LedgerEntry]:
    """The entries, each with a balance: if the venue did not send it, the chain's."""
    if all(entry.balance is not None for entry in entries):
        return entries
    lines = sorted(entries, key=_place)
    balance = _begin(lines) if opening is None else opening
    for index, line in enumerate(lines):
        if line.balance is None:
            lines[index] = structs.replace(line, balance=balance + line.change)
        balance = _after(lines[index])
    return lines


def _begin(lines: Sequence[LedgerEntry]) -> Decimal:
    """The balance before entries of which the first have none; zero if no entry has one."""
    change = _ZERO
    for line in lines:
        if line.balance is not None:
            return _before(line) - change
        change += line.change
    return _ZERO


def _after(entry: LedgerEntry) -> Decimal:
    assert entry.balance is not None, "every line of a chain has a balance"
    return entry.balance


def _before(entry: LedgerEntry) -> Decimal:
    return _after(entry) - entry.change


def _place(entry: LedgerEntry) -> tuple[int, str]:
    return entry.venue_ns, entry.entry_id
