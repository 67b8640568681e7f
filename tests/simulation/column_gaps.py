"""Hours with every fault, in columns: rows and what the gaps miss are what the exchange sent.

    python tests/simulation/column_gaps.py --seeds 10

Every seed is a virtual hour of its own, at one of the exchanges that number trades. From the first
trade in the table to the last, the exchange made as many as their numbers say: so many rows there
are, once each, and so many the `gap` rows of the stream call missing. Every fault and every failed
check is a row of `gap`, and both `gap` and `coverage` are there after an hour without faults.
"""

import argparse
import sys
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from days import CHECKSUMMED, script

from fluxum.store.build import build
from fluxum.store.check import check
from fluxum.store.query import query
from store.taped import taped

NUMBERED = ("kraken", "binance", "binance-usdm", "coinbase", "coinbase-exchange")
TRADES = """
SELECT symbol, count(*), count(DISTINCT sequence), max(sequence) - min(sequence) + 1,
       (SELECT coalesce(sum(missing), 0) FROM gap
        WHERE gap.symbol = trade.symbol AND channel = 'trade' AND kind = 'gap'),
       count(*) FILTER (WHERE is_late)
FROM (SELECT *, sequence < max(sequence) OVER (PARTITION BY symbol ORDER BY n
          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS is_late FROM trade
     ) AS trade GROUP BY symbol ORDER BY symbol
"""


def prove(seed: int, seconds: float, rate: float, *, is_quiet: bool = False) -> list[str]:
    """Live an hour, make its columns, and compare the sums; what is wrong."""
    venue = NUMBERED[seed % len(NUMBERED)]
    faults = script(Random(f"day {seed}"), seconds, is_checksummed=venue in CHECKSUMMED)
    wrong: list[str] = []
    with TemporaryDirectory(prefix="gaps-") as scratch:
        path, columns = Path(scratch) / "tape.jsonl.gz", Path(scratch) / "columns"
        taped(
            path,
            seconds,
            venue=venue,
            faults="" if is_quiet else faults,
            rate_per_s=rate,
            is_kept=False,
        )
        manifest = build([path], columns)
        found = list(query(columns, TRADES))
        for symbol, rows, distinct, made, missing, late in found:
            is_right = rows == distinct and rows + missing - late == made
            told = f"{rows} rows + {missing} missing - {late} late = {made} trades"
            told = f"{seed} {venue} {symbol}: {told}{'' if is_right else ': WRONG'}"
            print(told, flush=True)
            wrong += [] if is_right else [told]
        if not found or not manifest.sums_close:
            wrong.append(f"{seed} {venue}: nothing is in it, or the sums do not close")
        if {"gap", "coverage"} - {file.table for file in manifest.files}:
            wrong.append(f"{seed} {venue}: no gap or no coverage")
        wrong += check(columns).faults
    return wrong


def main() -> int:
    """As many hours as asked for, and one without faults."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=2.0, help="market moves per second")
    wishes = parser.parse_args()
    seconds = wishes.minutes * 60
    wrong = prove(0, seconds, wishes.rate, is_quiet=True)
    for seed in range(1, wishes.seeds + 1):
        wrong += prove(seed, seconds, wishes.rate)
    print("\n".join(wrong) or "rows + missing = trades, in every stream")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
