"""A bot with an account is killed at random instants, again and again, and forgets no order.

Each round runs `fluxum bot run` over a simulated exchange and kills it within two seconds of its
first decision. Then it runs once more and is ended: no order may be open, no name used twice, and
the journal must be whole and decide the same again.

    python tests/simulation/bot_kills.py [ROUNDS] [SEED]
"""

import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

from commands import exchange_at
from fluxum.bot.journal import read_lines

WORDS = ("-p", "market=kraken:BTC/USD", "-p", "size=0.01", "-p", "held_max=1", "--yes")


def fluxum(folder: Path, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "fluxum", *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_growing(path: Path) -> None:
    """Wait until the bot writes its journal, so that it is killed while it decides."""
    before = path.stat().st_size if path.exists() else 0
    for _ in range(1_200):
        if path.exists() and path.stat().st_size > before:
            return
        time.sleep(0.05)


def placed(folder: Path) -> list[str]:
    """The name of every order that the journal has."""
    _, lines = read_lines(folder / "run" / "decisions.jsonl")
    return [
        one["command"]["request"]["client_order_id"]
        for line in lines
        if line.decision
        for one in json.loads(bytes(line.decision)).get("commands", [])
        if one["command"]["type"] == "place"
    ]


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    random = Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fluxum(folder, "bot", "new", "mine.py").communicate()
        with exchange_at(folder) as url:
            where = ("--keys", "file:account.toml", "--endpoint", url)
            words = ("bot", "run", "mine.py", *WORDS, *where, "--journal", "run")
            for _ in range(rounds):
                bot = fluxum(folder, *words)
                wait_growing(folder / "run" / "decisions.jsonl")
                time.sleep(random.uniform(0.0, 2.0))
                bot.send_signal(signal.SIGKILL)
                bot.communicate()
            _, err = fluxum(folder, *words, "--seconds", "5").communicate()
            print(err.strip().splitlines()[-1])
            out, _ = fluxum(folder, "order", "list", *where, "--format", "json").communicate()
        names = placed(folder)
        compared, _ = fluxum(folder, "bot", "compare", "run", "--format", "json").communicate()
        found = json.loads(compared)[-1]
    open_orders = json.loads(out)
    twice = len(names) - len(set(names))
    print(
        f"{rounds} kills, {len(names)} orders placed, {twice} names twice, {len(open_orders)} left "
        f"open, {found['decisions']} decisions, {found['differing']} differ"
    )
    return 1 if twice or open_orders or found["differing"] else 0


if __name__ == "__main__":
    sys.exit(main())
