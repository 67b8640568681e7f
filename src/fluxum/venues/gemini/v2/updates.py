"""How market data v2 writes changes of a book, for `book_scan`; see `native.L2Updates`."""

from fluxum.venues.book_form import BookField, BookForm, BookHolds, LevelForm
from fluxum.venues.gemini.v2.normalize import VENUE

__all__ = ["BOOKS"]

BOOKS = BookForm(
    venue=VENUE,
    head=[],
    fields=[
        BookField(name="changes", holds=BookHolds.SIDES),
        BookField(name="symbol", holds=BookHolds.SYMBOL),
        BookField(name="type", holds=BookHolds.TOKEN, token=b'"l2_updates"'),
        *[
            BookField(name=name, holds=BookHolds.ABSENT, is_needed=False)
            for name in ("trades", "auction_events", "result", "reason")
        ],
    ],
    tail=[],
    level=LevelForm(before=b'["buy","', before_ask=b'["sell","', between=b'","', behind=b'"]'),
)
