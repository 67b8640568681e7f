"""Back-tests: frames a second without and with orders, prepare, sweep; beside NautilusTrader.

One synthetic Kraken BTC/USD book of depth 10 with right checksums and trades, seeded. "count" is a
strategy that counts; "maker" requotes at the touch every 73 updates, with 1 ms of latency, fills in
three worlds, limits and exact accounts. CPU seconds of the process (`process_time`), best of
several. The peer needs Python 3.12 and an environment of its own with nautilus_trader, which
`--peer PYTHON` names; without it only Fluxum is measured. Ratios hold, absolute figures move with
the machine.
"""

import argparse
import json
import multiprocessing
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import kraken_tape
from fluxum.back.backtest import BacktestResult, backtest
from fluxum.back.columns import Columns
from fluxum.back.fast import TapePlayer
from fluxum.back.prepare import prepare
from fluxum.back.sweep import sweep
from fluxum.bot import BotEvent, BotLimits, Intent, Level, Market, Quote, Remembered, View, Want
from fluxum.bot import Strategy as BotStrategy
from fluxum.fill.fees import Fees
from fluxum.model.market import BookUpdate
from fluxum.orders.limits import RiskLimits

MARKET = Market("kraken", "BTC/USD")
ROUNDS = 3
PEER = Path(__file__).parent / "nautilus_calls.py"


class Count(BotStrategy, kw_only=True):
    """Counts book updates and trades."""

    seen: Remembered[int] = 0

    def wants(self) -> Iterable[Want]:
        return [Want(MARKET, "book"), Want(MARKET, "trade")]

    def on_event(self, event: BotEvent, view: View) -> Iterable[Intent]:
        self.seen += 1
        return ()


class Maker(BotStrategy, kw_only=True):
    """Requotes at the touch every so many updates."""

    every: int = 73
    size: Decimal = Decimal("0.01")
    seen: Remembered[int] = 0

    def wants(self) -> Iterable[Want]:
        return [Want(MARKET, "book")]

    def on_event(self, event: BotEvent, view: View) -> Iterable[Intent]:
        if type(event) is not BookUpdate:
            return ()
        self.seen += 1
        if self.seen % self.every:
            return ()
        book = view.book(MARKET)
        bid, ask = book.bid, book.ask
        if not book.is_valid or bid is None or ask is None:
            return ()
        return [Quote(MARKET, Level(bid.price, self.size), Level(ask.price, self.size))]


LIMITS = BotLimits(
    account=RiskLimits(
        quantity_max=Decimal(1), notional_max=Decimal(100_000), collar_percent=Decimal(5),
        orders_max=20,
    )
)  # fmt: skip


def maker(columns: Columns) -> BacktestResult:
    return backtest(
        Maker(),
        columns,
        accounts={"kraken": {"USD": 100_000_000, "BTC": 1_000}},
        latency=0.001,
        fees=Fees.flat("0.0016", "0.0026"),
        limits=LIMITS,
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--updates", type=int, default=200_000)
    options.add_argument("--peer", default="", help="the Python that has nautilus_trader")
    asked = options.parse_args()
    with TemporaryDirectory() as folder:
        measure(Path(folder), asked.updates, asked.peer)


def measure(folder: Path, updates: int, peer: str) -> None:
    tape = kraken_tape.write(folder / "btc.jsonl.gz", updates)
    begun = time.process_time()
    columns = prepare(tape, folder / "btc.cols")
    spent = time.process_time() - begun
    real_s = (columns.ends_ns - columns.begins_ns) / 1e9
    print(
        f"prepare      {columns.frames / spent:>11,.0f} frames/s; {real_s:,.0f} s of tape in"
        f" {spent:.1f} s: real time / {real_s / spent:,.0f} at {columns.frames / real_s:,.0f}/s"
    )
    playing = min(play(columns) for _ in range(ROUNDS))
    print(f"play         {columns.frames / playing:>11,.0f} frames/s, {playing:.3f} s")
    counting = min(timed(lambda: backtest(Count(), columns))[0] for _ in range(ROUNDS))
    print(f"count        {columns.frames / counting:>11,.0f} objects/s, {counting:.3f} s")
    making, result = min((timed(lambda: maker(columns)) for _ in range(ROUNDS)), key=lambda a: a[0])
    orders = len(result.orders)
    each = (making - counting) / orders * 1e6
    print(
        f"maker        {columns.frames / making:>11,.0f} objects/s, {making:.3f} s,"
        f" {orders:,} orders, {each:.0f} us an order, {result.decisions:,} decisions"
    )
    if peer:
        against(peer, folder, updates, columns.frames, counting, making)
    memory(folder, updates)
    sweeping(folder / "btc.cols")


def play(columns: Columns) -> float:
    player = TapePlayer(columns)
    begun = time.process_time()
    for _ in iter(player.next, None):
        pass
    return time.process_time() - begun


def timed(run: Callable[[], BacktestResult]) -> tuple[float, BacktestResult]:
    begun = time.process_time()
    result = run()
    return time.process_time() - begun, result


def against(
    peer: str, folder: Path, updates: int, frames: int, counting: float, making: float
) -> None:
    """The peer over the same frames, in the same minute."""
    path = folder / "frames.jsonl"
    with path.open("w") as file:
        for ns, text in kraken_tape.frames(updates):
            line = plain(ns, text)
            if line is not None:
                file.write(json.dumps(line) + "\n")
    for kind, ours in (("count", counting), ("maker", making)):
        done = subprocess.run(
            [peer, str(PEER), str(path), kind], capture_output=True, text=True, check=True
        )
        theirs = json.loads(done.stdout.splitlines()[-1])
        speed, their_speed = frames / ours, theirs["objects"] / theirs["cpu_s"]
        print(
            f"nautilus     {their_speed:>11,.0f} objects/s, {theirs['cpu_s']:.3f} s, {kind},"
            f" {theirs['orders']:,} orders; Fluxum is {speed / their_speed:.1f} times as fast"
        )


def plain(ns: int, text: str) -> list[object] | None:
    frame = json.loads(text, parse_float=str)
    if frame.get("channel") == "trade":
        (one,) = frame["data"]
        return [ns, one["side"], one["price"], one["qty"], one["trade_id"]]
    if frame.get("channel") != "book":
        return None
    (data,) = frame["data"]
    sides = ([[one["price"], one["qty"]] for one in data[side]] for side in ("bids", "asks"))
    return [ns, *sides]


def memory(folder: Path, updates: int) -> None:
    """A tape ten times as long, in a process of its own each."""
    peaks: list[float] = []
    for times in (1, 10):
        tape = kraken_tape.write(folder / f"x{times}.jsonl", updates * times // 10, seed=7)
        prepare(tape, folder / f"x{times}.cols")
        tape.unlink()
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            peaks.append(pool.apply(own_memory, (folder / f"x{times}.cols",)))
    print(
        f"memory       {peaks[0]:.1f} MiB of its own, {peaks[1]:.1f} MiB for a tape ten times as"
        f" long: {(peaks[1] / peaks[0] - 1) * 100:+.1f} %"
    )


def own_memory(path: Path) -> float:
    """MiB of this process that are not the file's, after a run without orders."""
    backtest(Count(), Columns(path))
    status = Path("/proc/self/status").read_text().splitlines()
    own = [line for line in status if line.startswith("RssAnon")]
    if own:
        return int(own[0].split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def sweeping(path: Path) -> None:
    """The same sweep in one process and in two, by the clock and by CPU time.

    What two processes spend together, start-up included, halved, is what two idle cores would need.
    """
    over = {"every": [73, 146, 219, 292], "size": ["0.01", "0.02"]}
    spent: list[float] = []
    cpu: list[float] = []
    found = []
    for processes in (1, 2):
        begun, begun_cpu = time.perf_counter(), cpu_of_all()
        found.append(sweep(Maker(), path, over, processes=processes, latency=0.001))  # type: ignore[arg-type]
        spent.append(time.perf_counter() - begun)
        cpu.append(cpu_of_all() - begun_cpu)
    print(
        f"sweep        8 variants: {spent[0]:.1f} s in one process, {spent[1]:.1f} s in two"
        f" ({spent[0] / spent[1]:.2f} times); CPU {cpu[0]:.1f} and {cpu[1]:.1f} s, so"
        f" {2 * cpu[0] / cpu[1]:.2f} times on two idle cores; the same ranking:"
        f" {found[0] == found[1]}"
    )


def cpu_of_all() -> float:
    """CPU seconds of this process and of those that it started and that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


if __name__ == "__main__":
    main()
