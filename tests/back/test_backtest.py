"""Back-tests: the same decisions in every mode and process, exact money, gaps, no look-ahead."""

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import kraken_tape
from back.makers import BTC, Breaks, Buyer, Crosser, Ladder, Maker, Waiter
from fluxum.back.backtest import BacktestResult, backtest
from fluxum.back.columns import Columns
from fluxum.back.player import Player
from fluxum.back.prepare import prepare
from fluxum.bot.limits import BotLimits
from fluxum.errors import BadInput
from fluxum.fill.fees import Fees
from fluxum.fill.latency import MeasuredLatency
from fluxum.model.event import Gap, LinkLost
from fluxum.model.order import OrderStatus
from fluxum.report.files import read_run
from fluxum.report.numbers import run_numbers

NS = kraken_tape.START_NS
FAST = BotLimits(commands_per_second_max=None)
MONEY = {"kraken": {"USD": "1000000", "BTC": "10"}}


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kraken_tape.write(tmp_path_factory.mktemp("tape") / "btc.jsonl", 3000, seed=11)


@pytest.fixture(scope="module")
def columns(tape: Path) -> Columns:
    return prepare(tape, tape.with_suffix(".cols"))


def run(columns: Columns, faithful: tuple[Path, ...] = ()) -> BacktestResult:
    latency = MeasuredLatency([700_000, 1_100_000, 4_000_000], [600_000, 900_000], seed=5)
    return backtest(
        Maker(every=5),
        columns,
        accounts=MONEY,
        latency=latency,
        fees=Fees.flat("0.0016", "0.0026"),
        limits=FAST,
        seed=7,
        equity_s=1,
        faithful=faithful,
    )


def quick(strategy: Maker, columns: Columns, ends_ns: int, out: Path) -> BacktestResult:
    return backtest(strategy, columns, latency=0.001, limits=FAST, ends_ns=ends_ns, out=out)


def test_columns_decide_as_the_raw_frames_through_the_live_rooms(
    columns: Columns, tape: Path
) -> None:
    fast, faithful = run(columns), run(columns, (tape,))

    assert fast.hash == faithful.hash
    assert fast.decisions == faithful.decisions > 300
    assert fast.facts.orders == faithful.facts.orders
    assert fast.facts.equity == faithful.facts.equity
    assert not fast.failed


def test_twenty_runs_have_one_hash(columns: Columns) -> None:
    assert len({run(columns).hash for _ in range(20)}) == 1


@pytest.mark.slow
def test_the_hash_is_the_same_in_other_processes_with_other_hash_seeds(columns: Columns) -> None:
    here = run(columns).hash
    script = (
        "import sys; from pathlib import Path; from fluxum.back.columns import Columns;"
        "from back.test_backtest import run; print(run(Columns(Path(sys.argv[1]))).hash)"
    )
    for seed in ("0", "1", "4242"):
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": str(Path(__file__).parents[1]),
        }
        done = subprocess.run(
            [sys.executable, "-c", script, str(columns.path)],
            env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout.strip() == here


def test_another_seed_latency_or_parameter_is_another_run(columns: Columns) -> None:
    hashes = {
        backtest(Maker(every=every), columns, latency=latency, seed=seed, limits=FAST).hash
        for every, latency, seed in ((5, 0.0, 1), (5, 0.0, 2), (5, 0.002, 1), (6, 0.0, 1))
    }

    assert len(hashes) == 4


def test_bounds_are_in_order_and_positions_are_the_sum_of_fills(columns: Columns) -> None:
    result = run(columns)

    filled = Decimal(0)
    for order in result.orders:
        low, mid, high = (sum(fill.quantity for fill in fills) for fills in order.fills.all)
        assert low <= mid <= high <= order.quantity
        filled += mid if order.side.value == "buy" else -mid
    assert filled == sum(one.quantity for one in result.equity[-1].held) - 10
    assert any(order.fills.expected for order in result.orders)


def test_a_base_held_at_the_beginning_leaves_no_profit_unexplained(columns: Columns) -> None:
    """The equity had it, and the positions had not."""
    result = run(columns)

    (held,) = result.facts.header.held_begins
    assert (held.quantity, held.mark) == (Decimal(10), Decimal("45000.05"))
    numbers = run_numbers(result.facts)
    assert result.equity[-1].held[0].mark != held.mark
    assert [one.closing.unexplained for one in numbers.worlds.all] == [0, 0, 0]
    assert numbers.findings == ()


def test_a_term_that_there_is_not_is_refused(columns: Columns) -> None:
    given: Any = {"latencies": 1}
    with pytest.raises(BadInput, match="was expected, was latencies"):
        backtest(Maker(), columns, **given)


def test_money_closes_to_the_last_unit_in_each_world(columns: Columns) -> None:
    result = run(columns)

    last = result.equity[-1]
    assert result.decisions > 300
    assert result.facts.header.equity_begins == 1_000_000 + 10 * Decimal("45000.05")
    player = Player(columns)
    for _ in iter(player.next, None):
        pass
    mid = player.books[0].mid
    assert mid is not None
    for world, equity in enumerate(last.equity.all):
        cash, coins = Decimal(1_000_000), Decimal(10)
        for order in result.orders:
            sign = 1 if order.side.value == "buy" else -1
            for fill in order.fills.all[world]:
                rate = Decimal("0.0016") if fill.is_maker else Decimal("0.0026")
                assert fill.fee == fill.price * fill.quantity * rate
                cash -= sign * fill.price * fill.quantity + fill.fee
                coins += sign * fill.quantity
        assert equity == cash + coins * mid


def test_a_taker_pays_what_is_there_and_the_rest_is_not_filled(columns: Columns) -> None:
    result = backtest(Buyer(quantity=Decimal("0.5"), at=100), columns)

    (order,) = result.orders
    fills = order.fills.expected
    assert sum(fill.quantity for fill in fills) == Decimal("0.5")
    assert order.fills.pessimistic == order.fills.optimistic == fills
    assert {fill.is_maker for fill in fills} == {False}
    assert order.arrival_mid is not None
    assert fills[0].price > order.arrival_mid


def test_the_same_liquidity_is_not_taken_twice(columns: Columns) -> None:
    one = backtest(Buyer(quantity=Decimal(1), at=100), columns).orders
    two = backtest(Buyer(quantity=Decimal(1), at=100, times=60), columns).orders

    assert one[0].fills == two[0].fills
    paid = [fill.price for order in two for fill in order.fills.expected]
    assert paid == sorted(paid)
    assert paid[0] < paid[-1]
    assert sum(fill.quantity for order in two for fill in order.fills.expected) < 60


def test_an_order_beyond_the_balance_is_refused(columns: Columns) -> None:
    poor = {"kraken": {"USD": "100"}}

    (order,) = backtest(Buyer(quantity=Decimal(1), at=100), columns, accounts=poor).orders

    assert order.status.value == "refused"
    assert order.fills.optimistic == ()


def test_an_account_has_to_have_all_that_its_open_orders_need(columns: Columns) -> None:
    ladder, size = Ladder(count=3), Decimal("0.01")  # the size of each of its orders
    limits = [order.limit or Decimal(0) for order in backtest(ladder, columns).orders]
    needed = sum((limit * size for limit in limits), Decimal(0))

    for there, refused in ((needed, []), (needed - Decimal("0.000000001"), [2])):
        orders = backtest(ladder, columns, accounts={"kraken": {"USD": there}}).orders
        found = [at for at, one in enumerate(orders) if one.status is OrderStatus.REFUSED]
        assert found == refused


def test_an_order_that_was_filled_in_part_needs_only_what_is_left(columns: Columns) -> None:
    crosses, takes = backtest(Crosser(), columns, latency=0.0).orders
    assert crosses.limit is not None
    bought = sum(fill.quantity for fill in crosses.fills.pessimistic if not fill.is_maker)
    assert 0 < bought == crosses.quantity - 10
    (taken,) = takes.fills.pessimistic
    # What the first one bought was at its limit.
    needed = crosses.quantity * crosses.limit + taken.quantity * taken.price

    for there, refused in ((needed, []), (needed - Decimal("0.000000001"), [1])):
        accounts = {"kraken": {"USD": there}}
        orders = backtest(Crosser(), columns, accounts=accounts, latency=0.0).orders
        found = [at for at, one in enumerate(orders) if one.status is OrderStatus.REFUSED]
        assert found == refused


def test_a_command_arrives_after_its_latency_and_not_before(columns: Columns) -> None:
    (order,) = backtest(Buyer(quantity=Decimal("0.1"), at=100), columns, latency=0.0025).orders

    assert order.arrived_ns == order.decided_ns + 2_500_000
    assert order.fills.expected[0].at_ns == order.arrived_ns


def test_a_hole_of_five_seconds_is_told_before_newer_data_and_counted(tmp_path: Path) -> None:
    tape = kraken_tape.write_hole(tmp_path / "hole.jsonl", 200)
    columns = prepare(tape, tmp_path / "hole.cols")

    result = backtest(Waiter(), columns)

    strategy = result.strategy
    assert isinstance(strategy, Waiter)
    kinds = strategy.kinds
    lost = kinds.index(LinkLost.__name__)
    assert kinds.index(Gap.__name__) > lost
    assert set(kinds[:lost]) == {"BookSnapshot", "BookUpdate"}
    assert kinds[lost : lost + 3] == ["LinkLost", "Gap", "BookSnapshot"]
    (gap,) = result.facts.gaps
    assert gap.ends_ns is not None
    assert gap.ends_ns - gap.begins_ns == 5 * 10**9
    (order,) = [one for one in result.orders if one.was_in_gap]
    low, _, high = (sum(fill.quantity for fill in fills) for fills in order.fills.all)
    assert (low, high) == (0, order.quantity)


@pytest.mark.parametrize("late", [False, True], ids=["at once", "as its intents are read"])
def test_an_error_of_the_strategy_halts_it_in_every_mode(
    columns: Columns, tape: Path, late: bool
) -> None:
    strategy = Breaks(every=5, size=Decimal(500), at=902, late=late)
    fast = backtest(strategy, columns, latency=0.001, limits=FAST)
    slow = backtest(strategy, columns, latency=0.001, limits=FAST, faithful=(tape,))

    expected = "BadInput: an intent" if late else "ZeroDivisionError: planted"
    assert fast.failed.startswith(expected)
    assert (fast.hash, fast.failed, fast.steps) == (slow.hash, slow.failed, slow.steps)
    assert fast.strategy == slow.strategy
    assert not [order for order in fast.orders if order.status is OrderStatus.OPEN]
    assert [order.status for order in fast.orders].count(OrderStatus.CANCELED) >= 1


def test_orders_may_rest_at_any_number_of_prices(columns: Columns) -> None:
    result = backtest(Ladder(count=200), columns, limits=FAST)

    assert not result.failed
    assert len({order.limit for order in result.orders}) == 200
    assert result.orders[0].fills.expected, "the best bid was traded away"
    assert all(order.status in (OrderStatus.OPEN, OrderStatus.FILLED) for order in result.orders)


def test_the_end_of_a_recording_takes_no_price_away(
    columns: Columns, tape: Path, tmp_path: Path
) -> None:
    lines = tape.read_text().splitlines()
    ns = json.loads(lines[-1])["ns"]
    closed = tmp_path / "closed.jsonl"
    closed.write_text("\n".join([*lines, json.dumps({"ns": ns + 1, "closed": True})]) + "\n")

    again = run(prepare(closed, tmp_path / "closed.cols"))

    assert again.profit.expected is not None
    assert again.profit == run(columns).profit


def test_what_the_tape_lacks_is_said(columns: Columns) -> None:
    with pytest.raises(BadInput, match="no ticker of kraken BTC/USD; it has kraken book BTC/USD"):
        backtest(Waiter(channel="ticker"), columns)
    with pytest.raises(BadInput, match="fills were expected to be one of pessimistic"):
        backtest(Waiter(), columns, fills="lucky")
    with pytest.raises(BadInput, match=r"a venue of the tape was expected .kraken., was 'okx'"):
        backtest(Waiter(), columns, accounts={"okx": {"USD": 1}})
    with pytest.raises(BadInput, match="USD: a number that is not negative was expected, was '-5'"):
        backtest(Waiter(), columns, accounts={"kraken": {"USD": "-5"}})
    with pytest.raises(BadInput, match=r"quote asset of a market \(USD\) was expected, was 'XYZ'"):
        backtest(Waiter(), columns, currency="XYZ")


def test_a_run_is_written_and_read(columns: Columns, tmp_path: Path) -> None:
    result = backtest(Maker(every=50), columns, out=tmp_path / "run", equity_s=1)

    facts = read_run(tmp_path / "run")
    assert facts.orders == result.facts.orders
    assert facts.equity == result.facts.equity
    assert facts.header == result.facts.header
    assert facts.header.provenance is not None
    assert facts.header.provenance.proved == 3001
    lines = (tmp_path / "run" / "decisions.jsonl").read_text().splitlines()
    assert len(lines) == result.decisions
    assert backtest(Maker(every=50), columns).hash == result.hash


def test_decisions_do_not_depend_on_what_comes_later(tape: Path, tmp_path: Path) -> None:
    lines = tape.read_text().splitlines(keepends=True)
    cut = tmp_path / "cut.jsonl"
    cut.write_text("".join(lines[:1500]))
    half = prepare(cut, tmp_path / "cut.cols")
    whole = prepare(tape, tmp_path / "whole.cols")

    ends_ns = half.ends_ns
    first = quick(Maker(every=5), half, ends_ns=ends_ns, out=tmp_path / "a")
    quick(Maker(every=5), whole, ends_ns=ends_ns, out=tmp_path / "b")

    assert first.decisions > 100
    assert (tmp_path / "a" / "decisions.jsonl").read_text() == (
        tmp_path / "b" / "decisions.jsonl"
    ).read_text()


def test_a_time_is_run_as_a_part_of_the_tape(columns: Columns) -> None:
    middle_ns = NS + 1500 * kraken_tape.STEP_NS

    late = backtest(Waiter(), columns, begins_ns=middle_ns)
    early = backtest(Waiter(), columns, ends_ns=middle_ns)

    assert isinstance(late.strategy, Waiter)
    assert isinstance(early.strategy, Waiter)
    assert len(late.strategy.kinds) + len(early.strategy.kinds) == 3001
    assert late.facts.header.begins_ns == middle_ns
    assert BTC in {one[1] for one in late.facts.header.markets}
