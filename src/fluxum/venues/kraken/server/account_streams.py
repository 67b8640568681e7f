"""The two simulated channels of an account, each with numbers of its own."""

from collections.abc import Sequence
from decimal import Decimal

from fluxum.model.account import LedgerEntry
from fluxum.model.instrument import Symbol
from fluxum.venues.kraken.private import native
from fluxum.venues.kraken.server.counters import trading
from fluxum.venues.kraken.server.reports import ReportWriter, balances_frame, executions_frame
from fluxum.venues.server.accounts import Account, AccountChange, OrderEventKind, OrderHappening

__all__ = ["BalancesStream", "ExecutionsStream"]

_SNAPSHOT_TRADES = 50
_ENDS = frozenset(
    {OrderEventKind.OPENED, OrderEventKind.FILLED, OrderEventKind.CANCELED, OrderEventKind.EXPIRED}
)


class BalancesStream:
    """Holdings, then each line of the account in a message of its own."""

    def __init__(
        self, account: Account, params: native.AccountParams, writer: ReportWriter
    ) -> None:
        self.wants_snapshot = params.snapshot is not False and params.users is None
        self._account = account
        self._writer = writer
        self._number = 0

    def snapshot(self) -> bytes:
        """What is held."""
        self._number += 1
        held = [self._writer.holding(one) for one in self._account.balances()]
        return balances_frame(b"snapshot", held, self._number)

    def frame(self, happening: AccountChange) -> bytes | None:
        """A message, if it is one of this channel."""
        if not isinstance(happening, LedgerEntry):
            return None
        self._number += 1
        return balances_frame(b"update", [self._writer.entry(happening)], self._number)


class ExecutionsStream:
    """Open orders and the last fills, then each thing that happens to an order."""

    def __init__(
        self, account: Account, params: native.AccountParams, writer: ReportWriter
    ) -> None:
        self.has_orders = _first(params.snap_orders, params.snapshot, default=True)
        self.has_trades = _first(params.snap_trades, params.snapshot_trades, default=False)
        self.wants_snapshot = params.users is None and (self.has_orders or self.has_trades)
        self._only_ends = params.order_status is False
        self._counts = params.ratecounter is True
        self._account = account
        self._writer = writer
        self._number = 0

    def snapshot(self) -> bytes:
        """Open orders, then the last fills, the oldest first."""
        self._number += 1
        reports: list[bytes] = []
        if self.has_orders:
            reports += [self._writer.standing(one) for one in self._account.open_orders()]
        if self.has_trades:
            reports += self._trades()
        return executions_frame(b"snapshot", reports, self._number)

    def frame(self, happening: AccountChange) -> bytes | None:
        """A message, if it is one of this channel."""
        if not isinstance(happening, OrderHappening):
            return None
        if self._only_ends and happening.what not in _ENDS:
            return None
        self._number += 1
        count = self._count(happening.order.update.symbol, happening.venue_ns)
        report = self._writer.happened(happening, count)
        return executions_frame(b"update", [report], self._number)

    def _trades(self) -> Sequence[bytes]:
        last = list(self._account.trades)[-_SNAPSHOT_TRADES:]
        reports: list[bytes] = []
        for trade in last:
            now = self._account.order(trade.order.update.order_id)
            status = (trade.order if now is None else now).update.status
            reports.append(self._writer.executed(trade, status))
        return reports

    def _count(self, symbol: Symbol, now_ns: int) -> Decimal | None:
        return trading(self._account, symbol).used(now_ns) if self._counts else None


def _first(said: bool | None, older: bool | None, *, default: bool) -> bool:
    """The parameter under either name, the newer first."""
    known = older if said is None else said
    return default if known is None else known
