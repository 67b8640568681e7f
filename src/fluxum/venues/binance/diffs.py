"""How Binance writes changes of a book, for `fluxum.venues.book_scan`; see `native.DepthUpdate`."""

from fluxum.venues.book_form import BookField, BookForm, BookHolds, LevelForm

__all__ = ["book_form"]

_SPOT = (
    BookField(name="E", holds=BookHolds.MILLIS),
    BookField(name="T", holds=BookHolds.ABSENT, is_needed=False),
    BookField(name="U", holds=BookHolds.FIRST),
    BookField(name="pu", holds=BookHolds.ABSENT, is_needed=False),
)
_FUTURES = (
    BookField(name="E", holds=BookHolds.WHOLE, is_needed=False),
    BookField(name="T", holds=BookHolds.MILLIS),
    BookField(name="U", holds=BookHolds.WHOLE, is_needed=False),
    BookField(name="pu", holds=BookHolds.BEFORE),
)


def book_form(venue: str, *, is_futures: bool) -> BookForm:
    """The form of an event on a combined link."""
    return BookForm(
        venue=venue,
        head=[b'{"stream":"', BookHolds.SYMBOL, b'","data":'],
        fields=[
            BookField(name="e", holds=BookHolds.TOKEN, token=b'"depthUpdate"'),
            *(_FUTURES if is_futures else _SPOT),
            BookField(name="s", holds=BookHolds.NAME, is_needed=False),
            BookField(name="u", holds=BookHolds.LAST),
            BookField(name="b", holds=BookHolds.BIDS),
            BookField(name="a", holds=BookHolds.ASKS),
        ],
        tail=[b"}"],
        level=LevelForm(before=b'["', between=b'","', behind=b'"]'),
    )
