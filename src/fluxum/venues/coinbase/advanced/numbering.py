"""How one frame's number follows the last: on, late, again, or with something lost between.

Every frame of a link has the number after the one before, whatever its channel: 617 steps of 617
in a recording of 2026-08-09. A number alone may be misread, so one that jumps is uncertain:
either the next number follows it, and the jump was true, or the old line goes on, and it was not.
Until that is known, no frame changes a book in a way that a later frame could contradict.
"""

from enum import Enum

__all__ = ["Numbering", "Step"]

_RESTART_RUN = 5
_LINE_RUN = 3


class Step(Enum):
    """What a number means for its frame.

    FIRST and ON: it follows. LATE: it stood before one that jumped. AGAIN: it came before.
    BREAK: something is missing before it, or its number is wrong.
    """

    FIRST = "first"
    ON = "on"
    LATE = "late"
    AGAIN = "again"
    BREAK = "break"


class Numbering:
    """The numbers of one link. The frame path compares with `due` and adds one by itself.

    A link begins at 0; a tape may begin anywhere (`is_tape`).
    """

    __slots__ = ("_jumped", "_lates", "_line", "_passed", "_run", "due", "is_tape")

    def __init__(self) -> None:
        self.due = -1
        """The number of the next frame; -1 before the first, and while the line is uncertain."""
        self.is_tape = False
        self._line = 0  # while uncertain, the number that was due before the jump
        self._jumped = -1  # while uncertain, the number that jumped
        self._lates = 0  # how many were on the old line since
        self._passed = -1  # the last number that was passed over, and how many in a row were
        self._run = 0

    @property
    def expected(self) -> int:
        """The number that ought to come."""
        return self._line if self.due < 0 else self.due

    def judge(self, number: int) -> Step:
        """How a number follows; nothing is remembered of it yet."""
        if self.due < 0:
            return self._judge_in_doubt(number) if self._jumped >= 0 else self._judge_first(number)
        if number >= self.due:
            return Step.ON if number == self.due else Step.BREAK
        begins_anew = number == self._passed + 1 and self._run + 1 >= _RESTART_RUN
        return Step.BREAK if begins_anew else Step.AGAIN

    def take(self, number: int, step: Step) -> None:
        """Remember a number that was judged, once its frame has been understood."""
        match step:
            case Step.FIRST | Step.ON:
                self.due = number + 1
                self._jumped = -1
            case Step.LATE:
                self._line = number + 1
                self._lates += 1
            case Step.AGAIN:
                self._run = self._run + 1 if number == self._passed + 1 else 1
                self._passed = number
            case Step.BREAK:
                # Of two jumps the first is believed, as the second is no better.
                self._line = self._jumped + 1 if self._jumped >= 0 else self.expected
                self._jumped = number
                self._lates = 0
                self.due = -1

    def _judge_first(self, number: int) -> Step:
        return Step.FIRST if self.is_tape or number == 0 else Step.BREAK

    def _judge_in_doubt(self, number: int) -> Step:
        if number == self._jumped + 1:
            return Step.ON
        if number == self._line and number != self._jumped:
            return Step.LATE if self._lates + 1 < _LINE_RUN else Step.ON
        if number == self._line + 1 and not self._lates and number != self._jumped:
            return Step.ON  # what jumped stood where the line is, and was misread
        if number == self._jumped or number < self._line:
            return Step.AGAIN
        return Step.BREAK
