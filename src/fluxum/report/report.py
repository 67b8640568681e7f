"""A run with all that follows from it, and the tables of it: no number without what it assumes.

A run with simulated fills has a column for each world, pessimistic, expected, optimistic; a run
with the venue's own fills has one. Texts are rounded, the facts keep every digit.
"""

from collections.abc import Callable, Iterable

from msgspec import Struct

from fluxum.report.numbers import RunNumbers, WorldNumbers, run_numbers
from fluxum.report.performance import Performance, performance
from fluxum.report.run import ByWorld, RunFacts, World
from fluxum.report.wording import duration_text, signed_text

__all__ = ["Report", "Row", "Table", "columns", "headline", "make_report", "row", "shown"]


class Report(Struct, frozen=True, kw_only=True):
    """A run with all that follows from it."""

    facts: RunFacts
    numbers: RunNumbers
    performance: ByWorld[Performance]


class Row(Struct, frozen=True):
    """A line of a table: its name, its cells, and what its numbers assume."""

    name: str
    cells: tuple[str, ...]
    assumes: str = ""


class Table(Struct, frozen=True, kw_only=True):
    """A table: a title, the names of its columns of cells, its rows, a note on all of them."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    note: str = ""


def make_report(
    facts: RunFacts, *, risk_free: float = 0.0, seed: int = 0, period_s: int | None = None
) -> Report:
    """All that follows from a run; raises BadInput as `performance` does."""
    return Report(
        facts=facts,
        numbers=run_numbers(facts),
        performance=performance(facts, risk_free=risk_free, seed=seed, period_s=period_s),
    )


def headline(report: Report) -> list[str]:
    """What came out, whether the worlds agree on it, and what contradicts it."""
    numbers = report.numbers
    one = numbers.worlds.of(numbers.world)
    lasted = duration_text(numbers.lasted_ns)
    text = f"{signed_text(one.net)} {numbers.currency} net in {lasted}"
    if not numbers.is_simulated:
        return [f"{text}, by the venue's own fills.", *numbers.findings]
    known = [each.net for each in numbers.worlds.all if each.net is not None]
    spread = f" ({signed_text(min(known))} to {signed_text(max(known))})" if known else ""
    if numbers.is_separated:
        verdict = "Separated: the profit has the same sign in all three worlds."
    elif known and not any(known):
        verdict = "No profit and no loss in any of the three worlds."
    else:
        verdict = "Not separated: the three worlds do not agree on the sign of the profit."
    return [f"{text}{spread}, by simulated fills.", verdict, *numbers.findings]


def shown(report: Report) -> tuple[World, ...]:
    """The worlds that tables have columns for."""
    return tuple(World) if report.numbers.is_simulated else (report.numbers.world,)


def columns(report: Report) -> tuple[str, ...]:
    """The titles of these columns."""
    if not report.numbers.is_simulated:
        return ("Value",)
    return tuple(world.value.capitalize() for world in World)


def row(report: Report, name: str, cell: Callable[[WorldNumbers], str], assumes: str = "") -> Row:
    """A row with a cell for each world that is shown."""
    worlds: Iterable[WorldNumbers] = (report.numbers.worlds.of(world) for world in shown(report))
    return Row(name, tuple(map(cell, worlds)), assumes)
