"""Mutated frames of trades through scanners and Python side by side, run by name.

    PYTHONPATH=tests .venv/bin/python tests/simulation/fuzz_frames.py --frames 10000000

Every mutated frame is given to the scanner. If the scanner makes trades of it, the venue's Python
has to make the same of it, digit for digit, and to be in the same state; if not, it goes the way of
Python alone, which is the same with scanners and without. A difference ends the run with its frame.
"""

import argparse
import time
from random import Random

from venues.scanned import CASES, Pair, mutations


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=1_000_000, help="of all venues together")
    parser.add_argument("--seed", type=int, default=1)
    wishes = parser.parse_args()
    print(f"{'venue':<20} {'frames':>12} {'scanned':>12} {'seconds':>8}")
    for case in CASES.values():
        begun, scanned, count = time.process_time(), 0, wishes.frames // len(CASES)
        changed = mutations(case, Random(wishes.seed))
        pair = Pair(case)
        for _ in range(count):
            if pair.check(next(changed)):
                scanned += 1
                pair = Pair(case) if pair.is_numbered else pair
        seconds = time.process_time() - begun
        print(f"{case.venue:<20} {count:>12,} {scanned:>12,} {seconds:>8.0f}", flush=True)
    print("no difference")


if __name__ == "__main__":
    main()
