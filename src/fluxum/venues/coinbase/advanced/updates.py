"""How Advanced Trade writes an update of a book, for `book_scan`; see `native.BookFrame`."""

from fluxum.venues.book_form import BookField, BookForm, BookHolds, LevelForm
from fluxum.venues.coinbase.symbols import ADVANCED

__all__ = ["FORM"]

FORM = BookForm(
    venue=ADVANCED,
    head=[
        b'{"channel":"l2_data","timestamp":"',
        BookHolds.TIME,
        b'","sequence_num":',
        BookHolds.DUE,
        b',"events":[',
    ],
    fields=[
        BookField(name="type", holds=BookHolds.TOKEN, token=b'"update"'),
        BookField(name="product_id", holds=BookHolds.SYMBOL),
        BookField(name="updates", holds=BookHolds.SIDES),
    ],
    tail=[b"]}"],
    level=LevelForm(
        before=b'{"side":"bid","event_time":"',
        before_ask=b'{"side":"offer","event_time":"',
        skipped=b'","price_level":"',
        between=b'","new_quantity":"',
        behind=b'"}',
    ),
)
