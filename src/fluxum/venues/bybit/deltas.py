"""How Bybit writes a delta of a book, for `fluxum.venues.book_scan`; see `native.BookFrame`."""

from fluxum.venues.book_form import BookField, BookForm, BookHolds, LevelForm

__all__ = ["book_form"]


def book_form(venue: str) -> BookForm:
    """The form of a delta."""
    return BookForm(
        venue=venue,
        head=[
            b'{"topic":"',
            BookHolds.SYMBOL,
            b'","type":"delta","ts":',
            BookHolds.WHOLE,
            b',"data":',
        ],
        fields=[
            BookField(name="s", holds=BookHolds.TEXT, is_needed=False),
            BookField(name="b", holds=BookHolds.BIDS),
            BookField(name="a", holds=BookHolds.ASKS),
            BookField(name="u", holds=BookHolds.NEXT),
            BookField(name="seq", holds=BookHolds.WHOLE, is_needed=False),
        ],
        tail=[b',"cts":', BookHolds.MILLIS, b"}"],
        level=LevelForm(before=b'["', between=b'","', behind=b'"]'),
    )
