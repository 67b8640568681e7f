"""`bot report`: what came out of a bot's run, or of several, with what each number assumes."""

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from fluxum.cli.options import Format, FormatOption
from fluxum.cli.output import Output
from fluxum.errors import BadInput
from fluxum.report.compare import RunRow, compare, comparison_table
from fluxum.report.files import read_run
from fluxum.report.page import report_page
from fluxum.report.record import report_record
from fluxum.report.report import make_report
from fluxum.report.run import RunFacts
from fluxum.report.text import report_lines, table_lines

__all__ = ["report"]

_SIGNS = "━┃░▁▂▃▄▅▆▇█▲▼▒"
_WIDTH_MAX = 120

Runs = Annotated[
    list[str],
    typer.Argument(metavar="RUN...", help="The folder of a run; several are compared."),
]
Html = Annotated[
    str,
    typer.Option(
        "--html", metavar="FILE", help="Write the report of a run as one HTML file; replaces it."
    ),
]
Terminal = Annotated[
    bool, typer.Option("--terminal", help="Show the report here as well, with --html.")
]
RiskFree = Annotated[
    float, typer.Option("--risk-free", metavar="SHARE", help="Risk-free share a year: 0.03.")
]
Trials = Annotated[
    int | None,
    typer.Option(
        "--trials", min=1, help="How many variants were tried in all, if there were more than here."
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="Seed of the bootstrap.")]


def report(
    runs: Runs,
    html: Html = "",
    terminal: Terminal = False,
    risk_free: RiskFree = 0.0,
    trials: Trials = None,
    seed: Seed = 0,
    form: FormatOption = Format.TABLE,
) -> None:
    """Report on a bot's run: profit by world, costs, ratios and their errors, gaps, a chart.

    Each number has what it assumes beside it. The page needs no network and no script. JSON has
    every digit, and the cost of every order; CSV has a row for each run. Several runs are ranked,
    with the ranks that the bounds of their fills leave open.

    Example: fluxum bot report run/ --html out.html
    """
    read = [(name, read_run(name)) for name in runs]
    if html and len(read) > 1:
        raise BadInput(f"--html is for one run, was given {len(read)}")
    with Output(form, [RunRow]) as output:
        if len(read) > 1 or form is Format.CSV:
            _write_comparison(read, risk_free, trials, output)
            return
        made = make_report(_tried(read[0][1], trials), risk_free=risk_free, seed=seed)
        if html:
            Path(html).write_text(report_page(made), encoding="utf-8")
            output.message(f"report written to {html}")
        if terminal or not html or form is not Format.TABLE:
            lines = report_lines(made, *_size(), has_blocks=_has_blocks())
            output.write(report_record(made), "\n".join(lines))


def _write_comparison(
    runs: list[tuple[str, RunFacts]], risk_free: float, trials: int | None, output: Output
) -> None:
    found = compare(runs, risk_free=risk_free, trials=trials)
    if output.format is Format.TABLE:
        for line in table_lines(comparison_table(found), _size()[0]):
            output.write({"type": "line"}, line)
        return
    for row in found.rows:
        output.write(row, "")
    for note in found.notes:
        output.message(note)


def _tried(facts: RunFacts, trials: int | None) -> RunFacts:
    """The same run, with the number of trials that the user knows of."""
    if trials is None:
        return facts
    header = facts.header
    if trials < (header.trials or 1):
        raise BadInput(f"at least the run's own {header.trials} trials were expected, was {trials}")
    return replace(facts, header=replace(header, trials=trials))


def _size() -> tuple[int, int]:
    """Columns and lines of the terminal; 80 and 24 if there is none."""
    columns, lines = shutil.get_terminal_size((80, 24))
    return min(columns, _WIDTH_MAX), lines


def _has_blocks() -> bool:
    """Whether stdout can encode the characters of a chart."""
    try:
        _SIGNS.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
