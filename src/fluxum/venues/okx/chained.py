"""How OKX writes an update of a chained book, for `book_scan`; see `native.BookFrame`.

Levels are of one asset: contracts, whose sizes are converted, are read in Python.
"""

from fluxum.venues.book_form import BookField, BookForm, BookHolds, LevelForm
from fluxum.venues.okx.normalize import VENUE

__all__ = ["BOOKS"]

BOOKS = BookForm(
    venue=VENUE,
    head=[
        b'{"arg":{"channel":"books","instId":"',
        BookHolds.SYMBOL,
        b'"},"action":"update","data":[',
    ],
    fields=[
        BookField(name="asks", holds=BookHolds.ASKS),
        BookField(name="bids", holds=BookHolds.BIDS),
        BookField(name="ts", holds=BookHolds.MILLIS, is_quoted=True),
        BookField(name="checksum", holds=BookHolds.TOKEN, token=b"0", is_needed=False),
        BookField(name="prevSeqId", holds=BookHolds.BEFORE),
        BookField(name="seqId", holds=BookHolds.LAST),
    ],
    tail=[b"]}"],
    level=LevelForm(before=b'["', between=b'","', behind=b'","0","', last=b'"]'),
)
