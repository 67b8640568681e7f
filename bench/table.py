"""One table of what a frame costs, from raw frame to reader: `make bench`, `make bench-peers`.

Each row is measured in turn in the same run, over the same frames: the product, a plain way
(`json`, Decimals, SortedDict, the same checks) and, if `--peers` is given, cryptofeed in an
environment of its own. Figures are microseconds of CPU a frame, medians of the rounds; `x` is how
many times the product's time that is. Every check, proof and count of the product is on. Below is a
second table, of a book over a loopback link: see `loopback.py`.
"""

import argparse
import asyncio
import json
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple

import frames as kraken_books
import loopback
import venues
from fluxum.book.fast import IS_COMPILED
from fluxum.model.event import Channel, Subscription
from fluxum.venues.register import VENUES
from fluxum.venues.venue import Venue
from recorded import Take, product, record

CALLS = Path(__file__).with_name("cryptofeed_calls.py")
OF_PEERS = {"kraken", "binance", "coinbase", "okx", "bybit", "bybit-linear", "gemini-v2"}


class Row(NamedTuple):
    """What is measured: a take, and the plain way to read it, in seconds."""

    name: str
    venue: Venue
    take: Take
    plain: Callable[[], float]


def rows(count: int) -> Iterator[Row]:
    """The rows of the table, with as many frames each."""
    kraken = VENUES["kraken"]
    texts = kraken_books.make_frames(count)
    answers = [kraken_books.STATUS, kraken_books.ACK, texts[0]]
    subscription = Subscription(Channel.BOOK, kraken_books.SYMBOL)
    take = Take(subscription, answers, {}, texts[1:], 0, count)
    yield Row(
        "kraken book of 10, checksum",
        kraken,
        take,
        lambda: len(texts) / kraken_books.plain_offline(texts),
    )
    for channel, moves, name in ((Channel.BOOK, 11, "book of 1,000"), (Channel.TRADE, 1, "trades")):
        for venue in VENUES.values():
            if channel is Channel.TRADE or venue is not kraken:
                recorded = record(venue, channel, count, moves)
                yield Row(f"{venue.name} {name}", venue, recorded, plainly(venue, recorded))


def plainly(venue: Venue, take: Take) -> Callable[[], float]:
    return lambda: venues.plain(venue, take)


@contextmanager
def cryptofeed(python: str) -> Generator[Callable[[Row], float]]:
    """A process of the peers' environment, and the seconds that it takes for a row."""
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [python, str(CALLS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None
        assert stdout is not None

        def measure(row: Row) -> float:
            path = Path(folder, row.name.replace(" ", "_"))
            take = row.take
            if not path.exists():
                texts = {
                    "answers": [one.decode() for one in take.answers if one.startswith(b"{")],
                    "bodies": [one.decode() for one in take.bodies.values()],
                    "frames": [one.decode() for one in take.frames],
                }
                path.write_text(json.dumps(texts))
            channel = take.subscription.channel.value
            task = {"venue": row.venue.name, "channel": channel, "path": str(path)}
            stdin.write(json.dumps(task) + "\n")
            stdin.flush()
            answer = json.loads(stdout.readline())
            assert answer["calls"] == take.events, (row.name, answer, take.events)
            return float(answer["seconds"])

        yield measure
        stdin.close()


def show(row: Row, rounds: int, peer: Callable[[Row], float] | None) -> None:
    """Measure a row, and print its line."""
    ways: dict[str, Callable[[], float]] = {
        "product": lambda: asyncio.run(product(row.venue, row.take)),
        "plain": row.plain,
    }
    if peer is not None and row.venue.name in OF_PEERS:
        ways["cryptofeed"] = lambda: peer(row)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, measure in ways.items():
            seconds[name].append(measure())
    count = len(row.take.frames)
    ours = statistics.median(seconds["product"])
    line = f"{row.name:<30} {row.take.events / count:>4.1f} {ours / count * 1e6:>8.2f}"
    for name in ("plain", "cryptofeed"):
        if name not in seconds:
            line += f" {'-':>8} {'':>6}"
            continue
        pairs = zip(seconds[name], seconds["product"], strict=True)
        ratio = statistics.median(one / other for one, other in pairs)
        line += f" {statistics.median(seconds[name]) / count * 1e6:>8.2f} {ratio:>5.2f}x"
    print(line, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", metavar="PYTHON", help="of the peers' environment")
    parser.add_argument("--only", default="", help="rows whose name contains this")
    wishes = parser.parse_args()
    compiled = "compiled" if IS_COMPILED else "in Python"
    print(
        f"us of CPU a frame, medians of {wishes.rounds} rounds in turn, {wishes.frames:,} frames, "
        f"{compiled}, CPython {platform.python_version()}, {time.strftime('%Y-%m-%d')}"
    )
    print(f"{'':<30} {'each':>4} {'product':>8} {'plain':>8} {'':>6} {'cryptofeed':>10}")
    with nullcontext() if wishes.peers is None else cryptofeed(wishes.peers) as peer:
        for row in rows(wishes.frames):
            if wishes.only in row.name:
                show(row, wishes.rounds, peer)
    if wishes.only in loopback.NAME:
        loopback.show(wishes.peers, wishes.rounds, wishes.frames)


if __name__ == "__main__":
    main()
