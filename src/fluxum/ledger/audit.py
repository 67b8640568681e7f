"""Whether the lines of an account add up to what the venue says is held.

Each line says the balance after it, so the lines of one asset are a chain: balance before, plus
amount, less fee, is the balance after, and that is the balance before the next. The chain begins
with what was held at first and ends with what is held now. Where a link does not fit, something is
missing between two lines, and the difference is named with their ids.

Some venues keep a chain for each wallet of an asset, others one for the asset. Where wallets are
named each is followed by itself; if that does not add up and the lines of the asset as a whole
do, then that is how the venue counts. Lines of one instant have no order of their own: they are
laid in one in which they fit, if there is such an order.
"""

from collections.abc import Iterable
from decimal import Decimal, localcontext

from msgspec import Struct

from fluxum.ledger.exact import EXACT, checked
from fluxum.model.account import Balance, Balances, LedgerEntry
from fluxum.model.instrument import Asset

__all__ = ["Audit", "AuditLine", "Difference", "audit"]

_ZERO = Decimal(0)


class Difference(Struct, frozen=True, kw_only=True):
    """A place where a chain does not fit: between two lines, named by their ids.

    `after_id` is empty where it is the opening balance, `before_id` where it is the closing one
    that does not fit. `expected` is what the chain comes to, `found` what the venue says.
    """

    after_id: str
    before_id: str
    expected: Decimal
    found: Decimal

    @property
    def amount(self) -> Decimal:
        """What is missing in the lines, if positive; what is too much, if negative."""
        with localcontext(EXACT):
            return self.found - self.expected


class AuditLine(Struct, frozen=True, kw_only=True):
    """One chain: `opening` + `change` = `closing`, unless there are differences.

    `wallet` is empty for an asset as a whole. `opening` is the balance before the first line where
    nobody said it. `closing` is what the venue says is held, none where it was not asked; `last`
    is what the last line says. The differences add up to closing - (opening + change).
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
) -> Audit:
    """Follow each chain from the opening balances over the lines to the closing ones.

    A repeated line counts once. `Balances` are taken to be all there are, so that an asset they do
    not name is not held; of single ones, others are not known and not compared. Raises BadInput
    for numbers that are none.
    """
    chains: dict[tuple[str, Asset], dict[str, LedgerEntry]] = {}
    for entry in entries:
        for amount in (entry.amount, entry.fee, entry.balance):
            checked(amount, f"the amounts of line {entry.entry_id}")
        chains.setdefault((entry.venue, entry.asset), {}).setdefault(entry.entry_id, entry)
    begins, ends = _Held(opening), _Held(closing)
    lines: list[AuditLine] = []
    with localcontext(EXACT):
        for venue, asset in sorted({*chains, *(begins.keys() & ends.keys())}):
            found = list(chains.get((venue, asset), {}).values())
            lines += _asset(venue, asset, found, begins, ends)
    return Audit(tuple(lines))
