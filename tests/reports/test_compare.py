"""Several runs beside each other: ranks by hand, and what the bounds leave open."""

from decimal import Decimal

import pytest

from fluxum.errors import BadInput
from fluxum.model.instrument import Asset
from fluxum.report.compare import compare, comparison_table
from fluxum.report.run import ByWorld, EquityPoint, RunFacts
from fluxum.report.text import table_lines
from runs import BEGINS, SECOND, header, point, run, synthetic


def ending(low: str, net: str, high: str, **changes: object) -> RunFacts:
    """A run whose equity ends so far above 10,000 in the three worlds."""
    values = [str(10_000 + Decimal(one)) for one in (low, net, high)]
    return run(equity=(point(60, *values),), **changes)


def test_a_rank_is_a_range_where_the_worlds_overlap() -> None:
    # a: 30 to 50; b: 10 to 35; c: 20 to 28; d: -9 to -5. Only d is apart from all.
    found = compare(
        [
            ("d", ending("-9", "-7", "-5")),
            ("c", ending("20", "25", "28")),
            ("b", ending("10", "30", "35")),
            ("a", ending("30", "40", "50")),
        ]
    )

    assert [(one.name, one.rank, one.rank_best, one.rank_worst) for one in found.rows] == [
        ("a", 1, 1, 2),
        ("b", 2, 1, 3),
        ("c", 3, 2, 3),
        ("d", 4, 4, 4),
    ]


def test_equal_runs_share_their_rank() -> None:
    found = compare([("b", ending("1", "2", "3")), ("a", ending("1", "2", "3"))])

    assert [(one.name, one.rank, one.rank_worst) for one in found.rows] == [
        ("a", 1, 2),
        ("b", 1, 2),
    ]


def test_a_run_of_unknown_profit_has_no_rank_and_comes_last() -> None:
    unknown = RunFacts(
        header=header(), equity=(EquityPoint(at_ns=BEGINS, equity=ByWorld(None, None, None)),)
    )

    found = compare([("u", unknown), ("a", ending("-1", "-1", "-1"))])

    assert [(one.name, one.rank) for one in found.rows] == [("a", 1), ("u", None)]
    assert "unknown" in table_lines(comparison_table(found), 120)[3]


def test_only_parameters_that_differ_are_shown() -> None:
    found = compare(
        [
            ("x", ending("1", "1", "1", parameters={"size": "1", "lean": "3"})),
            ("y", ending("2", "2", "2", parameters={"size": "1", "lean": "6"})),
        ]
    )

    assert [one.parameters for one in found.rows] == ["lean=6", "lean=3"]


def test_ratios_are_deflated_by_the_runs_or_by_all_trials_there_were() -> None:
    runs = [(str(seed), synthetic(seed, orders=120)) for seed in (1, 2, 3)]

    few = compare(runs)
    many = compare(runs, trials=5000)

    assert (few.trials, many.trials) == (20, 5000)  # 20 is what a run says of itself
    assert few.trials_variance is not None
    assert few.trials_variance > 0
    assert (many.rows[0].deflated or 1) < (few.rows[0].deflated or 0)
    assert few.rows[0].sharpe == many.rows[0].sharpe


def test_runs_that_are_hard_to_compare_are_noted() -> None:
    found = compare(
        [
            ("a", ending("1", "1", "1")),
            ("b", ending("1", "1", "1", provenance=None, world=None, ends_ns=BEGINS + SECOND)),
        ]
    )

    assert found.notes == (
        "They are not of one recording.",
        "They do not cover the same time.",
        "Their accounts did not follow the same world.",
    )


def test_what_cannot_be_compared_is_refused() -> None:
    euro = ending("1", "1", "1", currency=Asset("EUR"))
    with pytest.raises(BadInput, match="runs of one currency were expected, was EUR, USD"):
        compare([("a", euro), ("b", ending("1", "1", "1"))])
    with pytest.raises(BadInput, match="was none"):
        compare([])
    with pytest.raises(BadInput, match="at least 2 trials"):
        compare([("a", ending("1", "1", "1")), ("b", ending("1", "1", "1"))], trials=1)
    with pytest.raises(BadInput, match="a risk-free share a year like"):
        compare([("a", ending("1", "1", "1"))], risk_free=float("nan"))


def test_the_table_fits_a_terminal_and_has_its_assumptions() -> None:
    found = compare([("a", ending("30", "40", "50")), ("b", ending("10", "30", "35"))])

    lines = table_lines(comparison_table(found), 80)

    assert lines[0] == "2 RUNS, USD"
    assert "1 [1-2]" in lines[2]
    assert max(map(len, lines)) <= 80
    assert "best of 2 trials without skill" in " ".join(lines)
