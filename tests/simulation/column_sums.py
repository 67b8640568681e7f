"""Columns of every recording and of simulated exchanges: rows = events, one by one, sums exact.

    make column-sums ARGS="--minutes 30 --rate 60"

All recordings of FLUXUM_RECORDINGS, half an hour of every simulated exchange with faults, and
markets of 0 to 12 decimals become columns in one folder. Every row is compared with the event of
the replay that it is of. The sums of price times quantity are those of Python's Decimal in each
library that reads the folder; `--readers` is the Python of an environment that has all four.
"""

import argparse
import json
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal, localcontext
from os import environ
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote

from column_readers import READERS as LIBRARIES
from column_readers import TABLES
from msgspec import Struct

from fluxum.errors import BadInput, TapeError
from fluxum.model.event import Event
from fluxum.model.market import BookSnapshot, BookUpdate, Side, Trade
from fluxum.recognise import recognise
from fluxum.replay import Replay
from fluxum.store.arrow import parquet
from fluxum.store.build import build
from fluxum.store.check import check
from fluxum.store.manifest import Manifest
from fluxum.tape import TapeHeader
from fluxum.tape.lines import encode_lines, frame_line
from fluxum.venues.register import VENUES
from store.taped import taped

FAULTS = "corrupt=0.0005,drop=0.0003,hangup=0.0001"
READERS = Path(__file__).with_name("column_readers.py")
SHARED = Path(__file__).parents[3] / "shared" / "recordings"
NS = 1_785_585_600_000_000_000  # 2026-08-01T12:00:00Z


class Sums(Struct):
    """What the events of all recordings have."""

    rows: dict[str, int] = {}
    sums: dict[str, Decimal] = {}

    def add(self, table: str, rows: int, total: Decimal) -> None:
        """Add those of one recording."""
        self.rows[table] = self.rows.get(table, 0) + rows
        self.sums[table] = self.sums.get(table, Decimal(0)) + total


def main() -> int:
    """Build, compare, and let all libraries read; prints what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="virtual minutes a venue")
    parser.add_argument("--rate", type=float, default=10.0, help="market moves per second")
    parser.add_argument("--readers", default=sys.executable, help="a Python with more libraries")
    wishes = parser.parse_args()
    with TemporaryDirectory(prefix="columns-") as scratch, localcontext(prec=200):
        folder, sums, faults = Path(scratch), Sums(), list[str]()
        columns = folder / "columns"
        for path, venue in sources(folder, wishes.minutes * 60, wishes.rate):
            faults += prove(path, venue, columns, sums)
        faults += check(columns).faults
        faults += read(wishes.readers, columns, sums)
    print("\n".join(faults) or "rows = events, one by one; sums exact in every library")
    return bool(faults)


def sources(folder: Path, seconds: float, rate: float) -> Iterator[tuple[Path, str | None]]:
    """Every recording with a stream, then those that are made here."""
    shared = Path(environ.get("FLUXUM_RECORDINGS", SHARED))
    for path in sorted(shared.rglob("*.jsonl.gz")):
        if "rest_" in path.name or ".rest." in path.name or "examples" in path.name:
            continue  # answers alone, or single messages
        venue = path.parent.name if recognise(path) is None else None
        yield path, venue if venue is None or venue in VENUES else None
    for name in VENUES:
        path = folder / f"{name}.jsonl.gz"
        taped(path, seconds, venue=name, rate_per_s=rate, faults=FAULTS, is_kept=False)
        yield path, None
    yield scales(folder / "scales.jsonl"), None


def scales(path: Path) -> Path:
    """Markets whose prices and quantities have 0 to 12 decimals."""
    frames = [
        f'{{"channel":"trade","type":"update","data":[{{"symbol":"S{scale}/USD","side":"buy",'
        f'"price":{Decimal(1234567).scaleb(-scale):f},'
        f'"qty":{Decimal(7654321).scaleb(scale - 12):f},'
        f'"ord_type":"limit","trade_id":1,"timestamp":"2026-08-01T12:00:00.000000Z"}}]}}'
        for scale in range(13)
    ]
    header = TapeHeader(fluxum_tape=1, venue="kraken", started_ns=NS)
    lines = [frame_line(NS + at, one.encode(), 1, sent=False) for at, one in enumerate(frames)]
    path.write_bytes(encode_lines([header, *lines]))
    return path


def prove(path: Path, venue: str | None, columns: Path, sums: Sums) -> list[str]:
    """Build one recording, and compare each of its rows with its event."""
    parquet()  # its import is not measured
    begin = time.process_time()
    try:
        manifest = build([path], columns, venue)
    except (BadInput, TapeError) as error:
        return [f"{path.name}: {error}"]
    built_s = time.process_time() - begin
    begin = time.process_time()
    for _ in Replay(path, venue).stretches():
        pass
    replayed_s = time.process_time() - begin
    events = [event for moment in Replay(path, venue) for event in moment.events]
    faults = [] if manifest.sums_close else [f"{path.name}: the sums do not close"]
    expected = rows_of(events)
    found = rows_in(manifest, columns)
    for table in TABLES:
        ours = expected[table]
        if ours != found[table]:
            faults.append(f"{path.name}: {table} differs from its events")
        total = sum((row[-2] * row[-1] for row in ours if row[-2] is not None), Decimal(0))
        sums.add(table, sum(row[-2] is not None for row in ours), total)
    rows = sum(one.rows for one in manifest.tables.values())
    print(
        f"{path.name}: {manifest.events:,} events, {rows:,} rows, {sizes(manifest, columns)},"
        f" {built_s / max(rows, 1) * 1e6:.1f} us a row,"
        f" {(built_s - replayed_s) / max(rows, 1) * 1e6:.1f} without the replay,"
        f" {manifest.unfit} unfit{'' if not faults else ': DIFFERS'}",
        flush=True,
    )
    return faults


def sizes(manifest: Manifest, columns: Path) -> str:
    """Bytes a row of each table."""
    bytes_of: Counter[str] = Counter()
    for file in manifest.files:
        bytes_of[file.table] += (columns / file.path).stat().st_size
    return ", ".join(
        f"{bytes_of[table] / manifest.tables[table].rows:.1f} B a {table}"
        for table in TABLES
        if table in manifest.tables
    )


Rows = dict[str, list[tuple[Any, ...]]]


def rows_of(events: Sequence[Event]) -> Rows:
    """What the tables have to have, by market and number, from the events."""
    numbers: Counter[tuple[str, str]] = Counter()
    found: Rows = defaultdict(list)
    for event in events:
        if isinstance(event, Trade):
            numbers["trade", event.symbol] += 1
            start = (str(event.symbol), numbers["trade", event.symbol], event.received_ns)
            own = (event.venue_ns, event.side.value, event.trade_id, event.sequence)
            found["trade"].append((*start, *own, event.price, event.quantity))
        elif isinstance(event, BookSnapshot | BookUpdate):
            numbers["book_level", event.symbol] += 1
            start = (str(event.symbol), numbers["book_level", event.symbol], event.received_ns)
            more = (event.venue_ns, event.sequence, event.checksum)
            sides = ((Side.BUY, "bid", event.bids), (Side.SELL, "ask", event.asks))
            levels = [
                (*start, *more, word, one.price, one.quantity)
                for _, word, side in sides
                for one in side
            ]
            found["book_level"] += levels or [(*start, *more, None, None, None)]
    return {table: sorted(rows, key=lambda row: row[:2]) for table, rows in found.items()} | {
        table: [] for table in TABLES if table not in found
    }


COLUMNS = {
    "trade": ("n", "received_ns", "venue_ns", "side", "trade_id", "sequence", "price", "quantity"),
    "book_level": (
        "n",
        "received_ns",
        "venue_ns",
        "sequence",
        "checksum",
        "side",
        "price",
        "quantity",
    ),
}


def rows_in(manifest: Manifest, columns: Path) -> Rows:
    """What the tables have, by market and number, read from the files."""
    found: Rows = {table: [] for table in TABLES}
    for file in manifest.files:
        if file.table not in TABLES:
            continue
        names = COLUMNS[file.table]
        symbol = unquote(file.path.partition("symbol=")[2].partition("/")[0])
        table = parquet().read_table(columns / file.path, partitioning=None, columns=list(names))
        read = zip(*(table[name].to_pylist() for name in names), strict=True)
        found[file.table] += [(symbol, *row) for row in read]
    return {table: sorted(rows, key=lambda row: row[:2]) for table, rows in found.items()}


def read(python: str, columns: Path, sums: Sums) -> list[str]:
    """Let the libraries of an environment read all; what differs."""
    words = [python, str(READERS), str(columns)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    is_whole = python == sys.executable or len(records) == len(LIBRARIES)
    faults = [] if is_whole else [f"{python} has not all of {', '.join(LIBRARIES)}"]
    for record in records:
        for table in TABLES:
            count, text = record[table]
            print(f"{record['reader']}: {count:,} rows of {table}, {text}")
            if count != sums.rows[table] or Decimal(text) != sums.sums[table]:
                faults.append(
                    f"{record['reader']}: {table} is {sums.rows[table]:,}, {sums.sums[table]}"
                )
    return faults


if __name__ == "__main__":
    sys.exit(main())
