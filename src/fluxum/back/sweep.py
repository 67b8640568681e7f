"""Many back-tests over one tape: every combination of parameters, on every fold, ranked.

Processes share the columns, which are memory of the file, and where they can be forked also all
that was imported. Each run is one task with its own seed of
the run, and results are put in the order of the tasks, so that the ranking does not depend on how
many processes there are. Folds cut the time of the tape into equal parts. In a walk-forward fold a
variant is chosen by its profit on the parts before, and judged by the part after.
"""

import itertools
import multiprocessing
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from fluxum.back.backtest import backtest
from fluxum.back.columns import Columns
from fluxum.bot.engine_state import decode, encode
from fluxum.bot.loading import parameters_of
from fluxum.bot.strategy import Strategy
from fluxum.errors import BadInput
from fluxum.ledger.arithmetic import EXACT
from fluxum.report.run import ByWorld

__all__ = ["Forward", "Sweep", "Trial", "Variant", "combinations", "spread", "sweep"]

_ZERO = Decimal(0)
_TRIALS_MAX = 100_000
_FOLDS_MAX = 1_000


class Trial(Struct, frozen=True, kw_only=True):
    """One back-test: of the variant and the fold of these numbers.

    `profit` is in the run's currency, `None` if the equity cannot be valued; `hash` is that of its
    decisions. `failed` is the error of the strategy, `halted` why it was halted, else empty.
    """

    variant: int
    fold: int
    profit: ByWorld[Decimal | None]
    orders: int
    fills: int
    hash: str
    halted: str = ""
    failed: str = ""


class Variant(Struct, frozen=True, kw_only=True):
    """A set of parameters and what it earned over all folds; `rank` counts from 1.

    `ties` are the ranks, better or worse, of variants whose bounds overlap with its own: the fills
    of this tape cannot separate them.
    """

    rank: int
    parameters: dict[str, str]
    profit: ByWorld[Decimal | None]
    by_fold: tuple[ByWorld[Decimal | None], ...]
    orders: int
    fills: int
    ties: tuple[int, ...] = ()
    halted: str = ""
    failed: str = ""

    @property
    def is_separated(self) -> bool:
        """Whether its bounds overlap with those of no other variant."""
        return not self.ties


class Forward(Struct, frozen=True, kw_only=True):
    """One step of a walk-forward test: what was best before, and what it earned after."""

    fold: int
    parameters: dict[str, str]
    profit_before: Decimal
    profit: ByWorld[Decimal | None]


class Sweep(Struct, frozen=True, kw_only=True):
    """All variants, best first; `trials` is how many there were, for statistics of the best."""

    variants: tuple[Variant, ...]
    forward: tuple[Forward, ...]
    trials: int
    folds: tuple[tuple[int, int], ...]

    @property
    def says(self) -> str:
        """Whether the best variant can be separated from the others, in a sentence."""
        if not self.variants:
            return "there was nothing to compare"
        best = self.variants[0]
        if best.ties:
            count = len(best.ties)
            others = f"{count} other{'s' if count > 1 else ''}"
            return f"the best is not separated: its bounds overlap with those of {others}"
        return "the bounds of the best overlap with those of no other"


def sweep(
    strategy: Strategy,
    tape: Path | str,
    over: Mapping[str, Sequence[object]],
    *,
    folds: int = 1,
    processes: int = 1,
    progress: Callable[[int, int], None] | None = None,
    load: Callable[[], type[Strategy]] | None = None,
    **options: Any,
) -> Sweep:
    """Back-test every combination of the values in `over` on every fold, and rank them.

    `strategy` has the values of all other parameters. `options` are those of `backtest`. Variants
    are ranked by what they are expected to have earned, then by their parameters. `load` returns
    the class of the strategy in another process, if it is of no module that can be imported there.
    Raises BadInput for a parameter that the strategy does not have.
    """
    variants = combinations(strategy, over)
    columns = Columns(Path(tape))
    times = _folds(columns, folds)
    count = len(variants) * len(times)
    if count > _TRIALS_MAX:
        raise BadInput(f"at most {_TRIALS_MAX:,} back-tests were expected, were {count:,}")
    tasks = [
        (variant, fold, begins_ns, ends_ns)
        for variant in range(len(variants))
        for fold, (begins_ns, ends_ns) in enumerate(times)
    ]
    made = _Work(load or _Same(type(strategy)), variants, Path(tape), options)
    trials: list[Trial] = []
    for trial in _each(made, tasks, processes, columns):
        trials.append(trial)
        if progress is not None:
            progress(len(trials), count)
    return _ranked([text for _, text in variants], trials, times)


def combinations(
    strategy: Strategy, over: Mapping[str, Sequence[object]]
) -> list[tuple[Strategy, dict[str, str]]]:
    """The strategy with each combination of values, and the values as text."""
    names = list(parameters_of(type(strategy)))
    for name, values in over.items():
        if name not in names:
            kind = type(strategy).__name__
            raise BadInput(f"a parameter of {kind} was expected ({', '.join(names)}), was {name!r}")
        if not values:
            raise BadInput(f"values of {name!r} were expected, were none")
    found: list[tuple[Strategy, dict[str, str]]] = []
    for values in itertools.product(*over.values()):
        chosen = {
            name: _like(getattr(strategy, name), value, name)
            for name, value in zip(over, values, strict=True)
        }
        text = {name: str(value) for name, value in chosen.items()}
        found.append((structs.replace(strategy, **chosen), text))
    return found


def spread(text: str) -> list[Decimal]:
    """The values of a range: `0:12:3` is 0, 3, 6, 9, 12, and `2,4,8` these three."""
    try:
        numbers = [Decimal(part) for part in text.replace(":", ",").split(",")]
    except ArithmeticError:
        numbers = []
    if ":" not in text and numbers and all(one.is_finite() for one in numbers):
        return numbers
    if text.count(":") == 2 and len(numbers) == 3 and all(one.is_finite() for one in numbers):
        first, last, step = numbers
        count = int((last - first) / step) + 1 if step > 0 and last >= first else 0
        if 0 < count <= _TRIALS_MAX:
            return [first + step * number for number in range(count)]
    raise BadInput(f"values like 2,4,8 or 0:12:3 were expected, was {text!r}")


def _like(known: object, value: object, name: str) -> object:
    """A value of the type of the parameter's present one."""
    if isinstance(known, bool) or not isinstance(known, int | Decimal):
        return value
    made = type(known)(str(value)) if isinstance(known, Decimal) else Decimal(str(value))
    if isinstance(known, Decimal):
        return made
    if made != int(made):
        raise BadInput(f"whole numbers of {name!r} were expected, was {value}")
    return int(made)


def _folds(columns: Columns, folds: int) -> tuple[tuple[int, int], ...]:
    """Equal parts of the tape's time, each up to the next one's beginning."""
    if not 1 <= folds <= _FOLDS_MAX:
        raise BadInput(f"1 to {_FOLDS_MAX} folds were expected, was {folds}")
    begins_ns, ends_ns = columns.begins_ns, columns.ends_ns + 1
    if ends_ns - begins_ns < folds:
        raise BadInput(f"a tape longer than {folds} ns was expected")
    edges = [begins_ns + (ends_ns - begins_ns) * fold // folds for fold in range(folds + 1)]
    return tuple(itertools.pairwise(edges))


# The work of one process


class _Work:
    """What a process needs to run trials; the columns are opened once in each."""

    def __init__(
        self,
        load: Callable[[], type[Strategy]],
        variants: Sequence[tuple[Strategy, dict[str, str]]],
        tape: Path,
        options: dict[str, Any],
    ) -> None:
        self._load = load
        self._variants = [encode(strategy) for strategy, _ in variants]
        self._tape = tape
        self._options = options
        self._columns: Columns | None = None
        self._kind: type[Strategy] | None = None

    def open(self, columns: Columns) -> None:
        """Use these columns, in this process and in those that are forked from it."""
        self._columns = columns
        self._kind = self._load()

    def run(self, task: tuple[int, int, int, int]) -> Trial:
        """Run one back-test."""
        if self._columns is None:
            self._columns = Columns(self._tape, is_checked=False)
        if self._kind is None:
            self._kind = self._load()
        variant, fold, begins_ns, ends_ns = task
        strategy = decode(self._variants[variant], self._kind)
        result = backtest(
            strategy, self._columns, begins_ns=begins_ns, ends_ns=ends_ns, **self._options
        )
        orders = result.orders
        world = result.world
        return Trial(
            variant=variant,
            fold=fold,
            profit=result.profit,
            orders=len(orders),
            fills=sum(len(order.fills.of(world)) for order in orders),
            hash=result.hash,
            halted=result.halted,
            failed=result.failed,
        )


class _Same:
    """Returns a class that every process can import."""

    def __init__(self, kind: type[Strategy]) -> None:
        self._kind = kind

    def __call__(self) -> type[Strategy]:
        return self._kind


_work: _Work | None = None


def _begin(work: _Work) -> None:
    global _work
    _work = work


def _run(task: tuple[int, int, int, int]) -> Trial:
    assert _work is not None, "a process begins with its work"
    return _work.run(task)


def _each(
    work: _Work, tasks: Sequence[tuple[int, int, int, int]], processes: int, columns: Columns
) -> Iterator[Trial]:
    """Every trial, in the order of the tasks."""
    if processes < 1:
        raise BadInput(f"1 process or more was expected, was {processes}")
    context = _context()
    if processes == 1 or context.get_start_method() == "fork":
        work.open(columns)
    if processes == 1:
        yield from map(work.run, tasks)
        return
    with context.Pool(min(processes, len(tasks)), _begin, (work,)) as pool:
        yield from pool.imap(_run, tasks)


def _context() -> BaseContext:
    """Fork, where a process has a single thread and can: then nothing is imported once more.

    A thread that holds a lock is not in the forked process, and the lock would never be released.
    Threads of libraries count as well, which only Linux shows.
    """
    threads = Path("/proc/self/task")
    is_alone = sys.platform == "linux" and threads.is_dir() and len(list(threads.iterdir())) == 1
    return multiprocessing.get_context("fork" if is_alone else "spawn")


# The ranking


def _ranked(
    texts: Sequence[dict[str, str]], trials: Sequence[Trial], times: tuple[tuple[int, int], ...]
) -> Sweep:
    folds = len(times)
    table = [trials[at : at + folds] for at in range(0, len(trials), folds)]
    sums = [_sum([trial.profit for trial in row]) for row in table]
    order = sorted(range(len(table)), key=lambda one: (-_expected(sums[one]), one))
    variants = tuple(
        Variant(
            rank=rank,
            parameters=texts[number],
            profit=sums[number],
            by_fold=tuple(trial.profit for trial in table[number]),
            orders=sum(trial.orders for trial in table[number]),
            fills=sum(trial.fills for trial in table[number]),
            ties=tuple(
                at
                for at, other in enumerate(order, 1)
                if at != rank and _overlap(sums[number], sums[other])
            ),
            halted=next((trial.halted for trial in table[number] if trial.halted), ""),
            failed=next((trial.failed for trial in table[number] if trial.failed), ""),
        )
        for rank, number in enumerate(order, 1)
    )
    forward = tuple(_forward(texts, table, fold) for fold in range(1, folds))
    return Sweep(variants=variants, forward=forward, trials=len(table), folds=times)


def _forward(
    texts: Sequence[dict[str, str]], table: Sequence[Sequence[Trial]], fold: int
) -> Forward:
    before = [_expected(_sum([one.profit for one in row[:fold]])) for row in table]
    best = max(range(len(table)), key=lambda one: (before[one], -one))
    return Forward(
        fold=fold,
        parameters=texts[best],
        profit_before=before[best],
        profit=table[best][fold].profit,
    )


def _sum(profits: Sequence[ByWorld[Decimal | None]]) -> ByWorld[Decimal | None]:
    return ByWorld(*(_total(column) for column in zip(*(one.all for one in profits), strict=True)))


def _total(values: Sequence[Decimal | None]) -> Decimal | None:
    total = _ZERO
    for one in values:
        if one is None:
            return None
        total = EXACT.add(total, one)
    return total


def _expected(profit: ByWorld[Decimal | None]) -> Decimal:
    """What a variant is ranked by; one that cannot be valued comes last."""
    return Decimal("-Infinity") if profit.expected is None else profit.expected


def _overlap(one: ByWorld[Decimal | None], other: ByWorld[Decimal | None]) -> bool:
    """Whether the profits in three worlds overlap; what is not known may be anything."""
    ones = [value for value in one.all if value is not None]
    others = [value for value in other.all if value is not None]
    if len(ones) < 3 or len(others) < 3:
        return True
    return min(ones) <= max(others) and min(others) <= max(ones)
