"""The list of markets, which is fetched page by page.

https://bybit-exchange.github.io/docs/v5/market/instrument: spot comes in one page, futures in
pages of up to a thousand with a cursor.
"""

from urllib.parse import quote

from msgspec import Raw

from fluxum.model.instrument import Instrument
from fluxum.venues.bybit import native, normalize
from fluxum.venues.bybit.category import Category
from fluxum.venues.conversation import Fetch
from fluxum.venues.instrument_list import ListPage
from fluxum.venues.queries import decoded, refusal

__all__ = ["call", "checked", "market", "page"]

_PATH = "/v5/market/instruments-info?category={}&limit=1000"
# Too often, a fault of theirs, or (10002) a call whose time was off, which is signed again by a
# surer clock: https://bybit-exchange.github.io/docs/v5/error
_RETRYABLE = frozenset({"429", "10000", "10002", "10006", "10016", "10018", "10019", "10429"})


def call(category: Category, cursor: str = "") -> Fetch:
    """The call for a page; without a cursor it is the first."""
    path = _PATH.format(category.name)
    # The cursor is URL-encoded already and is to be so only once.
    path += f"&cursor={quote(cursor, safe='%')}" if cursor else ""
    return Fetch("GET", path, category.name)


def page(category: Category, body: bytes) -> ListPage:
    """The rows of an answer, and the call for the next; see InstrumentList."""
    listed = decoded(native.decode_instrument_page, checked(body).result)
    cursor = listed.nextPageCursor
    return ListPage(listed.list, call(category, cursor) if cursor else None)


def market(category: Category, row: object, received_ns: int) -> Instrument:
    """The market of a row; raises for a row that is odd or of a kind that is not offered."""
    assert isinstance(row, Raw), row
    return normalize.instrument(category, native.decode_market(row), received_ns)


def checked(body: bytes) -> native.Answer:
    """An answer that is no refusal.

    Raises VenueRefused for a refusal, RateLimited where the same call may succeed later, and
    RemoteProtocolError for a body of another form.
    """
    answer = decoded(native.decode_answer, body)
    if answer.retCode != 0:
        text = f"{answer.retCode} {answer.retMsg or ''}".strip()
        raise refusal(text, str(answer.retCode), _RETRYABLE)
    return answer
