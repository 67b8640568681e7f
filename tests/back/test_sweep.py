"""Sweeps: every combination and fold, one ranking for any number of processes, honest ties."""

import threading
from decimal import Decimal
from pathlib import Path

import pytest

import kraken_tape
from back.makers import Maker
from fluxum.back.backtest import backtest
from fluxum.back.columns import Columns
from fluxum.back.prepare import prepare
from fluxum.back.sweep import Sweep, combinations, spread, sweep
from fluxum.errors import BadInput

SIZES = ["0.1", "0.4", "0.7"]
OVER: dict[str, list[object]] = {"every": [40, 80], "size": list[object](SIZES)}


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = kraken_tape.write(tmp_path_factory.mktemp("tape") / "btc.jsonl", 1500, seed=5)
    prepare(path, path.with_suffix(".cols"))
    return path.with_suffix(".cols")


@pytest.fixture(scope="module")
def found(tape: Path) -> Sweep:
    return sweep(Maker(), tape, OVER, folds=3, latency=0.001)


def test_every_combination_is_run_on_every_fold_and_ranked(found: Sweep, tape: Path) -> None:
    assert found.trials == 6
    assert [one.rank for one in found.variants] == [1, 2, 3, 4, 5, 6]
    assert {tuple(one.parameters.items()) for one in found.variants} == {
        (("every", every), ("size", size)) for every in ("40", "80") for size in SIZES
    }
    earned = [one.profit.expected for one in found.variants]
    assert earned == sorted(earned, key=lambda one: -(one or 0))
    assert [begin for begin, _ in found.folds[1:]] == [end for _, end in found.folds[:-1]]
    best = found.variants[0]
    begins_ns, ends_ns = found.folds[1]
    alone = backtest(
        Maker(every=int(best.parameters["every"]), size=Decimal(best.parameters["size"])),
        Columns(tape), latency=0.001, begins_ns=begins_ns, ends_ns=ends_ns,
    )  # fmt: skip
    assert best.by_fold[1] == alone.profit


def test_two_processes_rank_as_one(found: Sweep, tape: Path) -> None:
    assert sweep(Maker(), tape, OVER, folds=3, latency=0.001, processes=2) == found
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()  # so that processes are spawned, not forked
    try:
        spawned = sweep(Maker(), tape, OVER, folds=3, latency=0.001, processes=2)
    finally:
        stop.set()
        thread.join()
    assert spawned == found


def test_walk_forward_chooses_by_the_past_alone(found: Sweep) -> None:
    assert [one.fold for one in found.forward] == [1, 2]
    for one in found.forward:
        past = {
            tuple(variant.parameters.items()): sum(
                fold.expected or 0 for fold in variant.by_fold[: one.fold]
            )
            for variant in found.variants
        }
        assert past[tuple(one.parameters.items())] == max(past.values()) == one.profit_before
        (chosen,) = [v for v in found.variants if v.parameters == one.parameters]
        assert one.profit == chosen.by_fold[one.fold]


def test_overlapping_bounds_are_said(found: Sweep) -> None:
    for one in found.variants:
        for other in found.variants:
            low, high = min(one.profit.all), max(one.profit.all)  # type: ignore[type-var]
            least, most = min(other.profit.all), max(other.profit.all)  # type: ignore[type-var]
            overlaps = low <= most and least <= high  # type: ignore[operator]
            assert (other.rank in one.ties) is (overlaps and other is not one)
    assert ("not separated" in found.says) is bool(found.variants[0].ties)


def test_values_are_read_and_nonsense_is_refused() -> None:
    assert spread("0:12:3") == [0, 3, 6, 9, 12]
    assert spread("2,4,8") == [2, 4, 8]
    assert spread("0.1:0.3:0.1") == [Decimal("0.1"), Decimal("0.2"), Decimal("0.3")]
    for text in ("", "a,b", "1:2", "1:2:0", "2:1:1", "1:2:NaN", "0:1e9:1e-9"):
        with pytest.raises(BadInput, match="values like 2,4,8"):
            spread(text)
    with pytest.raises(BadInput, match=r"a parameter of Maker was expected .*was 'evry'"):
        combinations(Maker(), {"evry": [1]})
    with pytest.raises(BadInput, match="whole numbers of 'every'"):
        combinations(Maker(), {"every": ["1.5"]})
