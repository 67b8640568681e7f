"""A reader of stdout that pauses for eight seconds: `fluxum stream | (sleep 8; cat)`.

    PYTHONPATH=tests/simulation python tests/simulation/slow_reader.py --times 3

A simulated exchange sends trades of one market, as fast as asked for, to `fluxum stream`, whose
reader pauses. Trades are numbered, so each gap in their numbers has to be a `dropped` record at
its place with just that count. From the exchange's clock to the receipt at most 50 ms may pass,
while the reader pauses as well: the same without a pause is measured in turn, for the noise of
the machine. Prints a line a run; exit status 1 if one was wrong.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any

from kills import FLUXUM, exchange
from msgspec import Struct

__all__ = ["Run", "judge", "run"]

LAG_MAX_MS = 50.0


class Run(Struct, kw_only=True):
    """What a reader got; lags in milliseconds."""

    pause_s: float
    trades: int = 0
    dropped: int = 0
    places: int = 0
    longest_ms: float = 0.0
    """Between two receipts of trades that follow each other: longer where nothing was received."""
    lag_p99_ms: float = 0.0
    lag_max_ms: float = 0.0
    wrong: list[str] = []

    def __str__(self) -> str:
        """A line of the report."""
        return (
            f"pause {self.pause_s:.0f} s: {self.trades} trades, {self.dropped} dropped at"
            f" {self.places} places; exchange to receipt p99 {self.lag_p99_ms:.1f} ms, at most"
            f" {self.lag_max_ms:.1f} ms; nothing for at most {self.longest_ms:.0f} ms:"
            f" {'; '.join(self.wrong) or 'as it should be'}"
        )


def judge(records: Iterable[Mapping[str, Any]], pause_s: float) -> Run:
    """Compare the numbers of trades with what was reported as dropped."""
    found = Run(pause_s=pause_s)
    lags: list[float] = []
    before: Mapping[str, Any] | None = None
    dropped = 0  # since the trade before
    for one in records:
        if one["type"] == "dropped":
            dropped += one["count"]
            found.places += 1
        elif one["type"] == "trade" and not one["backfilled"]:
            if before is not None:
                missing = one["sequence"] - before["sequence"] - 1
                if missing != dropped:
                    found.wrong.append(f"{missing} are missing, {dropped} were reported")
                if not missing:
                    gap_ms = (one["received_ns"] - before["received_ns"]) / 1e6
                    found.longest_ms = max(found.longest_ms, gap_ms)
                found.dropped += dropped
            lags.append((one["received_ns"] - one["venue_ns"]) / 1e6)
            before, dropped = one, 0
    lags.sort()
    found.trades = len(lags)
    if not lags:
        found.wrong.append("no trades")
        return found
    found.lag_p99_ms, found.lag_max_ms = lags[int(len(lags) * 0.99)], lags[-1]
    if found.lag_max_ms > LAG_MAX_MS:
        found.wrong.append(f"more than {LAG_MAX_MS:.0f} ms to the receipt")
    if pause_s and not found.dropped:
        found.wrong.append("nothing was dropped: choose a higher rate")
    return found


def run(endpoint: str, pause_s: float, capacity: int) -> Run:
    """Stream for four seconds more than the pause, and read all of it after the pause."""
    words = ["stream", "trade", "-s", "BTC/USD", "-f", "ndjson", "--seconds", str(pause_s + 4)]
    with subprocess.Popen(
        [*FLUXUM, *words, "--endpoint", endpoint],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "FLUXUM__READER__CAPACITY": str(capacity)},
    ) as process:
        assert process.stdout is not None
        time.sleep(pause_s)
        text = process.stdout.read()
    return judge(map(json.loads, text.splitlines()), pause_s)


def main() -> int:
    """Run with and without a pause in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--pause", type=float, default=8.0)
    parser.add_argument("--rate", type=float, default=3_000.0)
    parser.add_argument("--capacity", type=int, default=500, help="events that may wait")
    options = parser.parse_args()
    failed = 0
    with exchange(options.rate) as endpoint:
        for _ in range(options.times):
            for pause_s in (0.0, options.pause):
                found = run(endpoint, pause_s, options.capacity)
                failed += bool(found.wrong)
                print(found, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
