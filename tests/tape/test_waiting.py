"""Lines between a loop and a thread: the sums close, and every hole stands where it was made."""

from hypothesis import given
from hypothesis import strategies as st

from fluxum.tape.lines import TapeFrame
from fluxum.tape.waiting import Hole, Piece, TapeCounts, Waiting

SECOND_NS = 10**9


def line(ns: int) -> TapeFrame:
    return TapeFrame(ns=ns, raw="x")


def waiting(*, bytes_max: int = 1 << 20, rotate_ns: int | None = None) -> Waiting:
    return Waiting(0, bytes_max=bytes_max, rotate_ns=rotate_ns)


def counts(offered: int, written: int, lost: int, holes: int) -> TapeCounts:
    return TapeCounts(offered=offered, written=written, lost=lost, holes=holes)


def test_lines_are_taken_in_pieces_in_their_order() -> None:
    queue = waiting()

    told = [queue.put(n, line(n), 10_000) for n in range(7)]
    pieces = queue.take()

    assert told == [False, False, False, True, False, False, False]  # enough for a piece
    assert [(one.ns, len(one.lines), one.frames, one.bytes) for one in pieces] == [
        (0, 4, 4, 40_000),
        (4, 3, 3, 30_000),
    ]
    assert queue.counts() == counts(7, 0, 0, 0)
    assert queue.counts().waiting == 7
    for one in pieces:
        queue.wrote(one)
    assert queue.counts() == counts(7, 7, 0, 0)
    assert queue.take() == []


def test_what_is_no_frame_is_not_counted() -> None:
    queue = waiting()

    queue.put(1, line(1), 0, frames=0)

    (piece,) = queue.take()
    assert (piece.lines, queue.counts().offered) == ([line(1)], 0)


def test_a_failure_loses_what_waits_and_what_comes_and_the_next_line_stands_behind_the_hole() -> (
    None
):
    queue = waiting()
    queue.put(1, line(1), 9)
    (first,) = queue.take()
    queue.wrote(first)
    queue.put(2, line(2), 9)
    queue.put(3, line(3), 9)
    pieces = queue.take()
    queue.put(4, line(4), 9)

    queue.failed(pieces, 5, "the disk is full")
    queue.put(6, line(6), 9)

    assert queue.trouble == "the disk is full"
    assert queue.counts() == counts(5, 1, 4, 0)
    assert queue.take() == []

    queue.resume()
    queue.put(8, line(8), 9)
    (piece,) = queue.take()

    assert piece.hole == Hole(since_ns=2, until_ns=6, lost=4, reason="the disk is full")
    assert piece.lines == [line(8)]
    assert queue.trouble
    assert queue.take_holes() == []

    queue.wrote(piece)

    assert queue.trouble == ""
    assert queue.take_holes() == [piece.hole]
    assert queue.take_holes() == []
    assert queue.counts() == counts(6, 2, 4, 1)


def test_a_hole_that_cannot_be_written_grows() -> None:
    queue = waiting()
    queue.put(1, line(1), 9)
    queue.failed(queue.take(), 1, "the disk is full")
    for ns in (2, 3):
        queue.resume()
        queue.put(ns, line(ns), 9)
        queue.failed(queue.take(), ns, "the disk is still full")

    queue.resume()
    queue.put(9, line(9), 9)

    (piece,) = queue.take()
    assert piece.hole == Hole(since_ns=1, until_ns=3, lost=3, reason="the disk is full")
    queue.wrote(piece)
    assert queue.counts() == counts(4, 1, 3, 1)


def test_more_than_there_is_room_for_is_lost_and_counted() -> None:
    queue = waiting(bytes_max=90_000)

    for ns in range(5):
        queue.put(ns, line(ns), 40_000)  # a piece each

    assert queue.counts() == counts(5, 0, 2, 0)
    assert queue.trouble == "more than 90,000 bytes wait"
    pieces = queue.take()
    queue.put(5, line(5), 40_000)  # they are not written yet
    queue.wrote(pieces[0])
    assert queue.trouble  # as long as the hole is open
    queue.put(6, line(6), 40_000)
    (later,) = queue.take()
    assert later.hole is not None
    assert (later.hole.since_ns, later.hole.until_ns, later.hole.lost) == (3, 5, 3)
    for piece in (*pieces[1:], later):
        queue.wrote(piece)
    assert queue.trouble == ""


def test_a_hole_that_is_open_at_the_end_is_written_or_told() -> None:
    queue = waiting()
    queue.put(1, line(1), 9)
    queue.failed(queue.take(), 1, "the disk is full")

    queue.end(7)

    (piece,) = queue.take()
    assert (piece.ns, piece.lines) == (7, [])
    assert piece.hole is not None
    queue.failed([piece], 8, "the disk is full")
    queue.close(9)
    assert [one.lost for one in queue.take_holes()] == [1]
    assert queue.counts() == counts(1, 0, 1, 1)


def test_what_waits_when_nothing_is_written_any_more_is_lost() -> None:
    queue = waiting()
    queue.put(1, line(1), 9)
    taken = queue.take()
    queue.put(2, line(2), 9)

    queue.close(3)
    queue.wrote(taken[0])  # too late to be counted
    queue.failed(taken, 4, "too late")
    queue.put(5, line(5), 9)

    assert queue.counts() == counts(3, 0, 3, 1)
    assert [one.reason for one in queue.take_holes()] == ["the disk does not answer"]


def test_a_new_file_begins_with_every_full_span_and_never_as_a_clock_goes_back() -> None:
    queue = Waiting(3 * SECOND_NS + 5, bytes_max=1 << 20, rotate_ns=2 * SECOND_NS)
    times = [3.9, 4.0, 4.1, 5.9, 3.0, 4.5, 6.0, 20.0, 6.1]

    for seconds in times:
        queue.put(int(seconds * SECOND_NS), line(int(seconds * SECOND_NS)), 9)

    pieces = queue.take()
    assert [(one.ns / SECOND_NS, one.begins_file, len(one.lines)) for one in pieces] == [
        (3.9, False, 1),
        (4.0, True, 5),
        (6.0, True, 1),
        (20.0, True, 2),
    ]


Step = st.sampled_from(["put", "put", "put", "take", "wrote", "failed", "resume"])


@given(st.lists(Step, max_size=60))
def test_whatever_happens_the_sums_close_and_the_holes_hold_what_was_lost(story: list[str]) -> None:
    queue = waiting(bytes_max=70_000)
    taken: list[Piece] = []
    written: list[TapeFrame] = []
    told = 0
    for number, step in enumerate(story):
        if step == "put":
            queue.put(number, line(number), 20_000)
        elif step == "take":
            taken += queue.take()
        elif step == "wrote" and taken:
            written += taken[0].lines
            queue.wrote(taken.pop(0))
        elif step == "failed":
            queue.failed(taken, number, "full")
            taken.clear()
        elif step == "resume":
            queue.resume()
        assert queue.counts().waiting >= 0
        told += sum(one.lost for one in queue.take_holes())
    queue.end(len(story))
    for piece in taken + queue.take():
        written += piece.lines
        queue.wrote(piece)
    queue.close(len(story))

    told += sum(one.lost for one in queue.take_holes())
    found = queue.counts()
    assert found.waiting == 0
    assert found.offered == story.count("put") == found.written + found.lost
    assert found.written == len(written)
    assert found.lost == told
    assert [one.ns for one in written] == sorted(one.ns or 0 for one in written)
