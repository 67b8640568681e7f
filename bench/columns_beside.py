"""What columns beside a recorder cost: the frame path with and without them, in turn.

Processor time of the recorder's process, its thread included, for the same frames. The process that
makes the columns is not counted: it replays each file once, at a lower priority. Tapes are rotated
so often that it always has work.
"""

import argparse
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from fluxum.clock import SystemClock
from fluxum.store.follower import Follower
from fluxum.store.manifest import manifests
from fluxum.tape import TapeWriter
from tapes import make_frames

ROUNDS = 5
ROTATE_BYTES = 200_000
ANNOUNCE_EVERY = 2_000  # a recorder does it twice a second
FINISH_S = 300.0


def recorded(folder: Path, frames: list[bytes], *, has_columns: bool) -> float:
    """Record all frames; processor microseconds of this process for each."""
    tapes = folder / "tapes"
    tapes.mkdir(parents=True)
    follower = Follower(folder / "columns", tapes) if has_columns else None
    begun = time.process_time()
    with TapeWriter(tapes, "kraken", SystemClock(), rotate_bytes=ROTATE_BYTES) as tape:
        for number, frame in enumerate(frames):
            tape.add(frame, 1, sent=False)
            if follower is not None and number % ANNOUNCE_EVERY == 0:
                follower.announce(tape.paths)
    if follower is not None:
        follower.announce(tape.paths)
    took = time.process_time() - begun
    assert tape.counts().written == len(frames)
    if follower is not None:
        assert follower.finish(FINISH_S) == 0
        assert sum(one.frames for one in manifests(folder / "columns")) == len(frames)
    return took / len(frames) * 1e6


def main() -> None:
    """Measure both ways in turn, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=20_000)
    wishes = parser.parse_args()
    frames = make_frames(wishes.frames)
    costs: dict[bool, list[float]] = {False: [], True: []}
    with TemporaryDirectory() as name:
        recorded(Path(name) / "first", frames, has_columns=False)
        for number in range(ROUNDS):
            for has_columns, found in costs.items():
                folder = Path(name) / f"{number}-{has_columns}"
                found.append(recorded(folder, frames, has_columns=has_columns))
    without, beside = (statistics.median(found) for found in costs.values())
    print(f"{'without columns':>20}: {without:6.2f} us a frame")
    print(f"{'with columns':>20}: {beside:6.2f} us a frame, {beside - without:+.2f}")


if __name__ == "__main__":
    main()
