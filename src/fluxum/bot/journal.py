"""The journal of a bot: its decisions, what it received beside market data, and its memory.

    with BotJournal(path, header) as journal:
        resumed = journal.resumed(Maker)           # None for a new run
        engine = Engine(strategy, books, keep=journal.keep)

A journal is lines of JSON, appended: first the header, then one line for each step of the engine
that changed anything. A step is one write, made before any of its commands is sent, so a process
that is killed at any instant leaves whole steps: half a last line is cut off, and its commands were
never sent. Each decision has the hash of the chain up to it, so a line that was changed, left out
or added is found when the journal is read.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

import msgspec
from msgspec import Raw, Struct, structs

from fluxum.bot.decision import chained
from fluxum.bot.engine_state import EngineState, Step, custom, decode
from fluxum.bot.market import Market
from fluxum.bot.strategy import AccountKnown, BookKnown, Outcome, Strategy, Switch, Timer
from fluxum.bot.wanted import Incident
from fluxum.errors import BadInput, OrderJournalError
from fluxum.model.account import Fill
from fluxum.model.instrument import Instrument
from fluxum.model.order import OrderUpdate
from fluxum.orders.journal import JournalFile

__all__ = [
    "BotJournal",
    "Input",
    "JournalLine",
    "Resumed",
    "RunHead",
    "encode_head",
    "input_of",
    "last_state",
    "read_lines",
]

FORMAT = 1
_FILLS_MAX = 10_000
_T = TypeVar("_T", bound=Strategy)
Input = Fill | OrderUpdate | Outcome | Timer | AccountKnown | BookKnown | Switch | Incident
"""The events that are no market data, which a journal keeps, as a tape has the others."""


_inputs: msgspec.json.Decoder[Input] = msgspec.json.Decoder(Input, dec_hook=custom)


class RunHead(Struct, frozen=True, kw_only=True):
    """What a run is: its strategy's name and parameters, its seed, and where it runs.

    `limits` and `parameters` are JSON. `amends` are the venues that change orders in place. `mode`
    is `live` or `paper`, and `source` where the strategy was read from, for the reader alone.
    `instruments` are the rules of its markets as they were known when the run began.
    """

    fluxum_bot: int = FORMAT
    strategy: str
    parameters: Raw
    limits: Raw
    seed: int
    markets: tuple[Market, ...]
    amends: tuple[str, ...] = ()
    mode: str
    source: str = ""
    begun_ns: int
    instruments: tuple[Instrument, ...] = ()


class JournalLine(Struct, kw_only=True, omit_defaults=True):
    """One step as it is written; see `Step`."""

    received: int
    input: Raw = Raw()
    decision: Raw = Raw()
    chain: str = ""
    strategy: Raw = Raw()
    state: Raw = Raw()
    traceback: str = ""
    check: str = ""


class Resumed(Struct, Generic[_T], frozen=True):
    """Where a run stopped: its strategy with its memory, and the state of its engine."""

    strategy: _T
    state: EngineState


class BotJournal:
    """A journal in a file, of one process at a time; use it in a `with` block around the run.

    Raises OrderJournalError for a file that another process holds, that is another run's, or that
    is not what was written.
    """

    def __init__(self, path: Path, head: RunHead) -> None:
        self.path = path
        self.torn = 0
        """How many bytes of half a last line were cut off: what a crash in a write leaves."""
        self.lines = 0
        """How many steps the file has."""
        self._head = head
        self._file: JournalFile | None = None
        self.found: tuple[JournalLine, ...] = ()
        """The steps of before, as the file had them when it was opened."""
        self._check = ""

    def __enter__(self) -> Self:
        first = msgspec.json.encode(self._head, enc_hook=str) + b"\n"
        file = JournalFile(self.path, first)
        try:
            self._read(file)
        except BaseException:
            file.close()
            raise
        self._file = file
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()

    @property
    def head(self) -> RunHead:
        """What the run is, as the file has it."""
        return self._head

    def resumed(self, kind: type[_T]) -> Resumed[_T] | None:
        """Where the run stopped; `None` if it has not begun. Raises BadInput for other fields."""
        memory, state = b"", b""
        fills: dict[tuple[str, str, str], None] = {}
        for line in self.found:
            memory = bytes(line.strategy) or memory
            state = bytes(line.state) or state
            event = input_of(line)
            if isinstance(event, Fill):
                fills[event.venue, str(event.symbol), event.fill_id] = None
        if not state and not memory:
            return None
        known = decode(state, EngineState) if state else EngineState()
        account = structs.replace(known.account, fills=tuple(fills)[-_FILLS_MAX:])
        strategy = decode(memory or bytes(self._head.parameters), kind)
        return Resumed(strategy, structs.replace(known, account=account))

    def keep(self, step: Step) -> None:
        """Write a step; raises OrderJournalError, and then its commands must not be sent."""
        if self._file is None:
            raise BadInput("a journal is written inside its block")
        line = _line(step)
        self._check = _sealed(self._check, line)
        self._file.append(line[:-1] + f',"check":"{self._check}"}}\n'.encode(), is_synced=False)
        self.lines += 1

    # Pieces

    def _read(self, file: JournalFile) -> None:
        content = file.read()
        whole = content.rfind(b"\n") + 1
        self.torn = len(content) - whole
        if self.torn:
            file.shorten(whole)
        first, *rest = content[:whole].splitlines()
        known = _head(self.path, first)
        mine = structs.replace(
            self._head,
            begun_ns=known.begun_ns,
            source=known.source,
            instruments=known.instruments,
        )
        if encode_head(known) != encode_head(mine):
            raise OrderJournalError(
                f"{self.path} is of another run ({known.strategy}, seed {known.seed}): its "
                f"strategy, parameters, limits, markets or seed differ; name another folder"
            )
        self._head = known
        self.found = tuple(_verified(self.path, rest))
        self.lines = len(self.found)
        self._check = self.found[-1].check if self.found else ""


def encode_head(head: RunHead) -> bytes:
    """The header as JSON."""
    return msgspec.json.encode(head, enc_hook=str)


def read_lines(path: Path) -> tuple[RunHead, list[JournalLine]]:
    """A journal that no process writes; raises OrderJournalError if it is none, or was changed."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise OrderJournalError(f"cannot read {path}: {error.strerror}") from error
    first, *rest = content[: content.rfind(b"\n") + 1].splitlines() or [b""]
    return _head(path, first), list(_verified(path, rest))


def last_state(lines: Iterable[JournalLine]) -> EngineState:
    """Where the engine of a run stopped; as it begins if the run has no step yet."""
    state = b""
    for line in lines:
        state = bytes(line.state) or state
    return decode(state, EngineState) if state else EngineState()


def input_of(line: JournalLine) -> Input | None:
    """The event of a line that is no market data; `None` if it has none."""
    content = bytes(line.input)
    return _inputs.decode(content) if content else None


def _head(path: Path, line: bytes) -> RunHead:
    try:
        return decode(line, RunHead)
    except BadInput as error:
        raise OrderJournalError(f"{path} is no journal of a bot: {error}") from error


def _verified(path: Path, lines: Sequence[bytes]) -> Iterator[JournalLine]:
    """The steps of a journal; raises OrderJournalError for the first that is not as written."""
    check = chain = ""
    for number, line in enumerate(lines, start=2):
        try:
            step = msgspec.json.decode(line, type=JournalLine)
        except msgspec.MsgspecError as error:
            raise OrderJournalError(f"{path} line {number} is no step: {error}") from error
        ending = f',"check":"{step.check}"}}'.encode()
        check = _sealed(check, line[: -len(ending)] + b"}")
        if step.check != check:
            raise OrderJournalError(f"{path} line {number} is not what was written")
        if step.decision:
            chain = chained(chain, bytes(step.decision).decode())
            if step.chain != chain:
                raise OrderJournalError(f"{path} line {number}: its decision is not of the chain")
        yield step


def _sealed(before: str, line: bytes) -> str:
    """The check of a line, over the line before and itself."""
    return sha256(before.encode() + line).hexdigest()[:16]


def _line(step: Step) -> bytes:
    """A step as a line, without its check; each part is JSON already."""
    parts = [f'"received":{step.received}'.encode()]
    for name, part in (
        ("input", step.input),
        ("decision", step.decision.encode()),
        ("chain", f'"{step.chain}"'.encode() if step.chain else b""),
        ("strategy", step.strategy),
        ("state", step.state),
        ("traceback", msgspec.json.encode(step.traceback) if step.traceback else b""),
    ):
        if part:
            parts.append(f'"{name}":'.encode() + part)
    return b"{" + b",".join(parts) + b"}"
