"""Reads tapes and bare recordings, even if a crash has torn their end."""

from base64 import b64decode
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from enum import Enum
from itertools import chain
from pathlib import Path
from typing import cast

import msgspec

from fluxum.errors import TapeError
from fluxum.tape.lines import FORMAT, HEADER_BEGIN, BareFrame, TapeFrame, TapeHeader, is_header
from fluxum.tape.members import Damaged, texts

__all__ = ["TapeReader"]

_LINE_MAX = 1 << 27  # the largest frame of any venue is less than half of that
_NS_END = 1 << 63
# ValueError: text that is not UTF-8, or not base64; RecursionError: JSON that is too deep.
_NONSENSE = (msgspec.MsgspecError, ValueError, RecursionError)
_frames = msgspec.json.Decoder(TapeFrame)
_decode_header = msgspec.json.Decoder(TapeHeader).decode
_decode_bare = msgspec.json.Decoder(BareFrame).decode


class TapeReader:
    """Reads a tape or a bare recording; iterate over its frames, any number of times.

    A recording in several files is read as one, from `path` and `more` in order, and then `later`:
    each of its files is requested when those before it have been read, and must be whole then; an
    iterator is read once. `header` is `None` for a bare recording. Raises TapeError, which names
    the file and the line. All frames before the damage are read first.

    A part that a crash cut off is no damage: all complete lines are read, and `torn` counts such
    places. Links that were open there, or at the end of one recording on a tape with several, are
    reported as closed when the next one begins.
    """

    def __init__(self, path: Path, *more: Path, later: Iterable[Path] = ()) -> None:
        self.path = path
        self.torn = 0
        """At how many places a crash cut the recording, as counted by the last reading."""
        self.lines = 0
        """How many lines the last reading had."""
        self.recordings = 0
        """How many recordings the last reading had begun, of several on one tape."""
        self._files = (path, *more)
        self._later = later
        self.header = self._first_header()

    def __iter__(self) -> Iterator[TapeFrame]:
        """Every frame in order, and the answers to REST calls, which have a `url`."""
        return chain.from_iterable(self.batches())

    def batches(self) -> Iterator[Sequence[TapeFrame]]:
        """The same in lists: what was read from a file at once, and is of one recording."""
        self.torn = self.lines = self.recordings = 0
        header: TapeHeader | None = None
        open_links: set[int] = set()
        for lines in self._whole_lines():
            first = lines[0]
            if isinstance(first, TapeHeader):
                if header is not None and not first.follows(header):
                    ns = first.started_ns
                    yield [TapeFrame(ns=ns, link=one, closed=True) for one in sorted(open_links)]
                    open_links.clear()
                if header is None or not first.follows(header):
                    self.recordings += 1
                header = first
                continue
            frames = cast("Sequence[TapeFrame]", lines)
            for line in frames:
                if line.closed:
                    open_links.discard(line.link)
                elif not line.url and line.since_ns is None:
                    open_links.add(line.link)
            yield frames

    def _first_header(self) -> TapeHeader | None:
        first = next(self._whole_lines(), [None])[0]
        return first if isinstance(first, TapeHeader) else None

    def _whole_lines(self) -> Iterator[Sequence[TapeHeader | TapeFrame]]:
        """Every line that makes sense; one that does not is left out if a crash tore it.

        A header is a list of its own.
        """
        reading = _Reading()
        for path in chain(self._files, self._later):
            for number, block, end in self._blocks(path):
                frames = reading.frames(block) if end is _End.WHOLE else None
                if frames is not None:
                    self.lines += len(frames)
                    yield frames
                    continue
                for at, text in enumerate(block.split(b"\n"), number):
                    self.lines += 1
                    found = reading.line(f"{path}:{at}", text, end)
                    self.torn = reading.torn
                    if found is not None:
                        yield [found]
            if reading.failed is not None:
                raise reading.failed

    def _blocks(self, path: Path) -> Iterator[tuple[int, bytes, "_End"]]:
        """Whole lines as one text, empty ones among them, with the number of the first.

        What is no whole line is a text of its own. Raises TapeError.
        """
        number = 1
        rest: list[bytes] = []
        try:
            with path.open("rb") as file:
                for text in texts(file):
                    if text is None:
                        yield number, b"".join(rest), _End.TORN
                        rest.clear()
                        continue
                    lines, has_end, last = text.rpartition(b"\n")
                    if has_end:
                        yield number, b"".join((*rest, lines)), _End.WHOLE
                        number += 1 + lines.count(b"\n")
                        rest.clear()
                    rest.append(last)
                    if sum(map(len, rest)) > _LINE_MAX:
                        raise TapeError(f"{path}:{number} has more than {_LINE_MAX:,} bytes")
        except Damaged as error:
            raise TapeError(_damage(path, number, error)) from error
        except OSError as error:
            raise TapeError(f"cannot read {path}: {error.strerror}") from error
        if any(rest):
            yield number, b"".join(rest), _End.OPEN


class _End(Enum):
    """How a line ends: correctly, torn by a crash, or with the file."""

    WHOLE = "whole"
    TORN = "torn"
    OPEN = "open"


class _Reading:
    """Makes sense of lines. `failed` is why the last one made none, where nothing is torn."""

    def __init__(self) -> None:
        self.header: TapeHeader | None = None
        self.failed: TapeError | None = None
        self.torn = 0

    def frames(self, block: bytes) -> Sequence[TapeFrame] | None:
        """The frames of whole lines; `None` unless all are, which is then found line by line."""
        if self.header is None or self.failed is not None or HEADER_BEGIN in block:
            return None
        try:
            frames = _frames.decode_lines(block)
        except _NONSENSE:
            return None
        ends = block.count(b"\n")
        if len(frames) != ends + 1 or block.count(b"}\n{") != ends:  # one for each line
            return None
        for one in frames:
            if one.raw64 is not None or (one.ns is not None and not 0 <= one.ns < _NS_END):
                return None
        return frames

    def line(self, place: str, text: bytes, end: _End) -> TapeHeader | TapeFrame | None:
        """What a line holds, `None` for an empty one and one that makes no sense."""
        if self.failed is not None:
            if not is_header(text):
                raise self.failed
            self.torn += 1  # another recording continues after half a line
            self.failed = None
        found = None
        try:
            found = _read(text, self.header)
        except _NONSENSE as error:
            if end is _End.WHOLE:
                self.failed = TapeError(f"{place} is no {_what(text)}: {error}")
                self.failed.__cause__ = error
        if end is not _End.WHOLE:
            self.torn += _is_cut(end, found, self.header)
        if isinstance(found, TapeHeader):
            self.header = found
        return found


def _is_cut(end: _End, found: TapeHeader | TapeFrame | None, header: TapeHeader | None) -> bool:
    """Whether a line ends early; a recorder ends every line, others may leave the last one open."""
    if end is _End.OPEN:
        return found is None or header is not None or isinstance(found, TapeHeader)
    return True


def _damage(path: Path, number: int, error: Damaged) -> str:
    what = f"{path}:{number} is cut off or damaged, there or behind it: {error}"
    before = number - 1
    if not error.given:
        return f"{what}; the {before} lines in front of it are whole"
    return f"{what}; of the {before} lines in front of it the last ones may be wrong"


def _read(text: bytes, header: TapeHeader | None) -> TapeHeader | TapeFrame | None:
    """The content of a line, `None` for an empty one; raises one of `_NONSENSE`."""
    if is_header(text):
        return _header(text, header)
    if not text or text.isspace():
        return None
    frame = _bare_frame(text) if header is None else _frames.decode(text)
    if frame.raw64 is not None:
        b64decode(frame.raw64, validate=True)
    if frame.ns is not None and not 0 <= frame.ns < _NS_END:
        raise ValueError(f"its time was {frame.ns:.3e} ns")
    return frame


def _what(text: bytes) -> str:
    return "tape header" if is_header(text) else "recorded frame"


def _header(text: bytes, before: TapeHeader | None) -> TapeHeader:
    header = _decode_header(text)
    if header.fluxum_tape != FORMAT:
        raise ValueError(f"it is of a tape of format {header.fluxum_tape}; 1 was expected")
    if before is not None and header.venue != before.venue:
        raise ValueError(f"it goes on with {header.venue}; {before.venue} was expected")
    return header


def _bare_frame(text: bytes) -> TapeFrame:
    try:
        bare = _decode_bare(text)
    except msgspec.ValidationError:
        return TapeFrame(raw=text.strip().decode())  # the line is the frame itself
    if bare.ns is not None:
        raise ValueError("it is of a tape, whose header is missing")
    ns = None if bare.ts is None else _nanoseconds(bare.ts)
    return TapeFrame(ns=ns, link=0 if bare.url else 1, raw=bare.raw, url=bare.url)


def _nanoseconds(seconds: Decimal) -> int:
    if not (seconds.is_finite() and 0 <= seconds < _NS_END // 10**9):
        raise ValueError(f"its time was {seconds} s")
    return int(seconds * 10**9)
