"""Events from the rows of a prepared tape, digit for digit as they were published."""

from decimal import Decimal
from typing import Any

import msgspec

from fluxum.back.columns import (
    KIND_BUY,
    KIND_OTHER,
    KIND_SELL,
    KIND_SNAPSHOT,
    KIND_STATUS,
    KIND_UPDATE,
    NONE,
    Columns,
)
from fluxum.book.book import Book
from fluxum.book.proof import BookStatus
from fluxum.model.codec import decode_event
from fluxum.model.event import Event
from fluxum.model.levels import Level
from fluxum.model.market import BookSnapshot, BookUpdate, Side, Trade

__all__ = ["Rows", "begin", "set_status", "status_code"]

_STATUSES = tuple(BookStatus)
_WITHDRAWN = 16  # added to the number of a status
_POWERS = [10**power for power in range(64)]


class Rows:
    """Reads single events and levels of a file, each made anew when it is read."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._markets = [
            (market.venue, market.name, market.price_places, market.quantity_places)
            for market in columns.markets
        ]
        self._kind = columns.column("event_kind")
        self._market = columns.column("event_market")
        self._venue_ns = columns.column("event_venue_ns")
        self._row = columns.column("event_row")
        self._split = columns.column("event_split")
        self._checksum = columns.column("event_checksum")
        self._sequence = columns.column("event_sequence")
        self._extra = columns.column("event_extra")
        self._price = columns.column("row_price")
        self._quantity = columns.column("row_quantity")
        self._price_exponent = columns.column("row_price_exponent")
        self._quantity_exponent = columns.column("row_quantity_exponent")
        self._orders = columns.column("row_orders")

    def event(self, number: int, ns: int) -> Event:
        """An event by its number, of a frame that was received at `ns`."""
        kind = self._kind[number]
        if kind == KIND_OTHER:
            return decode_event(bytes(self._columns.text(self._extra[number])))
        fields: dict[str, Any] = {"received_ns": ns, **self.fields(number)}
        venue, symbol, *_ = self._markets[self._market[number]]
        fields["venue_ns"] = _optional(self._venue_ns[number])
        fields["sequence"] = _optional(self._sequence[number])
        if kind in (KIND_UPDATE, KIND_SNAPSHOT):
            fields["checksum"] = _optional(self._checksum[number])
        if kind == KIND_UPDATE:
            bids, asks = self.sides(number)
            return BookUpdate(venue, symbol, bids, asks, **fields)
        if kind == KIND_SNAPSHOT:
            bids, asks = self.sides(number)
            return BookSnapshot(venue=venue, symbol=symbol, bids=bids, asks=asks, **fields)
        assert kind in (KIND_BUY, KIND_SELL), f"{kind} is no kind of event"
        level = self.level(self._row[number], self._market[number])
        return Trade(
            venue=venue,
            symbol=symbol,
            side=Side.BUY if kind == KIND_BUY else Side.SELL,
            price=level.price,
            quantity=level.quantity,
            backfilled=self._split[number] == 1,
            **fields,
        )

    def fields(self, number: int) -> dict[str, Any]:
        """The fields of an event that no column has."""
        extra = self._extra[number]
        return msgspec.json.decode(self._columns.text(extra)) if extra else {}

    def status(self, number: int) -> tuple[int, str]:
        """The status of a book, from a row of that kind, as a number; and why."""
        assert self._kind[number] == KIND_STATUS, f"{number} is no row of a status"
        return self._split[number], str(self.fields(number)["reason"])

    def sides(self, number: int) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """The levels of a book's event: bids and asks, in the order of the frame."""
        market = self._market[number]
        first, split = self._row[number], self._split[number]
        levels = [self.level(row, market) for row in range(first, self._row[number + 1])]
        return tuple(levels[:split]), tuple(levels[split:])

    def level(self, row: int, market: int) -> Level:
        """One level."""
        _, _, price_places, quantity_places = self._markets[market]
        return Level(
            _decimal(self._price[row], self._price_exponent[row], price_places),
            _decimal(self._quantity[row], self._quantity_exponent[row], quantity_places),
            _optional(self._orders[row]),
        )

    def units(self, number: int) -> tuple[int, int] | None:
        """Price and quantity of a trade, in units; `None` if it is backfilled."""
        row = self._row[number]
        return None if self._split[number] else (self._price[row], self._quantity[row])

    def changes(self, number: int) -> list[tuple[int, int]]:
        """What a book's event changes: side (0 bids, 1 asks) and key."""
        first, split, end = self._row[number], self._split[number], self._row[number + 1]
        bids = [(0, self._price[row]) for row in range(first, first + split)]
        return bids + [(1, -self._price[row]) for row in range(first + split, end)]


def _optional(entry: int) -> int | None:
    return None if entry == NONE else entry


def _decimal(units: int, exponent: int, places: int) -> Decimal:
    return Decimal(units // _POWERS[places + exponent]).scaleb(exponent)


def begin(book: Book, depth: int | None, cut_at: int | None, ns: int) -> None:
    """Begin a new generation of a book whose ladders have its snapshot, as its keeper does."""
    evidence = book.evidence
    evidence.generation += 1
    evidence.live = True
    evidence.updated_ns = ns
    evidence.bid_floor = evidence.ask_ceiling = None
    if cut_at is not None:
        if len(book.bids) >= cut_at:
            evidence.bid_floor = book.bids.top(len(book.bids))[-1].price
        if len(book.asks) >= cut_at:
            evidence.ask_ceiling = book.asks.top(len(book.asks))[-1].price
    book.bids.depth = book.asks.depth = depth


def status_code(status: BookStatus, *, is_live: bool) -> int:
    """The number of a status in a file; a book that is not live is withdrawn, and empty."""
    return _STATUSES.index(status) + (0 if is_live else _WITHDRAWN)


def set_status(book: Book, code: int, reason: str) -> None:
    """Give a book the status of a number."""
    evidence = book.evidence
    evidence.status = status = _STATUSES[code % _WITHDRAWN]
    evidence.reason = reason
    evidence.depth_proved = book.depth if status is BookStatus.VALID else 0
    evidence.live = code < _WITHDRAWN
    if not evidence.live:
        book.clear()
