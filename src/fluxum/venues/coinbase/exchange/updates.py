"""How the Exchange writes an update of a book, for `book_scan`; see `native.L2Update`."""

from fluxum.venues.book_form import BookField, BookForm, BookHolds, LevelForm
from fluxum.venues.coinbase.symbols import EXCHANGE

__all__ = ["FORM"]

FORM = BookForm(
    venue=EXCHANGE,
    head=[],
    fields=[
        BookField(name="type", holds=BookHolds.TOKEN, token=b'"l2update"'),
        BookField(name="product_id", holds=BookHolds.SYMBOL),
        BookField(name="changes", holds=BookHolds.SIDES),
        BookField(name="time", holds=BookHolds.TIME),
    ],
    tail=[],
    level=LevelForm(before=b'["buy","', before_ask=b'["sell","', between=b'","', behind=b'"]'),
)
