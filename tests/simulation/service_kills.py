"""A recording service that is killed again and again: `kill -9`, SIGTERM and SIGHUP at random.

    python tests/simulation/service_kills.py --trials 50

A simulated exchange runs in one process, `fluxum record -o FOLDER` in another, two of three times
with `--columns`, always in the same folder, with another file each second. After `kill -9` half of
the processes that make columns are killed as well, as systemd and docker do. After each trial no
file that was there has changed, no file is empty, every Parquet file of the tables opens, and
the tape reaches to a second before the end. At last the columns of all that was recorded are
completed, and compared row by row with the tapes; a recorder that was killed has left a `gap`.
"""

import argparse
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from hashlib import sha256
from os import kill
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from kills import FLUXUM, Listener, exchange
from msgspec import Struct

from fluxum.store.arrow import parquet
from fluxum.store.query import query
from fluxum.tape import TapeReader, joined
from fluxum.verify import verify

__all__ = ["Trial", "Trials"]

SIGNALS = {"kill": signal.SIGKILL, "term": signal.SIGTERM, "hup": signal.SIGHUP}
STATUS = {"kill": -9, "term": 143, "hup": 129}
BEHIND_MAX_S = 1.0  # half a second until a flush, and half for a busy machine
TIMEOUT_S = 120


class Trial(Struct, kw_only=True):
    """One recorder: how it was ended and when, what it left, and what is wrong with that."""

    signal: str
    after_s: float
    has_columns: bool
    kills_both: bool
    frames: int = 0
    behind_s: float | None = None
    """From the last frame on the tape to the end; None where it was ready for less than 1 s."""
    wrong: list[str] = []


class Trials:
    """Recorders in one folder, one after another."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.tapes, self.columns = folder / "tapes", folder / "columns"
        self._folder = folder
        self._endpoint = endpoint
        self._known: dict[Path, str] = {}

    def run(self, trial: Trial) -> None:
        """Record, end it so long after it was started, and look at the folder."""
        words = ["record", "-o", str(self._folder), "-s", "BTC/USD,ETH/USD", "--rotate-every", "1s"]
        words += ["--endpoint", self._endpoint, *(["--columns"] if trial.has_columns else [])]
        with subprocess.Popen([*FLUXUM, *words], stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            listener = Listener(process.stderr)
            assert listener.is_ready.wait(TIMEOUT_S)
            time.sleep(trial.after_s)
            beside = children(process.pid)
            ended_ns = time.time_ns()
            process.send_signal(SIGNALS[trial.signal])
            if trial.kills_both:
                for pid in beside:
                    with suppress(ProcessLookupError):
                        kill(pid, signal.SIGKILL)
            process.wait(TIMEOUT_S)
            listener.thread.join()
        if process.returncode != STATUS[trial.signal]:
            said = "".join(listener.lines)[-300:]
            trial.wrong.append(f"exit status {process.returncode}: {said}")
        self._look(trial, ended_ns)

    def _look(self, trial: Trial, ended_ns: int) -> None:
        for path, digest in self._known.items():
            if not path.is_file() or sha256(path.read_bytes()).hexdigest() != digest:
                trial.wrong.append(f"{path} has changed")
        files = [one for one in self.tapes.iterdir() if one not in self._known]
        tables = list(self.columns.glob("[a-z]*/**/*.parquet"))
        trial.wrong += [f"{path} is empty" for path in (*files, *tables) if not path.stat().st_size]
        for path in tables:
            if path not in self._known:
                parquet().ParquetFile(path).close()  # raises for one without its footer
        self._known |= {path: sha256(path.read_bytes()).hexdigest() for path in (*files, *tables)}
        if not files:
            return
        first, *more = joined(files)[0]
        report = verify(first, more=more)
        if report.damage or report.rejected or report.checks_failed or report.lost:
            trial.wrong.append(f"it makes no sense: {report}")
        frames = [one.ns or 0 for one in TapeReader(first, *more) if not one.closed]
        trial.frames = len(frames)
        if trial.after_s > 1.0:
            trial.behind_s = (ended_ns - frames[-1]) / 10**9
            if trial.behind_s > BEHIND_MAX_S:
                trial.wrong.append(f"the last {trial.behind_s:.3f} s are missing")

    def finish(self) -> list[str]:
        """Complete the columns by one more start, and compare everything; the faults."""
        words = ["record", "-o", str(self._folder), "--columns", "-s", "BTC/USD", "--seconds", "2"]
        subprocess.run([*FLUXUM, *words, "--endpoint", self._endpoint], check=True)
        time.sleep(1)
        check = ["columns", "check", str(self.columns), str(self.tapes), "--format", "ndjson"]
        done = subprocess.run([*FLUXUM, *check], capture_output=True, text=True, check=False)
        found = [json.loads(line) for line in done.stdout.splitlines()]
        sql = "SELECT count(DISTINCT epoch) FROM gap WHERE kind = 'open' AND cause = 'recorder'"
        ((killed,),) = query(self.columns, sql)
        rows = sum(sums["rows"] for one in found for sums in one["tables"].values())
        print(f"{len(found)} manifests, {sum(one['frames'] for one in found)} frames, {rows} rows;")
        print(f"{killed} recordings end with gaps, as their recorders were killed")
        return done.stderr.splitlines() if done.returncode else []


def children(pid: int) -> list[int]:
    """The processes that a process has started (Linux)."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(one) for one in path.read_text().split()] if path.is_file() else []


def main() -> int:
    """Run as many trials as asked for, and print what became of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    wishes = parser.parse_args()
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup ignores it, which children inherit
    random = Random(wishes.seed)
    trials = [
        Trial(
            signal=name,
            after_s=random.uniform(0.0, 4.0),
            has_columns=number % 3 != 0,
            kills_both=name == "kill" and random.random() < 0.5,
        )
        for number in range(wishes.trials)
        for name in [random.choice(list(SIGNALS))]
    ]
    with TemporaryDirectory(prefix="service-") as folder, exchange(200.0) as endpoint:
        service = Trials(Path(folder), endpoint)
        for trial in trials:
            service.run(trial)
            beside = " and what makes columns" if trial.kills_both else ""
            told = f"{trial.signal}{beside} after {trial.after_s:.1f} s: {trial.frames} frames"
            print(f"{told}, {'; '.join(trial.wrong) or 'nothing wrong'}", flush=True)
        faults = service.finish()
    for name in SIGNALS:
        ours = [one for one in trials if one.signal == name]
        behind = [one.behind_s for one in ours if one.behind_s is not None]
        wrong = Counter(what.partition(":")[0] for one in ours for what in one.wrong)
        print(
            f"{name:>5}: {len(ours)} recorders, {sum(one.has_columns for one in ours)} with"
            f" columns, {sum(one.kills_both for one in ours)} killed with the process of these,"
            f" {sum(one.frames for one in ours)} frames, at most {max(behind, default=0):.3f} s"
            f" behind; wrong: {dict(wrong) or 'none'}"
        )
    print("\n".join(faults) or "columns are equal to the tapes row by row")
    for trial in trials:
        for what in trial.wrong:
            print(f"{trial.signal} after {trial.after_s:.3f} s: {what}", file=sys.stderr)
    return bool(faults) or any(one.wrong for one in trials)


if __name__ == "__main__":
    sys.exit(main())
