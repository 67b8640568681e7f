"""The files of a run: a folder with `run.json` and a file of JSON lines for each kind of fact.

A line is appended whole. A crash leaves at most half a last line in each file: it is left out and
counted. `run.json` is written when the run begins and again when it ends, with the number of lines
of each file. So a run that ended is read as it was written, or refused. A line of an order replaces
an earlier one of the same name, as fills and middles become known later.
"""

import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Generic, Literal, Self, TypeVar, get_args

import msgspec
from msgspec import Struct

from fluxum.errors import BadInput, RunFilesError
from fluxum.ledger.arithmetic import checked, positive
from fluxum.lock import CAN_HOLD, hold
from fluxum.model.codec import plain
from fluxum.model.instrument import Symbol
from fluxum.report.run import (
    EquityPoint,
    GapFact,
    NoteFact,
    OrderFact,
    RunFact,
    RunFacts,
    RunHeader,
)

__all__ = ["FORMAT", "RunWriter", "has_run", "read_run"]

FORMAT = 1
"""The number of this form of the files."""
T = TypeVar("T", OrderFact, EquityPoint, GapFact, NoteFact)

_HEADER = "run.json"
_FILES: dict[type[RunFact], str] = {
    OrderFact: "orders.jsonl",
    EquityPoint: "equity.jsonl",
    GapFact: "gaps.jsonl",
    NoteFact: "notes.jsonl",
}
_LINE_MAX = 64 * 1024 * 1024
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND


class _RunFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `run.json` holds; `lines` are those of each file once the run has ended."""

    fluxum_run: int
    header: RunHeader
    lines: dict[str, int] | None = None


class RunWriter:
    """Appends the facts of one run to its folder; use it in a `with` block.

    The folder is made if it is not there. Raises RunFilesError if it has a run already, or another
    process writes to it; with `is_resumed` it continues the run there, and keeps the header on
    disk, as that of a run that has not ended.
    """

    def __init__(self, folder: Path | str, header: RunHeader, *, is_resumed: bool = False) -> None:
        self.folder = Path(folder)
        self.header = header
        self.lines = dict.fromkeys(_FILES.values(), 0)
        """How many lines each file has."""
        self.torn = 0
        """How many unfinished last lines were removed on resuming."""
        self._open: dict[type[RunFact], int] = {}
        try:
            if is_resumed:
                self._resume()
            else:
                self._begin()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def write(self, fact: RunFact) -> None:
        """Append a fact. Raises RunFilesError if the disk takes less than its whole line."""
        kind = type(fact)
        if kind not in self._open:
            raise RunFilesError(f"{self.folder}: the run is closed, was given {fact!r:.80}")
        line = _encode(fact)
        descriptor, name = self._open[kind], _FILES[kind]
        before = os.fstat(descriptor).st_size
        try:
            written = os.write(descriptor, line)
        except OSError as error:
            raise RunFilesError(f"{self.folder / name}: {error}") from error
        if written != len(line):
            os.ftruncate(descriptor, before)
            raise RunFilesError(f"{self.folder / name}: no space left for a line")
        self.lines[name] += 1

    def state(self, header: RunHeader) -> None:
        """Write a header in place of the one before, while the run goes on."""
        self.header = header
        self._write_header(None)

    def end(self, ends_ns: int, header: RunHeader | None = None) -> None:
        """Write that the run has ended, optionally with more in its header, and close the files."""
        self.header = msgspec.structs.replace(header or self.header, ends_ns=ends_ns)
        self._sync()
        self._write_header(self.lines)
        self.close()

    def close(self) -> None:
        """Close the files; a run that was not ended can be resumed."""
        self._sync()
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()

    def _begin(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunFilesError(f"{self.folder}: a folder was expected ({error})") from error
        taken = [name for name in (_HEADER, *_FILES.values()) if (self.folder / name).exists()]
        if taken:
            raise RunFilesError(
                f"{self.folder} has the files of a run already ({', '.join(taken)}): "
                "choose another folder"
            )
        self._open_files()
        self._write_header(None)

    def _resume(self) -> None:
        held = _read_header(self.folder)
        self._open_files()
        self.state(msgspec.structs.replace(held.header, ends_ns=None, halted=""))
        for name in _FILES.values():
            self.torn += _cut(self.folder / name)
            self.lines[name] = sum(1 for _ in _lines(self.folder / name, is_ended=True))

    def _open_files(self) -> None:
        try:
            for kind, name in _FILES.items():
                self._open[kind] = os.open(self.folder / name, _FLAGS, 0o600)
        except OSError as error:
            raise RunFilesError(f"{self.folder}: {error}") from error
        if CAN_HOLD and not all(map(hold, self._open.values())):
            raise RunFilesError(f"{self.folder}: another process writes this run")

    def _sync(self) -> None:
        for descriptor in self._open.values():
            os.fsync(descriptor)

    def _write_header(self, lines: dict[str, int] | None) -> None:
        """Write `run.json` beside the old one and put it in its place, whole."""
        text = msgspec.json.format(
            _encode(_RunFile(fluxum_run=FORMAT, header=self.header, lines=lines)), indent=2
        )
        beside = self.folder / f"{_HEADER}.new"
        try:
            with beside.open("wb") as file:
                file.write(text + b"\n")
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.folder / _HEADER)
        except OSError as error:
            raise RunFilesError(f"{beside}: {error}") from error


def has_run(folder: Path | str) -> bool:
    """Whether a folder has the files of a run."""
    return (Path(folder) / _HEADER).exists()


def read_run(folder: Path | str) -> RunFacts:
    """Read a run; raises RunFilesError that names the file and the line.

    A run that has not ended may lack the end of a last line; `torn` counts these.
    """
    folder = Path(folder)
    held = _read_header(folder)
    orders = _Facts(folder, OrderFact, held)
    equity = _Facts(folder, EquityPoint, held)
    gaps = _Facts(folder, GapFact, held)
    notes = _Facts(folder, NoteFact, held)
    return RunFacts(
        header=held.header,
        orders=tuple({one.name: one for one in orders.facts}.values()),
        equity=tuple(equity.facts),
        gaps=tuple(gaps.facts),
        notes=tuple(notes.facts),
        torn=sum(one.torn for one in (orders, equity, gaps, notes)),
    )


class _Facts(Generic[T]):
    """The facts of one file."""

    def __init__(self, folder: Path, kind: type[T], held: _RunFile) -> None:
        name = _FILES[kind]
        path = folder / name
        is_ended = held.header.ends_ns is not None
        decoder = msgspec.json.Decoder(kind, dec_hook=_symbol)
        self.facts: list[T] = []
        self.torn = 0
        last_ns = 0
        number = 0
        for number, line in enumerate(_lines(path, is_ended=is_ended), 1):
            if not line.endswith(b"\n"):
                self.torn = 1
                number -= 1
                break
            fact = _decoded(decoder, line, f"{path}, line {number}")
            if isinstance(fact, EquityPoint):
                if fact.at_ns < last_ns:
                    raise RunFilesError(
                        f"{path}, line {number}: an instant from {last_ns} on was expected, "
                        f"was {fact.at_ns}"
                    )
                last_ns = fact.at_ns
            self.facts.append(fact)
        expected = (held.lines or {}).get(name, 0)
        if is_ended and number != expected:
            raise RunFilesError(f"{path}: {expected} lines were expected, was {number}")


def _decoded(decoder: msgspec.json.Decoder[T], line: bytes, where: str) -> T:
    try:
        fact = decoder.decode(line)
        _check(fact)
    except (msgspec.MsgspecError, BadInput) as error:
        raise RunFilesError(f"{where}: {error}, was {line[:80]!r}") from error
    return fact


def _check(fact: RunFact) -> None:
    """Raise BadInput for numbers that sums cannot hold, or that no order can have."""
    if isinstance(fact, OrderFact):
        positive(fact.quantity, "quantity")
        for one in (fact.decision_mid, fact.arrival_mid):
            _check_number(one, "a middle of the book")
        _check_number(fact.limit, "limit")
        for fills in fact.fills.all:
            for fill in fills:
                checked(fill.price, "price of a fill")
                positive(fill.quantity, "quantity of a fill")
                checked(fill.fee, "fee")
                for one in (fill.fee_value, fill.mid_1s, fill.mid_10s, fill.mid_60s):
                    _check_number(one, "a number of a fill")
    elif isinstance(fact, EquityPoint):
        for one in (*fact.equity.all, fact.exposure):
            _check_number(one, "equity or exposure")
        for held in fact.held:
            checked(held.quantity, "quantity held")
            _check_number(held.mark, "mark")


def _check_number(value: Decimal | None, what: str) -> None:
    if value is not None:
        checked(value, what)


def _read_header(folder: Path) -> _RunFile:
    path = folder / _HEADER
    try:
        text = path.read_bytes()
    except OSError as error:
        raise RunFilesError(
            f"{path}: the folder of a run was expected ({error.strerror})"
        ) from error
    try:
        held = msgspec.json.decode(text, type=_RunFile, dec_hook=_symbol)
        checked(held.header.equity_begins, "equity_begins")
    except (msgspec.MsgspecError, BadInput) as error:
        raise RunFilesError(f"{path}: {error}, was {text[:80]!r}") from error
    if held.fluxum_run != FORMAT:
        raise RunFilesError(f"{path}: form {FORMAT} was expected, was {held.fluxum_run}")
    return held


def _lines(path: Path, *, is_ended: bool) -> Iterator[bytes]:
    """The lines of a file; the last may lack its end, unless the run has ended."""
    try:
        with path.open("rb") as file:
            yield from _bounded(file, path, is_ended=is_ended)
    except OSError as error:
        raise RunFilesError(f"{path}: {error}") from error


def _bounded(file: BinaryIO, path: Path, *, is_ended: bool) -> Iterator[bytes]:
    number = 0
    while line := file.readline(_LINE_MAX):
        number += 1
        if len(line) == _LINE_MAX:
            raise RunFilesError(f"{path}, line {number}: it is longer than {_LINE_MAX} bytes")
        if is_ended and not line.endswith(b"\n"):
            raise RunFilesError(f"{path}, line {number}: it has no end, was {line[:80]!r}")
        yield line


def _cut(path: Path) -> Literal[0, 1]:
    """Remove what follows the last line end of a file; 1 if there was something."""
    with path.open("r+b") as file:
        whole = 0
        for line in _bounded(file, path, is_ended=False):
            whole += len(line) if line.endswith(b"\n") else 0
        if file.tell() == whole:
            return 0
        file.truncate(whole)
        return 1


def _encode(fact: RunFact | _RunFile) -> bytes:
    line = _encoder.encode(fact)
    return (_encoder.encode(plain(fact)) if b"E" in line else line) + b"\n"


def _symbol(kind: type, value: object) -> object:
    if kind is Symbol:
        return Symbol(str(value))
    raise NotImplementedError(kind)


_encoder = msgspec.json.Encoder(enc_hook=str)
assert set(_FILES) == set(get_args(RunFact))
