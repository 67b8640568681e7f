"""Writes the columns of a prepared tape: each into a file of its own until all are known.

A market's numbers are written in units of the smallest decimal place seen so far. When a smaller
one appears, the rows before it are multiplied at the end, exactly. A number that does not fit into
63 bits is refused.
"""

import hashlib
import os
import tempfile
from array import array
from collections.abc import Iterator, Mapping, Sequence
from decimal import Context, Decimal, Inexact, InvalidOperation
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from fluxum.back.columns import (
    COLUMNS,
    KIND_BUY,
    KIND_OTHER,
    KIND_SELL,
    KIND_SNAPSHOT,
    KIND_STATUS,
    KIND_UPDATE,
    NONE,
    ColumnHeader,
    ColumnMarket,
    ColumnPlace,
    ColumnStream,
    Provenance,
    packed,
)
from fluxum.errors import BadInput, TapeError
from fluxum.model.codec import encode_event
from fluxum.model.event import Event
from fluxum.model.instrument import Instrument
from fluxum.model.levels import Level
from fluxum.model.market import (
    BookSnapshot,
    BookUpdate,
    Candle,
    Level3Snapshot,
    Side,
    Ticker,
    Trade,
)

__all__ = ["ColumnWriter"]

_FLUSHED = 1 << 15
_UNITS_MAX = 1 << 62
_PLACES_MAX = 40
_EXACT = Context(prec=80, traps=[Inexact, InvalidOperation])

# The kinds of events that show that a file has data of a stream.
_CHANNELS: dict[type[Event], str] = {
    BookSnapshot: "book",
    Candle: "candle",
    Instrument: "instrument",
    Level3Snapshot: "level3",
    Ticker: "ticker",
    Trade: "trade",
}


class _Scale:
    """One kind of number of one market, and the factors by which earlier rows are multiplied."""

    def __init__(self, name: str) -> None:
        self.places = 0
        self.growths: list[tuple[int, int]] = []
        self._name = name
        self._largest = 0
        self._quantum = Decimal(1)

    def units(self, value: Decimal, row: int) -> tuple[int, int]:
        """A number in units, and the exponent of its text; raises TapeError."""
        if value.same_quantum(self._quantum):
            exponent = -self.places
        else:
            exponent = int(value.as_tuple().exponent)
            if -exponent > self.places:
                self.grow(-exponent, row)
            if not -128 <= exponent < 128:
                raise self._refused(value)
        units = int(value.scaleb(self.places, _EXACT))
        if units > self._largest:
            if units >= _UNITS_MAX:
                raise self._refused(value)
            self._largest = units
        return units, exponent

    def grow(self, places: int, row: int) -> None:
        """Count in smaller units from this row on."""
        if places <= self.places:
            return
        factor = 10 ** (places - self.places)
        self.places = places
        self._largest *= factor
        if places > _PLACES_MAX or self._largest >= _UNITS_MAX:
            raise self._refused(Decimal(self._largest).scaleb(-places))
        self._quantum = Decimal(1).scaleb(-places)
        if row:
            self.growths.append((row, factor))

    def _refused(self, value: Decimal) -> TapeError:
        return TapeError(
            f"a {self._name} that fits into 63 bits of units of 1e-{self.places} was expected,"
            f" was {value}"
        )


class _Market(Struct):
    """A market and its two scales."""

    number: int
    venue: str
    symbol: str
    price: _Scale
    quantity: _Scale

    def place(self) -> ColumnMarket:
        return ColumnMarket(self.venue, self.symbol, self.price.places, self.quantity.places)


class _Spool:
    """One column on its way into the file."""

    def __init__(self, code: str, folder: Path) -> None:
        self.entries: array[int] = array(code)
        self.append = self.entries.append
        self.file: BinaryIO = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self._flushed = 0

    @property
    def count(self) -> int:
        return self._flushed + len(self.entries)

    def flush(self) -> None:
        self.entries.tofile(self.file)
        self._flushed += len(self.entries)
        del self.entries[:]

    def flushed(self) -> Iterator[int]:
        """Every entry that was flushed, in order; nothing else may read the file meanwhile."""
        self.file.seek(0)
        while piece := self.file.read(1 << 20):
            yield from array(self.entries.typecode, piece)

    def multiply(self, begins: int, ends: int, factor: int) -> None:
        """Multiply entries that were flushed."""
        size = self.entries.itemsize
        self.file.seek(begins * size)
        entries = array(self.entries.typecode, self.file.read((ends - begins) * size))
        self.file.seek(begins * size)
        array(entries.typecode, [entry * factor for entry in entries]).tofile(self.file)


class ColumnWriter:
    """Writes one file, whole or not at all: `finish` puts it into its place.

    Frames come in order, each with its events and the statuses of books that it changed. Raises
    BadInput if there is a file already, TapeError for a number that cannot be kept exactly.
    """

    def __init__(self, path: Path) -> None:
        if path.exists():
            raise BadInput(f"{path} is there already; name another file, or remove it first")
        if not path.parent.is_dir():
            raise BadInput(f"a folder that exists was expected, was '{path.parent}'")
        self._path = path
        self._spools = {name: _Spool(code, path.parent) for name, code in COLUMNS.items()}
        self._markets: dict[tuple[str, str], _Market] = {}
        self._streams: set[ColumnStream] = set()
        spools = self._spools
        self._rows = tuple(spools[name].append for name in COLUMNS if name.startswith("row_"))
        self._events = tuple(spools[name].append for name in COLUMNS if name.startswith("event_"))
        self._frames = tuple(spools[name].append for name in COLUMNS if name.startswith("frame_"))
        self._row = self._event = self._flushed = 0
        self._ns = 0

    def frame(self, ns: int, index: int, link: int, tape: int) -> None:
        """Begin a frame; its events follow."""
        for append, value in zip(self._frames, (ns, index, link, tape, self._event), strict=True):
            append(value)
        self._ns = ns
        if max(self._row, self._event) - self._flushed >= _FLUSHED:
            self._flush()
            self._flushed = max(self._row, self._event)

    def event(self, event: Event) -> None:
        """Add an event of the frame that was begun last."""
        self._note(event)
        match event:
            case BookUpdate():
                self._book(KIND_UPDATE, event, {})
            case BookSnapshot():
                extra = {"depth": event.depth, "cut_at": event.cut_at}
                self._book(KIND_SNAPSHOT, event, extra)
            case Trade():
                self._trade(event)
            case _:
                if isinstance(event, Instrument):
                    self._learn(event)
                self._add(KIND_OTHER, encode_event(event))

    def status(self, venue: str, symbol: str, code: int, reason: str) -> None:
        """Add the status that a book has after the frame."""
        market = self._market(venue, symbol)
        text = msgspec.json.encode({"reason": reason})
        self._add(KIND_STATUS, text, market=market.number, split=code)

    def finish(self, provenance: Provenance) -> ColumnHeader:
        """Write the file."""
        self._spools["frame_event"].append(self._event)
        self._spools["event_row"].append(self._row)
        self._flush()
        self._rescale()
        places: dict[str, ColumnPlace] = {}
        offset = 0
        for name, spool in self._spools.items():
            places[name] = ColumnPlace(offset, spool.count)
            offset += spool.count * spool.entries.itemsize
            offset += -offset % 8
        header = ColumnHeader(
            markets=tuple(market.place() for market in self._markets.values()),
            streams=tuple(sorted(self._streams)),
            columns=places,
            provenance=provenance,
            body_bytes=offset,
            sha256=self._digest(),
        )
        unfinished = self._path.with_name(f"{self._path.name}.unfinished")
        with unfinished.open("wb") as file:
            file.write(packed(header))
            for piece in self._body():
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self._path)
        self.close()
        return header

    def close(self) -> None:
        """Remove what is not in its place yet."""
        for spool in self._spools.values():
            spool.file.close()

    # Events

    def _book(
        self, kind: int, event: BookSnapshot | BookUpdate, extra: Mapping[str, int | None]
    ) -> None:
        market = self._market(event.venue, event.symbol)
        fields = {name: value for name, value in extra.items() if value is not None}
        if event.received_ns != self._ns:
            fields["received_ns"] = event.received_ns
        text = msgspec.json.encode(fields) if fields else b""
        self._add(
            kind,
            text,
            market=market.number,
            venue_ns=event.venue_ns,
            split=len(event.bids),
            checksum=event.checksum,
            sequence=event.sequence,
        )
        for level in event.bids:
            self._level(level, market)
        for level in event.asks:
            self._level(level, market)

    def _trade(self, trade: Trade) -> None:
        market = self._market(trade.venue, trade.symbol)
        fields: dict[str, str | int] = {"trade_id": trade.trade_id}
        if trade.order_type:
            fields["order_type"] = trade.order_type
        if trade.received_ns != self._ns:
            fields["received_ns"] = trade.received_ns
        kind = KIND_BUY if trade.side is Side.BUY else KIND_SELL
        self._add(
            kind,
            msgspec.json.encode(fields),
            market=market.number,
            venue_ns=trade.venue_ns,
            split=int(trade.backfilled),
            sequence=trade.sequence,
        )
        self._level(Level(trade.price, trade.quantity), market)

    def _add(
        self,
        kind: int,
        text: bytes,
        *,
        market: int = 0,
        venue_ns: int | None = None,
        split: int = 0,
        checksum: int | None = None,
        sequence: int | None = None,
    ) -> None:
        extra = 0
        if text:
            heap = self._spools["heap"]
            extra = heap.count + 1
            heap.entries.frombytes(len(text).to_bytes(4, "little") + text)
        optional = [NONE if one is None else one for one in (venue_ns, checksum, sequence)]
        values = (kind, market, optional[0], self._row, split, *optional[1:], extra)
        for append, value in zip(self._events, values, strict=True):
            append(value)
        self._event += 1

    def _level(self, level: Level, market: _Market) -> None:
        price, price_exponent = market.price.units(level.price, self._row)
        quantity, exponent = market.quantity.units(level.quantity, self._row)
        orders = NONE if level.orders is None else level.orders
        prices, quantities, price_exponents, exponents, all_orders = self._rows
        prices(price)
        quantities(quantity)
        price_exponents(price_exponent)
        exponents(exponent)
        all_orders(orders)
        self._row += 1

    # Markets

    def _note(self, event: Event) -> None:
        """Note which streams there are."""
        channel = _CHANNELS.get(type(event))
        if channel is None:
            return
        interval_s = event.interval_s if isinstance(event, Candle) else 0
        symbol = "" if isinstance(event, Instrument) else getattr(event, "symbol", "")
        self._streams.add(ColumnStream(event.venue, channel, str(symbol), interval_s))

    def _market(self, venue: str, symbol: str) -> _Market:
        market = self._markets.get((venue, symbol))
        if market is None:
            name = f"of {symbol} at {venue}"
            market = self._markets[venue, symbol] = _Market(
                len(self._markets),
                venue,
                str(symbol),
                _Scale(f"price {name}"),
                _Scale(f"quantity {name}"),
            )
        return market

    def _learn(self, rules: Instrument) -> None:
        """Count a market that the tape has in the places of its rules from the beginning."""
        market = self._markets.get((rules.venue, rules.symbol))
        if market is not None:
            market.price.grow(-int(rules.tick.normalize().as_tuple().exponent), self._row)
            market.quantity.grow(-int(rules.lot.normalize().as_tuple().exponent), self._row)

    # The file

    def _flush(self) -> None:
        for spool in self._spools.values():
            spool.flush()

    def _rescale(self) -> None:
        """Multiply the rows that were written before their market's units became smaller."""
        ends = 0
        for market in self._markets.values():
            for scale in (market.price, market.quantity):
                ends = max([ends, *(row for row, _ in scale.growths)])
        if not ends:
            return
        markets = list(self._markets.values())
        numbers = self._spools["event_market"].flushed()
        for number, (row, until) in zip(
            numbers, pairwise(self._spools["event_row"].flushed()), strict=True
        ):
            if row >= ends:
                break
            market = markets[number]
            for name, scale in (("row_price", market.price), ("row_quantity", market.quantity)):
                self._multiply(self._spools[name], row, until, scale.growths)

    def _multiply(
        self, spool: _Spool, row: int, until: int, growths: Sequence[tuple[int, int]]
    ) -> None:
        for grown, factor in growths:
            if row < grown:
                spool.multiply(row, min(grown, until), factor)

    def _body(self) -> Iterator[bytes]:
        """The columns, each filled up to a multiple of 8 bytes."""
        for spool in self._spools.values():
            spool.file.seek(0)
            while piece := spool.file.read(1 << 20):
                yield piece
            yield bytes(-spool.count * spool.entries.itemsize % 8)

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for piece in self._body():
            digest.update(piece)
        return digest.hexdigest()
