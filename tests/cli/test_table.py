"""Rows of text in columns: aligned, whatever their cells, and however they come."""

from fluxum.cli.table import Column, Table

COLUMNS = [Column("WHAT"), Column("HOW MUCH", is_number=True), Column("NOTE")]


def test_names_are_to_the_left_and_numbers_are_aligned_by_their_points() -> None:
    table = Table(COLUMNS, "a title")

    assert table.lines([["a", "1.50", ""], ["long name", "-20", "odd"], ["b", "-", "x"]]) == [
        "a title",
        "WHAT       HOW MUCH  NOTE",
        "a               1.5",
        "long name     -20.0  odd",
        "b                 -  x",
    ]


def test_zeros_at_the_end_are_left_out_but_no_digit_that_counts() -> None:
    table = Table([Column("N", is_number=True)])

    assert table.lines([["84000.00000"], ["0.10000"], ["0.00000001"], ["+0.03%"]]) == [
        "             N",
        "84000.00000000",
        "    0.10000000",
        "    0.00000001",
        "        +0.03%",
    ]
    assert Table([Column("N", is_number=True)]).lines([["84000.00"]])[1:] == ["84000"]


def test_a_title_and_a_header_come_once_and_widths_only_grow() -> None:
    table = Table([Column("A"), Column("N", is_number=True)])

    assert table.lines([["first", "1.25"]]) == ["A         N", "first  1.25"]
    assert table.lines([["x", "3"]]) == ["x      3.00"]
    assert table.lines([["second", "10.125"]]) == ["second  10.125"]
    assert table.lines([]) == []
