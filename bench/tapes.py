"""What a tape costs a frame: the recorder beside plain gzip, and beside decoding the frame.

Processor time of the whole process, the recorder's thread included, over the same Kraken-like
frames in the same run; and of it what is spent in the loop, between a frame and its reader. Ratios
hold; absolute figures move with the machine.
"""

import argparse
import gzip
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import msgspec

from fluxum.clock import SystemClock
from fluxum.tape import TapeReader, TapeWriter
from fluxum.venues.kraken.protocol import KrakenProtocol

ROUNDS = 5
FLUSH_EVERY = 1000


def make_frames(count: int, seed: int = 1) -> list[bytes]:
    """Updates of one to three levels, with times and checksums, as a venue sends them."""
    random = Random(seed)
    return [_frame(random, number) for number in range(count)]


def _frame(random: Random, number: int) -> bytes:
    sides: dict[str, list[str]] = {"bids": [], "asks": []}
    for _ in range(random.choice((1, 1, 2, 3))):
        price = 45_000 + random.randrange(-50, 50) / 10
        level = f'{{"price":{price:.1f},"qty":{random.randrange(10**8) / 10**8:.8f}}}'
        sides[random.choice(("bids", "asks"))].append(level)
    bids, asks = (",".join(sides[side]) for side in ("bids", "asks"))
    seconds, microseconds = divmod(number * 12_345, 1_000_000)
    return (
        '{"channel":"book","type":"update","data":[{"symbol":"BTC/USD",'
        f'"bids":[{bids}],"asks":[{asks}],"checksum":{random.randrange(1 << 32)},'
        f'"timestamp":"2026-01-01T00:{seconds // 60:02}:{seconds % 60:02}.{microseconds:06}Z"}}]}}'
    ).encode()


def record(path: Path, frames: list[bytes]) -> None:
    with TapeWriter(path, "kraken", SystemClock()) as tape:
        for frame in frames:
            tape.add(frame, 1, sent=False)
    assert tape.counts().written == len(frames)


def plain(level: int) -> Callable[[Path, list[bytes]], None]:
    """A line of JSON at a time into a gzip file, flushed every thousand."""

    def write(path: Path, frames: list[bytes]) -> None:
        with gzip.open(path, "wb", compresslevel=level) as file:
            for number, frame in enumerate(frames):
                line = {"ns": time.time_ns(), "link": 1, "raw": frame.decode()}
                file.write(msgspec.json.encode(line) + b"\n")
                if number % FLUSH_EVERY == 0:
                    file.flush()

    return write


def in_the_loop(path: Path, frames: list[bytes]) -> None:
    """What the loop does of it: the thread has not begun."""
    tape = TapeWriter(path, "kraken", SystemClock())
    for frame in frames:
        tape.add(frame, 1, sent=False)


def decode(path: Path, frames: list[bytes]) -> None:
    protocol = KrakenProtocol()
    protocol.follow_passively()
    for frame in frames:
        protocol.receive(frame, 0)


def cost_us(way: Callable[[Path, list[bytes]], None], frames: list[bytes], folder: Path) -> float:
    """Processor microseconds a frame, the median of a few rounds."""
    times: list[float] = []
    for number in range(ROUNDS):
        path = folder / f"{way.__qualname__}-{number}-{len(times)}-{id(way)}.jsonl.gz"
        begun = time.process_time()
        way(path, frames)
        times.append((time.process_time() - begun) / len(frames) * 1e6)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=20_000)
    wishes = parser.parse_args()
    frames = make_frames(wishes.frames)
    size = sum(map(len, frames)) / len(frames)
    with TemporaryDirectory() as name:
        folder = Path(name)
        ways = {
            "the recorder": record,
            "of it in the loop": in_the_loop,
            "plain gzip, level 9": plain(9),
            "plain gzip, level 6": plain(6),
            "decoding the frame": decode,
        }
        costs = {name: cost_us(way, frames, folder) for name, way in ways.items()}
        for name, cost in costs.items():
            ratio = cost / costs["the recorder"]
            print(f"{name:>20}: {cost:6.2f} us a frame   {ratio:5.2f} of the recorder's")
        tape = folder / "size.jsonl.gz"
        record(tape, frames)
        assert sum(1 for _ in TapeReader(tape)) == len(frames)
        print(
            f"{'on disk':>20}: {tape.stat().st_size / len(frames):6.1f} of {size:.0f} bytes a frame"
        )


if __name__ == "__main__":
    main()
