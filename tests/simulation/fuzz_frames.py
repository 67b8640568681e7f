"""Mutated frames of trades and books through scanners and Python side by side, run by name.

    PYTHONPATH=tests .venv/bin/python tests/simulation/fuzz_frames.py --frames 10000000

If a scanner makes something of a mutated frame, the venue's Python has to make the same of it,
digit for digit, and to be in the same state; any other frame goes the way of Python alone, which is
the same with scanners and without. For books, events and errors of all frames are compared. A
difference ends the run with its frame.
"""

import argparse
import time
from random import Random

from venues.scanned import BOOKS, CASES, BookPair, Pair, mutations


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=1_000_000, help="of all venues together")
    parser.add_argument("--seed", type=int, default=1)
    wishes = parser.parse_args()
    print(f"{'venue':<20} {'frames':>12} {'scanned':>12} {'seconds':>8}")
    count = wishes.frames // (len(CASES) + len(BOOKS))
    for book in BOOKS.values():
        begun, scanned = time.process_time(), 0
        changed, books = mutations(book, Random(wishes.seed)), BookPair(book)
        for _ in range(count):
            scanned += books.check(next(changed))
            books = BookPair(book)
        show(f"{book.venue}, books", count, scanned, begun)
    for case in CASES.values():
        begun, scanned = time.process_time(), 0
        changed = mutations(case, Random(wishes.seed))
        pair = Pair(case)
        for _ in range(count):
            if pair.check(next(changed)):
                scanned += 1
                pair = Pair(case) if pair.is_numbered else pair
        show(case.venue, count, scanned, begun)
    print("no difference")


def show(name: str, count: int, scanned: int, begun: float) -> None:
    seconds = time.process_time() - begun
    print(f"{name:<20} {count:>12,} {scanned:>12,} {seconds:>8.0f}", flush=True)


if __name__ == "__main__":
    main()
