"""Updates of books in the form in which a venue writes them now, scanned at once if compiled.

A scanner makes the update of a frame of this form in one pass, and returns `None` for any other
frame, which the venue's own Python reads. Its levels are made when they are read.
"""

from collections.abc import Mapping
from typing import Protocol

from fluxum.model.instrument import Symbol
from fluxum.model.market import BookUpdate
from fluxum.venues.book_form import BookForm
from fluxum.venues.fast import IS_COMPILED, CompiledBookScanner

__all__ = ["BookScan", "book_scan"]


class BookScan(Protocol):
    """Scans one frame."""

    def __call__(self, frame: bytes, received_ns: int, /) -> tuple[BookUpdate] | None:
        """The update of a frame of the form; `None` for any other frame."""
        ...


def book_scan(form: BookForm, symbols: Mapping[str, Symbol]) -> BookScan | None:
    """A scanner of frames of this form, `None` without a compiler.

    `symbols` are those of active subscriptions by the text on the wire; the caller may change the
    dictionary.
    """
    return CompiledBookScanner(form, symbols).scan if IS_COMPILED else None
