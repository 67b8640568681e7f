"""One hash of decisions: in every run, process, PYTHONHASHSEED, version of Python, and mode.

    python tests/simulation/bot_hashes.py [PYTHON ...]

Each PYTHON has Fluxum installed; without one it is this one. With each, three processes of another
PYTHONHASHSEED run the same back-test 20 times on the columns of a tape, and twice on its frames.
"""

import os
import platform
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

TESTS = Path(__file__).resolve().parents[1]
RUNS = 20


def hashes() -> set[str]:
    """The hashes of this process's runs."""
    import kraken_tape
    from back.makers import Maker
    from fluxum.back.backtest import backtest
    from fluxum.back.prepare import prepare
    from fluxum.bot.limits import BotLimits

    limits = BotLimits(commands_per_second_max=None)
    with TemporaryDirectory() as name:
        tape = kraken_tape.write(Path(name) / "btc.jsonl", 3000, seed=11)
        columns = prepare(tape, Path(name) / "btc.cols")
        found: set[str] = set()
        for faithful in [()] * RUNS + [(tape,)] * 2:
            result = backtest(
                Maker(every=5), columns, latency=0.001, limits=limits, seed=7, faithful=faithful
            )
            assert result.decisions > 100
            found.add(result.hash)
    return found


def main() -> int:
    if "--hashes" in sys.argv:
        sys.path.insert(0, str(TESTS))
        print(platform.python_version(), *hashes())
        return 0
    every: set[str] = set()
    for python in sys.argv[1:] or [sys.executable]:
        for seed in ("0", "1", "4711"):
            done = subprocess.run(
                [python, __file__, "--hashes"],
                env={**os.environ, "PYTHONHASHSEED": seed},
                capture_output=True,
                text=True,
                check=True,
            )
            version, *found = done.stdout.split()
            print(f"Python {version}, PYTHONHASHSEED {seed}, {RUNS + 2} runs: {' '.join(found)}")
            every |= set(found)
    print(f"{len(every)} hash in all")
    return 0 if len(every) == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
