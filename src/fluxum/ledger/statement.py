"""Account entries and balances: queried by asset, kind and time, and audited."""

from bisect import bisect_left, insort
from collections.abc import Iterable
from decimal import Decimal, localcontext

from msgspec.structs import replace

from fluxum.errors import BadInput
from fluxum.ledger.arithmetic import EXACT, checked
from fluxum.ledger.audit import Audit, audit, wallet_name
from fluxum.model.account import Balance, Balances, EntryKind, EntrySource, LedgerEntry, Wallet
from fluxum.model.event import Event
from fluxum.model.input import choice
from fluxum.model.instrument import Asset

__all__ = ["Journal"]

_ZERO = Decimal(0)
_CLOCKS_APART_NS = 300 * 1_000_000_000
_Place = tuple[int, str, str]


class Journal:
    """Account entries, each once, by time and id; beyond `capacity` the oldest are forgotten.

    Balances are the last ones that the venue sent, changed by each live entry after them, unless
    Fluxum made the entry (`source`), as the venue sends each balance there. An entry
    from history changes one only if it is of about that time or later and continues it: history may
    have it before it comes live. If the venue sent no balance, none is known.
    """

    def __init__(self, capacity: int = 100_000) -> None:
        if capacity < 1:
            raise BadInput(f"a capacity above zero was expected, was {capacity}")
        self._capacity = capacity
        self._lines: list[tuple[_Place, LedgerEntry]] = []
        self._ids: dict[tuple[str, str], LedgerEntry] = {}
        self._horizon: _Place | None = None
        # The last forgotten entry of each chain, so that an audit still has its beginning.
        self._anchors: dict[tuple[str, Asset, str], LedgerEntry] = {}
        self._reported: dict[tuple[str, Asset], Balance] = {}
        self._balances: dict[tuple[str, Asset], Balance] = {}
        self._whole: dict[str, int] = {}
        self.repeated = 0
        """Entries that were repeated."""
        self.contradicted = 0
        """Those of them that had another asset, amount or fee; the first counts."""
        self.dropped = 0
        """Entries that were forgotten, because there were more than `capacity`."""
        self.late = 0
        """Entries older than the forgotten ones: it is unknown whether they were repeated."""

    def __len__(self) -> int:
        """How many entries are kept."""
        return len(self._lines)

    # State

    def entries(
        self,
        asset: Asset | None = None,
        kind: EntryKind | str | None = None,
        since_ns: int | None = None,
        until_ns: int | None = None,
        limit: int | None = None,
        venue: str | None = None,
    ) -> list[LedgerEntry]:
        """The last `limit` entries that match, oldest first, from `since_ns` to before `until_ns`.

        Times are the venue's. Raises BadInput for a limit below one, or an unknown kind.
        """
        kind = None if kind is None else choice(EntryKind, kind, "kind")
        if limit is not None and limit < 1:
            raise BadInput(f"a limit above zero was expected, was {limit}")
        lines = self._lines
        start = 0 if since_ns is None else _first_from(lines, since_ns)
        stop = len(lines) if until_ns is None else _first_from(lines, until_ns)
        found: list[LedgerEntry] = []
        for index in range(stop - 1, start - 1, -1):
            entry = lines[index][1]
            if (
                asset in (None, entry.asset)
                and kind in (None, entry.kind)
                and venue in (None, entry.venue)
            ):
                found.append(entry)
                if len(found) == limit:
                    break
        return found[::-1]

    def balance(self, venue: str, asset: Asset) -> Balance | None:
        """The balance of an asset; `None` if the venue has not sent it."""
        balance = self._balances.get((venue, asset))
        if balance is None and venue in self._whole:
            return Balance(venue=venue, asset=asset, total=_ZERO, received_ns=self._whole[venue])
        return balance

    def balances(self, venue: str | None = None) -> list[Balance]:
        """All balances, by venue and asset."""
        kept = sorted(self._balances.items(), key=lambda item: item[0])
        return [balance for _, balance in kept if venue in (None, balance.venue)]

    def audit(
        self,
        closing: Iterable[Balance] | Balances | None = None,
        opening: Iterable[Balance] | Balances = (),
    ) -> Audit:
        """Whether the entries add up to the balances: those given, or the ones known here.

        Given ones have to be of the time after the last entry. See `fluxum.ledger.audit`.
        """
        lines = (entry for _, entry in self._lines)
        held = self.balances() if closing is None else closing
        return audit(lines, held, opening, self._anchors.values())

    # Changes

    def apply(self, event: Event) -> bool:
        """Process an event; returns whether anything changed. Other events are ignored.

        Raises BadInput for invalid numbers.
        """
        match event:
            case LedgerEntry():
                return self.add(event)
            case Balance():
                self._set_balance(event)
                return True
            case Balances():
                self._set_balances(event)
                return True
            case _:
                return False

    def add(self, entry: LedgerEntry) -> bool:
        """Keep an entry, and change the balance if it is new; returns whether it was kept."""
        if not entry.entry_id:
            raise BadInput(f"a line with an id was expected, was {entry!r:.200}")
        for amount in (entry.amount, entry.fee, entry.balance or _ZERO):
            checked(amount, f"the amounts of line {entry.entry_id}")
        known = self._ids.get((entry.venue, entry.entry_id))
        if known is not None:
            self.repeated += 1
            self.contradicted += _substance(known) != _substance(entry)
            return False
        place = (entry.venue_ns, entry.entry_id, entry.venue)
        if self._horizon is not None and place <= self._horizon:
            self.late += 1
            return False
        self._ids[entry.venue, entry.entry_id] = entry
        insort(self._lines, (place, entry), key=_place)
        if len(self._lines) > self._capacity:
            self._let_go()
        self._move(entry)
        return True

    def _let_go(self) -> None:
        self._horizon, oldest = self._lines.pop(0)
        del self._ids[oldest.venue, oldest.entry_id]
        self._anchors[oldest.venue, oldest.asset, oldest.wallet] = oldest
        self.dropped += 1

    def _set_balances(self, event: Balances) -> None:
        for key in [key for key in self._balances if key[0] == event.venue]:
            del self._balances[key]
            self._reported.pop(key, None)
        self._whole[event.venue] = event.received_ns
        for balance in event.balances:
            self._set_balance(balance)

    def _set_balance(self, balance: Balance) -> None:
        for amount in (balance.total, *(wallet.total for wallet in balance.wallets)):
            checked(amount, f"the balance of {balance.asset}")
        self._reported[balance.venue, balance.asset] = balance
        self._balances[balance.venue, balance.asset] = balance

    def _move(self, entry: LedgerEntry) -> None:
        """Change the balance by an entry, unless the balance contained it already."""
        balance = self.balance(entry.venue, entry.asset)
        if balance is None or entry.source is not EntrySource.VENUE:
            return
        reported = self._reported.get((entry.venue, entry.asset))
        if (
            reported is not None
            and reported.venue_ns is not None
            and reported.venue_ns >= entry.venue_ns
        ):
            return
        reported_ns = self._whole[entry.venue] if reported is None else reported.received_ns
        if entry.backfilled and not (
            entry.venue_ns > reported_ns - _CLOCKS_APART_NS and _continues(balance, entry)
        ):
            return
        with localcontext(EXACT):
            self._balances[entry.venue, entry.asset] = replace(
                balance,
                total=balance.total + entry.change,
                held=None,  # the venue has not sent it yet
                wallets=_moved(balance.wallets, entry),
                venue_ns=entry.venue_ns,
                received_ns=entry.received_ns,
            )


def _continues(balance: Balance, entry: LedgerEntry) -> bool:
    """Whether an entry begins at a balance, of the asset or of the wallet it names."""
    if entry.balance is None:
        return False
    wallets = (one.total for one in balance.wallets if wallet_name(one) == entry.wallet)
    with localcontext(EXACT):
        return entry.balance - entry.change in (balance.total, *wallets)


def _moved(wallets: tuple[Wallet, ...], entry: LedgerEntry) -> tuple[Wallet, ...]:
    """Wallets after an entry; empty if the entry does not name its wallet."""
    if not entry.wallet:
        return ()
    if not any(wallet_name(wallet) == entry.wallet for wallet in wallets):
        kind, _, name = entry.wallet.partition("/")
        wallets = (*wallets, Wallet(kind, name, _ZERO))
    return tuple(
        Wallet(wallet.kind, wallet.name, wallet.total + entry.change)
        if wallet_name(wallet) == entry.wallet
        else wallet
        for wallet in wallets
    )


def _substance(entry: LedgerEntry) -> tuple[Asset, Decimal, Decimal]:
    """The fields that are equal in two copies of an entry; times and balances may differ."""
    return entry.asset, entry.amount, entry.fee


def _place(line: tuple[_Place, LedgerEntry]) -> _Place:
    return line[0]


def _first_from(lines: list[tuple[_Place, LedgerEntry]], instant_ns: int) -> int:
    return bisect_left(lines, (instant_ns, "", ""), key=_place)
