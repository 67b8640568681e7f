"""The report for a terminal: fits its width, the first screen has the result and the chart."""

import pytest

from fluxum.report.report import Row, Table, make_report
from fluxum.report.run import RunFacts
from fluxum.report.text import report_lines, table_lines, wrapped
from runs import BEGINS, fill, header, order, point, run, synthetic


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_is_longer_than_the_terminal(width: int) -> None:
    lines = report_lines(make_report(synthetic()), width)

    assert max(map(len, lines)) <= width


def test_the_first_screen_has_the_result_and_the_whole_chart() -> None:
    screen = report_lines(make_report(synthetic()), 80, 24)[:23]

    assert screen[1] == "+38.15 USD net in 2 d 2 h (+29.96 to +45.01), by simulated fills."
    assert screen[2].startswith("Separated")
    assert screen[-1].endswith("UTC")
    assert any(line.lstrip().startswith("no data") for line in screen)


def test_a_result_that_is_not_separated_says_so() -> None:
    lines = report_lines(make_report(run(equity=(point(1, "9990", "10010", "10020"),))), 80)

    assert "Not separated: the three worlds do not agree on the sign of the profit." in lines


def test_a_live_run_has_one_column_and_no_talk_of_worlds() -> None:
    facts = run(
        order("o", "buy", "1", fill(1, "100", "1")),
        equity=(point(2, "9999.9"),),
        world=None,
        provenance=None,
        latency="",
    )

    text = "\n".join(report_lines(make_report(facts), 80))

    assert "-0.1 USD net in 10 d, by the venue's own fills." in text
    assert "Value" in text
    assert "Pessimistic" not in text
    assert "simulated" not in text


def test_a_table_has_what_each_row_assumes_below_it() -> None:
    table = Table(
        title="Things",
        columns=("A", "B"),
        rows=(Row("one", ("1", "20"), "by hand"), Row("  part", ("333", ""))),
        note="A note.",
    )

    assert table_lines(table, 40) == [
        "THINGS",
        "          A   B",
        "one       1  20",
        "    by hand",
        "  part  333",
        "A note.",
    ]


def test_a_table_that_does_not_fit_has_a_line_for_each_cell() -> None:
    table = Table(title="T", columns=("Wide",), rows=(Row("name", ("word " * 20,)),))

    lines = table_lines(table, 40)

    assert lines[1] == "name"
    assert lines[2].startswith("  Wide: word")
    assert max(map(len, lines)) <= 40
    assert " ".join(lines).count("word") == 20


def test_an_empty_text_has_no_lines() -> None:
    assert wrapped("", 40) == []


def test_plain_ascii_has_no_other_characters_in_its_chart() -> None:
    lines = report_lines(make_report(synthetic()), 80, 24, has_blocks=False)

    assert "\n".join(lines[:23]).isascii()


def test_a_run_without_anything_has_a_report() -> None:
    facts = RunFacts(header=header(ends_ns=BEGINS, trials=None))

    text = "\n".join(report_lines(make_report(facts), 80))

    assert "There were no fills." in text
    assert "How many variants were tried is not known" in text
