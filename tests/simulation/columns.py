"""A week of a simulated exchange to columns and back: rows = events, sums exact.

`columns.py --days 7 --rate 2`: two markets in virtual time, recorded with faults, built, checked
against the tape, and asked by DuckDB. The exit status is 1 if anything differs.
"""

import argparse
import sys
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from fluxum.model.market import BookSnapshot, BookUpdate, Trade
from fluxum.replay import Replay
from fluxum.store.build import build
from fluxum.store.check import check
from fluxum.store.query import query
from store.taped import taped

FAULTS = "corrupt=0.00002,drop=0.00001,hangup=0.00001"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=float, default=7.0, help="virtual days")
    parser.add_argument("--rate", type=float, default=2.0, help="market moves per second")
    parser.add_argument("--venue", default="kraken")
    wishes = parser.parse_args()
    with TemporaryDirectory(prefix="columns-") as folder:
        return prove(Path(folder), wishes.venue, wishes.days * 86_400, wishes.rate)


def prove(folder: Path, venue: str, seconds: float, rate: float) -> int:
    """Record, build, check, ask; prints what was found."""
    tape, columns = folder / "tape.jsonl.gz", folder / "columns"
    begin = time.process_time()
    taped(tape, seconds, venue=venue, rate_per_s=rate, faults=FAULTS, is_kept=False)
    print(f"recorded {tape.stat().st_size:,} bytes in {time.process_time() - begin:.0f} s of CPU")

    begin = time.process_time()
    manifest = build([tape], columns)
    took = time.process_time() - begin
    sizes: Counter[str] = Counter()
    for file in manifest.files:
        sizes[file.table] += (columns / file.path).stat().st_size
    for table, one in manifest.tables.items():
        each = sizes[table] / max(1, one.rows)
        print(f"{table}: {one.events:,} events, {one.rows:,} rows, {each:.1f} bytes a row")
    rows = sum(one.rows for one in manifest.tables.values())
    print(f"{manifest.frames:,} frames, {manifest.events:,} events; built in {took:.0f} s of CPU,")
    print(f"with the replay {took / max(1, rows) * 1e6:.1f} us a row")

    faults = [*check(columns, [[tape]]).faults, *_differences(tape, columns)]
    if not manifest.sums_close:
        faults.append("the sums of the manifest do not close")
    print("\n".join(faults) or "rows = events, sums exact")
    return bool(faults)


def _differences(tape: Path, columns: Path) -> list[str]:
    """The sums of the tape's own events beside those of DuckDB."""
    trades = messages = levels = 0
    turnover = depth = Decimal(0)
    for moment in Replay(tape):
        for event in moment.events:
            if isinstance(event, Trade):
                trades += 1
                turnover += event.price * event.quantity
            elif isinstance(event, BookSnapshot | BookUpdate):
                messages += 1
                for one in (*event.bids, *event.asks):
                    levels += 1
                    depth += one.price * one.quantity
    asked = {
        "SELECT count(*), sum(price * quantity) FROM trade": (trades, turnover),
        "SELECT count(price), sum(price * quantity) FROM book_level": (levels, depth),
        "SELECT count(DISTINCT (symbol, n)) FROM book_level": (messages,),
    }
    found = {sql: next(iter(query(columns, sql))) for sql in asked}
    print(f"{trades:,} trades, {turnover}; {messages:,} messages, {levels:,} levels, {depth}")
    return [
        f"{sql}: {found[sql]} of {right}" for sql, right in asked.items() if found[sql] != right
    ]


if __name__ == "__main__":
    sys.exit(main())
