"""How Kraken writes an update of a book, for `fluxum.venues.book_scan`; see `native.BookFrame`."""

from fluxum.venues.book_form import BookForm, BookHole
from fluxum.venues.kraken.normalize import VENUE

__all__ = ["BOOKS"]

BOOKS = BookForm(
    venue=VENUE,
    parts=[
        b'{"channel":"book","type":"update","data":[{"symbol":"',
        BookHole.SYMBOL,
        b'","bids":[',
        BookHole.BIDS,
        b'],"asks":[',
        BookHole.ASKS,
        b'],"checksum":',
        BookHole.CHECKSUM,
        b',"timestamp":"',
        BookHole.TIME,
        b'"}]}',
    ],
    level=(b'{"price":', b',"qty":', b"}"),
)
