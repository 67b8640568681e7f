"""The frame path of every exchange: frames of its simulated self, from raw frame to reader.

Two ways over the same frames, in turn in the same run: the product (decode, normalise, check the
numbering, apply, prove, account, deliver to one reader) and the plain way (`json`, Decimals,
SortedDict, the same numbering checked). Of books both look at the best bid and ask after every
frame, and several moves of the market go into one frame, as exchanges batch them. Times are of
the CPU. Ratios hold; absolute figures move with the machine.
"""

import argparse
import asyncio
import statistics
import time

from fluxum.book.fast import IS_COMPILED
from fluxum.model.event import Channel
from fluxum.venues.register import VENUES
from fluxum.venues.venue import Venue
from plain import BOOKS, TRADES, PlainBook, PlainTrades
from recorded import DEEP, Take, product, record

CHANNELS = (Channel.BOOK, Channel.TRADE)
MOVES = {Channel.BOOK: 11, Channel.TRADE: 1}


def plain(venue: Venue, take: Take) -> float:
    """Seconds that the plain way takes for all frames of a take."""
    seen: list[int] = [0]

    def callback(_one: object) -> None:
        seen[0] += 1

    if take.subscription.channel is Channel.BOOK:
        reader: PlainBook | PlainTrades = PlainBook(BOOKS[venue.name], callback)
    else:
        reader = PlainTrades(TRADES[venue.name], callback)
    reader.begin(take)
    seen[0] = 0
    start = time.process_time()
    for frame in take.frames:
        reader.receive(frame)
    elapsed = time.process_time() - start
    assert seen[0] == take.events, (seen, take.events)
    return elapsed


def measure(venue: Venue, take: Take, rounds: int) -> tuple[float, float, float]:
    """Microseconds a frame of the product and the plain way, and how many times as fast we are."""
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        ours.append(asyncio.run(product(venue, take)))
        theirs.append(plain(venue, take))
    ratio = statistics.median(other / one for one, other in zip(ours, theirs, strict=True))
    scale = 1e6 / len(take.frames)
    return statistics.median(ours) * scale, statistics.median(theirs) * scale, ratio


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--moves", type=int, help="moves of the market in a frame: 11, 1 of trades")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--venue", choices=list(VENUES), help="only this one")
    parser.add_argument("--channel", choices=[one.value for one in CHANNELS], default="book")
    wishes = parser.parse_args()
    channel = Channel(wishes.channel)
    books = f", {DEEP} levels a side, our books {'compiled' if IS_COMPILED else 'in Python'}"
    print(
        f"{wishes.channel} frames, us of CPU a frame, medians of {wishes.rounds} rounds in turn"
        f"{books if channel is Channel.BOOK else ''}"
    )
    # The checksum of Kraken's books is measured in frames.py.
    is_left_out = {"kraken"} if channel is Channel.BOOK else set[str]()
    every = [venue for name, venue in VENUES.items() if name not in is_left_out]
    for venue in [VENUES[wishes.venue]] if wishes.venue else every:
        take = record(venue, channel, wishes.frames, wishes.moves or MOVES[channel])
        ours, theirs, ratio = measure(venue, take, wishes.rounds)
        size = sum(map(len, take.frames)) / len(take.frames)
        print(
            f"{venue.name:>18}: product {ours:>6.2f}   plain {theirs:>6.2f}   ratio {ratio:.2f}"
            f"   ({size:.0f} bytes, {take.events / len(take.frames):.1f} events a frame)"
        )


if __name__ == "__main__":
    main()
