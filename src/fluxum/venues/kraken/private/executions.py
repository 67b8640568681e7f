"""The orders of one private link: reports laid over what is known, row by row.

Only the first report of an order is whole (https://docs.kraken.com/api/docs/websocket-v2/executions),
so every open order is remembered, and of those that ended the last thousand, for fills that come
late. A row that makes no sense is left out.
"""

from collections import OrderedDict
from collections.abc import Sequence
from operator import attrgetter

from msgspec import Raw

from fluxum.errors import RemoteProtocolError
from fluxum.model.account import Fill
from fluxum.model.event import Event, Subscription
from fluxum.model.order import OpenOrders, OrderUpdate, TradingCount
from fluxum.venues.kraken.normalize import VENUE
from fluxum.venues.kraken.private import native, normalize
from fluxum.venues.rows import read_rows

__all__ = ["Executions"]

_ENDED_MAX = 1000
Row = native.Report | Raw
"""A report, or what should be one."""


class Executions:
    """Reads the rows of the executions channel, and remembers orders."""

    def __init__(self) -> None:
        self.is_whole = True
        """Whether every row since the last snapshot could be read."""
        self.is_overhearing = False
        """Whether parts of orders are to be expected of which nothing is known."""
        self._orders: dict[str, OrderUpdate] = {}
        self._ended: OrderedDict[str, OrderUpdate] = OrderedDict()

    def snapshot(
        self, rows: Sequence[Row], subscription: Subscription, received_ns: int
    ) -> list[Event]:
        """Rows left out, fills of lately, oldest first, then every open order."""
        self.is_whole = True
        self._orders.clear()
        read = read_rows(rows, lambda row: self._standing(row, received_ns))
        fills = [one for one in read.items if isinstance(one, Fill)]
        fills.sort(key=attrgetter("venue_ns"))
        left_out = read.left_out
        orders = OpenOrders(
            venue=VENUE,
            orders=tuple(self._orders.values()),
            unread=() if left_out is None else self._unread(rows),
            received_ns=received_ns,
        )
        events = [] if left_out is None else [left_out.event(VENUE, subscription, received_ns)]
        return [*events, *fills, orders]

    def _unread(self, rows: Sequence[Row]) -> tuple[str, ...]:
        """The ids of orders of a snapshot that were left out, as far as they can be read."""
        outlines = read_rows(rows, _outline).items
        return tuple(
            one.order_id
            for one in outlines
            if one.exec_type != "trade" and one.order_id not in self._orders
        )

    def update(
        self, rows: Sequence[Row], subscription: Subscription, received_ns: int
    ) -> list[Event]:
        """Rows left out, then what each of the others reports."""
        read = read_rows(rows, lambda row: self._happened(row, received_ns))
        events = [event for events in read.items for event in events]
        if read.left_out is None:
            return events
        self.is_whole = False
        return [read.left_out.event(VENUE, subscription, received_ns), *events]

    def _standing(self, row: Row, received_ns: int) -> Fill | OrderUpdate:
        """A row of a snapshot."""
        report = row if isinstance(row, native.Report) else native.decode_report(row)
        if report.exec_type == "trade":
            known = self._ended.get(report.order_id)
            return normalize.fill(report, known, received_ns, backfilled=True)
        order = normalize.order(report, None, received_ns)
        self._keep(order)
        return order

    def _happened(self, row: Row, received_ns: int) -> Sequence[Event]:
        """A row of an update."""
        report = row if isinstance(row, native.Report) else native.decode_report(row)
        known = self._orders.get(report.order_id) or self._ended.get(report.order_id)
        if self.is_overhearing and known is None and report.symbol is None:
            return (normalize.fragment(report, received_ns),)
        events: list[Event] = []
        if report.exec_type == "trade":
            events.append(normalize.fill(report, known, received_ns, backfilled=False))
        try:
            order = normalize.order(report, known, received_ns)
        except RemoteProtocolError:
            if not events:
                raise
            self.is_whole = False  # the fill is there, its order is not
            return events
        self._keep(order)
        events.append(order)
        if report.ratecount is not None:
            used = normalize.finite(report.ratecount)
            events.append(
                TradingCount(venue=VENUE, symbol=order.symbol, used=used, received_ns=received_ns)
            )
        return events

    def _keep(self, order: OrderUpdate) -> None:
        """Remember an order; of those that ended the last thousand, for what comes late."""
        name = order.order_id
        if not order.status.is_final:
            self._orders[name] = order
            return
        self._orders.pop(name, None)
        self._ended[name] = order
        self._ended.move_to_end(name)
        if len(self._ended) > _ENDED_MAX:
            self._ended.popitem(last=False)


def _outline(row: Row) -> native.ReportOutline:
    if isinstance(row, native.Report):
        return native.ReportOutline(row.order_id, row.exec_type)
    return native.decode_report_outline(row)
