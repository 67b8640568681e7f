"""The account of a paper venue: balances, what open orders hold, and entries that close.

Every amount that moves is booked twice: in the account, and with a sign turned round in one of the
places it comes from or goes to (the market, the fees, outside). So the sums of each asset over all
of them are zero after every step, which `difference` checks to the last unit.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from fluxum.errors import BadInput
from fluxum.fill.order import LiveOrder
from fluxum.model.account import Balance, EntryKind, Fee, Fill, LedgerEntry, Wallet
from fluxum.model.instrument import Asset
from fluxum.model.market import Side

__all__ = ["PaperAccount"]

_ZERO = Decimal(0)
_KEPT_MAX = 20_000
_DAY_NS = 86_400_000_000_000
_DAYS = 30


class PaperAccount:
    """Balances and entries of one account; `name` gives ids that were never used before."""

    def __init__(
        self, venue: str, quantum: Callable[[Asset], Decimal], name: Callable[[str], str]
    ) -> None:
        self.entries: deque[LedgerEntry] = deque(maxlen=_KEPT_MAX)
        """The newest entries, oldest first."""
        self.fills: deque[Fill] = deque(maxlen=_KEPT_MAX)
        """The newest fills, oldest first."""
        self._venue = venue
        self._quantum = quantum
        self._name = name
        self._totals: dict[Asset, Decimal] = {}
        self._held: dict[Asset, Decimal] = {}
        self._elsewhere: dict[tuple[str, Asset], Decimal] = {}
        self._days: dict[int, Decimal] = {}

    # State

    def total(self, asset: Asset) -> Decimal:
        """How much of an asset there is."""
        return self._totals.get(asset, _ZERO)

    def free(self, asset: Asset) -> Decimal:
        """How much of an asset open orders do not hold."""
        return self.total(asset) - self._held.get(asset, _ZERO)

    def balances(self, now_ns: int) -> tuple[Balance, ...]:
        """The balance of each asset that ever moved."""
        return tuple(self.balance(asset, now_ns) for asset in self._totals)

    def balance(self, asset: Asset, now_ns: int) -> Balance:
        """The balance of one asset."""
        total = self.total(asset)
        return Balance(
            venue=self._venue,
            asset=asset,
            total=total,
            held=self._held.get(asset, _ZERO),
            wallets=(Wallet("spot", "main", total),),
            venue_ns=now_ns,
            received_ns=now_ns,
        )

    def difference(self) -> dict[Asset, Decimal]:
        """The assets whose bookings do not add up to zero, and by how much: always none."""
        sums = dict(self._totals)
        for (_, asset), amount in self._elsewhere.items():
            sums[asset] = sums.get(asset, _ZERO) + amount
        return {asset: amount for asset, amount in sums.items() if amount}

    def charged(self, asset: Asset) -> Decimal:
        """The fees that were ever charged in an asset, less rebates."""
        return self._elsewhere.get(("fees", asset), _ZERO)

    def volume(self, now_ns: int) -> Decimal:
        """What was traded within thirty days, in quote assets, by calendar days of UTC."""
        first = now_ns // _DAY_NS - _DAYS
        for day in [day for day in self._days if day <= first]:
            del self._days[day]
        return sum(self._days.values(), _ZERO)

    # Changes

    def deposit(self, amounts: Mapping[Asset, Decimal], now_ns: int) -> Sequence[LedgerEntry]:
        """Deposit amounts; raises BadInput for one below zero or finer than the asset allows."""
        for asset, amount in amounts.items():
            if not amount.is_finite() or amount < 0 or amount % self._quantum(asset):
                least = self._quantum(asset)
                raise BadInput(f"{asset}: whole parts of {least} were expected, was {amount}")
        return [
            self._write(EntryKind.DEPOSIT, self._name("A"), asset, amount, _ZERO, now_ns)
            for asset, amount in amounts.items()
        ]

    def rehold(self, order: LiveOrder) -> None:
        """Hold what an order needs now, and no more; nothing once it has ended."""
        needed = _ZERO if order.status.is_final else order.hold()
        asset = order.held_asset
        self._held[asset] = self._held.get(asset, _ZERO) + needed - order.held
        order.held = needed

    def book(self, fill: Fill, cost: Decimal) -> Sequence[LedgerEntry]:
        """Write the entries of a fill, one for each asset that it moves."""
        sign = 1 if fill.side is Side.BUY else -1
        self.fills.append(fill)
        day = fill.venue_ns // _DAY_NS
        self._days[day] = self._days.get(day, _ZERO) + cost
        amounts = {fill.symbol.base: sign * fill.quantity, fill.symbol.quote: -sign * cost}
        fees: dict[Asset, Decimal] = {}
        for fee in fill.fees or ():
            fees[fee.asset] = fees.get(fee.asset, _ZERO) + fee.amount
        return [
            self._write(
                EntryKind.TRADE if asset in amounts else EntryKind.FEE,
                fill.fill_id,
                asset,
                amounts.get(asset, _ZERO),
                fees.get(asset, _ZERO),
                fill.venue_ns,
            )
            for asset in dict.fromkeys((*amounts, *fees))
        ]

    def can_pay(self, fee: Fee) -> bool:
        """Whether a fee can be charged from what is free."""
        return self.free(fee.asset) >= fee.amount

    def _write(
        self,
        kind: EntryKind,
        reference_id: str,
        asset: Asset,
        amount: Decimal,
        fee: Decimal,
        now_ns: int,
    ) -> LedgerEntry:
        balance = self.total(asset) + amount - fee
        self._totals[asset] = balance
        place = "outside" if kind is EntryKind.DEPOSIT else "market"
        for name, moved in ((place, -amount), ("fees", fee)):
            key = name, asset
            self._elsewhere[key] = self._elsewhere.get(key, _ZERO) + moved
        entry = LedgerEntry(
            venue=self._venue,
            entry_id=self._name("L"),
            reference_id=reference_id,
            kind=kind,
            venue_kind=kind.value,
            asset=asset,
            amount=amount,
            fee=fee,
            balance=balance,
            wallet="spot/main",
            venue_ns=now_ns,
            received_ns=now_ns,
        )
        self.entries.append(entry)
        return entry
