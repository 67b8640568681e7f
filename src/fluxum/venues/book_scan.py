"""Updates of books in the form in which a venue writes them now, scanned at once if compiled.

A scanner makes the updates of frames of this form in one pass, and returns `None` for any other
frame, which the venue's own Python reads. Levels are made when they are read. Without a compiler
there are no scanners.

`ScannedBooks` are updates that were received together, one of each of their `frames`, in a list
that is read only.
"""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from fluxum.model.instrument import Symbol
from fluxum.venues.book_form import BookForm
from fluxum.venues.fast import IS_COMPILED, CompiledBookScanner, ScannedBooks

__all__ = ["BookScan", "FollowedBook", "ScannedBooks", "ScansBooks", "book_scan"]


class BookScan(Protocol):
    """Scans frames that were received together."""

    def __call__(
        self, frames: list[bytes], at: int, received_ns: int, due: int = 0, /
    ) -> ScannedBooks | None:
        """The updates of the frames from `at` on; `None` if that frame is not of the form.

        It ends before the first frame of another form. Frames without numbers leave the protocol as
        it was, so that they may be scanned once more if a checksum fails. `due` is the number that
        the first frame has to have, where the frames of a link are numbered.
        """
        ...


class FollowedBook(Protocol):
    """A book of numbered frames, as its venue's protocol keeps it. `name` is the market's."""

    symbol: Symbol
    name: str

    def due(self) -> int | None:
        """The last number, which the next frame follows on; `None` if it has to be received."""
        ...

    def followed(self, last: int, before: int, frames: int, /) -> None:
        """So many frames were scanned, up to the number `last`; `before` is the one before it."""
        ...


@runtime_checkable
class ScansBooks(Protocol):
    """A venue's protocol whose frames of books may be scanned instead of received.

    A scanned frame has the event that `receive` returns. `scan_books` is `None` without a compiler.
    """

    scan_books: BookScan | None


def book_scan(
    form: BookForm,
    books: Mapping[str, Symbol] | Mapping[str, tuple[Symbol, ...]] | Mapping[str, FollowedBook],
) -> BookScan | None:
    """A scanner of frames of this form, `None` without a compiler.

    `books` are those of active subscriptions by the text on the wire; if they have no numbers of
    their own, their symbols, or tuples of them: data of several symbols are not scanned. The caller
    may change the dictionary.
    """
    return CompiledBookScanner(form, books).scan if IS_COMPILED else None
