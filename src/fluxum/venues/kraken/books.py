"""How Kraken writes an update of a book, for `fluxum.venues.book_scan`; see `native.BookFrame`."""

from fluxum.venues.book_form import BookField, BookForm, BookHolds, LevelForm
from fluxum.venues.kraken.normalize import VENUE

__all__ = ["BOOKS"]

BOOKS = BookForm(
    venue=VENUE,
    head=[b'{"channel":"book","type":"update","data":['],
    fields=[
        BookField(name="symbol", holds=BookHolds.SYMBOL),
        BookField(name="bids", holds=BookHolds.BIDS),
        BookField(name="asks", holds=BookHolds.ASKS),
        BookField(name="checksum", holds=BookHolds.CHECKSUM),
        BookField(name="timestamp", holds=BookHolds.TIME),
    ],
    tail=[b"]}"],
    level=LevelForm(before=b'{"price":', between=b',"qty":', behind=b"}", has_text=True),
)
