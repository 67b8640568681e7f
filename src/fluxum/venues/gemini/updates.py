"""How the sequenced feed writes changes of a book, for `book_scan`; see `native.DepthUpdate`."""

from fluxum.venues.book_form import BookField, BookForm, BookHolds, LevelForm
from fluxum.venues.gemini.normalize import VENUE

__all__ = ["BOOKS"]

_OF_OTHERS = ("id", "status", "error", "B", "A", "t", "p", "q", "m", "lastUpdateId")

BOOKS = BookForm(
    venue=VENUE,
    head=[],
    fields=[
        BookField(name="e", holds=BookHolds.TOKEN, token=b'"depthUpdate"'),
        BookField(name="E", holds=BookHolds.NANOS),
        BookField(name="s", holds=BookHolds.SYMBOL),
        BookField(name="U", holds=BookHolds.OVERLAPPING),
        BookField(name="u", holds=BookHolds.LAST),
        BookField(name="b", holds=BookHolds.BIDS),
        BookField(name="a", holds=BookHolds.ASKS),
        *[BookField(name=name, holds=BookHolds.ABSENT, is_needed=False) for name in _OF_OTHERS],
    ],
    tail=[],
    level=LevelForm(before=b'["', between=b'","', behind=b'"]'),
)
