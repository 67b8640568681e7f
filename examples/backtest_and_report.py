"""Record, prove, back-test, report: a strategy over what was just recorded."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import fluxum
from fluxum.bot.strategies.maker import Maker
from fluxum.clock import SystemClock
from fluxum.report.page import report_page
from fluxum.report.report import make_report
from fluxum.tape import TapeRecorder, TapeWriter

SECONDS = 4


async def record(folder: Path) -> list[Path]:
    with TapeWriter(folder / "btc.jsonl.gz", "kraken", SystemClock()) as tape:
        async with fluxum.connect(
            "kraken", ["BTC/USD"], ["book", "trade", "instrument"], recorder=TapeRecorder(tape)
        ) as session:
            await session.wait_ready(timeout_s=20)
            await asyncio.sleep(SECONDS)
        return list(tape.paths)


def main() -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        tape = fluxum.back.prepare([asyncio.run(record(folder))], folder / "btc.cols")
        parameters = {"market": "kraken:BTC/USD", "size": "0.05", "held_max": 1}
        for half_spread_bps in ("0.01", "0.1", "1"):
            given = {**parameters, "half_spread_bps": half_spread_bps}
            maker = fluxum.bot.make_strategy(Maker, given)
            fees = fluxum.Fees.flat("0.0001", "0.0026")
            result = fluxum.back.backtest(maker, tape, latency=0.02, fees=fees)
            report = make_report(result.facts)
            worlds = report.numbers.worlds
            Path(f"report-{half_spread_bps}.html").write_text(report_page(report), "utf-8")
            print(f"{half_spread_bps:>4} bps: {len(result.orders)} orders, net", end=" ")
            print(worlds.pessimistic.net, worlds.expected.net, worlds.optimistic.net)
    print("the whole reports are in report-*.html")


main()
