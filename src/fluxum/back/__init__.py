"""Back-tests: tapes as proved columns, and strategies run over them in virtual time.

    tape = fluxum.back.prepare(Path("btc.jsonl.gz"), Path("btc.cols"))
    result = fluxum.back.backtest(Maker(market=...), tape, latency=0.001)
    result.orders[3].fills.pessimistic, result.profit, result.hash

See `prepare` for what is kept of a tape, `backtest` for one run, `sweep` for many, and `bars` for
back-tests on candles alone.
"""

from fluxum.back.arguments import BacktestTerms
from fluxum.back.backtest import BacktestResult, backtest
from fluxum.back.bars import BarFill, BarResult, backtest_candles
from fluxum.back.columns import (
    ColumnMarket,
    Columns,
    ColumnStream,
    GapSpan,
    Provenance,
    TapeProof,
)
from fluxum.back.prepare import prepare
from fluxum.back.sweep import Forward, Sweep, Trial, Variant, sweep

__all__ = [
    "BacktestResult",
    "BacktestTerms",
    "BarFill",
    "BarResult",
    "ColumnMarket",
    "ColumnStream",
    "Columns",
    "Forward",
    "GapSpan",
    "Provenance",
    "Sweep",
    "TapeProof",
    "Trial",
    "Variant",
    "backtest",
    "backtest_candles",
    "prepare",
    "sweep",
]
