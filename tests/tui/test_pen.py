"""What a paint writes to a terminal: codes by hand, and the law that it then shows the rows."""

import io

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.style import Style

from cells import Cells
from fluxum.tui.palette import LOOKS, PLAIN_LOOKS, Tone, ascii_text
from fluxum.tui.pen import Change, Pen, change
from fluxum.tui.row import Row, fit

PLAIN, DIM, BID, BEST, NOTE = Tone.PLAIN, Tone.DIM, Tone.BID, Tone.BID_BEST, Tone.NOTE
TEXTS = st.text("abc ●█▏", max_size=4)
ROWS = st.lists(st.tuples(TEXTS, st.sampled_from(Tone)), max_size=6)


def console(colors: str = "256") -> Console:
    """A terminal with so many colours."""
    return Console(file=io.StringIO(), force_terminal=True, color_system=colors)  # type: ignore[arg-type]


def pen() -> Pen:
    """A pen with colours."""
    return Pen(LOOKS, str)


def test_a_change_is_from_the_first_piece_that_differs_to_the_last() -> None:
    before: Row = ((" 84000.1 ", BID), ("0.5", PLAIN), ("██", BID), ("    ", PLAIN))
    row: Row = ((" 84000.1 ", BID), ("0.7", PLAIN), ("█▌", BID), ("    ", PLAIN))

    assert change(39, 4, before, row) == Change(48, 4, (("0.7", PLAIN), ("█▌", BID)))


def test_pieces_behind_one_that_got_longer_are_written_again() -> None:
    before: Row = (("a", PLAIN), ("b", DIM), ("   ", PLAIN))
    row: Row = (("aa", PLAIN), ("b", DIM), ("  ", PLAIN))

    assert change(0, 0, before, row).pieces == row


def test_a_piece_that_is_gone_lets_the_others_move() -> None:
    before: Row = (("a", PLAIN), ("a", PLAIN), ("  ", PLAIN))
    row: Row = (("a", PLAIN), ("   ", PLAIN))

    assert change(0, 0, before, row) == Change(1, 0, (("   ", PLAIN),))


def test_wide_characters_take_two_cells_of_a_place() -> None:
    before: Row = (("日本", PLAIN), ("a", PLAIN))
    row: Row = (("日本", PLAIN), ("b", PLAIN))

    assert change(2, 0, before, row).x == 6


def test_a_look_is_named_where_it_begins_and_ended_once() -> None:
    changes = [
        Change(0, 0, (("a", BID), ("b", BID), ("c", BEST))),
        Change(38, 21, (("d", BEST), ("e", PLAIN))),
        Change(2, 22, (("f", NOTE),)),
    ]

    written = pen().text(changes, console())

    assert written == (
        "\x1b[1;1H\x1b[0;38;5;35mab\x1b[0;1;38;5;35mc"
        "\x1b[22;39Hd\x1b[0;39me"
        "\x1b[23;3H\x1b[0;7mf"
        "\x1b[0m\x1b[H"
    )


def test_a_terminal_of_sixteen_colours_gets_no_others() -> None:
    own = Pen({BID: Style(color="color(10)")}, str)  # a style keeps the code of its first terminal

    written = own.text([Change(0, 0, (("a", BID),))], console("standard"))

    assert written == "\x1b[1;1H\x1b[0;92ma\x1b[0m\x1b[H"  # bright green


def test_without_colour_there_is_none_and_what_is_plain_is_only_an_end() -> None:
    plain = Pen(PLAIN_LOOKS, ascii_text)

    written = plain.text([Change(0, 0, (("●", BEST), ("█", DIM)))], console())

    assert written == "\x1b[1;1H\x1b[0;1m*\x1b[0m#\x1b[0m\x1b[H"


@given(before=ROWS, after=ROWS, width=st.integers(1, 20), x=st.integers(0, 5))
def test_a_terminal_with_a_row_shows_the_next_one_after_its_change(
    before: Row, after: Row, width: int, x: int
) -> None:
    old, new = fit(before, width), fit(after, width)
    shown, expected = Cells(30, 2), Cells(30, 2)
    shown.write(pen().text([Change(x, 1, old)], console()))
    expected.write(pen().text([Change(x, 1, new)], console()))

    if old != new:
        shown.write(pen().text([change(x, 1, old, new)], console()))

    assert shown.cells == expected.cells
