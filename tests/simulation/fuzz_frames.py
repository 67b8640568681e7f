"""Mutated frames of trades and books through scanners and Python side by side, run by name.

    PYTHONPATH=tests .venv/bin/python tests/simulation/fuzz_frames.py --frames 10000000

If a scanner makes something of a mutated frame, the venue's Python has to make the same of it,
digit for digit, and to be in the same state; any other frame goes the way of Python alone, which is
the same with scanners and without. For books, events and errors of all frames are compared. Books
begin anew once a frame has moved them on, and every hundred frames, as frames open others. A
difference ends the run with its frame.
"""

import argparse
import time
from random import Random

from venues.scanned import BOOKS, CASES, BookPair, Pair, mutations

_BEGIN_ANEW = 100


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
        for number in range(count):
            if number % _BEGIN_ANEW == 0 or not books.is_as_begun:
                books = BookPair(book)
            scanned += books.check(next(changed))
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
