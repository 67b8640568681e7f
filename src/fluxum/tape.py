"""Tapes: raw frames with the time they were received, kept as they were on the wire.

A tape is a text file of JSON lines, compressed with gzip when its name ends in `.gz`. Its first
line says what it is, every further one holds a frame:

    {"fluxum_tape": 1, "venue": "...", "started_ns": 1785552832693693000}
    {"ns": 1785552832693693000, "link": 1, "sent": false, "raw": "{...}"}
    {"ns": 1785552832893693000, "link": 0, "url": "https://...", "raw": "{...}"}
    {"ns": 1785552932693693000, "link": 1, "closed": true}

A line with a `url` holds the answer to a REST call. Reading also takes bare recordings, lines of
`{"ts": seconds-or-null, "raw": "frame text"}`, or of frames as such.
"""

import gzip
import zlib
from base64 import b64decode, b64encode
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import IO, Self, cast
from urllib.parse import parse_qs, urlsplit

import msgspec
from msgspec import Struct

from fluxum.clock import Clock
from fluxum.errors import TapeError
from fluxum.transport.http import Http
from fluxum.transport.link import Dial, Link, Sealed

__all__ = [
    "RecordedAnswers",
    "TapeFrame",
    "TapeHeader",
    "TapeReader",
    "TapeWriter",
    "recording",
    "recording_calls",
]

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_BITS = 31  # zlib's word for a gzip header
_CHUNK = 1 << 16
_SYNC_EVERY = 1000
# What the parameters are called that name a market, or a kind of markets.
_MARKETS = ("symbol", "instId", "product_id", "category", "instType")


class TapeHeader(Struct, frozen=True, kw_only=True):
    """What a tape is; the first line."""

    fluxum_tape: int
    venue: str
    started_ns: int


class TapeFrame(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One frame. `ns` is when it was received or sent, none where the recording kept no time.

    `raw64` replaces `raw` for the rare frame that is no text; a line that has neither tells that
    its link was `closed`. With a `url` it is the answer to a REST call, which belongs to no link.
    """

    ns: int | None = None
    link: int = 1
    sent: bool = False
    closed: bool = False
    raw: str | None = None
    raw64: str | None = None
    url: str = ""

    @property
    def frame(self) -> bytes:
        """The frame as it was on the wire."""
        return b64decode(self.raw64 or "") if self.raw is None else self.raw.encode()


class _BareFrame(Struct):
    """A line of a bare recording."""

    raw: str
    ts: Decimal | None = None
    url: str = ""


class TapeWriter:
    """Writes one tape; use it in a `with` block. Raises TapeError when the file cannot be."""

    def __init__(self, path: Path, venue: str, clock: Clock) -> None:
        self.frames = 0
        self._path = path
        self._clock = clock
        try:
            opened = gzip.open(path, "wb") if path.suffix == ".gz" else path.open("wb")  # noqa: SIM115
        except OSError as error:
            raise TapeError(f"cannot write {path}: {error.strerror}") from error
        self._file = cast("IO[bytes]", opened)
        header = TapeHeader(fluxum_tape=1, venue=venue, started_ns=clock.now_ns())
        self._write(header)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, frame: bytes, link: int, *, sent: bool) -> None:
        """Keep a frame with the present time."""
        now_ns = self._clock.now_ns()
        try:
            line = TapeFrame(ns=now_ns, link=link, sent=sent, raw=frame.decode())
        except UnicodeDecodeError:
            line = TapeFrame(ns=now_ns, link=link, sent=sent, raw64=b64encode(frame).decode())
        self._write(line)
        self.frames += 1
        if self.frames % _SYNC_EVERY == 0:
            self._file.flush()  # a process that is killed loses little

    def add_answer(self, url: str, body: bytes) -> None:
        """Keep the answer to a REST call with the present time."""
        self._write(
            TapeFrame(ns=self._clock.now_ns(), link=0, url=url, raw=body.decode("utf-8", "replace"))
        )

    def end(self, link: int) -> None:
        """Keep that a link was closed."""
        self._write(TapeFrame(ns=self._clock.now_ns(), link=link, closed=True))

    def _write(self, line: TapeHeader | TapeFrame) -> None:
        try:
            self._file.write(msgspec.json.encode(line) + b"\n")
        except OSError as error:
            raise TapeError(f"cannot write {self._path}: {error.strerror}") from error


class TapeReader:
    """Reads a tape or a bare recording; iterate over its frames, any number of times.

    `header` is none for a bare recording. Raises TapeError, which names the file and the line; of
    a tape that a crash cut off, all frames before the cut are read first.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        first = next(self._lines(), b"")
        self.header = self._read_header(first)

    def __iter__(self) -> Iterator[TapeFrame]:
        """Every frame in order, and the answers to REST calls, which have a `url`."""
        for number, line in enumerate(self._lines(), 1):
            if not line.strip() or (number == 1 and self.header is not None):
                continue
            yield self._read_frame(number, line)

    def _lines(self) -> Iterator[bytes]:
        """Every whole line; of a file that is cut off, those before the cut, and then TapeError."""
        try:
            with self.path.open("rb") as file:
                rest = b""
                for chunk in _decompressed(file):
                    *lines, rest = (rest + chunk).split(b"\n")
                    yield from lines
                if rest:
                    yield rest
        except (EOFError, zlib.error) as error:
            raise TapeError(f"{self.path} is cut off or damaged: {error}") from error
        except OSError as error:
            raise TapeError(f"cannot read {self.path}: {error.strerror}") from error

    def _read_header(self, line: bytes) -> TapeHeader | None:
        if b'"fluxum_tape"' not in line[:100]:
            return None
        try:
            header = msgspec.json.decode(line, type=TapeHeader)
        except msgspec.MsgspecError as error:
            raise TapeError(f"{self.path}:1 is no tape header: {error}") from error
        if header.fluxum_tape != 1:
            raise TapeError(f"{self.path} is a tape of format {header.fluxum_tape}; 1 was expected")
        return header

    def _read_frame(self, number: int, line: bytes) -> TapeFrame:
        try:
            if self.header is not None:
                return msgspec.json.decode(line, type=TapeFrame)
            try:
                bare = msgspec.json.decode(line, type=_BareFrame)
            except msgspec.ValidationError:
                return TapeFrame(raw=line.strip().decode())  # the line is the frame itself
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise TapeError(f"{self.path}:{number} is no recorded frame: {error}") from error
        ns = None if bare.ts is None else int(bare.ts * 10**9)
        return TapeFrame(ns=ns, link=0 if bare.url else 1, raw=bare.raw, url=bare.url)


class RecordedAnswers:
    """The answers to REST calls of one recording, each given out once.

    They are those of `NAME.rest.jsonl.gz` beside `NAME.jsonl.gz`, and those on the tape itself,
    which are added as they come by.
    """

    def __init__(self, path: Path) -> None:
        self._answers: list[TapeFrame] = []
        for suffix in (".jsonl.gz", ".jsonl"):
            beside = path.with_name(path.name.removesuffix(suffix) + ".rest" + suffix)
            if path.name.endswith(suffix) and beside.is_file():
                self._answers += [line for line in TapeReader(beside) if line.url]

    def add(self, answer: TapeFrame) -> None:
        """Keep an answer that was met on the tape."""
        self._answers.append(answer)

    def take(self, path: str, now_ns: int | None) -> bytes | None:
        """The oldest answer to such a call that had arrived by then; none if there is none.

        Calls are alike when the last part of their path and their market or kind of market, if
        any, are: the recorded client may have used another version of the call, or another limit.
        """
        if not self._answers:
            return None
        wanted = _call(path)
        for index, answer in enumerate(self._answers):
            is_there = answer.ns is None or now_ns is None or answer.ns <= now_ns
            if is_there and _call(answer.url) == wanted:
                return self._answers.pop(index).frame
        return None

    def take_exact(self, path: str, now_ns: int | None) -> bytes | None:
        """The oldest answer to this very call that had arrived by then; `None` without one."""
        for index, answer in enumerate(self._answers):
            is_there = answer.ns is None or now_ns is None or answer.ns <= now_ns
            if is_there and answer.url.endswith(path):
                return self._answers.pop(index).frame
        return None


@lru_cache(256)
def _call(url: str) -> tuple[str, tuple[str, ...]]:
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    named = [query.get(name, []) for name in _MARKETS]
    return parts.path.rstrip("/").rpartition("/")[2], tuple(",".join(one) for one in named)


def _decompressed(file: IO[bytes]) -> Iterator[bytes]:
    """A file's content in pieces, all of a damaged gzip file that can be had."""
    chunk = file.read(_CHUNK)
    if not chunk.startswith(_GZIP_MAGIC):
        while chunk:
            yield chunk
            chunk = file.read(_CHUNK)
        return
    member = zlib.decompressobj(_GZIP_BITS)
    while chunk:
        yield member.decompress(chunk)
        chunk = member.unused_data or file.read(_CHUNK)
        if member.eof and chunk:  # a gzip file may hold several members
            member = zlib.decompressobj(_GZIP_BITS)
    if not member.eof:
        raise EOFError("it ends in the middle")


def recording(dial: Dial, tape: TapeWriter) -> Dial:
    """A dial like `dial`, whose links write all they carry to a tape."""
    links = 0

    @asynccontextmanager
    async def open_recorded(url: str) -> AsyncGenerator[Link]:
        nonlocal links
        links += 1
        number = links
        async with dial(url) as link:
            try:
                yield _RecordedLink(link, tape, number)
            finally:
                tape.end(number)

    def dial_recorded(url: str) -> AbstractAsyncContextManager[Link]:
        return open_recorded(url)

    return dial_recorded


def recording_calls(http: Http, tape: TapeWriter) -> Http:
    """Calls like those of `http`, whose answers are written to a tape."""
    return _RecordedCalls(http, tape)


class _RecordedCalls:
    """Calls that are remembered."""

    def __init__(self, http: Http, tape: TapeWriter) -> None:
        self._http = http
        self._tape = tape

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        """Call and keep the answer; what was sent along is not kept, as it may be secret."""
        said = await self._http.call(method, url, headers, body)
        self._tape.add_answer(url, said)
        return said


class _RecordedLink:
    """A link that remembers."""

    def __init__(self, link: Link, tape: TapeWriter, number: int) -> None:
        self._link = link
        self._tape = tape
        self._number = number

    async def send(self, frame: bytes) -> None:
        """Send and keep, a secret excepted."""
        await self._link.send(frame)
        shown = frame.shown if isinstance(frame, Sealed) else frame
        self._tape.add(shown, self._number, sent=True)

    async def receive(self) -> bytes:
        """Receive and keep."""
        frame = await self._link.receive()
        self._tape.add(frame, self._number, sent=False)
        return frame
