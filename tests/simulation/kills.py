"""Recorders ended at random instants: `kill -9`, SIGTERM and SIGINT, a hundred times each.

    python tests/simulation/kills.py --each 100

A simulated exchange runs in one process and `fluxum record` in another, on a new tape or behind
what is on one. Whenever it is ended, its tape is read: every line of it makes sense to the live
code, nothing that was there before has changed, and it reaches to the last second. A recorder that
could close has lost nothing: as many frames are on the tape as it says. A tape that is there is
not written over.
"""

import argparse
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import IO

from msgspec import Struct

from fluxum.tape import TapeReader
from fluxum.verify import verify

__all__ = ["Life", "live_and_die"]

FLUXUM = [sys.executable, "-m", "fluxum"]
SIGNALS = {"kill": signal.SIGKILL, "term": signal.SIGTERM, "int": signal.SIGINT}
STATUS = {"kill": -9, "term": 143, "int": 130}
SECOND_NS = 10**9
TIMEOUT_S = 60


class Life(Struct, kw_only=True):
    """One recorder: which signal ended it and when, what it left, and what is wrong with that."""

    signal: str
    after_s: float
    appends: bool
    frames: int = 0
    torn: int = 0
    recorded_s: float = 0.0
    """How long its session had been ready."""
    behind_s: float | None = None
    """From the last frame on the tape to the end; None where it was ready for less than 1 s."""
    wrong: list[str] = []


@contextmanager
def exchange(rate: float) -> Generator[str]:
    """A simulated exchange in another process, and where it is."""
    words = ["sim", "serve", "--port", "0", "--rate", str(rate)]
    with subprocess.Popen([*FLUXUM, *words], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            yield process.stderr.readline().split(" at ")[1].split(",")[0]
        finally:
            process.terminate()


class Listener:
    """What a recorder says, and when it was ready to record."""

    def __init__(self, out: IO[str]) -> None:
        self.lines: list[str] = []
        self.ready_ns: int | None = None
        self.is_ready = threading.Event()
        self.thread = threading.Thread(target=self._listen, args=(out,))
        self.thread.start()

    def _listen(self, out: IO[str]) -> None:
        for line in out:
            self.lines.append(line)
            if self.ready_ns is None and line.endswith(" ready\n"):
                self.ready_ns = time.time_ns()
                self.is_ready.set()


def live(endpoint: str, tape: Path, name: str, after_s: float, *, from_ready: bool = False) -> Life:
    """Record, end it so long after it was started or ready, and look at the tape."""
    life = Life(signal=name, after_s=after_s, appends=tape.exists())
    before = tape.read_bytes() if life.appends else b""
    begun_ns = time.time_ns()
    words = ["record", str(tape), "-s", "BTC/USD,ETH/USD", "--endpoint", endpoint]
    words += ["--append"] if life.appends else []
    with subprocess.Popen([*FLUXUM, *words], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        listener = Listener(process.stderr)
        if from_ready:
            assert listener.is_ready.wait(TIMEOUT_S)
        time.sleep(after_s)
        ended_ns = time.time_ns()
        process.send_signal(SIGNALS[name])
        try:
            process.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            life.wrong.append(f"it had not ended after {TIMEOUT_S} s")
        listener.thread.join()
    said = "".join(listener.lines)
    life.recorded_s = (ended_ns - (listener.ready_ns or ended_ns)) / SECOND_NS
    if tape.exists() and tape.read_bytes() != before:
        _look(life, tape, begun_ns, ended_ns, said)
        if not tape.read_bytes().startswith(before):
            life.wrong.append("what was on the tape has changed")
        if process.returncode != STATUS[name]:
            life.wrong.append(f"exit status {process.returncode}: {said[-300:]}")
    return life


def _look(life: Life, tape: Path, begun_ns: int, ended_ns: int, said: str) -> None:
    reader = TapeReader(tape)
    lines = [one for one in reader if not one.closed and (one.ns or 0) >= begun_ns]
    frames = [one for one in lines if not (one.sent and one.url)]  # nor what a call asked for
    life.frames, life.torn = len(frames), reader.torn
    report = verify(tape)
    if report.damage or report.rejected or report.checks_failed or report.lost:
        life.wrong.append(f"it makes no sense: {report}")
    if life.recorded_s > 1.0:
        last_ns = frames[-1].ns if frames else None
        life.behind_s = (ended_ns - (last_ns or begun_ns)) / SECOND_NS
        if life.behind_s > 1.0:
            life.wrong.append(f"the last {life.behind_s:.3f} s are missing")
    if life.signal != "kill":
        told = re.search(r"^(\d+) frames in ", said, re.MULTILINE)
        if told is None or int(told[1]) != len(frames) or reader.torn:
            life.wrong.append(f"{len(frames)} frames are on it, {reader.torn} torn: {said[-300:]}")


def is_kept(endpoint: str, tape: Path) -> bool:
    """Whether a tape is refused and stays as it is when it is named again."""
    before = tape.read_bytes()
    words = ["record", str(tape), "-s", "BTC/USD", "--endpoint", endpoint]
    done = subprocess.run([*FLUXUM, *words], capture_output=True, timeout=TIMEOUT_S, check=False)
    return done.returncode == 2 and b"exists" in done.stderr and tape.read_bytes() == before


def live_and_die(
    folder: Path,
    each: int,
    *,
    seed: int = 1,
    between_s: tuple[float, float] = (0.0, 3.0),
    early: int = 5,
    rate: float = 200.0,
    at_once: int = 2,
) -> list[Life]:
    """So many lives for each signal, every second one behind those before it on one tape.

    They end so long after they were ready; every one in `early` so long after it was started.
    """
    random = Random(seed)
    with exchange(rate) as endpoint, ThreadPoolExecutor(at_once) as pool:

        def lives(name: str, lane: int, after_s: Sequence[float]) -> list[Life]:
            shared = folder / f"{name}-{lane}.jsonl.gz"
            found: list[Life] = []
            for number, seconds in enumerate(after_s):
                is_early = bool(early) and number % early == early - 1
                tape = shared if number % 2 else folder / f"{name}-{lane}-{number}.jsonl.gz"
                found.append(live(endpoint, tape, name, seconds, from_ready=not is_early))
            if shared.exists() and not is_kept(endpoint, shared):
                found[-1].wrong.append("a second recorder was not refused, or it wrote")
            return found

        lanes = [
            pool.submit(
                lives,
                name,
                lane,
                [random.uniform(*between_s) for _ in range(lane, each, at_once)],
            )
            for name in SIGNALS
            for lane in range(at_once)
        ]
        return [life for lane in lanes for life in lane.result()]


def main() -> int:
    """Run as many lives as asked for, and print what became of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    wishes = parser.parse_args()
    # A shell has its background commands ignore SIGINT, and they their children: until a recorder
    # takes the signal it would be lost.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with TemporaryDirectory() as folder:
        lives = live_and_die(Path(folder), wishes.each, seed=wishes.seed)
    for name in SIGNALS:
        ours = [one for one in lives if one.signal == name]
        behind = [one.behind_s for one in ours if one.behind_s is not None]
        furthest = f"{max(behind):.3f} s behind at most" if behind else "none long enough to tell"
        wrong = Counter(what.partition(":")[0] for one in ours for what in one.wrong)
        print(
            f"{name:>5}: {len(ours)} recorders, {sum(bool(one.frames) for one in ours)} had begun,"
            f" {sum(one.appends for one in ours)} appended, {sum(one.frames for one in ours)}"
            f" frames, {sum(one.torn for one in ours)} torn; {len(behind)} ready for over a second,"
            f" {furthest};"
            f" wrong: {dict(wrong) or 'none'}"
        )
    for life in lives:
        for what in life.wrong:
            print(f"{life.signal} after {life.after_s:.3f} s: {what}", file=sys.stderr)
    return any(life.wrong for life in lives)


if __name__ == "__main__":
    sys.exit(main())
