"""The queue between a recorder's loop and its thread: `offered = written + lost + waiting`.

The loop adds lines and the thread takes them in pieces. If lines are lost, as the disk fails or is
too slow, a gap is open; it is written before the first later line.
"""

from collections import deque
from collections.abc import Sequence
from threading import Lock

from msgspec import Struct

from fluxum.tape.lines import TapeFrame

__all__ = ["Hole", "Piece", "TapeCounts", "Waiting"]

_PIECE_BYTES = 1 << 15  # how much one damaged bit can cost
_HOLES_KEPT = 1000
_NEVER_NS = 1 << 64


class TapeCounts(Struct, frozen=True, kw_only=True):
    """What became of frames and answers to calls; `holes` counts the places where some are lost."""

    offered: int
    written: int
    lost: int
    holes: int

    @property
    def waiting(self) -> int:
        """How many are not on the tape yet."""
        return self.offered - self.written - self.lost


class Hole(Struct, frozen=True, kw_only=True):
    """A gap in the tape: `lost` frames from `since_ns` to `until_ns`, and why.

    If `lost` is 0, the disk may have lost what was written.
    """

    since_ns: int
    until_ns: int
    lost: int
    reason: str


class Piece(Struct, kw_only=True):
    """Lines that are written together.

    `hole` comes before them; with `begins_file` they begin another file.
    """

    ns: int
    hole: Hole | None = None
    begins_file: bool = False
    lines: list[TapeFrame] = []
    frames: int = 0
    bytes: int = 0


class Waiting:
    """Lines between the loop that records and the thread that writes; both may call it.

    If more than `bytes_max` wait, no more lines are accepted: they are lost. Another file begins
    with every `rotate_ns` since 1970, as lines are added; a clock that goes back begins none.
    """

    def __init__(self, now_ns: int, *, bytes_max: int, rotate_ns: int | None) -> None:
        self.trouble = ""
        """Why lines are lost at this moment; empty if none are."""
        self._bytes_max = bytes_max
        self._rotate_ns = rotate_ns
        self._due_ns = _NEVER_NS if rotate_ns is None else (now_ns // rotate_ns + 1) * rotate_ns
        self._lock = Lock()
        self._pieces: list[Piece] = []
        self._bytes = 0  # of all pieces but the one that is open
        self._open: Piece | None = None
        self._offered = self._written = self._lost = 0
        self._is_stopped = self._is_over = False
        self._hole: Hole | None = None
        self._holes: deque[Hole] = deque(maxlen=_HOLES_KEPT)
        self._hole_count = 0

    def counts(self) -> TapeCounts:
        """The counts so far."""
        with self._lock:
            return TapeCounts(
                offered=self._offered,
                written=self._written,
                lost=self._lost,
                holes=self._hole_count,
            )

    def take_holes(self) -> list[Hole]:
        """The gaps that have ended since the last call, oldest first; a thousand are kept."""
        with self._lock:
            holes = list(self._holes)
            self._holes.clear()
            return holes

    # Called by the loop

    def put(self, ns: int, line: TapeFrame, size: int, frames: int = 1) -> bool:
        """Add a line of about `size` bytes with so many frames; returns whether to write now."""
        with self._lock:
            self._offered += frames
            piece = self._open
            if piece is None or ns >= self._due_ns:
                if self._is_stopped or self._is_over or self._bytes > self._bytes_max:
                    why = self.trouble or f"more than {self._bytes_max:,} bytes wait"
                    self._lose(ns, frames, why)
                    return False
                piece = self._begin(ns)
            piece.lines.append(line)
            piece.frames += frames
            piece.bytes += size
            if piece.bytes < _PIECE_BYTES:
                return False
            self._close_piece()
            return True

    def end(self, ns: int) -> None:
        """No more lines are added: an open gap ends here."""
        with self._lock:
            if self._hole is not None:
                self._begin(ns)

    # Called by the thread

    def take(self) -> list[Piece]:
        """All pieces that wait; report each with `wrote` or `failed`."""
        with self._lock:
            self._close_piece()
            pieces, self._pieces = self._pieces, []
            return pieces

    def wrote(self, piece: Piece) -> None:
        """A piece is on the tape."""
        with self._lock:
            if self._is_over:
                return
            self._written += piece.frames
            self._bytes -= piece.bytes
            if self._hole is None:
                self.trouble = ""
            if piece.hole is not None:
                self._report(piece.hole)

    def failed(self, pieces: Sequence[Piece], ns: int, reason: str) -> None:
        """Pieces are lost, and so are all lines that wait and that are added until `resume`."""
        with self._lock:
            if self._is_over:
                return
            self._is_stopped = True
            self._close_piece()
            for piece in (*pieces, *self._pieces):
                if piece.hole is not None:  # counted when it opened
                    self._widen(piece.hole.since_ns, piece.hole.lost, piece.hole.reason)
                self._lose(piece.ns, piece.frames, reason)
            self._lose(ns, 0, reason)
            self._pieces.clear()
            self._bytes = 0

    def resume(self) -> None:
        """Accept lines again."""
        with self._lock:
            self._is_stopped = False

    def close(self, ns: int) -> None:
        """Nothing is written any more: all lines that wait are lost."""
        with self._lock:
            left = self._offered - self._written - self._lost
            if left:
                self._lose(ns, left, self.trouble or "the disk does not answer")
            self._is_over = True
            self._open = None
            if self._hole is not None:
                self._report(self._hole)
                self._hole = None

    # Under the lock

    def _begin(self, ns: int) -> Piece:
        self._close_piece()
        begins_file = ns >= self._due_ns
        if self._rotate_ns is not None and begins_file:
            self._due_ns = (ns // self._rotate_ns + 1) * self._rotate_ns
        piece = self._open = Piece(ns=ns, hole=self._hole, begins_file=begins_file)
        self._hole = None
        self._pieces.append(piece)
        return piece

    def _close_piece(self) -> None:
        if self._open is not None:
            self._bytes += self._open.bytes
            self._open = None

    def _lose(self, ns: int, frames: int, reason: str) -> None:
        self._lost += frames
        self.trouble = reason
        self._widen(ns, frames, reason)

    def _widen(self, ns: int, frames: int, reason: str) -> None:
        hole = self._hole or Hole(since_ns=ns, until_ns=ns, lost=0, reason=reason)
        self._hole = Hole(
            since_ns=min(hole.since_ns, ns),
            until_ns=max(hole.until_ns, ns),
            lost=hole.lost + frames,
            reason=hole.reason,
        )

    def _report(self, hole: Hole) -> None:
        self._hole_count += 1
        self._holes.append(hole)
