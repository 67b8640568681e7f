"""Tests of the rules by which one frame's number follows the last."""

import pytest

from fluxum.venues.coinbase.advanced.numbering import Numbering, Step

FIRST, ON, LATE, AGAIN, BREAK = Step.FIRST, Step.ON, Step.LATE, Step.AGAIN, Step.BREAK


def judged(*numbers: int, is_tape: bool = False) -> list[Step]:
    numbering = Numbering()
    numbering.is_tape = is_tape
    steps: list[Step] = []
    for number in numbers:
        step = numbering.judge(number)
        if step is ON and number == numbering.due:
            numbering.due += 1  # as the frame path does
        else:
            numbering.take(number, step)
        steps.append(step)
    return steps


def test_a_link_begins_at_nought() -> None:
    assert judged(0, 1, 2) == [FIRST, ON, ON]


def test_a_link_that_begins_later_has_lost_its_beginning() -> None:
    assert judged(2, 3, 4) == [BREAK, ON, ON]


def test_a_tape_begins_anywhere() -> None:
    assert judged(617, 618, is_tape=True) == [FIRST, ON]


def test_a_lost_frame_is_one_break() -> None:
    assert judged(0, 1, 3, 4, 5) == [FIRST, ON, BREAK, ON, ON]


def test_two_losses_are_two_breaks() -> None:
    assert judged(0, 2, 4, 5, 6) == [FIRST, BREAK, BREAK, ON, ON]


def test_a_doubt_that_is_settled_hides_no_later_loss() -> None:
    assert judged(0, 2, 1, 2, 3, 5) == [FIRST, BREAK, LATE, AGAIN, ON, BREAK]
    assert judged(0, 9, 1, 2, 3, 4, 6) == [FIRST, BREAK, LATE, LATE, ON, ON, BREAK]


def test_a_number_that_none_follows_is_forgotten_after_three_on_the_old_line() -> None:
    assert judged(0, 900, 1, 2, 3, 4) == [FIRST, BREAK, LATE, LATE, ON, ON]


def test_a_repeated_frame_is_passed_over() -> None:
    assert judged(0, 1, 1, 0, 2) == [FIRST, ON, AGAIN, AGAIN, ON]
    assert judged(0, 2, 2, 3) == [FIRST, BREAK, AGAIN, ON]


def test_a_frame_that_comes_after_the_next_is_one_break() -> None:
    assert judged(0, 2, 1, 3, 4) == [FIRST, BREAK, LATE, ON, ON]


@pytest.mark.parametrize("misread", [900, 2])
def test_a_misread_number_costs_one_break_and_not_all_that_follows(misread: int) -> None:
    steps = judged(0, 1, 2, 3, 4, misread, 6, 7, 8)

    assert steps.count(BREAK) == 1
    assert steps[-2:] == [ON, ON]


def test_numbers_that_begin_anew_are_believed_after_five() -> None:
    steps = judged(*range(100), *range(8))

    assert steps[100:] == [AGAIN, AGAIN, AGAIN, AGAIN, BREAK, ON, ON, ON]
