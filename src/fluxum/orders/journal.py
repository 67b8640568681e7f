"""What we meant to do, on disk before it is sent, so that no order can be forgotten.

A journal is lines of JSON, only ever appended. The line of an intent is written through to the
disk before the command leaves (one `fsync`, in the loop: it is a part of sending, and nothing may
come between). That an order was named, changed or ended may be lost in a crash, as it can be asked
again. On opening, the journal is read and written anew with the unfinished orders alone.

Every line proves itself and the one before it (`orders/chain.py`), so a journal says the truth or
is refused: `OrderJournalDamaged` names the line and the orders of the others. Half a last line is
what a crash leaves: its command was never sent, and it is counted. Journals of format 1, whose
lines prove nothing, are read and written anew with proofs. There are no keys in a journal.

Cancels are not written: to repeat one is harmless, and what became of its order is asked anyway.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from fluxum.errors import BadInput, OrderJournalError
from fluxum.model.order import Amend, Edit, OrderStatus
from fluxum.orders.chain import FIRST
from fluxum.orders.journal_file import JournalFile
from fluxum.orders.journal_lines import (
    FORMAT,
    Changed,
    Changing,
    Ended,
    Header,
    Intent,
    Line,
    Named,
    OrderJournalDamaged,
    Unfinished,
    apply,
    read_journal,
    seal_lines,
)

__all__ = [
    "FileOrderJournal",
    "Intent",
    "MemoryOrderJournal",
    "OrderJournal",
    "OrderJournalDamaged",
    "Unfinished",
]

_logger = logging.getLogger(__name__)

_LINES_MAX = 100_000


class OrderJournal(Protocol):
    """Where intents are kept. What is written is safe when the call returns."""

    def place(self, journal: Sequence[Intent]) -> None:
        """Keep orders that are about to be sent; raises OrderJournalError, and then none may be."""
        ...

    def change(self, name: str, command: Amend | Edit, at_ns: int) -> None:
        """Keep a change of an order that is about to be sent."""
        ...

    def changed(self, name: str) -> None:
        """What became of an order's last change is known."""
        ...

    def named(self, name: str, order_id: str) -> None:
        """The venue's name of an order is known."""
        ...

    def ended(self, name: str, status: OrderStatus) -> None:
        """An order has ended, or was not sent after all: it need not be remembered."""
        ...

    def unfinished(self) -> Sequence[Unfinished]:
        """Orders of which no end is known, oldest first."""
        ...


class MemoryOrderJournal:
    """Intents of this process alone: a crash forgets them. For tests, and for who wants no file."""

    def __init__(self) -> None:
        self._open: dict[str, Unfinished] = {}

    def place(self, journal: Sequence[Intent]) -> None:
        """Keep orders."""
        for intent in journal:
            apply(self._open, intent)

    def change(self, name: str, command: Amend | Edit, at_ns: int) -> None:
        """Keep a change."""
        apply(self._open, Changing(name=name, command=command, at_ns=at_ns))

    def changed(self, name: str) -> None:
        """Forget a change."""
        apply(self._open, Changed(name=name))

    def named(self, name: str, order_id: str) -> None:
        """Keep the venue's name."""
        apply(self._open, Named(name=name, order_id=order_id))

    def ended(self, name: str, status: OrderStatus) -> None:
        """Forget an order."""
        apply(self._open, Ended(name=name, status=status))

    def unfinished(self) -> Sequence[Unfinished]:
        """Orders of which no end is known."""
        return list(self._open.values())


class FileOrderJournal:
    """A journal in a file, of one process at a time; use it in a `with` block around the desk.

    Raises OrderJournalError where the file cannot be used: another process holds it (by whatever
    name), another venue's orders are in it; OrderJournalDamaged where it is not what was written.
    It is compacted on opening and after every `lines_max` lines, unless it has several names (hard
    links), which that would part.
    """

    def __init__(self, path: Path | str, venue: str, *, lines_max: int = _LINES_MAX) -> None:
        if lines_max < 2:
            raise BadInput(f"a journal needs room for two lines, was {lines_max}")
        self.path = Path(path)
        self.torn = 0
        """How many torn last lines were found: 1 after a crash in the middle of a write."""
        self.lines = 0
        """How many lines the file has."""
        self._venue = venue
        self._lines_max = self._compact_at = lines_max
        self._open: dict[str, Unfinished] = {}
        self._file: JournalFile | None = None
        self._is_usable = False
        self._check = FIRST

    def __enter__(self) -> Self:
        first, _ = seal_lines(FIRST, [Header(fluxum_intents=FORMAT, venue=self._venue)])
        self._file = JournalFile(self.path, first)
        try:
            self._read(self._file)
        except BaseException:
            self.close()
            raise
        self._is_usable = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go."""
        self._is_usable = False
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def place(self, journal: Sequence[Intent]) -> None:
        """Keep orders, on disk when this returns; raises OrderJournalError."""
        self._write(journal, is_synced=True)

    def change(self, name: str, command: Amend | Edit, at_ns: int) -> None:
        """Keep a change, on disk when this returns; raises OrderJournalError."""
        self._write([Changing(name=name, command=command, at_ns=at_ns)], is_synced=True)

    def changed(self, name: str) -> None:
        """Forget a change."""
        if name in self._open:
            self._write([Changed(name=name)], is_synced=False)

    def named(self, name: str, order_id: str) -> None:
        """Keep the venue's name."""
        if name in self._open:
            self._write([Named(name=name, order_id=order_id)], is_synced=False)

    def ended(self, name: str, status: OrderStatus) -> None:
        """Forget an order."""
        if name in self._open:
            self._write([Ended(name=name, status=status)], is_synced=False)

    def unfinished(self) -> Sequence[Unfinished]:
        """Orders of which no end is known."""
        return list(self._open.values())

    # The file

    def _write(self, lines: Sequence[Line], *, is_synced: bool) -> None:
        if self._file is None or not self._is_usable:
            raise OrderJournalError(f"{self.path} is not open: nothing may be sent")
        content, check = seal_lines(self._check, lines)
        try:
            self._file.append(content, is_synced=is_synced)
        except OrderJournalError:
            # What of it is on disk nobody knows, and a line behind half a line is nonsense.
            self._is_usable = False
            raise
        self._check = check
        for line in lines:
            apply(self._open, line)
        self.lines += len(lines)
        if self.lines > max(self._compact_at, 4 * len(self._open)):
            self._compact_later(self._file)

    def _compact_later(self, file: JournalFile) -> None:
        """Compact a file in use; it can be appended to all the same where that fails."""
        self._compact_at = self.lines + self._lines_max
        if not file.has_one_name:
            _logger.warning("%s grows: it has several names (hard links)", self.path)
            return
        try:
            self._compact(file)
        except OrderJournalError as error:
            _logger.warning("%s grows: %s", self.path, error)
        else:
            self._compact_at = self._lines_max

    def _read(self, file: JournalFile) -> None:
        """Take in what the file says, and leave it so that it can be appended to."""
        found = read_journal(file.read(), str(self.path), self._venue)
        self._open = found.unfinished
        self.torn = int(found.torn)
        self.lines, self._check = found.lines, found.check
        if file.has_one_name:
            self._compact(file)
        elif found.is_old:
            raise OrderJournalError(
                f"{self.path} is a journal of format 1 with several names (hard links), which are"
                " parted when it is written anew: make the others symbolic links, or copies"
            )
        else:
            file.shorten(found.size)
            file.append(b"\n" if found.lacks_end else b"", is_synced=True)

    def _compact(self, file: JournalFile) -> None:
        """Write it anew with what is unfinished."""
        lines: list[Line] = [Header(fluxum_intents=FORMAT, venue=self._venue)]
        for name, order in self._open.items():
            lines.append(order.intent)
            if order.order_id:
                lines.append(Named(name=name, order_id=order.order_id))
            if order.changed_ns != order.intent.at_ns:
                lines.append(Changing(name=name, command=order.change, at_ns=order.changed_ns))
        content, check = seal_lines(FIRST, lines)
        file.replace(content)
        self.lines, self._check = len(lines), check
